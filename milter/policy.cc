// SPDX-License-Identifier: BSD-2-Clause

#include "milter/policy.h"

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
  if (evidence.spf != SpfResult::fail) return {false, "spf is not fail"};
  return {true, "spf=fail, no list, no DKIM pass"};
}

Disposition refuse(std::string rule, std::string reply) {
  return {Step::reject, DmarcPolicy::reject, std::move(rule), std::move(reply)};
}

std::string dmarc_reply(const DmarcVerdict& verdict) {
  return "DMARC: message rejected by the policy of " + verdict.author_domain.text();
}

Disposition quarantine(const Config& config, std::string rule, std::string reply) {
  switch (config.quarantine_action) {
    case QuarantineAction::header:
      return {Step::deliver, DmarcPolicy::quarantine, std::move(rule), {}};
    case QuarantineAction::hold:
      return {Step::hold, DmarcPolicy::quarantine, std::move(rule), {}};
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
      return {Step::deliver, DmarcPolicy::quarantine, "DMARCReject never", {}};
    case DmarcReject::corroborated:
      break;
  }
  const Corroboration found = corroborate(evidence);
  if (found.agrees) return refuse(std::string("corroborated: ") + found.rule, dmarc_reply(verdict));
  return quarantine(config, std::string("uncorroborated: ") + found.rule, dmarc_reply(verdict));
}

Disposition by_policy(const Config& config, const Evidence& evidence, const DmarcVerdict& verdict) {
  if (verdict.result != DmarcResult::fail) return {};
  switch (verdict.effective_policy) {
    case DmarcPolicy::none:
      return {Step::deliver, DmarcPolicy::none, "p=none", {}};
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
      return {Step::deliver, DmarcPolicy::none, rule, {}};
  }
  return {};
}

// The stricter of two; the first wins a tie.
Disposition stricter(Disposition a, Disposition b) {
  if (b.step != a.step) return b.step > a.step ? b : a;
  return b.policy > a.policy ? b : a;
}

// Authenticated and internal mail is never refused or held; the header still tells.
Disposition for_trusted(Disposition disposition) {
  if (disposition.step == Step::deliver) return disposition;
  disposition.step = Step::deliver;
  disposition.policy = DmarcPolicy::none;
  disposition.rule = "trusted client; else " + disposition.rule;
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
  return evidence.trusted ? for_trusted(std::move(disposition)) : disposition;
}

}  // namespace signet
