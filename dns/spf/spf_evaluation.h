// SPDX-License-Identifier: BSD-2-Clause
//
// The check_host() function of RFC 7208 4 for a sender whose domain is known to be a proper one;
// spf_check.h is the way in for everybody else. It never waits: a reading of the policy takes what
// is not answered yet for no match, and so asks what comes after it; when a reading met nothing
// that is open, what it came to is the verdict.

#pragma once

#include <map>
#include <optional>
#include <string>

#include "dns/spf/spf_check.h"
#include "dns/spf/spf_lookups.h"
#include "dns/spf/spf_macro.h"
#include "dns/spf/spf_record.h"

namespace signet {

/// The <sender> of RFC 7208 4.1.
struct SpfSender {
  std::string local_part;  ///< never empty
  Name domain;             ///< of at least two labels
};

/// Octets of SpfVerdict::problem and of an outcome in the trace.
inline constexpr size_t kMaxSpfProblemOctets = 300;

/// One run for one identity. Resolver and budget must outlive it; one thread at a time.
class SpfEvaluation {
 public:
  SpfEvaluation(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                const SpfLimits& limits, SpfSender sender);

  /// Everything of the verdict but `identity`; nothing as long as some answer it needs is open.
  std::optional<SpfVerdict> read();
  /// For what the next reading has to wait.
  SpfLookups& lookups() { return lookups_; }

 private:
  struct TermOutcome;
  struct HostOutcome;
  struct Explanation;
  struct Policy;
  struct Frame;
  struct Target;

  HostOutcome check_host(const Name& domain, int depth, bool included);
  const Policy* policy_of(const Name& domain);
  Policy read_policy(const Name& domain, const Answer& answer) const;
  HostOutcome evaluate_record(const Frame& frame);
  HostOutcome conclude(const Frame& frame, const SpfDirective& directive,
                       const TermOutcome& outcome) const;
  HostOutcome follow_redirect(const Frame& frame);

  TermOutcome evaluate_directive(const Frame& frame, const SpfDirective& directive);
  TermOutcome evaluate_query(const Frame& frame, const SpfDirective& directive);
  TermOutcome match_include(const Frame& frame, const Name& target);
  TermOutcome match_a(const SpfDirective& directive, const Name& target);
  TermOutcome match_mx(const SpfDirective& directive, const Name& target);
  TermOutcome match_exists(const Name& target);
  TermOutcome match_ptr(const Name& target);

  Target target_of(const std::optional<SpfMacroString>& spec, const Name& domain,
                   bool malformed_is_permerror);
  Result<Name> expand(const SpfMacroString& spec, const Name& domain);
  void prepare_values(const SpfMacroString& macros, const Name& domain);
  bool names_unusable_local_part(const SpfMacroString& spec) const;
  std::string explain(const Explanation& explanation);
  std::string fetch_explanation(const Explanation& explanation);
  bool may_expand(const SpfMacroString& text);

  std::optional<TermOutcome> exception_of(const Name& name, RecordType type, const Answer* answer);
  std::optional<TermOutcome> count_void(std::string_view what);
  bool holds_client(const Answer& answer, const SpfDirective& directive) const;
  std::optional<TermOutcome> use_client_names();

  size_t open_step(int depth, const Name& record, const std::string& term);
  void close_step(size_t step, std::string_view outcome);

  SpfLookups lookups_;
  const Name domain_;
  const IpAddress client_;
  const bool want_explanation_;
  const bool want_trace_;
  SpfMacroValues values_;
  std::map<Name, std::shared_ptr<const Policy>> policies_;  ///< those that have been parsed
  SpfVerdict verdict_;                                      ///< of this reading
};

}  // namespace signet
