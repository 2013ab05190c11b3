// SPDX-License-Identifier: BSD-2-Clause
//
// Discovery and evaluation by dns/dmarc; the texts of the records, which those do not keep, are
// asked for once more and come from the cache.

#include "milter/command/dmarc_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dns/dmarc.h"
#include "milter/command/command_config.h"
#include "milter/command/failure.h"
#include "milter/command/shown.h"
#include "milter/log.h"
#include "milter/runtime.h"

namespace signet {
namespace {

using Method = AuthenticatedDomain::Method;

/// The command line of `signet dmarc`.
struct DmarcArguments {
  std::string domain;
  std::vector<std::string> spf;
  std::vector<std::string> dkim;
  bool json = false;
  DnsArguments dns;
};

/// One name of a walk as it is shown.
struct WalkLine {
  Name domain;
  std::string finding;  ///< printable
};

/// One domain to align.
struct AlignedDomain {
  AuthenticatedDomain domain;
  bool aligned = false;
  bool known = true;  ///< false: a DNS error
  std::string organization;
  std::vector<WalkLine> walk;
};

struct DmarcFindings {
  DmarcVerdict verdict;
  bool evaluated = false;  ///< domains to align were given
  std::vector<WalkLine> walk;
  std::vector<AlignedDomain> domains;
  std::optional<bool> author_exists;
  int questions = 0;
};

int exit_status_of(DmarcResult result) {
  switch (result) {
    case DmarcResult::pass:
      return 0;
    case DmarcResult::fail:
      return 1;
    case DmarcResult::none:
      return 4;
    case DmarcResult::permerror:
      return 5;
    case DmarcResult::temperror:
      return 6;
  }
  return EX_SOFTWARE;
}

/// Without domains to align the question is only whether there is a policy.
int exit_status_of(const DmarcFindings& findings) {
  const DmarcResult result = findings.verdict.result;
  const bool found = result == DmarcResult::fail && !findings.evaluated;
  return exit_status_of(found ? DmarcResult::pass : result);
}

// -- Finding out --

/// The DNS for one run of the command.
struct Dns {
  Resolver& resolver;
  LookupBudget& budget;
};

std::string describe_step(Dns dns, const DmarcTreeWalk::Step& step) {
  if (step.failed()) return fmt::format("DNS error: {}", to_string(step.status));
  if (step.records_found > 1) {
    return fmt::format("{} DMARC records, so none counts", step.records_found);
  }
  if (!step.record) {
    return step.status == DnsStatus::answered
               ? "no DMARC record among the TXT records"
               : fmt::format("no record ({})",
                             step.status == DnsStatus::no_domain ? "NXDOMAIN" : "no TXT");
  }
  const auto name = prepend_labels("_dmarc", step.domain);
  if (!name) return {};
  Lookup again = dns.resolver.start(*name, RecordType::txt, dns.budget);
  for (const std::string& text : again.get().texts) {
    if (!parse_dmarc_record(text)) continue;
    const std::string defect = step.record->defect;
    return shown(text) + (defect.empty() ? "" : " (" + shown(defect) + ")");
  }
  return {};
}

std::vector<WalkLine> describe_walk(Dns dns, DmarcTreeWalk& walk) {
  std::vector<WalkLine> lines;
  for (const auto& step : walk.steps()) lines.push_back({step.domain, describe_step(dns, step)});
  return lines;
}

AlignedDomain align(Dns dns, DmarcTreeWalk& author, const AuthenticatedDomain& domain) {
  AlignedDomain aligned{domain, false, true, {}, {}};
  const DmarcVerdict alone = evaluate_dmarc(dns.resolver, dns.budget, author, {domain}, false);
  aligned.aligned = domain.method == Method::spf ? alone.spf_aligned : alone.dkim_aligned;
  aligned.known = alone.result != DmarcResult::temperror && !alone.limits.has(Limit::dmarc_queries);
  DmarcTreeWalk walk(dns.resolver, dns.budget, domain.domain, author);
  const auto organization = organizational_domain(walk);
  aligned.organization = organization ? organization->text() : "";
  aligned.walk = describe_walk(dns, walk);
  return aligned;
}

DmarcFindings examine(Dns dns, const Name& domain, const DmarcLimits& limits,
                      const std::vector<AuthenticatedDomain>& authenticated) {
  DmarcFindings findings;
  findings.evaluated = !authenticated.empty();
  DmarcTreeWalk walk(dns.resolver, dns.budget, domain, limits);
  findings.walk = describe_walk(dns, walk);
  findings.verdict = evaluate_dmarc(dns.resolver, dns.budget, walk, authenticated, false);
  findings.author_exists = walk.start_exists();
  for (const AuthenticatedDomain& candidate : authenticated) {
    findings.domains.push_back(align(dns, walk, candidate));
  }
  findings.questions = dns.budget.used();
  return findings;
}

OrFailure<std::vector<AuthenticatedDomain>> domains_to_align(const DmarcArguments& arguments) {
  std::vector<AuthenticatedDomain> domains;
  const auto add = [&](Method method, const char* option,
                       const std::vector<std::string>& texts) -> std::optional<Failure> {
    for (const std::string& text : texts) {
      const auto domain = parse_domain(text);
      if (!domain) return Failure{EX_USAGE, {fmt::format("{}: {}", option, domain.error())}};
      domains.push_back({method, *domain});
    }
    return std::nullopt;
  };
  if (auto failure = add(Method::spf, "--from-spf", arguments.spf)) return *std::move(failure);
  if (auto failure = add(Method::dkim, "--from-dkim", arguments.dkim)) return *std::move(failure);
  return domains;
}

OrFailure<DmarcFindings> examine(const DmarcArguments& arguments, const CommandContext& context) {
  const auto domain = parse_domain(arguments.domain);
  if (!domain) return Failure{EX_USAGE, {"DOMAIN: " + domain.error()}};
  auto authenticated = domains_to_align(arguments);
  if (auto* failure = std::get_if<Failure>(&authenticated)) return std::move(*failure);
  auto chosen = choose_config(arguments.dns, context);
  if (auto* failure = std::get_if<Failure>(&chosen)) return std::move(*failure);
  const auto& config = std::get<Config>(chosen);
  const auto resolver = build_resolver(config);
  if (!resolver) return Failure{EX_CONFIG, {resolver.error()}};
  LookupBudget budget(std::chrono::steady_clock::now() + config.message_timeout, 10'000);
  return examine(Dns{**resolver, budget}, *domain, config.dmarc_limits(),
                 std::get<std::vector<AuthenticatedDomain>>(authenticated));
}

// -- Telling --

/// `_dmarc.example.com`
std::string record_name(const Name& domain) { return "_dmarc." + domain.text(); }

std::string walk_text(const std::vector<WalkLine>& walk, std::string_view indent) {
  std::string text;
  for (const WalkLine& line : walk) {
    text += fmt::format("{}{:<40}  {}\n", indent, record_name(line.domain), line.finding);
  }
  return text;
}

std::string policy_text(const DmarcFindings& findings) {
  const DmarcVerdict& verdict = findings.verdict;
  if (!verdict.record || !verdict.record->p) return "  policy: none applies\n";
  std::string text = fmt::format("  policy: {}={} of {}", verdict.policy_tag,
                                 to_string(verdict.policy), record_name(verdict.policy_domain));
  if (verdict.record->testing) {
    text += fmt::format("; with t=y it is {}", to_string(verdict.effective_policy));
  }
  if (verdict.policy_domain != verdict.author_domain && findings.author_exists) {
    text += fmt::format("; {} {}", verdict.author_domain.text(),
                        *findings.author_exists ? "exists" : "does not exist (NXDOMAIN)");
  }
  return text + '\n';
}

std::string_view word_of(Method method) { return method == Method::spf ? "SPF" : "DKIM"; }

bool is_strict(const DmarcFindings& findings, Method method) {
  const auto& record = findings.verdict.record;
  return record && (method == Method::spf ? record->strict_spf : record->strict_dkim);
}

std::string alignment_text(const DmarcFindings& findings, const AlignedDomain& candidate) {
  const Method method = candidate.domain.method;
  const char* verdict = !candidate.known    ? "is left open by a DNS error or a limit"
                        : candidate.aligned ? "aligns"
                                            : "does not align";
  std::string text = fmt::format(
      "  {} {} {} ({} alignment; organizational domain {})\n", word_of(method),
      candidate.domain.domain.text(), verdict, is_strict(findings, method) ? "strict" : "relaxed",
      candidate.organization.empty() ? "unknown" : candidate.organization);
  return text + walk_text(candidate.walk, "    ");
}

std::string headline(const DmarcFindings& findings) {
  const DmarcVerdict& verdict = findings.verdict;
  const std::string& domain = verdict.author_domain.text();
  if (findings.evaluated || verdict.result != DmarcResult::fail) {
    return fmt::format("{}: {} ({})\n", to_string(verdict.result), domain, shown(verdict.reason));
  }
  return fmt::format("{}: what fails is to be treated as {}\n", domain,
                     to_string(verdict.effective_policy));
}

std::string to_text(const DmarcFindings& findings) {
  std::string text = headline(findings) + walk_text(findings.walk, "  ");
  const Name& organization = findings.verdict.organizational_domain;
  text += fmt::format("  organizational domain: {}\n", organization.is_root()
                                                           ? "hidden by a DNS error or a limit"
                                                           : organization.text());
  text += policy_text(findings);
  for (const AlignedDomain& candidate : findings.domains) {
    text += alignment_text(findings, candidate);
  }
  return text + fmt::format("  {} DNS questions\n", findings.questions);
}

nlohmann::ordered_json walk_json(const std::vector<WalkLine>& walk) {
  auto json = nlohmann::ordered_json::array();
  for (const WalkLine& line : walk) {
    json.push_back({{"name", record_name(line.domain)}, {"finding", line.finding}});
  }
  return json;
}

std::string to_json(const DmarcFindings& findings) {
  const DmarcVerdict& verdict = findings.verdict;
  const bool applies = verdict.record && verdict.record->p;
  nlohmann::ordered_json json = {
      {"domain", verdict.author_domain.text()},
      {"result", to_string(verdict.result)},
      {"reason", verdict.reason},
      {"walk", walk_json(findings.walk)},
      {"organizational_domain", verdict.organizational_domain.text()},
      {"policy_domain", verdict.policy_domain.text()},
      {"policy_tag", applies ? verdict.policy_tag : ""},
      {"policy", applies ? to_string(verdict.policy) : ""},
      {"effective_policy", applies ? to_string(verdict.effective_policy) : ""},
      {"aligned", nlohmann::ordered_json::array()},
      {"dns_questions", findings.questions},
  };
  for (const AlignedDomain& candidate : findings.domains) {
    json["aligned"].push_back({{"method", ascii_lower(word_of(candidate.domain.method))},
                               {"domain", candidate.domain.domain.text()},
                               {"aligned", candidate.aligned},
                               {"known", candidate.known},
                               {"organizational_domain", candidate.organization},
                               {"walk", walk_json(candidate.walk)}});
  }
  return json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void run_dmarc(const DmarcArguments& arguments, CommandContext& context) {
  const auto outcome = examine(arguments, context);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return show(*failure, context);
  const auto& findings = std::get<DmarcFindings>(outcome);
  context.out << (arguments.json ? to_json(findings) : to_text(findings));
  context.exit_status = exit_status_of(findings);
}

}  // namespace

void add_dmarc_command(CLI::App& app, CommandContext& context) {
  CLI::App* dmarc =
      app.add_subcommand("dmarc", "Show the DMARC policy of a domain and how it is found");
  dmarc->footer(
      fmt::format("Exit status: policy found or pass 0, fail 1, none 4, permerror 5, temperror 6. "
                  "Bad arguments "
                  "{}, bad configuration {}.",
                  EX_USAGE, EX_CONFIG));
  const auto arguments = std::make_shared<DmarcArguments>();
  dmarc->add_option("DOMAIN", arguments->domain, "The domain of a From field")->required();
  dmarc->add_option("--from-spf", arguments->spf, "A domain for which SPF passes; may be repeated");
  dmarc->add_option("--from-dkim", arguments->dkim,
                    "The d= of a signature that passes; may be repeated");
  dmarc->add_flag("--json", arguments->json, "Print one JSON object");
  add_dns_options(*dmarc, arguments->dns);
  dmarc->callback([arguments, &context] { run_dmarc(*arguments, context); });
}

}  // namespace signet
