// SPDX-License-Identifier: BSD-2-Clause
//
// check_host() of RFC 7208 4, as sequential code: a record is a loop over its directives, an
// include or a redirect is the same function one level deeper, and the ten terms bound the depth.
// Nothing waits in here. A term whose answer is not there is "open", and the loop goes on as after
// "no match": so the questions of all terms are on their way side by side, and those that follow
// from an answer leave at the next reading. The verdict is that of a reading without anything open:
// answers, counts and trace are then those of asking one by one.
//
// Errata of RFC 7208 considered: 4001 (examples with the SPF type; TXT alone is asked here), 4081
// (rejected), 5436 (syntax of Received-SPF, not written here), 6595 (macros meet the void limit
// easily: true, and no change of the rule).

#include "dns/spf/spf_evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace signet {
namespace {

constexpr const char* kTooManyTerms = "too many terms that query DNS";
constexpr const char* kOneLabel = "the target name has one label only";

// Looking ahead is for honest records. A bigger one is not parsed before its turn has come.
constexpr size_t kMostOctetsAhead = 4096;

/// RFC 7208 4.6.2: a mechanism matches, does not match, or returns an exception; here it can also
/// be open, for lack of an answer that is on its way.
enum class TermResult { match, no_match, temperror, permerror, open };

/// RFC 7208 4.6.4: "positive answer with an answer count of 0, or a Name Error".
bool is_void(DnsStatus status) {
  return status == DnsStatus::no_data || status == DnsStatus::no_domain;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

/// RFC 7208 4.6.2
SpfResult result_of(SpfQualifier qualifier) {
  switch (qualifier) {
    case SpfQualifier::pass:
      return SpfResult::pass;
    case SpfQualifier::fail:
      return SpfResult::fail;
    case SpfQualifier::softfail:
      return SpfResult::softfail;
    case SpfQualifier::neutral:
      return SpfResult::neutral;
  }
  return SpfResult::neutral;
}

std::string outcome_text(TermResult result, const std::string& detail) {
  constexpr std::string_view kWords[] = {"match", "no match", "temperror", "permerror", "open"};
  const std::string_view word = kWords[static_cast<size_t>(result)];
  if (detail.empty()) return std::string(word);
  return printable_ascii(fmt::format("{}: {}", word, detail), kMaxSpfProblemOctets);
}

/// What a question resolved to, for people.
std::string describe(const Answer& answer) {
  if (answer.status != DnsStatus::answered) return std::string(to_string(answer.status));
  std::vector<std::string> texts;
  for (const auto& address : answer.addresses) texts.push_back(to_string(address));
  for (const auto& mx : answer.exchanges) texts.push_back(mx.exchange.text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// RFC 7208 5.6
bool is_client_in(const std::optional<IpNetwork>& network, const IpAddress& client) {
  return network && network->contains(client);
}

/// RFC 8616 4: U-labels become A-labels before they meet a macro. Anything else stays as it came.
std::string helo_value(const std::string& helo) {
  if (is_ascii(helo)) return helo;
  const auto domain = parse_domain(helo);
  return domain ? domain->text() : helo;
}

}  // namespace

struct SpfEvaluation::TermOutcome {
  TermResult result = TermResult::no_match;
  std::string detail;  ///< for the trace; for an error, the problem
};

/// An exp= that speaks for the verdict, and the <domain> in whose record it stands.
struct SpfEvaluation::Explanation {
  SpfModifier modifier;
  Name domain;
  int depth = 0;
};

/// What one check_host() returned.
struct SpfEvaluation::HostOutcome {
  SpfResult result = SpfResult::neutral;
  std::string mechanism;
  std::string problem;
  std::optional<Explanation> explanation;
  bool open = false;  ///< nobody knows yet; then the rest says nothing

  static HostOutcome still_open() {
    HostOutcome outcome;
    outcome.open = true;
    return outcome;
  }
};

/// What a domain publishes.
struct SpfEvaluation::Policy {
  std::optional<SpfRecord> record;
  HostOutcome without;         ///< without a record: what check_host() returns
  bool is_void = false;        ///< the answer had no data
  std::optional<Limit> limit;  ///< of the message, if there was no answer for it
  bool only_all_fail = false;
};

/// One record under evaluation.
struct SpfEvaluation::Frame {
  const SpfRecord& record;
  const Name& domain;
  int depth;
  bool included;  ///< in an include, at whatever depth
};

/// The <target-name> of a term, or how the term ends because it has none.
struct SpfEvaluation::Target {
  std::optional<Name> name;
  TermOutcome without;
};

SpfEvaluation::SpfEvaluation(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                             const SpfLimits& limits, SpfSender sender)
    : lookups_(resolver, budget, limits, request.client, request.want_trace),
      domain_(std::move(sender.domain)),
      client_(request.client),
      want_explanation_(request.want_explanation),
      want_trace_(request.want_trace) {
  assert(limits.terms < kMaxSpfQueryingDirectives);
  values_.local_part = std::move(sender.local_part);
  values_.sender_domain = domain_.text();
  values_.client = request.client;
  values_.helo = helo_value(request.helo);
  values_.receiver = request.receiver;
  values_.now = request.now;
}

std::optional<SpfVerdict> SpfEvaluation::read() {
  lookups_.begin_reading();
  verdict_ = {};
  HostOutcome outcome = check_host(domain_, 0, false);
  if (outcome.explanation) verdict_.explanation = explain(*outcome.explanation);
  if (lookups_.met_open()) return std::nullopt;
  verdict_.result = outcome.result;
  verdict_.domain = domain_;
  verdict_.mechanism = std::move(outcome.mechanism);
  verdict_.problem = printable_ascii(outcome.problem, kMaxSpfProblemOctets);
  verdict_.terms = lookups_.terms();
  verdict_.void_lookups = lookups_.void_lookups();
  verdict_.questions = lookups_.questions();
  verdict_.limits = lookups_.limits_reached();
  return std::move(verdict_);
}

/// RFC 7208 4.3 to 4.6.
SpfEvaluation::HostOutcome SpfEvaluation::check_host(const Name& domain, int depth, bool included) {
  const Policy* policy = policy_of(domain);
  if (policy == nullptr) return HostOutcome::still_open();
  // An include or redirect without a record is permerror anyway; this is for the count.
  if (depth > 0 && policy->is_void) lookups_.count_void();
  lookups_.note(policy->limit);
  if (depth == 0) verdict_.only_all_fail = policy->only_all_fail;
  if (!policy->record) return policy->without;
  return evaluate_record({*policy->record, domain, depth, included});
}

/// Parsed once, however often it is read; nullptr: open.
const SpfEvaluation::Policy* SpfEvaluation::policy_of(const Name& domain) {
  const auto known = policies_.find(domain);
  if (known != policies_.end()) return known->second.get();
  const Answer* answer = lookups_.find(domain, RecordType::txt);
  if (answer == nullptr) return nullptr;
  const auto is_big = [](const std::string& text) { return text.size() > kMostOctetsAhead; };
  if (lookups_.looks_ahead() && std::any_of(answer->texts.begin(), answer->texts.end(), is_big)) {
    return nullptr;
  }
  auto policy = std::make_shared<const Policy>(read_policy(domain, *answer));
  return policies_.emplace(domain, std::move(policy)).first->second.get();
}

SpfEvaluation::Policy SpfEvaluation::read_policy(const Name& domain, const Answer& answer) const {
  Policy policy;
  policy.is_void = is_void(answer.status);
  policy.limit = answer.limit;
  const auto without = [&](SpfResult result, std::string problem) {
    policy.without = {result, "", std::move(problem), {}};
    return std::move(policy);
  };
  // RFC 7208 4.4: server failure, another error or a timeout is temperror.
  if (answer.failed()) {
    return without(SpfResult::temperror,
                   fmt::format("TXT {}: {}", domain.text(), to_string(answer.status)));
  }
  // RFC 7208 4.5: what does not begin with a version section is discarded.
  const auto first = std::find_if(answer.texts.begin(), answer.texts.end(), is_spf_record);
  if (first == answer.texts.end()) {
    // RFC 7208 4.3: NXDOMAIN is none as well.
    const std::string_view what =
        answer.status == DnsStatus::no_domain ? "does not exist" : "has no SPF record";
    return without(SpfResult::none, fmt::format("{} {}", domain.text(), what));
  }
  if (std::any_of(first + 1, answer.texts.end(), is_spf_record)) {
    return without(SpfResult::permerror, fmt::format("{} has several SPF records", domain.text()));
  }
  // RFC 7208 4.6: a syntax error anywhere is permerror, before any evaluation.
  auto record = parse_spf_record(*first);
  if (!record) {
    return without(SpfResult::permerror, fmt::format("{}: {}", domain.text(), record.error()));
  }
  auto& directives = record->directives;
  policy.only_all_fail = directives.size() == 1 && directives[0].mechanism == SpfMechanism::all &&
                         directives[0].qualifier == SpfQualifier::fail;
  // A network without the client is skipped here for all readings; a trace tells of each.
  if (!want_trace_) {
    std::erase_if(directives, [&](const SpfDirective& directive) {
      return directive.mechanism != SpfMechanism::all && !queries_dns(directive.mechanism) &&
             !is_client_in(directive.network, client_);
    });
  }
  policy.record = *std::move(record);
  return policy;
}

/// RFC 7208 4.6.2: each mechanism in turn from left to right.
SpfEvaluation::HostOutcome SpfEvaluation::evaluate_record(const Frame& frame) {
  bool open = false;
  for (const SpfDirective& directive : frame.record.directives) {
    const size_t step = open_step(frame.depth, frame.domain, directive.text);
    const TermOutcome outcome = evaluate_directive(frame, directive);
    if (want_trace_) close_step(step, outcome_text(outcome.result, outcome.detail));
    open = open || outcome.result == TermResult::open;
    if (outcome.result == TermResult::no_match || outcome.result == TermResult::open) continue;
    // What comes first decides, and an open term came before.
    return open ? HostOutcome::still_open() : conclude(frame, directive, outcome);
  }
  // RFC 7208 4.7: without a redirect as if "?all" were the last directive.
  HostOutcome rest = frame.record.redirect ? follow_redirect(frame) : HostOutcome{};
  return open ? HostOutcome::still_open() : rest;
}

SpfEvaluation::HostOutcome SpfEvaluation::conclude(const Frame& frame,
                                                   const SpfDirective& directive,
                                                   const TermOutcome& outcome) const {
  if (outcome.result == TermResult::temperror) {
    return {SpfResult::temperror, directive.text, outcome.detail, {}};
  }
  if (outcome.result == TermResult::permerror) {
    return {SpfResult::permerror, directive.text, outcome.detail, {}};
  }
  HostOutcome matched{result_of(directive.qualifier), directive.text, "", {}};
  // RFC 7208 6.2: an explanation belongs to a fail due to a mechanism of the same record.
  // match_include() looks at nothing but the result, so that of an included record is never used.
  if (matched.result == SpfResult::fail && want_explanation_ && frame.record.explanation) {
    matched.explanation = Explanation{*frame.record.explanation, frame.domain, frame.depth};
  }
  return matched;
}

/// RFC 7208 6.1
SpfEvaluation::HostOutcome SpfEvaluation::follow_redirect(const Frame& frame) {
  const SpfModifier& redirect = *frame.record.redirect;
  const size_t step = open_step(frame.depth, frame.domain, redirect.text);
  const auto stop = [&](SpfResult result, const std::string& problem) {
    close_step(step, fmt::format("{}: {}", to_string(result), problem));
    return HostOutcome{result, redirect.text, problem, {}};
  };
  if (!lookups_.take_term()) return stop(SpfResult::permerror, kTooManyTerms);
  const Target target = target_of(redirect.domain, frame.domain, true);
  if (!target.name) {
    const std::string& detail = target.without.detail;
    if (target.without.result == TermResult::open) return HostOutcome::still_open();
    if (target.without.result == TermResult::temperror) return stop(SpfResult::temperror, detail);
    if (target.without.result == TermResult::permerror) return stop(SpfResult::permerror, detail);
    // RFC 8616 4: the term does not match anything; what is left is the default result.
    return stop(SpfResult::neutral, detail);
  }
  // RFC 7208 4.3, 6.1: a name of one label is malformed, hence permerror rather than none.
  if (target.name->label_count() < 2) return stop(SpfResult::permerror, kOneLabel);
  close_step(step, target.name->text());
  HostOutcome outcome = check_host(*target.name, frame.depth + 1, frame.included);
  if (outcome.open) return outcome;
  if (outcome.result == SpfResult::none) return stop(SpfResult::permerror, outcome.problem);
  return outcome;
}

SpfEvaluation::TermOutcome SpfEvaluation::evaluate_directive(const Frame& frame,
                                                             const SpfDirective& directive) {
  if (directive.mechanism == SpfMechanism::all) return {TermResult::match, ""};
  if (!queries_dns(directive.mechanism)) {
    // RFC 7208 5.6
    const bool inside = is_client_in(directive.network, client_);
    return {inside ? TermResult::match : TermResult::no_match, ""};
  }
  // RFC 7208 4.6.4: more than 10 terms that query DNS is permerror.
  if (!lookups_.take_term()) return {TermResult::permerror, kTooManyTerms};
  TermOutcome outcome = evaluate_query(frame, directive);
  // Whether an open term of the checked domain itself matches or not, what follows it in the count
  // of terms stays where it is, or is not needed. Of an include neither is sure.
  const bool include = frame.included || directive.mechanism == SpfMechanism::include;
  if (outcome.result == TermResult::open && include) lookups_.look_ahead();
  return outcome;
}

SpfEvaluation::TermOutcome SpfEvaluation::evaluate_query(const Frame& frame,
                                                         const SpfDirective& directive) {
  // RFC 7208 4.8 leaves open what a malformed <target-name> does. Here it cannot match, as a name
  // that does not exist; for include, 4.3 makes it none and 5.2 turns none into permerror.
  const Target target =
      target_of(directive.domain, frame.domain, directive.mechanism == SpfMechanism::include);
  if (!target.name) return target.without;
  switch (directive.mechanism) {
    case SpfMechanism::include:
      return match_include(frame, *target.name);
    case SpfMechanism::a:
      return match_a(directive, *target.name);
    case SpfMechanism::mx:
      return match_mx(directive, *target.name);
    case SpfMechanism::ptr:
      return match_ptr(*target.name);
    default:
      return match_exists(*target.name);
  }
}

/// RFC 7208 5.2
SpfEvaluation::TermOutcome SpfEvaluation::match_include(const Frame& frame, const Name& target) {
  // RFC 7208 4.3: check_host() of a name that is not multi-label is none.
  if (target.label_count() < 2) return {TermResult::permerror, kOneLabel};
  const HostOutcome outcome = check_host(target, frame.depth + 1, true);
  if (outcome.open) return {TermResult::open, ""};
  switch (outcome.result) {
    case SpfResult::pass:
      return {TermResult::match, "pass"};
    case SpfResult::fail:
    case SpfResult::softfail:
    case SpfResult::neutral:
      return {TermResult::no_match, std::string(to_string(outcome.result))};
    case SpfResult::temperror:
      return {TermResult::temperror, outcome.problem};
    case SpfResult::permerror:
    case SpfResult::none:
      return {TermResult::permerror, outcome.problem};
  }
  return {TermResult::permerror, outcome.problem};
}

/// RFC 7208 5.3
SpfEvaluation::TermOutcome SpfEvaluation::match_a(const SpfDirective& directive,
                                                  const Name& target) {
  const Answer* answer = lookups_.find(target, lookups_.address_type());
  if (auto exception = exception_of(target, lookups_.address_type(), answer)) {
    return *std::move(exception);
  }
  const bool match = holds_client(*answer, directive);
  return {match ? TermResult::match : TermResult::no_match, want_trace_ ? describe(*answer) : ""};
}

/// RFC 7208 5.4. Without MX records there is no implicit MX.
SpfEvaluation::TermOutcome SpfEvaluation::match_mx(const SpfDirective& directive,
                                                   const Name& target) {
  const Answer* answer = lookups_.find(target, RecordType::mx);
  if (auto exception = exception_of(target, RecordType::mx, answer)) return *std::move(exception);
  // RFC 7208 4.6.4: more than 10 is permerror. Said before the first address is asked for: whether
  // a match or the limit comes first must not depend on the order in which DNS shuffled the answer.
  if (!lookups_.allows_mx_hosts(answer->exchanges.size())) {
    return {TermResult::permerror, fmt::format("{} has too many MX records", target.text())};
  }
  auto exchanges = answer->exchanges;
  std::sort(exchanges.begin(), exchanges.end(), [](const MxRecord& x, const MxRecord& y) {
    return std::tie(x.preference, x.exchange) < std::tie(y.preference, y.exchange);
  });
  // RFC 7505 3: a null MX names no host.
  std::erase_if(exchanges, [](const MxRecord& mx) { return mx.exchange.is_root(); });
  // All are on their way before the first is looked at.
  for (const MxRecord& mx : exchanges) lookups_.find(mx.exchange, lookups_.address_type());
  for (const MxRecord& mx : exchanges) {
    const Name& host = mx.exchange;
    const Answer* addresses = lookups_.find(host, lookups_.address_type());
    if (auto exception = exception_of(host, lookups_.address_type(), addresses)) {
      return *std::move(exception);
    }
    if (holds_client(*addresses, directive)) return {TermResult::match, host.text()};
  }
  return {TermResult::no_match, want_trace_ ? describe(*answer) : ""};
}

/// RFC 7208 5.7: an A question even if the client is IPv6.
SpfEvaluation::TermOutcome SpfEvaluation::match_exists(const Name& target) {
  const Answer* answer = lookups_.find(target, RecordType::a);
  if (auto exception = exception_of(target, RecordType::a, answer)) return *std::move(exception);
  const bool match = answer->status == DnsStatus::answered;
  return {match ? TermResult::match : TermResult::no_match,
          fmt::format("{} {}", target.text(), to_string(answer->status))};
}

/// RFC 7208 5.5. It says that a validated name below the <target-name> matches, and in a list
/// further down the reverse. The first reading is the one of its example and of the test suite.
SpfEvaluation::TermOutcome SpfEvaluation::match_ptr(const Name& target) {
  if (auto exception = use_client_names()) return *std::move(exception);
  for (const Name& name : lookups_.client_names()->validated) {
    if (name.is_at_or_below(target)) return {TermResult::match, name.text()};
  }
  return {TermResult::no_match, ""};
}

/// RFC 7208 4.8. `malformed_is_permerror`: how the term ends if the expansion is no DNS name; else
/// it does not match.
SpfEvaluation::Target SpfEvaluation::target_of(const std::optional<SpfMacroString>& spec,
                                               const Name& domain, bool malformed_is_permerror) {
  if (!spec) return {domain, {}};
  if (names_unusable_local_part(*spec)) {
    return {{}, {TermResult::no_match, "the local-part is not ASCII"}};
  }
  if (spec->uses_any_of("p")) {
    // RFC 7208 4.6.4: the PTR question of %{p} is included in the limit of 10.
    if (!lookups_.take_term()) return {{}, {TermResult::permerror, kTooManyTerms}};
    if (auto exception = use_client_names()) return {{}, *std::move(exception)};
  }
  auto name = expand(*spec, domain);
  if (!name) {
    return {{},
            {malformed_is_permerror ? TermResult::permerror : TermResult::no_match,
             "malformed target name: " + name.error()}};
  }
  return {*std::move(name), {}};
}

Result<Name> SpfEvaluation::expand(const SpfMacroString& spec, const Name& domain) {
  prepare_values(spec, domain);
  return expand_spf_domain_spec(spec, values_);
}

void SpfEvaluation::prepare_values(const SpfMacroString& macros, const Name& domain) {
  values_.domain = domain.text();
  if (macros.uses_any_of("p")) values_.validated_name = lookups_.client_name_for(domain);
}

/// RFC 8616 4: with a local-part that is not ASCII, terms with %{s} or %{l} match nothing.
bool SpfEvaluation::names_unusable_local_part(const SpfMacroString& spec) const {
  return spec.uses_any_of("sl") && !is_ascii(values_.local_part);
}

std::string SpfEvaluation::explain(const Explanation& explanation) {
  const size_t step = open_step(explanation.depth, explanation.domain, explanation.modifier.text);
  std::string text = fetch_explanation(explanation);
  close_step(step, text.empty() ? "no explanation" : text);
  return text;
}

/// RFC 7208 6.2: whatever goes wrong, proceed as if there were no exp. Neither the question nor a
/// void answer to it counts (4.6.4), but no explanation is worth more questions than a whole check.
std::string SpfEvaluation::fetch_explanation(const Explanation& explanation) {
  const SpfMacroString& spec = explanation.modifier.domain;
  if (names_unusable_local_part(spec) || !may_expand(spec)) return "";
  const auto name = expand(spec, explanation.domain);
  if (!name || !lookups_.may_find(*name, RecordType::txt)) return "";
  const Answer* answer = lookups_.find(*name, RecordType::txt);
  if (answer == nullptr || answer->texts.size() != 1) return "";
  const auto text = parse_spf_explain_string(answer->texts[0]);
  if (!text || !may_expand(*text)) return "";
  prepare_values(*text, explanation.domain);
  return expand_spf_explain_string(*text, values_);
}

/// RFC 7208 5: an error ends the check with temperror; NXDOMAIN goes on as an empty answer, unless
/// it is one void lookup too many.
std::optional<SpfEvaluation::TermOutcome> SpfEvaluation::exception_of(const Name& name,
                                                                      RecordType type,
                                                                      const Answer* answer) {
  if (answer == nullptr) return TermOutcome{TermResult::open, ""};
  const auto what = [&] {
    return fmt::format("{} {}: {}", to_string(type), name.text(), to_string(answer->status));
  };
  if (answer->failed()) return TermOutcome{TermResult::temperror, what()};
  if (is_void(answer->status)) return count_void(what());
  return std::nullopt;
}

/// RFC 7208 4.6.4, 11.1: permerror as soon as there are more than two void lookups. Counted is each
/// answer without data, the address lookups of "mx" included.
std::optional<SpfEvaluation::TermOutcome> SpfEvaluation::count_void(std::string_view what) {
  if (lookups_.count_void()) return std::nullopt;
  return TermOutcome{TermResult::permerror, fmt::format("too many void lookups, {}", what)};
}

/// RFC 7208 5: the high-order bits that the directive's CIDR length says are compared.
bool SpfEvaluation::holds_client(const Answer& answer, const SpfDirective& directive) const {
  const int prefix = client_.is_v4() ? directive.ip4_prefix : directive.ip6_prefix;
  return std::any_of(
      answer.addresses.begin(), answer.addresses.end(), [&](const IpAddress& address) {
        return address.is_v4() == client_.is_v4() && IpNetwork{address, prefix}.contains(client_);
      });
}

/// For a term that needs the client's names: counts a void PTR answer against that term.
std::optional<SpfEvaluation::TermOutcome> SpfEvaluation::use_client_names() {
  const SpfClientNames* names = lookups_.client_names();
  if (names == nullptr) return TermOutcome{TermResult::open, ""};
  // RFC 7208 4.6.4: an exceeded time limit is temperror, although a DNS error is none here.
  if (names->cut_short) return TermOutcome{TermResult::temperror, "out of time or DNS questions"};
  if (is_void(names->status)) return count_void("PTR of the client");
  return std::nullopt;
}

/// Whether what %{p} stands for is known, or can be.
bool SpfEvaluation::may_expand(const SpfMacroString& text) {
  return !text.uses_any_of("p") ||
         (lookups_.may_find_client_names() && lookups_.client_names() != nullptr);
}

size_t SpfEvaluation::open_step(int depth, const Name& record, const std::string& term) {
  if (want_trace_) verdict_.trace.push_back({depth, record, term, ""});
  return verdict_.trace.size();
}

void SpfEvaluation::close_step(size_t step, std::string_view outcome) {
  if (!want_trace_) return;
  verdict_.trace[step - 1].outcome = printable_ascii(outcome, kMaxSpfProblemOctets);
}

}  // namespace signet
