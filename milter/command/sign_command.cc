// SPDX-License-Identifier: BSD-2-Clause
//
// Plays the MTA for one message. What the daemon's Session reports is what happened; the only
// things made up are the client and that there is nothing to verify.

#include "milter/command/sign_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "crypto/key_state.h"
#include "milter/background.h"
#include "milter/command/command_config.h"
#include "milter/command/failure.h"
#include "milter/command/message_file.h"
#include "milter/command/shown.h"
#include "milter/config/config_values.h"
#include "milter/runtime.h"
#include "milter/session.h"

namespace signet {
namespace {

/// The command line of `signet sign`.
struct SignArguments {
  std::string file;
  std::string domain;
  std::string selector;
  std::string key_file;
  std::string login;
  std::string client = "127.0.0.1";
  bool header_only = false;
  DnsArguments dns;
};

constexpr int kExitUnsigned = 1;

constexpr const char* kExitStatusHelp =
    "Exit status: 0 if the message is signed, 1 if the daemon would send it unsigned, 75 if it "
    "would have it come again. Bad arguments 64, unreadable file 66, bad configuration 78.";

/// The key of the command line takes the place of all others.
OrFailure<Config> with_own_key(Config config, const SignArguments& arguments) {
  if (arguments.key_file.empty()) return config;
  auto domain = parse_domain(arguments.domain);
  if (!domain) return Failure{EX_USAGE, {"--domain: " + domain.error()}};
  auto selector = parse_selector(arguments.selector);
  if (!selector) return Failure{EX_USAGE, {"--selector: " + selector.error()}};
  config.domain = *std::move(domain);
  config.selector = *std::move(selector);
  config.key_file = arguments.key_file;
  config.key_directory.clear();
  config.key_table.clear();
  config.signing_table.clear();
  return config;
}

/// The daemon's configuration; whoever brings a key of his own can do without it.
OrFailure<Config> find_config(const SignArguments& arguments, const CommandContext& context) {
  const bool own_key = !arguments.key_file.empty();
  auto found = own_key ? choose_config(arguments.dns, context) : daemon_config(context);
  if (std::holds_alternative<Failure>(found)) return found;
  if (!own_key) found = with_dns(std::get<Config>(std::move(found)), arguments.dns);
  if (std::holds_alternative<Failure>(found)) return found;
  auto config = std::get<Config>(std::move(found));
  // What comes in is not signed, and to say so there is no need to verify it.
  config.verify = false;
  return with_own_key(std::move(config), arguments);
}

/// Asks about the keys that the rules choose for this author, as the daemon does of all now and
/// then.
void look_for_records(const Runtime& runtime, const Author& author) {
  if (!author.ok() || runtime.config.key_check_interval == std::chrono::seconds(0)) return;
  const SigningChoice choice = runtime.rules.choose(runtime.keys, author);
  const auto now = std::chrono::steady_clock::now();
  LookupBudget budget(now + runtime.config.dns_timeout, static_cast<int>(choice.signatures.size()));
  std::vector<Lookup> lookups;
  for (const SignatureSpec& spec : choice.signatures) {
    lookups.push_back(runtime.resolver->start(key_record_name(*spec.key), RecordType::txt, budget));
  }
  for (size_t i = 0; i < lookups.size(); ++i) {
    const SigningKey& key = *choice.signatures[i].key;
    runtime.key_states->set(key, compare_with_record(key, lookups[i].get()), now);
  }
}

MessageReport send(const MessageFile& message, std::shared_ptr<const Runtime> runtime,
                   const IpAddress& client, const std::string& login,
                   std::chrono::sys_seconds now) {
  const RuntimeSlot slot(std::move(runtime));
  Background background(1);
  Session session(slot, background);
  session.connect(client, "");
  session.mail_from("", Client{{}, {}, login, {}}, now);
  for (const HeaderField& field : message.fields()) session.header(field.name, field.value);
  session.end_of_headers();
  message.read_body([&](std::string_view piece) { session.body(piece); });
  session.end_of_message("", now);
  return session.report();
}

/// Why there is no signature, for stderr.
Failure explain_unsigned(const MessageReport& report, const Runtime& runtime) {
  Failure failure{kExitUnsigned, {}};
  std::string why;
  if (!report.outbound) {
    why = report.role.outbound ? "Mode is v" : "this is incoming mail";
  } else if (!report.outbound->failure.empty()) {
    why = report.outbound->failure;
    failure.exit_status = EX_TEMPFAIL;
  } else {
    why = report.outbound->unsigned_reason;
    if (report.outbound->has_to_wait) failure.exit_status = EX_TEMPFAIL;
  }
  failure.lines = {fmt::format("not signed: {} (client: {})", shown(why), shown(report.role.rule))};
  for (const std::string& problem : runtime.key_problems()) failure.lines.push_back(shown(problem));
  return failure;
}

void tell_what_was_done(const MessageReport& report, std::ostream& err) {
  const OutboundResults& results = *report.outbound;
  err << fmt::format("signet: signed with {} ({}; client: {})\n",
                     fmt::join(results.signed_with, ", "), shown(results.rule),
                     shown(report.role.rule));
  for (const KeyNotUsed& key : results.keys_not_used) {
    err << fmt::format("signet: not with {}: {}\n", shown(key.key), shown(key.why));
  }
  for (const std::string& warning : results.warnings) {
    err << fmt::format("signet: warning: {}\n", shown(warning));
  }
}

/// The fields, the last one topmost, with the line ends of the file.
std::string signature_fields(const std::vector<HeaderField>& signatures,
                             std::string_view line_end) {
  std::string text;
  for (auto field = signatures.rbegin(); field != signatures.rend(); ++field) {
    text += field->name + ":";
    for (const char c : field->value) {
      if (c == '\n') {
        text += line_end;
      } else if (c != '\r') {
        text += c;
      }
    }
    text += line_end;
  }
  return text;
}

/// Prints the signed message.
OrFailure<std::monostate> sign(const SignArguments& arguments, CommandContext& context) {
  const auto client = parse_ip_address(arguments.client);
  if (!client) return Failure{EX_USAGE, {"--client: " + client.error()}};
  auto config = find_config(arguments, context);
  if (auto* failure = std::get_if<Failure>(&config)) return std::move(*failure);
  const auto message = MessageFile::load(arguments.file, context.in);
  if (!message) return Failure{EX_NOINPUT, {message.error()}};
  const auto runtime = build_runtime(std::get<Config>(std::move(config)));
  if (!runtime) return Failure{EX_CONFIG, {runtime.error()}};
  // A key of the command line is wanted as it is.
  if (arguments.key_file.empty()) {
    look_for_records(**runtime, find_author(message->values_of("From")));
  }
  const MessageReport report = send(*message, *runtime, *client, arguments.login, context.now);
  for (const std::string& remark : message->remarks()) {
    context.err << "signet: note: " << remark << '\n';
  }
  if (!report.outbound || report.outbound->signatures.empty()) {
    return explain_unsigned(report, **runtime);
  }
  tell_what_was_done(report, context.err);
  context.out << signature_fields(report.outbound->signatures, message->line_end());
  if (!arguments.header_only) context.out << message->octets();
  return std::monostate();
}

void run_sign(const SignArguments& arguments, CommandContext& context) {
  const auto outcome = sign(arguments, context);
  if (const auto* failure = std::get_if<Failure>(&outcome)) show(*failure, context);
}

}  // namespace

void add_sign_command(CLI::App& app, CommandContext& context) {
  CLI::App* sign = app.add_subcommand("sign", "Sign a saved message as the daemon does");
  sign->footer(kExitStatusHelp);
  const auto arguments = std::make_shared<SignArguments>();
  sign->add_option("FILE", arguments->file, "The message; - for the standard input")->required();
  auto* domain = sign->add_option("--domain", arguments->domain, "Domain of the key in --key");
  auto* selector = sign->add_option("--selector", arguments->selector, "Its selector");
  auto* key = sign->add_option("--key", arguments->key_file,
                               "Sign with the key in this file and no other [KeyDirectory etc.]");
  key->needs(domain)->needs(selector);
  domain->needs(key);
  selector->needs(key);
  sign->add_option("--login", arguments->login,
                   "Act as a client that has authenticated under this name");
  sign->add_option("--client", arguments->client, "Act as a client at this IP address")
      ->capture_default_str();
  sign->add_flag("--header-only", arguments->header_only, "Print the new header fields alone");
  add_dns_options(*sign, arguments->dns);
  sign->callback([arguments, &context] { run_sign(*arguments, context); });
}

}  // namespace signet
