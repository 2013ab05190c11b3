// SPDX-License-Identifier: BSD-2-Clause
//
// DMARC (RFC 9989): which policy covers an Author Domain, and does the message satisfy it?
// Discovery is a walk of names in the DNS (4.10); evaluation compares the Author Domain with what
// SPF and DKIM authenticated (4.4, 5.3). Values in, values out: what is then done with a message
// that fails is decided in milter/policy.
//
// A session starts a DmarcTreeWalk when it has seen From, so that the answers are there by the end
// of the message, and then calls evaluate_dmarc() once. One thread at a time for each walk.

#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "dns/dmarc_record.h"
#include "dns/limit.h"
#include "dns/name.h"
#include "dns/resolver.h"

namespace signet {

/// RFC 9989 9.2: the words of the dmarc method.
enum class DmarcResult { none, pass, fail, temperror, permerror };
std::string_view to_string(DmarcResult result);

/// RFC 9989 4.10: the most questions a tree walk asks.
inline constexpr int kMaxDmarcWalkQueries = 8;

/// What a walk may cost.
struct DmarcLimits {
  /// A walk that would need more is not made, and dmarc is permerror. With the default there is
  /// none that does.
  int queries = kMaxDmarcWalkQueries;
  size_t record_octets = kMaxTagListOctets;
};

/// One tree walk (RFC 9989 4.10). Copying it copies the answers, not the questions.
class DmarcTreeWalk {
 public:
  struct Step {
    Name domain;                        ///< the name without `_dmarc.`
    std::optional<DmarcRecord> record;  ///< the only DMARC Policy Record there, if it is one
    int records_found = 0;              ///< how many there are: 2 or more, and all are discarded
    DnsStatus status = DnsStatus::no_data;
    bool failed() const {
      return status == DnsStatus::server_failure || status == DnsStatus::timed_out;
    }
  };

  /// Puts the questions for `start` on their way, all at once; at most DmarcLimits::queries, none
  /// for the root.
  DmarcTreeWalk(Resolver& resolver, LookupBudget& budget, const Name& start,
                const DmarcLimits& limits = {});
  /// The same with the limits of `other`, but names that it asked for are not asked for again.
  DmarcTreeWalk(Resolver& resolver, LookupBudget& budget, const Name& start,
                const DmarcTreeWalk& other);

  const Name& start() const { return start_; }

  /// Whether it needs more than DmarcLimits::queries; then it has no steps.
  bool is_too_long() const { return is_too_long_; }
  const DmarcLimits& limits() const { return limits_; }
  /// Limits that kept from a record what has been read so far, in the walks beside this one too.
  LimitSet limits_reached();

  /// Whether steps() would not wait.
  bool is_there() { return open_step() == nullptr; }
  /// A question that has no answer yet, of this walk, of those beside it or of ask_existence();
  /// nullptr: evaluate_dmarc() waits for none of them.
  Lookup* open_question();

  /// Waits for the answers and folds them in the RFC's order, the start first: stops after the
  /// first record with psd=n or psd=y. A step whose lookup failed keeps its status, and the walk
  /// goes on. Calling it again costs nothing.
  const std::vector<Step>& steps();

  /// The walk for another domain, with which this one's Organizational Domain is to be compared;
  /// started at the first call. It lives as long as this one.
  DmarcTreeWalk& beside(Resolver& resolver, LookupBudget& budget, const Name& domain);

  /// Asks whether the start exists, unless the walk or an earlier call tells. Waits for the walk.
  void ask_existence(Resolver& resolver, LookupBudget& budget);

  /// RFC 9989 3.2.13: false if a query for the start is answered NXDOMAIN; a name that has no
  /// records but others below it exists. Nothing if the DNS did not say, or nobody asked.
  std::optional<bool> start_exists();

 private:
  struct Question {
    Name domain;
    std::optional<Lookup> lookup;  ///< nothing: `_dmarc.` + domain is no DNS name
  };
  void ask(Resolver& resolver, LookupBudget& budget, const DmarcTreeWalk* other);
  Lookup* open_step();
  Step read_step(const Name& domain, Lookup* lookup);
  const Lookup* find(const Name& domain) const;

  Name start_;
  DmarcLimits limits_;
  bool is_too_long_ = false;
  LimitSet reached_;
  std::vector<Question> questions_;
  std::optional<std::vector<Step>> steps_;
  std::optional<Lookup> existence_;
  std::list<DmarcTreeWalk> beside_;
};

/// The Organizational Domain that a walk points to (RFC 9989 4.10.2); nothing if a DNS error leaves
/// it open, or the walk is too long. Waits for the walk.
std::optional<Name> organizational_domain(DmarcTreeWalk& walk);

/// What a message proved: domains that SPF (MAIL FROM) or a DKIM signature authenticated.
struct AuthenticatedDomain {
  enum class Method { spf, dkim } method = Method::dkim;
  Name domain;
  friend bool operator==(const AuthenticatedDomain&, const AuthenticatedDomain&) = default;
};

/// False if `candidate` cannot align with the Author Domain that `walk` was started for, whatever
/// else the DNS says. Asks nothing more. A method that ended in temperror for a domain that cannot
/// align has kept nothing from DMARC: leave it out of `temporary_error` below, or a sender could
/// turn each fail into temperror with a broken domain of his own.
bool could_align(DmarcTreeWalk& walk, const AuthenticatedDomain& candidate);

/// Everything DMARC has to say about one Author Domain.
struct DmarcVerdict {
  DmarcResult result = DmarcResult::none;
  Name author_domain;
  std::optional<DmarcRecord> record;  ///< the DMARC Policy Record that was found for it, if any
  Name policy_domain;                 ///< where; the root if no record was found
  Name organizational_domain;         ///< of the Author Domain; the root if a DNS error hides it
  DmarcPolicy policy = DmarcPolicy::none;            ///< p, sp or np as it applies, before t=y
  DmarcPolicy effective_policy = DmarcPolicy::none;  ///< after t=y (one level down)
  const char* policy_tag = "p";                      ///< which tag gave it: "p", "sp" or "np"
  bool spf_aligned = false;                          ///< an authenticated SPF domain aligns
  bool dkim_aligned = false;                         ///< an authenticated DKIM domain aligns
  std::string reason;                                ///< one line for a person
  LimitSet limits;                                   ///< that were reached
};

/// Waits for the walk and asks the one question more that evaluate_dmarc() may need: whether the
/// Author Domain exists, if that decides between np and sp. Optional. Call it before waiting for
/// SPF and DKIM, so that a sender whose own DNS is slow cannot use up the time for this answer.
void prefetch_dmarc(Resolver& resolver, LookupBudget& budget, DmarcTreeWalk& walk);

/// Starts the walk by which evaluate_dmarc() will find out whether `candidate` aligns, should it be
/// authenticated. Optional, and waits for nothing: once `walk` is there it is asked only if it will
/// be needed, before that if it may be. A domain that shares no more than the TLD with the Author
/// Domain is taken for another organization's until then.
void prefetch_alignment(Resolver& resolver, LookupBudget& budget, DmarcTreeWalk& walk,
                        const AuthenticatedDomain& candidate);

/// Evaluates one Author Domain. `walk` was started for it as soon as From was known.
/// `temporary_error`: a DNS error kept a method from a result that might have been an
/// aligned pass; then the outcome without a pass is temperror, not fail (RFC 9989 5.3.6).
///
///   none       no DMARC Policy Record, or one that names neither a policy nor a valid rua
///   permerror  the record has a p, sp or np that is no policy, and no valid rua; or it, or a walk,
///              is over DmarcLimits, and there is no pass
///   temperror  a DNS error hides the record, the alignment or the policy, and there is no pass
///   pass       a domain aligns, whatever errors there were elsewhere
///   fail       none does
///
/// `record`, `policy_domain` and the policy are filled in whenever they are known; they are to be
/// applied when `result` is fail. Asks at most 8 questions for each authenticated domain that lies
/// below the Organizational Domain, is not the Author Domain and is not under strict alignment
/// (none for others: they cannot align or are known to), fewer for names that the first walk knows,
/// none for a method of which another domain aligns without; and one more where np may apply.
DmarcVerdict evaluate_dmarc(Resolver& resolver, LookupBudget& budget, DmarcTreeWalk& walk,
                            const std::vector<AuthenticatedDomain>& authenticated,
                            bool temporary_error);

}  // namespace signet
