// SPDX-License-Identifier: BSD-2-Clause
//
// check_host() of RFC 7208 4, as sequential code: a record is a loop over its directives, an
// include or a redirect is the same function one level deeper, and the ten terms bound the depth.
// Speed comes from asking early: when the first directive that needs the DNS is reached, the
// questions of those after it which depend on nothing but the record go out with it. Answers are
// read in the order of the record, so verdict and counts are those of asking one by one.
//
// Errata of RFC 7208 considered: 4001 (examples with the SPF type; TXT alone is asked here), 4081
// (rejected), 5436 (syntax of Received-SPF, not written here), 6595 (macros meet the void limit
// easily: true, and no change of the rule).

#include "dns/spf/spf_evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <map>
#include <tuple>
#include <utility>

#include "dns/spf/spf_lookups.h"
#include "dns/spf/spf_macro.h"
#include "dns/spf/spf_record.h"

namespace signet {
namespace {

constexpr const char* kTooManyTerms = "too many terms that query DNS";
constexpr const char* kOneLabel = "the target name has one label only";

/// RFC 7208 4.6.2: a mechanism matches, does not match, or returns an exception.
enum class TermResult { match, no_match, temperror, permerror };

struct TermOutcome {
  TermResult result = TermResult::no_match;
  std::string detail;  ///< for the trace; for an error, the problem
};

/// An exp= that speaks for the verdict, and the <domain> in whose record it stands.
struct Explanation {
  SpfModifier modifier;
  Name domain;
  int depth = 0;
};

/// What one check_host() returned.
struct HostOutcome {
  SpfResult result = SpfResult::neutral;
  std::string mechanism;
  std::string problem;
  std::optional<Explanation> explanation;
};

/// The <target-name> of a term, or how the term ends because it has none.
struct Target {
  std::optional<Name> name;
  TermOutcome without;
};

/// One record under evaluation.
struct Frame {
  const SpfRecord& record;
  const Name& domain;
  int depth;
  bool started_early = false;
  std::map<size_t, Lookup> early;  ///< by index of the directive
};

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

std::string outcome_text(const TermOutcome& outcome) {
  constexpr std::string_view kWords[] = {"match", "no match", "temperror", "permerror"};
  const std::string_view word = kWords[static_cast<size_t>(outcome.result)];
  if (outcome.detail.empty()) return std::string(word);
  return printable_ascii(fmt::format("{}: {}", word, outcome.detail), kMaxSpfProblemOctets);
}

/// What a question resolved to, for people.
std::string describe(const Answer& answer) {
  if (answer.status != DnsStatus::answered) return std::string(to_string(answer.status));
  std::vector<std::string> texts;
  for (const auto& address : answer.addresses) texts.push_back(to_string(address));
  for (const auto& mx : answer.exchanges) texts.push_back(mx.exchange.text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// RFC 8616 4: U-labels become A-labels before they meet a macro. Anything else stays as it came.
std::string helo_value(const std::string& helo) {
  if (is_ascii(helo)) return helo;
  const auto domain = parse_domain(helo);
  return domain ? domain->text() : helo;
}

/// One run for one identity.
class SpfEvaluation {
 public:
  SpfEvaluation(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                const SpfLimits& limits, const SpfSender& sender);

  SpfVerdict run(const Name& domain);

 private:
  HostOutcome check_host(const Name& domain, Lookup lookup, int depth);
  HostOutcome evaluate_record(Frame& frame);
  HostOutcome matched(const Frame& frame, const SpfDirective& directive);
  HostOutcome follow_redirect(const Frame& frame);

  TermOutcome evaluate_directive(Frame& frame, size_t index);
  TermOutcome evaluate_query(Frame& frame, size_t index);
  TermOutcome match_include(Frame& frame, size_t index, const Name& target);
  TermOutcome match_a(Frame& frame, size_t index, const Name& target);
  TermOutcome match_mx(Frame& frame, size_t index, const Name& target);
  TermOutcome match_exists(const Name& target);
  TermOutcome match_ptr(const Name& target);

  Target target_of(const std::optional<SpfMacroString>& spec, const Name& domain,
                   TermResult if_malformed);
  Result<Name> expand(const SpfMacroString& spec, const Name& domain);
  void prepare_values(const SpfMacroString& macros, const Name& domain);
  bool names_unusable_local_part(const SpfMacroString& spec) const;
  std::string explain(const Explanation& explanation);
  std::string fetch_explanation(const Explanation& explanation);

  Lookup first_lookup(Frame& frame, size_t index, const Name& name, RecordType type);
  void start_early_lookups(Frame& frame, size_t index);
  std::optional<Name> early_name(const Frame& frame, const SpfDirective& directive) const;
  RecordType first_type(SpfMechanism mechanism) const;

  std::optional<TermOutcome> exception_of(const Name& name, RecordType type, const Answer& answer);
  std::optional<TermOutcome> count_void(std::string_view what);
  bool holds_client(const Answer& answer, const SpfDirective& directive) const;

  std::optional<TermOutcome> use_client_names();
  bool may_expand(const SpfMacroString& text) const;

  size_t open_step(int depth, const Name& record, const std::string& term);
  void close_step(size_t step, std::string_view outcome);

  SpfLookups lookups_;
  const IpAddress client_;
  const bool want_explanation_;
  const bool want_trace_;
  SpfMacroValues values_;
  SpfVerdict verdict_;
};

SpfEvaluation::SpfEvaluation(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                             const SpfLimits& limits, const SpfSender& sender)
    : lookups_(resolver, budget, limits, request.client),
      client_(request.client),
      want_explanation_(request.want_explanation),
      want_trace_(request.want_trace) {
  assert(limits.terms < kMaxSpfQueryingDirectives);
  values_.local_part = sender.local_part;
  values_.sender_domain = sender.domain.text();
  values_.client = request.client;
  values_.helo = helo_value(request.helo);
  values_.receiver = request.receiver;
  values_.now = request.now;
}

SpfVerdict SpfEvaluation::run(const Name& domain) {
  const HostOutcome outcome = check_host(domain, lookups_.ask(domain, RecordType::txt), 0);
  verdict_.result = outcome.result;
  verdict_.domain = domain;
  verdict_.mechanism = outcome.mechanism;
  verdict_.problem = printable_ascii(outcome.problem, kMaxSpfProblemOctets);
  if (outcome.explanation) verdict_.explanation = explain(*outcome.explanation);
  verdict_.terms = lookups_.terms();
  verdict_.void_lookups = lookups_.void_lookups();
  verdict_.questions = lookups_.questions();
  return std::move(verdict_);
}

/// RFC 7208 4.4 to 4.6. `lookup` is the TXT question for `domain`, already on its way.
HostOutcome SpfEvaluation::check_host(const Name& domain, Lookup lookup, int depth) {
  const Answer& answer = lookup.get();
  // RFC 7208 4.4: server failure, another error or a timeout is temperror.
  if (answer.failed()) {
    return {SpfResult::temperror,
            "",
            fmt::format("TXT {}: {}", domain.text(), to_string(answer.status)),
            {}};
  }
  // An include or redirect without a record is permerror anyway; this is for the count.
  if (depth > 0 && is_void(answer.status)) lookups_.count_void();
  // RFC 7208 4.5: what does not begin with a version section is discarded.
  const auto first = std::find_if(answer.texts.begin(), answer.texts.end(), is_spf_record);
  if (first == answer.texts.end()) {
    // RFC 7208 4.3: NXDOMAIN is none as well.
    const std::string_view what =
        answer.status == DnsStatus::no_domain ? "does not exist" : "has no SPF record";
    return {SpfResult::none, "", fmt::format("{} {}", domain.text(), what), {}};
  }
  if (std::any_of(first + 1, answer.texts.end(), is_spf_record)) {
    return {SpfResult::permerror, "", fmt::format("{} has several SPF records", domain.text()), {}};
  }
  // RFC 7208 4.6: a syntax error anywhere is permerror, before any evaluation.
  const auto record = parse_spf_record(*first);
  if (!record) {
    return {SpfResult::permerror, "", fmt::format("{}: {}", domain.text(), record.error()), {}};
  }
  Frame frame{*record, domain, depth, false, {}};
  return evaluate_record(frame);
}

/// RFC 7208 4.6.2: each mechanism in turn from left to right.
HostOutcome SpfEvaluation::evaluate_record(Frame& frame) {
  const auto& directives = frame.record.directives;
  if (frame.depth == 0) {
    verdict_.only_all_fail = directives.size() == 1 &&
                             directives[0].mechanism == SpfMechanism::all &&
                             directives[0].qualifier == SpfQualifier::fail;
  }
  for (size_t i = 0; i < directives.size(); ++i) {
    const size_t step = open_step(frame.depth, frame.domain, directives[i].text);
    const TermOutcome outcome = evaluate_directive(frame, i);
    if (want_trace_) close_step(step, outcome_text(outcome));
    switch (outcome.result) {
      case TermResult::no_match:
        break;
      case TermResult::match:
        return matched(frame, directives[i]);
      case TermResult::temperror:
        return {SpfResult::temperror, directives[i].text, outcome.detail, {}};
      case TermResult::permerror:
        return {SpfResult::permerror, directives[i].text, outcome.detail, {}};
    }
  }
  if (frame.record.redirect) return follow_redirect(frame);
  // RFC 7208 4.7: as if "?all" were the last directive.
  return {};
}

HostOutcome SpfEvaluation::matched(const Frame& frame, const SpfDirective& directive) {
  HostOutcome outcome{result_of(directive.qualifier), directive.text, "", {}};
  // RFC 7208 6.2: an explanation belongs to a fail due to a mechanism of the same record.
  // match_include() looks at nothing but the result, so that of an included record is never used.
  if (outcome.result == SpfResult::fail && want_explanation_ && frame.record.explanation) {
    outcome.explanation = Explanation{*frame.record.explanation, frame.domain, frame.depth};
  }
  return outcome;
}

/// RFC 7208 6.1
HostOutcome SpfEvaluation::follow_redirect(const Frame& frame) {
  const SpfModifier& redirect = *frame.record.redirect;
  const size_t step = open_step(frame.depth, frame.domain, redirect.text);
  const auto stop = [&](SpfResult result, const std::string& problem) {
    close_step(step, fmt::format("{}: {}", to_string(result), problem));
    return HostOutcome{result, redirect.text, problem, {}};
  };
  if (!lookups_.take_term()) return stop(SpfResult::permerror, kTooManyTerms);
  const Target target = target_of(redirect.domain, frame.domain, TermResult::permerror);
  if (!target.name) {
    const std::string& detail = target.without.detail;
    if (target.without.result == TermResult::temperror) return stop(SpfResult::temperror, detail);
    if (target.without.result == TermResult::permerror) return stop(SpfResult::permerror, detail);
    // RFC 8616 4: the term does not match anything; what is left is the default result.
    return stop(SpfResult::neutral, detail);
  }
  // RFC 7208 4.3, 6.1: a name of one label is malformed, hence permerror rather than none.
  if (target.name->label_count() < 2) return stop(SpfResult::permerror, kOneLabel);
  close_step(step, target.name->text());
  HostOutcome outcome =
      check_host(*target.name, lookups_.ask(*target.name, RecordType::txt), frame.depth + 1);
  if (outcome.result == SpfResult::none) return stop(SpfResult::permerror, outcome.problem);
  return outcome;
}

TermOutcome SpfEvaluation::evaluate_directive(Frame& frame, size_t index) {
  const SpfDirective& directive = frame.record.directives[index];
  if (directive.mechanism == SpfMechanism::all) return {TermResult::match, ""};
  if (queries_dns(directive.mechanism)) return evaluate_query(frame, index);
  // RFC 7208 5.6
  const bool inside = directive.network && directive.network->contains(client_);
  return {inside ? TermResult::match : TermResult::no_match, ""};
}

TermOutcome SpfEvaluation::evaluate_query(Frame& frame, size_t index) {
  start_early_lookups(frame, index);
  // RFC 7208 4.6.4: more than 10 terms that query DNS is permerror.
  if (!lookups_.take_term()) return {TermResult::permerror, kTooManyTerms};
  const SpfDirective& directive = frame.record.directives[index];
  // RFC 7208 4.8 leaves open what a malformed <target-name> does. Here it cannot match, as a name
  // that does not exist; for include, 4.3 makes it none and 5.2 turns none into permerror.
  const bool include = directive.mechanism == SpfMechanism::include;
  const Target target = target_of(directive.domain, frame.domain,
                                  include ? TermResult::permerror : TermResult::no_match);
  if (!target.name) return target.without;
  switch (directive.mechanism) {
    case SpfMechanism::include:
      return match_include(frame, index, *target.name);
    case SpfMechanism::a:
      return match_a(frame, index, *target.name);
    case SpfMechanism::mx:
      return match_mx(frame, index, *target.name);
    case SpfMechanism::ptr:
      return match_ptr(*target.name);
    default:
      return match_exists(*target.name);
  }
}

/// RFC 7208 5.2
TermOutcome SpfEvaluation::match_include(Frame& frame, size_t index, const Name& target) {
  // RFC 7208 4.3: check_host() of a name that is not multi-label is none.
  if (target.label_count() < 2) return {TermResult::permerror, kOneLabel};
  const HostOutcome outcome =
      check_host(target, first_lookup(frame, index, target, RecordType::txt), frame.depth + 1);
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
TermOutcome SpfEvaluation::match_a(Frame& frame, size_t index, const Name& target) {
  Lookup lookup = first_lookup(frame, index, target, lookups_.address_type());
  const Answer& answer = lookup.get();
  if (auto exception = exception_of(target, lookups_.address_type(), answer)) {
    return *std::move(exception);
  }
  const bool match = holds_client(answer, frame.record.directives[index]);
  return {match ? TermResult::match : TermResult::no_match, want_trace_ ? describe(answer) : ""};
}

/// RFC 7208 5.4. Without MX records there is no implicit MX.
TermOutcome SpfEvaluation::match_mx(Frame& frame, size_t index, const Name& target) {
  Lookup lookup = first_lookup(frame, index, target, RecordType::mx);
  const Answer& answer = lookup.get();
  if (auto exception = exception_of(target, RecordType::mx, answer)) return *std::move(exception);
  // RFC 7208 4.6.4: more than 10 is permerror. Said before the first address is asked for: whether
  // a match or the limit comes first must not depend on the order in which DNS shuffled the answer.
  if (answer.exchanges.size() > static_cast<size_t>(lookups_.limits().mx_names)) {
    return {TermResult::permerror, fmt::format("{} has too many MX records", target.text())};
  }
  auto exchanges = answer.exchanges;
  std::sort(exchanges.begin(), exchanges.end(), [](const MxRecord& x, const MxRecord& y) {
    return std::tie(x.preference, x.exchange) < std::tie(y.preference, y.exchange);
  });
  // RFC 7505 3: a null MX names no host.
  std::erase_if(exchanges, [](const MxRecord& mx) { return mx.exchange.is_root(); });
  std::vector<Lookup> lookups;
  lookups.reserve(exchanges.size());
  for (const MxRecord& mx : exchanges) {
    lookups.push_back(lookups_.ask(mx.exchange, lookups_.address_type()));
  }
  for (size_t i = 0; i < lookups.size(); ++i) {
    const Name& host = exchanges[i].exchange;
    const Answer& addresses = lookups[i].get();
    if (auto exception = exception_of(host, lookups_.address_type(), addresses)) {
      return *std::move(exception);
    }
    if (holds_client(addresses, frame.record.directives[index])) {
      return {TermResult::match, host.text()};
    }
  }
  return {TermResult::no_match, want_trace_ ? describe(answer) : ""};
}

/// RFC 7208 5.7: an A question even if the client is IPv6.
TermOutcome SpfEvaluation::match_exists(const Name& target) {
  Lookup lookup = lookups_.ask(target, RecordType::a);
  const Answer& answer = lookup.get();
  if (auto exception = exception_of(target, RecordType::a, answer)) return *std::move(exception);
  const bool match = answer.status == DnsStatus::answered;
  return {match ? TermResult::match : TermResult::no_match,
          fmt::format("{} {}", target.text(), to_string(answer.status))};
}

/// RFC 7208 5.5. It says that a validated name below the <target-name> matches, and in a list
/// further down the reverse. The first reading is the one of its example and of the test suite.
TermOutcome SpfEvaluation::match_ptr(const Name& target) {
  if (auto exception = use_client_names()) return *std::move(exception);
  for (const Name& name : lookups_.client_names().validated) {
    if (name.is_at_or_below(target)) return {TermResult::match, name.text()};
  }
  return {TermResult::no_match, ""};
}

/// RFC 7208 4.8. `if_malformed`: how the term ends if the expansion is no DNS name.
Target SpfEvaluation::target_of(const std::optional<SpfMacroString>& spec, const Name& domain,
                                TermResult if_malformed) {
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
  if (!name) return {{}, {if_malformed, "malformed target name: " + name.error()}};
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
  if (!name || !lookups_.may_ask(1)) return "";
  Lookup lookup = lookups_.ask(*name, RecordType::txt);
  const Answer& answer = lookup.get();
  if (answer.status != DnsStatus::answered || answer.texts.size() != 1) return "";
  const auto text = parse_spf_explain_string(answer.texts[0]);
  if (!text || !may_expand(*text)) return "";
  prepare_values(*text, explanation.domain);
  return expand_spf_explain_string(*text, values_);
}

/// The first question of a directive, which may be on its way already.
Lookup SpfEvaluation::first_lookup(Frame& frame, size_t index, const Name& name, RecordType type) {
  const auto early = frame.early.find(index);
  if (early == frame.early.end()) return lookups_.ask(name, type);
  return early->second;
}

/// Starts what the record will ask if nothing matches first, for no more directives than there are
/// terms left. So a check asks at most 111 questions, whatever matches when: a record begun with r
/// terms left that uses t of them asks at most 11 t, and r - t more in vain. By induction: an
/// include costs its own question and 11 t' + r' - t' for the record it names, where r' <= 9,
/// which is no more than the 11 + 11 t' allowed for its own term and those t'.
void SpfEvaluation::start_early_lookups(Frame& frame, size_t index) {
  if (std::exchange(frame.started_early, true)) return;
  const auto& directives = frame.record.directives;
  int terms_left = lookups_.terms_left();
  for (; index < directives.size() && terms_left > 0; ++index) {
    const SpfDirective& directive = directives[index];
    if (!queries_dns(directive.mechanism)) continue;
    --terms_left;
    const auto name = early_name(frame, directive);
    if (name) frame.early.emplace(index, lookups_.ask(*name, first_type(directive.mechanism)));
  }
}

/// The name an `a`, `mx` or `include` asks for, if it is the same whatever happens before.
std::optional<Name> SpfEvaluation::early_name(const Frame& frame,
                                              const SpfDirective& directive) const {
  const bool may_start_early = directive.mechanism == SpfMechanism::a ||
                               directive.mechanism == SpfMechanism::mx ||
                               directive.mechanism == SpfMechanism::include;
  if (!may_start_early) return std::nullopt;
  if (!directive.domain) return frame.domain;
  if (!directive.domain->is_constant()) return std::nullopt;
  auto name = expand_spf_domain_spec(*directive.domain, values_);
  return name ? std::optional(*std::move(name)) : std::nullopt;
}

RecordType SpfEvaluation::first_type(SpfMechanism mechanism) const {
  if (mechanism == SpfMechanism::include) return RecordType::txt;
  return mechanism == SpfMechanism::mx ? RecordType::mx : lookups_.address_type();
}

/// RFC 7208 5: an error ends the check with temperror; NXDOMAIN goes on as an empty answer, unless
/// it is one void lookup too many.
std::optional<TermOutcome> SpfEvaluation::exception_of(const Name& name, RecordType type,
                                                       const Answer& answer) {
  const auto what = [&] {
    return fmt::format("{} {}: {}", to_string(type), name.text(), to_string(answer.status));
  };
  if (answer.failed()) return TermOutcome{TermResult::temperror, what()};
  if (is_void(answer.status)) return count_void(what());
  return std::nullopt;
}

/// RFC 7208 4.6.4, 11.1: permerror as soon as there are more than two void lookups. Counted is each
/// answer without data, the address lookups of "mx" included.
std::optional<TermOutcome> SpfEvaluation::count_void(std::string_view what) {
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
std::optional<TermOutcome> SpfEvaluation::use_client_names() {
  const SpfClientNames& names = lookups_.client_names();
  // RFC 7208 4.6.4: an exceeded time limit is temperror, although a DNS error is none here.
  if (names.cut_short) return TermOutcome{TermResult::temperror, "out of time or DNS questions"};
  if (is_void(names.status)) return count_void("PTR of the client");
  return std::nullopt;
}

bool SpfEvaluation::may_expand(const SpfMacroString& text) const {
  return !text.uses_any_of("p") || lookups_.may_ask_client_names();
}

size_t SpfEvaluation::open_step(int depth, const Name& record, const std::string& term) {
  if (want_trace_) verdict_.trace.push_back({depth, record, term, ""});
  return verdict_.trace.size();
}

void SpfEvaluation::close_step(size_t step, std::string_view outcome) {
  if (!want_trace_) return;
  verdict_.trace[step - 1].outcome = printable_ascii(outcome, kMaxSpfProblemOctets);
}

}  // namespace

SpfVerdict evaluate_spf(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                        const SpfLimits& limits, const SpfSender& sender) {
  return SpfEvaluation(resolver, budget, request, limits, sender).run(sender.domain);
}

}  // namespace signet
