// SPDX-License-Identifier: BSD-2-Clause
//
// DMARC first (RFC 9989 7.4, 8), a broken From with it (11.5), then what SPF may refuse by option
// (RFC 7208 8.4). Each branch names its rule; the stricter of two dispositions counts.

#include "milter/policy/disposition.h"

#include <fmt/format.h>

#include <optional>

namespace signet {
namespace {

using Step = Disposition::Step;

// RFC 9989 7.4, 8: a Mail Receiver MUST NOT reject solely because of p=reject; without other
// knowledge it is quarantine.
struct Corroboration {
  bool agrees = false;
  std::string rule;  ///< why a p=reject is carried out, or why it is not
  PolicyOverride kind = PolicyOverride::local_policy;
};

bool speaks_against(CorroboratingSpf option, SpfResult result) {
  switch (option) {
    case CorroboratingSpf::fail:
      return result == SpfResult::fail;
    case CorroboratingSpf::softfail:
      return result == SpfResult::fail || result == SpfResult::softfail;
    case CorroboratingSpf::any:
      return result != SpfResult::temperror;
  }
  return false;
}

Corroboration corroborate(const Config& config, const Evidence& evidence) {
  if (evidence.own_domain && config.own_domains != OwnDomains::ignore) return {true, "own domain"};
  if (evidence.known_forwarder) {
    return {false, "known forwarder", PolicyOverride::trusted_forwarder};
  }
  if (evidence.from_list && config.spare_mailing_lists) {
    return {false, "mailing list", PolicyOverride::mailing_list};
  }
  if (evidence.any_dkim_pass && config.spare_signed) return {false, "a DKIM signature passed"};
  return {speaks_against(config.corroborating_spf, evidence.spf.result),
          fmt::format("spf={}", to_string(evidence.spf.result))};
}

Disposition deliver(DmarcPolicy policy, std::string rule) {
  return {Step::deliver, policy, std::move(rule), {}, {}, {}};
}

Disposition refuse(std::string rule, std::string reply) {
  return {Step::reject, DmarcPolicy::reject, std::move(rule), "5.7.1", std::move(reply), {}};
}

Disposition overriding(Disposition disposition, PolicyOverride kind) {
  disposition.policy_override = kind;
  return disposition;
}

// RejectText with its words filled in, or else `text`.
std::string reject_reply(const Config& config, const Name& domain, const std::string& reason,
                         std::string text) {
  if (config.reject_text.empty()) return text;
  std::string filled = config.reject_text;
  const auto fill = [&](std::string_view word, const std::string& value) {
    for (size_t at = filled.find(word); at != std::string::npos;
         at = filled.find(word, at + value.size())) {
      filled.replace(at, word.size(), value);
    }
  };
  // The reason first: it is of our own words, so no word in braces comes in with it.
  fill("{reason}", reason);
  fill("{domain}", domain.text());
  return filled;
}

std::string dmarc_reply(const Config& config, const DmarcVerdict& verdict) {
  const std::string reason =
      fmt::format("DMARC fail, {}={}", verdict.policy_tag, to_string(verdict.policy));
  return reject_reply(config, verdict.author_domain, reason,
                      "DMARC: message rejected by the policy of " + verdict.author_domain.text());
}

Disposition quarantine(const Config& config, std::string rule, std::string reply) {
  switch (config.quarantine_action) {
    case QuarantineAction::header:
      return deliver(DmarcPolicy::quarantine, std::move(rule));
    case QuarantineAction::hold:
      return {Step::hold, DmarcPolicy::quarantine, std::move(rule), {}, {}, {}};
    case QuarantineAction::reject:
      return refuse(std::move(rule), std::move(reply));
  }
  return {};
}

Disposition failed_with_reject(const Config& config, const Evidence& evidence,
                               const DmarcVerdict& verdict) {
  switch (config.dmarc_reject) {
    case DmarcReject::always:
      return refuse("DMARCReject always", dmarc_reply(config, verdict));
    case DmarcReject::never:
      // Marks only, so QuarantineAction has no say.
      return overriding(deliver(DmarcPolicy::quarantine, "DMARCReject never"),
                        PolicyOverride::local_policy);
    case DmarcReject::corroborated:
      break;
  }
  const Corroboration found = corroborate(config, evidence);
  const std::string reply = dmarc_reply(config, verdict);
  if (found.agrees) return refuse(fmt::format("corroborated: {}", found.rule), reply);
  return overriding(quarantine(config, fmt::format("uncorroborated: {}", found.rule), reply),
                    found.kind);
}

Disposition by_temperror(const Config& config, const DmarcVerdict& verdict) {
  if (config.dmarc_on_temperror == FailureAction::accept) return {};
  return {Step::tempfail,
          DmarcPolicy::none,
          "DMARCOnTempError",
          "4.7.0",
          "DMARC check of " + verdict.author_domain.text() + " got no answer from the DNS",
          {}};
}

Disposition by_policy(const Config& config, const Evidence& evidence, const DmarcVerdict& verdict) {
  if (verdict.result == DmarcResult::temperror) return by_temperror(config, verdict);
  if (verdict.result != DmarcResult::fail) return {};
  switch (verdict.effective_policy) {
    case DmarcPolicy::none:
      return deliver(DmarcPolicy::none, "p=none");
    case DmarcPolicy::quarantine:
      return quarantine(config, "p=quarantine", dmarc_reply(config, verdict));
    case DmarcPolicy::reject:
      return failed_with_reject(config, evidence, verdict);
  }
  return {};
}

// Whatever the domain publishes: no pass, no entry. Without a record DMARC has no pass to give, so
// the domain itself, proven by SPF or DKIM, is as good.
Disposition strictly(const Config& config, const Evidence& evidence, const DmarcVerdict& verdict,
                     const std::string& rule) {
  if (verdict.result == DmarcResult::pass || evidence.author_authenticated) return {};
  if (verdict.result == DmarcResult::temperror) return by_temperror(config, verdict);
  return overriding(
      refuse(rule, reject_reply(config, verdict.author_domain, "not authenticated",
                                "DMARC: message from " + verdict.author_domain.text() +
                                    " rejected, it is not authenticated")),
      PolicyOverride::local_policy);
}

Disposition by_bad_from(const Config& config, const Author& author) {
  const std::string rule = "BadFrom: " + author.problem;
  const std::string reply = "DMARC: no single author domain: " + author.problem;
  switch (config.bad_from) {
    case BadFromAction::reject:
      return refuse(rule, reply);
    case BadFromAction::quarantine:
      return quarantine(config, rule, reply);
    case BadFromAction::accept:
      return deliver(DmarcPolicy::none, rule);
  }
  return {};
}

bool refuses(SpfReject option, const SpfVerdict& verdict) {
  return verdict.result == SpfResult::fail &&
         (option == SpfReject::fail || (option == SpfReject::listed && verdict.only_all_fail));
}

// RFC 7208 8.4: the explanation is marked as the words of the domain, not ours.
std::string spf_fail_reply(const char* identity, const SpfVerdict& verdict) {
  std::string reply = fmt::format("SPF {} check failed for {}", identity, verdict.domain.text());
  if (!verdict.explanation.empty()) {
    reply += fmt::format("; {} explains: {}", verdict.domain.text(), verdict.explanation);
  }
  return reply;
}

// What SPF refuses by its own options, with the codes of RFC 7372 3.2. The policy that DMARC found
// stays in the disposition.
std::optional<Disposition> by_spf(const Config& config, const Evidence& evidence) {
  const auto refusal = [](Step step, const char* code, std::string rule, std::string reply) {
    return Disposition{step, DmarcPolicy::none, std::move(rule), code, std::move(reply), {}};
  };
  const SpfVerdict& spf = evidence.spf;
  if (refuses(config.spf_reject, spf)) {
    return refusal(Step::reject, "5.7.23", "SPFReject", spf_fail_reply("MAIL FROM", spf));
  }
  if (refuses(config.helo_reject, evidence.spf_helo)) {
    return refusal(Step::reject, "5.7.23", "HELOReject", spf_fail_reply("HELO", evidence.spf_helo));
  }
  if (spf.result == SpfResult::permerror && config.spf_on_permerror == SpfPermerrorAction::reject) {
    return refusal(Step::reject, "5.7.24", "SPFOnPermError",
                   fmt::format("SPF policy of {} is broken: {}", spf.domain.text(), spf.problem));
  }
  if (spf.result == SpfResult::temperror && config.spf_on_temperror == FailureAction::tempfail) {
    return refusal(Step::tempfail, "4.7.24", "SPFOnTempError",
                   fmt::format("SPF check of {} got no answer from the DNS", spf.domain.text()));
  }
  return std::nullopt;
}

// The stricter of two; the first wins a tie.
Disposition stricter(const Disposition& a, const Disposition& b) {
  if (b.step != a.step) return b.step > a.step ? b : a;
  return b.policy > a.policy ? b : a;
}

// Authenticated and internal mail is never refused or held; the header still tells.
Disposition for_trusted(Disposition disposition) {
  if (disposition.step == Step::deliver) return disposition;
  return overriding(deliver(DmarcPolicy::none, "trusted client; else " + disposition.rule),
                    PolicyOverride::local_policy);
}

Disposition by_dmarc(const Config& config, const Evidence& evidence, const DmarcVerdict& verdict) {
  Disposition disposition = by_policy(config, evidence, verdict);
  if (evidence.own_domain && config.own_domains == OwnDomains::strict) {
    disposition = stricter(disposition, strictly(config, evidence, verdict, "OwnDomains strict"));
  }
  if (!evidence.author.ok()) {
    disposition = stricter(by_bad_from(config, evidence.author), disposition);
  }
  return disposition;
}

// What the first line of PolicyTable that fits has to say; nothing if that is left to DMARC.
std::optional<Disposition> by_table(const Config& config, const Evidence& evidence,
                                    const DmarcVerdict& verdict) {
  if (evidence.rule == nullptr) return std::nullopt;
  const PolicyRule& line = *evidence.rule;
  const std::string rule =
      fmt::format("PolicyTable line {} {}{}{}", line.line, to_string(line.action),
                  line.reason.empty() ? "" : ": ", line.reason);
  const std::string reason = line.reason.empty() ? "local policy" : line.reason;
  const std::string text = "message rejected by local policy" +
                           (line.reason.empty() ? std::string() : ": " + line.reason);
  const std::string reply = reject_reply(config, verdict.author_domain, reason, text);
  switch (line.action) {
    case PolicyAction::accept:
    case PolicyAction::ignore:
      return overriding(deliver(DmarcPolicy::none, rule), line.kind);
    case PolicyAction::reject:
      return overriding(refuse(rule, reply), line.kind);
    case PolicyAction::quarantine:
      return overriding(quarantine(config, rule, reply), line.kind);
    case PolicyAction::tempfail:
      return Disposition{
          Step::tempfail, DmarcPolicy::none, rule, "4.7.1", "message deferred by local policy",
          line.kind};
    case PolicyAction::strict:
      break;
  }
  const Disposition strict = strictly(config, evidence, verdict, rule);
  if (strict.step == Step::deliver) return std::nullopt;
  return strict;
}

int strictness(const DmarcVerdict& verdict) {
  switch (verdict.result) {
    case DmarcResult::fail:
      return 10 + static_cast<int>(verdict.effective_policy);
    case DmarcResult::temperror:
      return 3;
    case DmarcResult::permerror:
      return 2;
    case DmarcResult::none:
      return 1;
    case DmarcResult::pass:
      return 0;
  }
  return 0;
}

}  // namespace

DmarcVerdict overall_verdict(const Author& author, const std::vector<DmarcVerdict>& verdicts) {
  DmarcVerdict worst;
  if (!verdicts.empty()) worst = verdicts.front();
  for (const DmarcVerdict& verdict : verdicts) {
    if (strictness(verdict) > strictness(worst)) worst = verdict;
  }
  if (!author.ok() && worst.result != DmarcResult::fail && worst.result != DmarcResult::temperror) {
    worst.result = DmarcResult::permerror;
    worst.reason = author.problem;
  }
  return worst;
}

Disposition decide_disposition(const Config& config, const Evidence& evidence) {
  const DmarcVerdict verdict = overall_verdict(evidence.author, evidence.dmarc);
  std::optional<Disposition> listed = by_table(config, evidence, verdict);
  const bool only_dmarc_is_ignored = listed && evidence.rule->action == PolicyAction::ignore;
  // The postmaster's own word counts for trusted clients too.
  if (listed && !only_dmarc_is_ignored) return *std::move(listed);

  Disposition disposition = listed ? *std::move(listed) : by_dmarc(config, evidence, verdict);
  if (evidence.trusted) return for_trusted(std::move(disposition));
  std::optional<Disposition> refusal = by_spf(config, evidence);
  if (refusal && refusal->step > disposition.step) {
    refusal->policy = disposition.policy;
    disposition = *std::move(refusal);
  }
  return disposition;
}

}  // namespace signet
