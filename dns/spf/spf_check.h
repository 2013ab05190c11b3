// SPDX-License-Identifier: BSD-2-Clause
//
// SPF (RFC 7208): is this client allowed to send mail for this domain? check_spf_mail_from() and
// check_spf_helo() run the check_host() function of RFC 7208 4 for the two identities. They block
// until the verdict is there; the budget's deadline bounds that. Nothing is kept between calls and
// any thread may call. SpfCheck is the same for who does not want to wait. Either way a verdict
// takes no longer than the longest chain of questions of which each follows from the answer to the
// one before (in front of very large policies a little is left out, see spf_lookups.h).

#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dns/ip.h"
#include "dns/limit.h"
#include "dns/name.h"
#include "dns/resolver.h"

namespace signet {

/// RFC 7208 2.6
enum class SpfResult { none, neutral, pass, fail, softfail, temperror, permerror };
/// The word of RFC 8601 2.7.2: "none", "neutral", ...
std::string_view to_string(SpfResult result);

/// RFC 7208 4.6.4. The time limit that it recommends is the deadline of the budget.
struct SpfLimits {
  int terms = 10;        ///< mechanisms and modifiers that query the DNS; below 100
  int void_lookups = 2;  ///< answers without data; one more is permerror
  int mx_names = 10;     ///< MX records an "mx" may have; one more is permerror
  int ptr_names = 10;    ///< names looked at per "ptr" and %{p}; the rest is ignored

  /// The most that one term can ask: its list, and every host on it.
  int questions_of_a_term() const { return 1 + std::max(mx_names, ptr_names); }
  /// The most that a check can: the record, and all terms; 111 as things are.
  int questions() const { return 1 + terms * questions_of_a_term(); }
};

/// Who is at the door. Nothing here needs to be valid: that is what the check is for.
struct SpfRequest {
  IpAddress client;
  std::string helo;       ///< as given in HELO or EHLO
  std::string mail_from;  ///< address without angle brackets; empty for the null reverse-path
  std::string receiver;   ///< our own host name, for %{r}
  std::chrono::sys_seconds now;   ///< for %{t}
  bool want_explanation = false;  ///< look up exp= after a fail (RFC 7208 6.2)
  bool want_trace = false;        ///< fill SpfVerdict::trace
};

/// One step of an evaluation, for people (`signet spf --trace`).
struct SpfTraceStep {
  int depth = 0;        ///< 0 in the first record, one more in each include or redirect
  Name record;          ///< the domain whose record holds the term
  std::string term;     ///< as written
  std::string outcome;  ///< "match", "no match", or what went wrong, with what it resolved to;
                        ///< one line of printable ASCII
};

/// The verdict and where it came from.
struct SpfVerdict {
  SpfResult result = SpfResult::none;
  /// What was checked: the address or the HELO name, as used in `sender`.
  std::string identity;
  Name domain;                 ///< the domain checked, the root if there was none
  std::string mechanism;       ///< the term that decided, as written ("-all"), or empty
  std::string problem;         ///< for none, temperror, permerror: why, one line of printable ASCII
  std::string explanation;     ///< for fail, if asked for: printable ASCII, one line; may be empty
  bool only_all_fail = false;  ///< the domain's whole policy is "v=spf1 -all"
  int terms = 0;               ///< of SpfLimits::terms used
  int void_lookups = 0;        ///< answers without data, of which SpfLimits::void_lookups may be
  int questions = 0;           ///< different ones; at most 111 with the default limits
  LimitSet limits;             ///< that were reached, of SpfLimits and of the message
  std::vector<SpfTraceStep> trace;  ///< in the order of evaluation; if asked for
};

enum class SpfIdentity { mail_from, helo };

class SpfEvaluation;

/// A check that goes on whenever an answer has come. One thread at a time.
class SpfCheck {
 public:
  /// Resolver and budget must outlive it. Nothing is asked before read().
  SpfCheck(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
           SpfIdentity identity, const SpfLimits& limits = {});
  SpfCheck(SpfCheck&&) noexcept;
  ~SpfCheck();

  /// The verdict, if the answers that are there suffice. If not, all questions that follow from
  /// them are on their way when it returns. Not to be called again after the verdict.
  std::optional<SpfVerdict> read();
  /// After a read() without verdict: `listener` will be told once or more often that it is time for
  /// the next. False: it is time already.
  bool listen(const std::shared_ptr<AnswerListener>& listener);
  /// The time for the next read() even if the listener is told nothing.
  Deadline patience() const;

 private:
  std::string identity_;
  std::string problem_;  ///< there is no domain to check, because...
  std::unique_ptr<SpfEvaluation> evaluation_;
};

/// The MAIL FROM identity; for the null reverse-path `postmaster@` + HELO (RFC 7208 2.4).
SpfVerdict check_spf_mail_from(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                               const SpfLimits& limits = {});

/// The HELO identity (RFC 7208 2.3). A HELO that is no multi-label domain name gives none.
SpfVerdict check_spf_helo(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                          const SpfLimits& limits = {});

/// Puts the first question of check_spf_helo() on its way, and nothing else; for the resolver's
/// cache.
void prefetch_spf_helo(Resolver& resolver, LookupBudget& budget, std::string_view helo);

/// What stands for check_spf_mail_from() when its verdict did not come in time: temperror for the
/// same identity and domain. Asks nothing.
SpfVerdict unfinished_spf_mail_from(const SpfRequest& request, std::string problem);

}  // namespace signet
