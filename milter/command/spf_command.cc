// SPDX-License-Identifier: BSD-2-Clause
//
// From the command line to a SpfRequest, through the same checks, limits and allowances of DNS
// questions as a message in the daemon (inbound.cc), to text or JSON.

#include "milter/command/spf_command.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <variant>

#include "dns/spf/spf_check.h"
#include "milter/command/command_config.h"
#include "milter/command/failure.h"
#include "milter/command/shown.h"
#include "milter/command/spf_trace.h"
#include "milter/inbound.h"
#include "milter/log.h"
#include "milter/runtime.h"

namespace signet {
namespace {

/// The command line of `signet spf`.
struct SpfArguments {
  std::string client;
  std::string mail_from;
  std::optional<std::string> helo;
  bool trace = false;
  bool json = false;
  DnsArguments dns;
  std::string receiver;
};

/// What was asked, and the verdict on each identity.
struct Findings {
  SpfRequest request;
  SpfLimits limits;
  SpfVerdict mail_from;
  std::optional<SpfVerdict> helo;  ///< if a HELO name was given
};

/// The exit status of a result is its place here.
constexpr std::array kByExitStatus = {SpfResult::pass,     SpfResult::fail, SpfResult::softfail,
                                      SpfResult::neutral,  SpfResult::none, SpfResult::permerror,
                                      SpfResult::temperror};

int exit_status_of(SpfResult result) {
  const auto* place = std::find(kByExitStatus.begin(), kByExitStatus.end(), result);
  return static_cast<int>(place - kByExitStatus.begin());
}

std::string exit_status_help() {
  std::string help = "Exit status, from the result for MAIL FROM:";
  for (const SpfResult result : kByExitStatus) {
    help += fmt::format("{} {} {}", result == kByExitStatus.front() ? "" : ",", to_string(result),
                        exit_status_of(result));
  }
  return help + fmt::format(". Bad arguments {}, bad configuration {}.", EX_USAGE, EX_CONFIG);
}

/// `<alice@example.org>` as in SMTP or without the brackets.
std::string without_brackets(const std::string& path) {
  const bool brackets = path.size() >= 2 && path.front() == '<' && path.back() == '>';
  return brackets ? path.substr(1, path.size() - 2) : path;
}

OrFailure<SpfRequest> make_request(const SpfArguments& arguments, const Config& config,
                                   std::chrono::sys_seconds now) {
  const auto client = parse_ip_address(arguments.client);
  if (!client) return Failure{EX_USAGE, {"IP: " + client.error()}};
  SpfRequest request;
  request.client = *client;
  request.helo = arguments.helo.value_or("");
  request.mail_from = without_brackets(arguments.mail_from);
  if (request.mail_from.empty() && request.helo.empty()) {
    return Failure{EX_USAGE, {"HELO: with the null MAILFROM it is what is checked; give it too"}};
  }
  request.receiver = arguments.receiver.empty() ? config.authserv_id : arguments.receiver;
  // RFC 7208 7.3: "unknown" if the receiver's name is not known.
  if (request.receiver.empty()) request.receiver = "unknown";
  request.now = now;
  request.want_explanation = true;
  request.want_trace = arguments.trace;
  return request;
}

Findings check(Resolver& resolver, const Config& config, const SpfRequest& request) {
  Findings findings;
  findings.request = request;
  findings.limits = config.spf_limits;
  const Deadline deadline = std::chrono::steady_clock::now() + config.message_timeout;
  DnsShares shares(deadline, config);
  findings.mail_from = check_spf_mail_from(resolver, shares.mail_from, request, config.spf_limits);
  if (!request.helo.empty()) {
    // What the daemon falls back to if the share of HELO does not do.
    DnsShares others(deadline, config);
    findings.helo = check_spf_helo(resolver, others.mail_from, request, config.spf_limits);
  }
  return findings;
}

OrFailure<Findings> check(const SpfArguments& arguments, const CommandContext& context) {
  const auto chosen = choose_config(arguments.dns, context);
  if (const auto* failure = std::get_if<Failure>(&chosen)) return *failure;
  const auto& config = std::get<Config>(chosen);
  const auto request = make_request(arguments, config, context.now);
  if (const auto* failure = std::get_if<Failure>(&request)) return *failure;
  const auto resolver = build_resolver(config);
  if (!resolver) return Failure{EX_CONFIG, {resolver.error()}};
  return check(**resolver, config, std::get<SpfRequest>(request));
}

/// What decided: the term, the problem, or both.
std::string reason(const SpfVerdict& verdict) {
  const std::string term = verdict.mechanism.empty() ? "" : log_value(verdict.mechanism);
  if (verdict.problem.empty()) {
    // RFC 7208 4.7
    return term.empty() ? "no term matched" : term;
  }
  return term.empty() ? shown(verdict.problem)
                      : fmt::format("{}: {}", term, shown(verdict.problem));
}

std::string verdict_text(std::string_view identity, const SpfVerdict& verdict,
                         const Findings& findings) {
  const SpfRequest& request = findings.request;
  std::string text =
      fmt::format("{}: {} {} from {} ({})\n", to_string(verdict.result), identity,
                  log_value(verdict.identity), to_string(request.client), reason(verdict));
  if (!verdict.explanation.empty()) {
    text += fmt::format("  explanation: {}\n", shown(verdict.explanation));
  }
  if (!request.want_trace) return text;
  const SpfLimits& limits = findings.limits;
  return text + spf_trace_text(verdict.trace) +
         fmt::format("  {} of {} terms that query DNS, {} of {} void lookups, {} DNS questions\n",
                     verdict.terms, limits.terms, verdict.void_lookups, limits.void_lookups,
                     verdict.questions);
}

nlohmann::ordered_json verdict_json(const SpfVerdict& verdict, const Findings& findings) {
  const SpfLimits& limits = findings.limits;
  nlohmann::ordered_json json = {
      {"result", to_string(verdict.result)},
      {"identity", verdict.identity},
      {"domain", verdict.domain.text()},
      {"mechanism", verdict.mechanism},
      {"problem", verdict.problem},
      {"explanation", verdict.explanation},
      {"terms", verdict.terms},
      {"terms_limit", limits.terms},
      {"void_lookups", verdict.void_lookups},
      {"void_lookups_limit", limits.void_lookups},
      {"dns_questions", verdict.questions},
  };
  if (!findings.request.want_trace) return json;
  json["trace"] = nlohmann::ordered_json::array();
  for (const SpfTraceStep& step : verdict.trace) {
    json["trace"].push_back({{"depth", step.depth},
                             {"record", step.record.text()},
                             {"term", step.term},
                             {"outcome", step.outcome}});
  }
  return json;
}

std::string to_json(const Findings& findings) {
  const SpfRequest& request = findings.request;
  nlohmann::ordered_json json = {
      {"client", to_string(request.client)},
      {"receiver", request.receiver},
      {"mail_from", verdict_json(findings.mail_from, findings)},
  };
  if (findings.helo) json["helo"] = verdict_json(*findings.helo, findings);
  // ASCII only: U+009B in raw UTF-8 is a control sequence to a terminal too.
  return json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string to_text(const Findings& findings) {
  std::string text = verdict_text("MAIL FROM", findings.mail_from, findings);
  if (findings.helo) text += verdict_text("HELO", *findings.helo, findings);
  return text;
}

void run_spf(const SpfArguments& arguments, CommandContext& context) {
  const auto outcome = check(arguments, context);
  if (const auto* failure = std::get_if<Failure>(&outcome)) {
    show(*failure, context);
    return;
  }
  const auto& findings = std::get<Findings>(outcome);
  context.out << (arguments.json ? to_json(findings) : to_text(findings));
  context.exit_status = exit_status_of(findings.mail_from.result);
}

}  // namespace

void add_spf_command(CLI::App& app, CommandContext& context) {
  CLI::App* spf = app.add_subcommand("spf", "Check SPF as the daemon does");
  spf->footer(exit_status_help());
  const auto arguments = std::make_shared<SpfArguments>();
  spf->add_option("IP", arguments->client, "The client's address, IPv4 or IPv6")->required();
  spf->add_option("MAILFROM", arguments->mail_from, "The sender; <> for the null path")->required();
  spf->add_option("HELO", arguments->helo, "The client's name for itself, checked on its own too");
  spf->add_flag("--trace", arguments->trace, "Show every term visited and what it resolved to");
  spf->add_flag("--json", arguments->json, "Print one JSON object");
  add_dns_options(*spf, arguments->dns);
  spf->add_option("--receiver", arguments->receiver, "Our host name, for %{r} [AuthservID]");
  spf->callback([arguments, &context] { run_spf(*arguments, context); });
}

}  // namespace signet
