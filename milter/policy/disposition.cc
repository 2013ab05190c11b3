// SPDX-License-Identifier: BSD-2-Clause
//
// DMARC first (RFC 9989 7.4, 8), a broken From with it (11.5), then what SPF may refuse by option
// (RFC 7208 8.4). Each branch names its rule; the stricter of two dispositions counts.

#include <fmt/format.h>

#include <optional>

#include "milter/policy/disposition.h"

namespace signet {
namespace {

using Step = Disposition::Step;

// Why a p=reject is carried out, or why it is not. RFC 9989 7.4, 8: a Mail Receiver MUST NOT
// reject solely because of p=reject; without other knowledge it is quarantine.
struct Corroboration {
  bool agrees = false;
  const char* rule = "";
};

Corroboration corroborate(const Evidence& evidence) {
  if (evidence.own_domain) return {true, "own domain"};
  if (evidence.from_list) return {false, "mailing list"};
  if (evidence.any_dkim_pass) return {false, "a DKIM signature passed"};
  if (evidence.spf.result != SpfResult::fail) return {false, "spf is not fail"};
  return {true, "spf=fail, no list, no DKIM pass"};
}

Disposition refuse(std::string rule, std::string reply) {
  return {Step::reject, DmarcPolicy::reject, std::move(rule), "5.7.1", std::move(reply)};
}

std::string dmarc_reply(const DmarcVerdict& verdict) {
  return "DMARC: message rejected by the policy of " + verdict.author_domain.text();
}

Disposition quarantine(const Config& config, std::string rule, std::string reply) {
  switch (config.quarantine_action) {
    case QuarantineAction::header:
      return {Step::deliver, DmarcPolicy::quarantine, std::move(rule), {}, {}};
    case QuarantineAction::hold:
      return {Step::hold, DmarcPolicy::quarantine, std::move(rule), {}, {}};
    case QuarantineAction::reject:
      return refuse(std::move(rule), std::move(reply));
  }
  return {};
}

Disposition failed_with_reject(const Config& config, const Evidence& evidence,
                               const DmarcVerdict& verdict) {
  switch (config.dmarc_reject) {
    case DmarcReject::always:
      return refuse("DMARCReject always", dmarc_reply(verdict));
    case DmarcReject::never:
      // Marks only, so QuarantineAction has no say.
      return {Step::deliver, DmarcPolicy::quarantine, "DMARCReject never", {}, {}};
    case DmarcReject::corroborated:
      break;
  }
  const Corroboration found = corroborate(evidence);
  if (found.agrees) return refuse(std::string("corroborated: ") + found.rule, dmarc_reply(verdict));
  return quarantine(config, std::string("uncorroborated: ") + found.rule, dmarc_reply(verdict));
}

Disposition by_policy(const Config& config, const Evidence& evidence, const DmarcVerdict& verdict) {
  if (verdict.result == DmarcResult::temperror &&
      config.dmarc_on_temperror == FailureAction::tempfail) {
    return {Step::tempfail, DmarcPolicy::none, "DMARCOnTempError", "4.7.0",
            "DMARC check of " + verdict.author_domain.text() + " got no answer from the DNS"};
  }
  if (verdict.result != DmarcResult::fail) return {};
  switch (verdict.effective_policy) {
    case DmarcPolicy::none:
      return {Step::deliver, DmarcPolicy::none, "p=none", {}, {}};
    case DmarcPolicy::quarantine:
      return quarantine(config, "p=quarantine", dmarc_reply(verdict));
    case DmarcPolicy::reject:
      return failed_with_reject(config, evidence, verdict);
  }
  return {};
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
      return {Step::deliver, DmarcPolicy::none, rule, {}, {}};
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
    return Disposition{step, DmarcPolicy::none, std::move(rule), code, std::move(reply)};
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
  disposition.step = Step::deliver;
  disposition.policy = DmarcPolicy::none;
  disposition.rule = "trusted client; else " + disposition.rule;
  disposition.enhanced_code.clear();
  disposition.reply.clear();
  return disposition;
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
  Disposition disposition =
      by_policy(config, evidence, overall_verdict(evidence.author, evidence.dmarc));
  if (!evidence.author.ok()) {
    disposition = stricter(by_bad_from(config, evidence.author), disposition);
  }
  if (evidence.trusted) return for_trusted(std::move(disposition));
  std::optional<Disposition> refusal = by_spf(config, evidence);
  if (refusal && refusal->step > disposition.step) {
    refusal->policy = disposition.policy;
    disposition = *std::move(refusal);
  }
  return disposition;
}

}  // namespace signet
