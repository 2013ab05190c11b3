// SPDX-License-Identifier: BSD-2-Clause
//
// The tree walk, and what follows from it: the policy record, the Organizational Domain, alignment,
// the verdict. Functions stand in the order in which RFC 9989 needs
// them: 4.10, 4.10.2, 4.10.1, 4.4, 5.3.

#include "dns/dmarc.h"

#include <fmt/format.h>

#include <algorithm>

namespace signet {
namespace {

using Method = AuthenticatedDomain::Method;
using Step = DmarcTreeWalk::Step;

constexpr int kLabelsAfterJump = 7;  // RFC 9989 4.10 step 4

/// RFC 9989 4.10 steps 3, 4 and 7: the targets of a walk, from the start to the last label.
std::vector<Name> walk_targets(const Name& start) {
  std::vector<Name> targets;
  for (Name target = start; !target.is_root();) {
    targets.push_back(target);
    const bool jumps = target.label_count() > kLabelsAfterJump;
    target = jumps ? target.last_labels(kLabelsAfterJump) : target.parent();
  }
  return targets;
}

const Step* first_failed(const std::vector<Step>& steps) {
  const auto step =
      std::find_if(steps.begin(), steps.end(), [](const Step& s) { return s.failed(); });
  return step == steps.end() ? nullptr : &*step;
}

const Step* step_with_record(const std::vector<Step>& steps, const Name& domain) {
  const auto step = std::find_if(steps.begin(), steps.end(),
                                 [&](const Step& s) { return s.domain == domain && s.record; });
  return step == steps.end() ? nullptr : &*step;
}

/// What policy discovery came to: a step with a record, or the step whose DNS error hides it, or
/// neither.
struct Discovery {
  const Step* found = nullptr;
  const Step* failed = nullptr;
};

/// RFC 9989 4.10.1: the record of the Author Domain, else of its Organizational Domain, else of its
/// Public Suffix Domain.
Discovery discover_policy(DmarcTreeWalk& walk) {
  const std::vector<Step>& steps = walk.steps();
  if (steps.empty()) return {};
  // A record that cannot be applied is found as well: 4.10.1 ends there, and does not go on to the
  // Organizational Domain.
  if (steps.front().record) return {&steps.front(), nullptr};
  if (const Step* failed = first_failed(steps)) return {nullptr, failed};
  if (const Step* step = step_with_record(steps, *organizational_domain(walk))) {
    return {step, nullptr};
  }
  // A record that is left is that of a PSD: any other would be the Organizational Domain's.
  const Step& last = steps.back();
  return {last.record ? &last : nullptr, nullptr};
}

struct PolicyChoice {
  DmarcPolicy policy = DmarcPolicy::none;
  const char* tag = "p";
};

/// RFC 9989 4.10.1 and 4.7: p for the domain of the record; for those below it np if they do not
/// exist, else sp, else p.
PolicyChoice choose_policy(const DmarcRecord& record, bool is_subdomain, bool exists) {
  if (is_subdomain && !exists && record.np) return {*record.np, "np"};
  if (is_subdomain && record.sp) return {*record.sp, "sp"};
  return {*record.p, "p"};
}

/// RFC 9989 4.7, t=y: one level below the policy.
DmarcPolicy lower_by_one(DmarcPolicy policy) {
  return policy == DmarcPolicy::reject ? DmarcPolicy::quarantine : DmarcPolicy::none;
}

/// The policy that applies to the Author Domain of `walk`, by the record that `verdict` holds.
/// False if a DNS error leaves open which of np and the others it is, and they differ; then the
/// others.
bool fill_in_policy(DmarcVerdict& verdict, DmarcTreeWalk& walk) {
  const DmarcRecord& record = *verdict.record;
  const bool is_subdomain = verdict.policy_domain != walk.start();
  const auto exists = walk.start_exists();
  const PolicyChoice choice = choose_policy(record, is_subdomain, exists.value_or(true));
  verdict.policy = choice.policy;
  verdict.policy_tag = choice.tag;
  verdict.effective_policy = record.testing ? lower_by_one(choice.policy) : choice.policy;
  return exists || choose_policy(record, is_subdomain, false).policy == choice.policy;
}

bool is_strict(const DmarcRecord& record, Method method) {
  return method == Method::spf ? record.strict_spf : record.strict_dkim;
}

/// Whether a domain other than the Author Domain could share its Organizational Domain. That one is
/// always the domain itself or above it.
bool could_share_organization(DmarcTreeWalk& author, const Name& domain) {
  const auto organization = organizational_domain(author);
  if (organization) return domain.is_at_or_below(*organization);
  return domain.last_labels(1) == author.start().last_labels(1);
}

enum class Alignment { no, yes, unknown, needs_walk, over_limit };

/// RFC 9989 4.10.2: the conditions under which no tree walk is needed.
Alignment align_without_walk(DmarcTreeWalk& author, const DmarcRecord& record,
                             const AuthenticatedDomain& candidate) {
  if (candidate.domain == author.start()) return Alignment::yes;
  if (is_strict(record, candidate.method)) return Alignment::no;
  if (!could_share_organization(author, candidate.domain)) return Alignment::no;
  const auto organization = organizational_domain(author);
  if (!organization) return Alignment::unknown;
  // RFC 9989 B.4.1: the Organizational Domain of an Organizational Domain is found already.
  return candidate.domain == *organization ? Alignment::yes : Alignment::needs_walk;
}

/// RFC 9989 3.2.10.1: relaxed alignment is to have the same Organizational Domain.
Alignment align_by_walk(DmarcTreeWalk& author, DmarcTreeWalk& candidate) {
  if (candidate.is_too_long()) return Alignment::over_limit;
  const auto theirs = organizational_domain(candidate);
  if (!theirs) return Alignment::unknown;
  // The author's is known, or no walk would have been needed.
  return organizational_domain(author) == theirs ? Alignment::yes : Alignment::no;
}

/// What alignment came to over all authenticated domains.
struct AlignmentSummary {
  bool spf = false;
  bool dkim = false;
  const Name* aligned = nullptr;     ///< the first that aligns
  const Name* unknown = nullptr;     ///< the first that a DNS error leaves open
  const Name* over_limit = nullptr;  ///< the first whose walk is too long

  bool has(Method method) const { return method == Method::spf ? spf : dkim; }
  void note(const AuthenticatedDomain& candidate, Alignment alignment) {
    if (alignment == Alignment::unknown && unknown == nullptr) unknown = &candidate.domain;
    if (alignment == Alignment::over_limit && over_limit == nullptr) over_limit = &candidate.domain;
    if (alignment != Alignment::yes) return;
    (candidate.method == Method::spf ? spf : dkim) = true;
    if (aligned == nullptr) aligned = &candidate.domain;
  }
};

AlignmentSummary align_all(Resolver& resolver, LookupBudget& budget, DmarcTreeWalk& author,
                           const DmarcRecord& record,
                           const std::vector<AuthenticatedDomain>& authenticated) {
  AlignmentSummary summary;
  std::vector<const AuthenticatedDomain*> undecided;
  for (const AuthenticatedDomain& candidate : authenticated) {
    const Alignment alignment = align_without_walk(author, record, candidate);
    if (alignment == Alignment::needs_walk) undecided.push_back(&candidate);
    summary.note(candidate, alignment);
  }
  // A method that has what it needs asks for no more.
  std::erase_if(undecided, [&](const auto* candidate) { return summary.has(candidate->method); });
  // All walks are on their way before the first is waited for.
  for (const auto* candidate : undecided) author.beside(resolver, budget, candidate->domain);
  for (const auto* candidate : undecided) {
    DmarcTreeWalk& theirs = author.beside(resolver, budget, candidate->domain);
    summary.note(*candidate, align_by_walk(author, theirs));
  }
  return summary;
}

DmarcVerdict conclude(DmarcVerdict verdict, DmarcResult result, std::string reason) {
  verdict.result = result;
  verdict.reason = std::move(reason);
  return verdict;
}

/// No record that could be applied: none, permerror or temperror.
DmarcVerdict conclude_without_policy(DmarcVerdict verdict, const Discovery& discovery) {
  if (discovery.failed != nullptr) {
    return conclude(std::move(verdict), DmarcResult::temperror,
                    fmt::format("DNS {} for _dmarc.{}", to_string(discovery.failed->status),
                                discovery.failed->domain.text()));
  }
  if (discovery.found == nullptr) {
    return conclude(std::move(verdict), DmarcResult::none, "no DMARC Policy Record");
  }
  const std::string& defect = discovery.found->record->defect;
  const std::string where = discovery.found->domain.text();
  // RFC 9989 9.2: permerror is for, among others, an improperly formatted record.
  if (!defect.empty()) {
    return conclude(std::move(verdict), DmarcResult::permerror,
                    fmt::format("in the record of {} {}", where, defect));
  }
  return conclude(std::move(verdict), DmarcResult::none,
                  fmt::format("the record of {} has neither p nor rua", where));
}

std::string describe_pass(const AlignmentSummary& summary) {
  const char* methods = summary.spf && summary.dkim ? "SPF and DKIM" : summary.spf ? "SPF" : "DKIM";
  return fmt::format("{} aligned, {}", methods, summary.aligned->text());
}

DmarcVerdict conclude_over_limit(DmarcVerdict verdict, const DmarcTreeWalk& walk,
                                 const Name& start) {
  verdict.limits.add(Limit::dmarc_queries);
  return conclude(std::move(verdict), DmarcResult::permerror,
                  fmt::format("the walk from {} takes more queries than MaximumDMARCQueries, {}",
                              start.text(), walk.limits().queries));
}

DmarcVerdict evaluate(Resolver& resolver, LookupBudget& budget, DmarcTreeWalk& walk,
                      const std::vector<AuthenticatedDomain>& authenticated, bool temporary_error) {
  DmarcVerdict verdict;
  verdict.author_domain = walk.start();
  if (walk.is_too_long()) return conclude_over_limit(std::move(verdict), walk, walk.start());
  verdict.organizational_domain = organizational_domain(walk).value_or(Name());
  const Discovery discovery = discover_policy(walk);
  if (discovery.found != nullptr) {
    verdict.record = discovery.found->record;
    verdict.policy_domain = discovery.found->domain;
  }
  if (discovery.found == nullptr || !verdict.record->p) {
    return conclude_without_policy(std::move(verdict), discovery);
  }
  prefetch_dmarc(resolver, budget, walk);
  const AlignmentSummary summary =
      align_all(resolver, budget, walk, *verdict.record, authenticated);
  verdict.spf_aligned = summary.spf;
  verdict.dkim_aligned = summary.dkim;
  const bool policy_known = fill_in_policy(verdict, walk);

  // RFC 9989 5.3.5: one aligned identifier is a pass.
  if (summary.aligned != nullptr) {
    return conclude(std::move(verdict), DmarcResult::pass, describe_pass(summary));
  }
  // RFC 9989 5.3.6: without the answers that were needed a message neither passes nor fails.
  std::string error;
  if (summary.unknown != nullptr) {
    error = fmt::format("a DNS error hides whether {} aligns", summary.unknown->text());
  } else if (temporary_error) {
    error = "a DNS error kept SPF or DKIM from a result";
  } else if (!policy_known) {
    error = "a DNS error hides whether the Author Domain exists";
  }
  if (!error.empty()) return conclude(std::move(verdict), DmarcResult::temperror, error);
  if (summary.over_limit != nullptr) {
    return conclude_over_limit(std::move(verdict), walk, *summary.over_limit);
  }
  return conclude(std::move(verdict), DmarcResult::fail,
                  authenticated.empty() ? "no authenticated domain" : "no aligned domain");
}

}  // namespace

std::string_view to_string(DmarcResult result) {
  switch (result) {
    case DmarcResult::none:
      return "none";
    case DmarcResult::pass:
      return "pass";
    case DmarcResult::fail:
      return "fail";
    case DmarcResult::temperror:
      return "temperror";
    case DmarcResult::permerror:
      return "permerror";
  }
  return "temperror";
}

DmarcTreeWalk::DmarcTreeWalk(Resolver& resolver, LookupBudget& budget, const Name& start,
                             const DmarcLimits& limits)
    : start_(start), limits_(limits) {
  ask(resolver, budget, nullptr);
}

DmarcTreeWalk::DmarcTreeWalk(Resolver& resolver, LookupBudget& budget, const Name& start,
                             const DmarcTreeWalk& other)
    : start_(start), limits_(other.limits_) {
  ask(resolver, budget, &other);
}

void DmarcTreeWalk::ask(Resolver& resolver, LookupBudget& budget, const DmarcTreeWalk* other) {
  const std::vector<Name> targets = walk_targets(start_);
  is_too_long_ = targets.size() > static_cast<size_t>(limits_.queries);
  if (is_too_long_) return;
  for (const Name& target : targets) {
    Question question{target, {}};
    const Lookup* known = other == nullptr ? nullptr : other->find(target);
    const auto name = prepend_labels("_dmarc", target);
    if (known != nullptr) {
      question.lookup = *known;
    } else if (name) {
      question.lookup = resolver.start(*name, RecordType::txt, budget);
    }
    questions_.push_back(std::move(question));
  }
}

const Lookup* DmarcTreeWalk::find(const Name& domain) const {
  for (const Question& question : questions_) {
    if (question.domain == domain && question.lookup) return &*question.lookup;
  }
  return nullptr;
}

Step DmarcTreeWalk::read_step(const Name& domain, Lookup* lookup) {
  Step step;
  step.domain = domain;
  if (lookup == nullptr) {
    // RFC 1035 2.3.4: over 255 octets there is no such name, and so no record.
    step.status = DnsStatus::no_domain;
    return step;
  }
  const Answer& answer = lookup->get();
  reached_.add(answer.limit);
  step.status = answer.status;
  DmarcRecordSet set = select_dmarc_record(answer.texts, limits_.record_octets);
  step.records_found = set.found;
  step.record = std::move(set.record);
  if (step.record) reached_.add(step.record->limit);
  return step;
}

const std::vector<Step>& DmarcTreeWalk::steps() {
  if (steps_) return *steps_;
  steps_.emplace();
  for (auto& [domain, lookup] : questions_) {
    steps_->push_back(read_step(domain, lookup ? &*lookup : nullptr));
    const auto& record = steps_->back().record;
    // RFC 9989 4.10 steps 2 and 6: a record with psd=n or psd=y ends the walk.
    if (record && record->psd != DmarcPsd::u) break;
  }
  return *steps_;
}

LimitSet DmarcTreeWalk::limits_reached() {
  LimitSet all = reached_;
  if (const Answer* existence = existence_ ? existence_->peek() : nullptr)
    all.add(existence->limit);
  for (DmarcTreeWalk& walk : beside_) all.add(walk.limits_reached());
  return all;
}

Lookup* DmarcTreeWalk::open_step() {
  if (steps_) return nullptr;
  for (auto& [domain, lookup] : questions_) {
    if (lookup && lookup->peek() == nullptr) return &*lookup;
  }
  return nullptr;
}

Lookup* DmarcTreeWalk::open_question() {
  if (Lookup* step = open_step()) return step;
  if (existence_ && existence_->peek() == nullptr) return &*existence_;
  for (DmarcTreeWalk& walk : beside_) {
    if (Lookup* question = walk.open_question()) return question;
  }
  return nullptr;
}

DmarcTreeWalk& DmarcTreeWalk::beside(Resolver& resolver, LookupBudget& budget, const Name& domain) {
  const auto known = std::find_if(beside_.begin(), beside_.end(),
                                  [&](const DmarcTreeWalk& w) { return w.start() == domain; });
  if (known != beside_.end()) return *known;
  return beside_.emplace_back(DmarcTreeWalk(resolver, budget, domain, *this));
}

void DmarcTreeWalk::ask_existence(Resolver& resolver, LookupBudget& budget) {
  if (existence_ || steps().empty() || steps()[0].status != DnsStatus::no_domain) return;
  // RFC 9989 A.4: any type will do, because only the rcode counts. A is the one that even a server
  // which wrongly answers NXDOMAIN for types it does not know will know.
  existence_ = resolver.start(start_, RecordType::a, budget);
}

std::optional<bool> DmarcTreeWalk::start_exists() {
  if (existence_) {
    const Answer& answer = existence_->get();
    if (answer.failed()) return {};
    return answer.status != DnsStatus::no_domain;
  }
  if (steps().empty()) return true;
  // RFC 8020 2: a name below which there is something exists; here `_dmarc`.
  const Step& first = steps().front();
  if (first.failed() || first.status == DnsStatus::no_domain) return {};
  return true;
}

std::optional<Name> organizational_domain(DmarcTreeWalk& walk) {
  if (walk.is_too_long()) return {};
  const std::vector<Step>& steps = walk.steps();
  // A record that did not come might have held psd=n or psd=y.
  if (first_failed(steps) != nullptr) return {};
  if (steps.empty()) return walk.start();
  const Step& last = steps.back();
  // RFC 9989 4.10.2 rule 1.
  if (last.record && last.record->psd == DmarcPsd::n) return last.domain;
  // Rule 2: psd=y, but not at the start, names the domain one label below.
  if (last.record && last.record->psd == DmarcPsd::y && last.domain != walk.start()) {
    return walk.start().last_labels(last.domain.label_count() + 1);
  }
  // Rule 3: the record at the name with the fewest labels.
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->record) return step->domain;
  }
  // Otherwise the initial target.
  return walk.start();
}

bool could_align(DmarcTreeWalk& walk, const AuthenticatedDomain& candidate) {
  if (candidate.domain == walk.start()) return true;
  const Discovery discovery = discover_policy(walk);
  const bool strict =
      discovery.found != nullptr && is_strict(*discovery.found->record, candidate.method);
  return !strict && could_share_organization(walk, candidate.domain);
}

void prefetch_dmarc(Resolver& resolver, LookupBudget& budget, DmarcTreeWalk& walk) {
  const Discovery discovery = discover_policy(walk);
  const bool np_may_apply = discovery.found != nullptr && discovery.found->record->np &&
                            discovery.found->domain != walk.start();
  if (np_may_apply) walk.ask_existence(resolver, budget);
}

void prefetch_alignment(Resolver& resolver, LookupBudget& budget, DmarcTreeWalk& walk,
                        const AuthenticatedDomain& candidate) {
  if (walk.is_there()) {
    const Discovery discovery = discover_policy(walk);
    if (discovery.found == nullptr || !discovery.found->record->p) return;
    const DmarcRecord& record = *discovery.found->record;
    if (align_without_walk(walk, record, candidate) != Alignment::needs_walk) return;
  } else {
    const bool same_domain = candidate.domain == walk.start();
    const Name shared = walk.start().last_labels(2);
    if (same_domain || shared.label_count() < 2 || !candidate.domain.is_at_or_below(shared)) return;
  }
  walk.beside(resolver, budget, candidate.domain);
}

DmarcVerdict evaluate_dmarc(Resolver& resolver, LookupBudget& budget, DmarcTreeWalk& walk,
                            const std::vector<AuthenticatedDomain>& authenticated,
                            bool temporary_error) {
  DmarcVerdict verdict = evaluate(resolver, budget, walk, authenticated, temporary_error);
  verdict.limits.add(walk.limits_reached());
  return verdict;
}

}  // namespace signet
