// SPDX-License-Identifier: BSD-2-Clause
//
// One Session with one message in it, on a resolver that remembers. What the Session found is told
// in the order in which it was found out; only the way SPF took, which the daemon does not keep, is
// gone once more with the answers that are there already.

#include "milter/command/explain_command.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <variant>

#include "dns/recording_resolver.h"
#include "milter/background.h"
#include "milter/command/command_config.h"
#include "milter/command/failure.h"
#include "milter/command/message_file.h"
#include "milter/command/shown.h"
#include "milter/command/spf_trace.h"
#include "milter/field/received_client.h"
#include "milter/log.h"
#include "milter/message_line.h"
#include "milter/runtime.h"
#include "milter/session.h"

namespace signet {
namespace {

/// The command line of `signet explain`.
struct ExplainArguments {
  std::string file;
  std::optional<std::string> ip;
  std::optional<std::string> helo;
  std::optional<std::string> mail_from;
  std::string login;
  std::string record;
  std::optional<int64_t> time;
  bool queue_log = false;
  DnsArguments dns;
};

/// The message as it came to the MTA.
struct Delivery {
  std::optional<IpAddress> client;
  std::string helo;
  std::string mail_from;
  std::string login;
  size_t first_field = 0;  ///< those before it were added since
  std::vector<std::string> remarks;
};

/// What the Session made of it.
struct Evaluation {
  MessageReport report;
  std::vector<Action> actions;
  std::vector<RecordedAnswer> answers;
  std::string spf_trace;
};

constexpr size_t kThreads = 8;

// -- The message's delivery --

/// What our own MTA wrote when the message came.
void take_received(Delivery& delivery, const MessageFile& message) {
  const auto& fields = message.fields();
  const auto received = std::find_if(fields.begin(), fields.end(), [](const HeaderField& field) {
    return is_named(field, "Received");
  });
  const auto client =
      received == fields.end() ? std::nullopt : parse_received_client(received->value);
  if (!client) {
    delivery.remarks.emplace_back(
        "no Received field on top that tells the client: SPF has nothing to check; see --ip");
    return;
  }
  delivery.client = client->address;
  delivery.helo = client->helo;
  delivery.first_field = static_cast<size_t>(received - fields.begin()) + 1;
  if (delivery.first_field > 1) {
    delivery.remarks.push_back(fmt::format(
        "{} fields down to the topmost Received are left out: they came after the filter",
        delivery.first_field));
  }
}

/// RFC 5321 4.4: Return-Path holds what MAIL FROM was.
std::string return_path(const MessageFile& message) {
  const auto values = message.values_of("Return-Path");
  if (values.empty()) return {};
  const std::string& value = values.front();
  const size_t open = value.find('<');
  const size_t close = value.rfind('>');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return value.substr(open + 1, close - open - 1);
}

std::string without_brackets(std::string address) {
  if (address.size() >= 2 && address.front() == '<' && address.back() == '>') {
    return address.substr(1, address.size() - 2);
  }
  return address;
}

OrFailure<Delivery> find_delivery(const ExplainArguments& arguments, const MessageFile& message) {
  Delivery delivery;
  if (arguments.ip) {
    const auto address = parse_ip_address(*arguments.ip);
    if (!address) return Failure{EX_USAGE, {"--ip: " + address.error()}};
    delivery.client = *address;
  } else {
    take_received(delivery, message);
  }
  if (arguments.helo) delivery.helo = *arguments.helo;
  delivery.mail_from =
      arguments.mail_from ? without_brackets(*arguments.mail_from) : return_path(message);
  delivery.login = arguments.login;
  return delivery;
}

// -- The evaluation --

/// SPF's way, which only the trace tells. The answers come from the recording.
std::string trace_spf(Resolver& resolver, const Config& config, const Evaluation& evaluation,
                      const Delivery& delivery, std::chrono::sys_seconds now) {
  const auto& inbound = evaluation.report.inbound;
  if (!inbound || !inbound->spf_client) return {};
  SpfRequest request;
  request.client = *inbound->spf_client;
  request.helo = inbound->spf_client_helo;
  request.mail_from = delivery.mail_from;
  request.now = now;
  request.want_trace = true;
  DnsShares shares(std::chrono::steady_clock::now() + config.message_timeout, config);
  return spf_trace_text(
      check_spf_mail_from(resolver, shares.mail_from, request, config.spf_limits).trace);
}

OrFailure<Evaluation> evaluate(Config config, const MessageFile& message, const Delivery& delivery,
                               std::chrono::sys_seconds now) {
  const auto built = build_runtime(std::move(config));
  if (!built) return Failure{EX_CONFIG, {built.error()}};
  auto runtime = std::make_shared<Runtime>(**built);
  const auto recording = std::make_shared<RecordingResolver>(runtime->resolver);
  runtime->resolver = recording;

  const RuntimeSlot slot(runtime);
  Background background(kThreads);
  Session session(slot, background);
  session.connect(delivery.client, {});
  session.helo(delivery.helo);
  Client client;
  client.auth_login = delivery.login;
  session.mail_from(delivery.mail_from, client, now);
  const auto& fields = message.fields();
  for (size_t i = delivery.first_field; i < fields.size(); ++i) {
    session.header(fields[i].name, fields[i].value);
  }
  session.end_of_headers();
  message.read_body([&](std::string_view octets) { session.body(octets); });

  Evaluation evaluation;
  evaluation.actions = session.end_of_message("-", now);
  evaluation.report = session.report();
  evaluation.answers = recording->answers();
  evaluation.spf_trace = trace_spf(*recording, runtime->config, evaluation, delivery, now);
  return evaluation;
}

// -- Telling --

std::string delivery_text(const Delivery& delivery, const MessageReport& report) {
  std::string text =
      fmt::format("Message from client {}, HELO {}, MAIL FROM {}\n",
                  delivery.client ? to_string(*delivery.client) : "unknown",
                  log_value(delivery.helo), log_value("<" + delivery.mail_from + ">"));
  for (const std::string& remark : delivery.remarks) text += fmt::format("  note: {}\n", remark);
  return text + fmt::format("Role: {} ({})\n", report.role.outbound ? "outbound" : "inbound",
                            shown(report.role.rule));
}

std::string answers_text(const std::vector<RecordedAnswer>& answers) {
  std::string text = fmt::format("DNS: {} different questions\n", answers.size());
  for (const RecordedAnswer& recorded : answers) {
    text += fmt::format("  {} {}: {}\n", to_string(recorded.type), log_value(recorded.name.text()),
                        to_string(recorded.answer.status));
    for (const std::string& line : zone_lines(recorded)) text += "    " + shown(line) + "\n";
    if (!recorded.answer.error.empty()) text += "    " + shown(recorded.answer.error) + "\n";
  }
  return text;
}

std::string spf_text(std::string_view identity, const SpfVerdict& verdict) {
  const std::string& why = verdict.problem.empty() ? verdict.mechanism : verdict.problem;
  return fmt::format("SPF {}: {} for {} ({})\n", identity, to_string(verdict.result),
                     log_value(verdict.identity), why.empty() ? "no term matched" : shown(why));
}

std::string dkim_text(const std::vector<DkimVerdict>& verdicts) {
  if (verdicts.empty()) return "DKIM: none (no signature)\n";
  std::string text;
  for (const DkimVerdict& verdict : verdicts) {
    text += fmt::format("DKIM: {} d={} s={} a={}{}\n", to_string(verdict.result),
                        log_value(verdict.domain.text()), log_value(verdict.selector),
                        log_value(verdict.algorithm),
                        verdict.reason.empty() ? "" : " (" + shown(verdict.reason) + ")");
  }
  return text;
}

std::string dmarc_text(const InboundResults& results) {
  const DmarcVerdict& verdict = results.dmarc;
  std::string text = "Author:";
  for (const Name& domain : results.author.domains) text += ' ' + log_value(domain.text());
  if (!results.author.problem.empty()) text += " (" + shown(results.author.problem) + ")";
  text += fmt::format("\nDMARC: {} ({})\n", to_string(verdict.result), shown(verdict.reason));
  if (verdict.record && verdict.record->p) {
    text += fmt::format(
        "  policy: {}={} of _dmarc.{}, applied as {}; organizational domain {}\n",
        verdict.policy_tag, to_string(verdict.policy), log_value(verdict.policy_domain.text()),
        to_string(verdict.effective_policy), log_value(verdict.organizational_domain.text()));
    text += fmt::format("  aligned: SPF {}, DKIM {}\n", verdict.spf_aligned ? "yes" : "no",
                        verdict.dkim_aligned ? "yes" : "no");
  }
  const Disposition& disposition = results.disposition;
  text += fmt::format("Disposition: {}{}\n", to_string(disposition.policy),
                      disposition.rule.empty() ? "" : " (" + shown(disposition.rule) + ")");
  if (disposition.policy_override) {
    text += fmt::format("  override: {}\n", to_string(*disposition.policy_override));
  }
  return text;
}

std::string inbound_text(const InboundResults& results, const std::string& spf_trace) {
  std::string text = spf_text("MAIL FROM", results.spf) + spf_trace +
                     spf_text("HELO", results.spf_helo) + dkim_text(results.dkim) +
                     dmarc_text(results);
  for (const Limit limit : kAllLimits) {
    if (results.limits.has(limit)) text += fmt::format("Limit reached: {}\n", to_string(limit));
  }
  return text;
}

std::string outbound_text(const OutboundResults& results) {
  std::string text;
  for (const std::string& key : results.signed_with) {
    text += fmt::format("Signed with {}\n", log_value(key));
  }
  if (!results.rule.empty()) text += fmt::format("  rule: {}\n", shown(results.rule));
  if (!results.unsigned_reason.empty()) {
    text += fmt::format("Not signed: {}\n", shown(results.unsigned_reason));
  }
  if (!results.failure.empty()) text += fmt::format("Failed: {}\n", shown(results.failure));
  for (const std::string& warning : results.warnings) {
    text += fmt::format("  warning: {}\n", shown(warning));
  }
  return text;
}

/// A field's lines one below the other.
std::string field_text(const InsertHeader& header) {
  std::string text = fmt::format("  add {}:", log_value(header.name));
  std::string_view rest = header.value;
  while (true) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    text += shown(rest.substr(0, end)) + '\n';
    if (end == rest.size()) return text;
    rest.remove_prefix(end + 2);
    while (!rest.empty() && (rest.front() == '\t' || rest.front() == ' ')) rest.remove_prefix(1);
    text += "        ";
  }
}

struct DescribeAction {
  std::string operator()(const InsertHeader& header) const { return field_text(header); }
  std::string operator()(const DeleteHeader& header) const {
    return fmt::format("  remove {} number {}\n", log_value(header.name), header.occurrence);
  }
  std::string operator()(const Reply& reply) const {
    return fmt::format("  reply {} {} {}\n", reply.code, reply.enhanced_code, shown(reply.text));
  }
  std::string operator()(const Quarantine& quarantine) const {
    return fmt::format("  hold: {}\n", shown(quarantine.reason));
  }
};

std::string to_text(const Delivery& delivery, const Evaluation& evaluation, bool queue_log) {
  const MessageReport& report = evaluation.report;
  std::string text = delivery_text(delivery, report) + answers_text(evaluation.answers);
  if (report.inbound) text += inbound_text(*report.inbound, evaluation.spf_trace);
  if (report.outbound) text += outbound_text(*report.outbound);
  text += fmt::format("What the MTA is told: {}\n", report.action);
  for (const Action& action : evaluation.actions) text += std::visit(DescribeAction{}, action);
  if (queue_log) text += fmt::format("Log: {}\n", to_log_line(report));
  return text;
}

int exit_status_of(const std::string& action) {
  if (action == "reject") return 1;
  if (action == "hold") return 2;
  return action == "tempfail" ? 3 : 0;
}

std::optional<Failure> write_record(const std::string& path,
                                    const std::vector<RecordedAnswer>& answers) {
  if (path.empty()) return std::nullopt;
  std::ofstream file(path, std::ios::binary);
  file << zone_text(answers);
  file.close();
  if (file) return std::nullopt;
  return Failure{EX_CANTCREAT, {path + ": cannot be written"}};
}

void run_explain(const ExplainArguments& arguments, CommandContext& context) {
  auto chosen = choose_config(arguments.dns, context);
  if (const auto* failure = std::get_if<Failure>(&chosen)) return show(*failure, context);
  const auto message = MessageFile::load(arguments.file, context.in);
  if (!message) return show(Failure{EX_NOINPUT, {message.error()}}, context);
  const auto delivery = find_delivery(arguments, *message);
  if (const auto* failure = std::get_if<Failure>(&delivery)) return show(*failure, context);
  const auto now = arguments.time ? std::chrono::sys_seconds(std::chrono::seconds(*arguments.time))
                                  : context.now;
  const auto& told = std::get<Delivery>(delivery);
  const auto outcome = evaluate(std::get<Config>(std::move(chosen)), *message, told, now);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return show(*failure, context);
  const auto& evaluation = std::get<Evaluation>(outcome);
  if (const auto failure = write_record(arguments.record, evaluation.answers)) {
    return show(*failure, context);
  }
  context.out << to_text(told, evaluation, arguments.queue_log);
  context.exit_status = exit_status_of(evaluation.report.action);
}

}  // namespace

void add_explain_command(CLI::App& app, CommandContext& context) {
  CLI::App* explain =
      app.add_subcommand("explain", "Show what the daemon would do with a saved message, and why");
  explain->footer(fmt::format(
      "Exit status: accepted 0, rejected 1, held 2, deferred 3. Bad arguments {}, no message {}, "
      "bad configuration {}.",
      EX_USAGE, EX_NOINPUT, EX_CONFIG));
  const auto arguments = std::make_shared<ExplainArguments>();
  explain->add_option("FILE", arguments->file, "The message; - for standard input")->required();
  explain->add_option("--ip", arguments->ip, "The client's address [that of the topmost Received]");
  explain->add_option("--helo", arguments->helo, "Its HELO name [that of the topmost Received]");
  explain->add_option("--mail-from", arguments->mail_from, "The sender [that of Return-Path]");
  explain->add_option("--login", arguments->login, "The login of an authenticated client");
  explain->add_option("--time", arguments->time, "UNIX time of the evaluation [now]");
  explain->add_flag("--queue-log", arguments->queue_log, "Show the daemon's log line too");
  explain->add_option("--record", arguments->record,
                      "Write the DNS answers to this file, for --dns-data");
  add_dns_options(*explain, arguments->dns);
  explain->callback([arguments, &context] { run_explain(*arguments, context); });
}

}  // namespace signet
