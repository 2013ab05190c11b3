// SPDX-License-Identifier: BSD-2-Clause
//
// From a file to verdicts: the daemon's verifier with the daemon's options, limits and DNS, fed as
// a session feeds it (inbound.cc); then the same again with the other engine, if that is wanted.

#include "milter/command/verify_command.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "dns/recording_resolver.h"
#include "milter/command/command_config.h"
#include "milter/command/failure.h"
#include "milter/command/verify_report.h"
#include "milter/field/from_field.h"
#include "milter/inbound.h"
#include "milter/log.h"
#include "milter/runtime.h"

namespace signet {
namespace {

/// The command line of `signet verify`.
struct VerifyArguments {
  std::string file;
  bool second_opinion = false;
  bool show_canonical = false;
  bool json = false;
  std::string at;
  DnsArguments dns;
};

constexpr int kExitPass = 0;
constexpr int kExitFail = 1;
constexpr int kExitNone = 4;
constexpr int kExitTemperror = 6;

constexpr const char* kExitStatusHelp =
    "Exit status: 0 if a signature passes, 1 if none does, 4 if there is none, 6 if none passes "
    "but one might have (temperror). Bad arguments 64, unreadable file 66, bad configuration 78.";

/// `2026-11-23` or `2026-11-23T12:30:00Z`
std::optional<std::chrono::sys_seconds> parse_time(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  int date_end = 0;
  int end = 0;
  // NOLINTNEXTLINE(cert-err34-c): widths keep every number in range
  std::sscanf(text.c_str(), "%4d-%2u-%2u%nT%2u:%2u:%2uZ%n", &year, &month, &day, &date_end, &hour,
              &minute, &second, &end);
  const auto size = static_cast<int>(text.size());
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok() || (date_end != size && end != size)) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::vector<DkimVerdict> verify(DkimEngine engine, const MessageFile& message, const Config& config,
                                const DkimVerifyOptions& options, Resolver& resolver,
                                std::chrono::sys_seconds now) {
  const auto shares = std::make_shared<DnsShares>(
      std::chrono::steady_clock::now() + config.message_timeout, config);
  const auto verifier = make_dkim_verifier(engine, options, resolver,
                                           std::shared_ptr<LookupBudget>(shares, &shares->dkim));
  for (const HeaderField& field : message.fields()) verifier->header(field);
  const Author author = find_author(message.values_of("From"));
  verifier->end_of_headers(author.ok() ? std::optional(author.domains.front()) : std::nullopt);
  message.read_body([&](std::string_view piece) { verifier->body(piece); });
  return verifier->finish(now);
}

VerifyFindings examine(const VerifyArguments& arguments, const MessageFile& message,
                       const Config& config, std::shared_ptr<Resolver> source,
                       std::chrono::sys_seconds now) {
  RecordingResolver resolver(std::move(source));
  VerifyFindings findings;
  findings.engine = config.dkim_engine;
  DkimVerifyOptions options = config.dkim_verify;
  // Of two opinions one is to be the library's, however long the body is.
  if (arguments.second_opinion) options.maximum_library_octets = SIZE_MAX;
  findings.verdicts = verify(findings.engine, message, config, options, resolver, now);
  if (arguments.second_opinion) {
    findings.second_opinion =
        verify(other_engine(findings.engine), message, config, options, resolver, now);
  }
  auto explanations = explain_signatures(message, config.dkim_verify, resolver.answers());
  if (explanations.size() == findings.verdicts.size()) {
    findings.explanations = std::move(explanations);
  }
  return findings;
}

int exit_status_of(const std::vector<DkimVerdict>& verdicts) {
  const auto any = [&](DkimResult result) {
    return std::any_of(verdicts.begin(), verdicts.end(),
                       [&](const DkimVerdict& verdict) { return verdict.result == result; });
  };
  if (verdicts.empty()) return kExitNone;
  if (any(DkimResult::pass)) return kExitPass;
  return any(DkimResult::temperror) ? kExitTemperror : kExitFail;
}

/// Writes the findings and gives the exit status.
OrFailure<int> verify(const VerifyArguments& arguments, CommandContext& context) {
  std::optional<std::chrono::sys_seconds> now = context.now;
  if (!arguments.at.empty()) now = parse_time(arguments.at);
  if (!now) {
    return Failure{
        EX_USAGE,
        {fmt::format("--at: want a date such as 2026-11-23 or 2026-11-23T12:30:00Z, got {}",
                     log_quoted(arguments.at))}};
  }
  const auto chosen = choose_config(arguments.dns, context);
  if (const auto* failure = std::get_if<Failure>(&chosen)) return *failure;
  const auto& config = std::get<Config>(chosen);
  const auto message = MessageFile::load(arguments.file, context.in);
  if (!message) return Failure{EX_NOINPUT, {message.error()}};
  const auto resolver = build_resolver(config);
  if (!resolver) return Failure{EX_CONFIG, {resolver.error()}};
  const VerifyFindings findings = examine(arguments, *message, config, *resolver, *now);
  const auto write = arguments.json ? write_json : write_text;
  write(findings, *message, arguments.show_canonical, context.out);
  return exit_status_of(findings.verdicts);
}

void run_verify(const VerifyArguments& arguments, CommandContext& context) {
  const auto outcome = verify(arguments, context);
  if (const auto* failure = std::get_if<Failure>(&outcome)) {
    show(*failure, context);
    return;
  }
  context.exit_status = std::get<int>(outcome);
}

}  // namespace

void add_verify_command(CLI::App& app, CommandContext& context) {
  CLI::App* verify = app.add_subcommand("verify", "Verify the DKIM signatures of a saved message");
  verify->footer(kExitStatusHelp);
  const auto arguments = std::make_shared<VerifyArguments>();
  verify->add_option("FILE", arguments->file, "The message; - for the standard input")->required();
  verify->add_flag("--second-opinion", arguments->second_opinion,
                   "Show the verdicts of the other engine (libopendkim) too");
  verify->add_flag("--show-canonical", arguments->show_canonical,
                   "Show the octets that were hashed");
  verify->add_flag("--json", arguments->json, "Print one JSON object");
  verify->add_option("--at", arguments->at, "Judge t= and x= as of this time, in UTC [now]");
  add_dns_options(*verify, arguments->dns);
  verify->callback([arguments, &context] { run_verify(*arguments, context); });
}

}  // namespace signet
