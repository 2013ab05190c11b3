// SPDX-License-Identifier: BSD-2-Clause
//
// DMARC (RFC 9989): which policy covers an Author Domain, and does the message satisfy it?
// Discovery is a walk of names in the DNS (4.10); evaluation compares the Author Domain with what
// SPF and DKIM authenticated (4.4, 5.3). Values in, values out: what is then done with a message
// that fails is decided in milter/policy.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dns/dmarc_record.h"
#include "dns/name.h"
#include "dns/resolver.h"

namespace signet {

/// RFC 9989 9.1 / RFC 8601 2.7: the words of the dmarc method.
enum class DmarcResult { none, pass, fail, temperror, permerror };
std::string_view to_string(DmarcResult result);

/// The names of one tree walk (RFC 9989 4.10), all asked at once; at most 8 questions.
class DmarcTreeWalk {
 public:
  struct Step {
    Name domain;                        ///< the name without `_dmarc.`
    std::optional<DmarcRecord> record;
    DnsStatus status = DnsStatus::no_data;
  };

  /// Puts the questions for `start` on their way.
  DmarcTreeWalk(Resolver& resolver, LookupBudget& budget, const Name& start);

  const Name& start() const { return start_; }
  /// Waits for the answers and folds them in the RFC's order: stops after the first record with
  /// psd=n or psd=y. A step whose lookup failed keeps its status.
  const std::vector<Step>& steps();

 private:
  Name start_;
  std::vector<Name> names_;
  std::vector<std::optional<Lookup>> lookups_;
  std::optional<std::vector<Step>> steps_;
};

/// The Organizational Domain that a finished walk points to (RFC 9989 4.10.2); nothing if a DNS
/// error leaves it open.
std::optional<Name> organizational_domain(DmarcTreeWalk& walk);

/// What a message proved: domains that SPF (MAIL FROM) or a DKIM signature authenticated.
struct AuthenticatedDomain {
  enum class Method { spf, dkim } method = Method::dkim;
  Name domain;
  friend bool operator==(const AuthenticatedDomain&, const AuthenticatedDomain&) = default;
};

/// Everything DMARC has to say about one Author Domain.
struct DmarcVerdict {
  DmarcResult result = DmarcResult::none;
  Name author_domain;
  std::optional<DmarcRecord> record;   ///< the policy record that applies, if one does
  Name policy_domain;                  ///< where it was found
  Name organizational_domain;          ///< of the Author Domain
  DmarcPolicy policy = DmarcPolicy::none;            ///< p, sp or np as it applies, before t=y
  DmarcPolicy effective_policy = DmarcPolicy::none;  ///< after t=y (one level down)
  const char* policy_tag = "p";        ///< which tag gave it: "p", "sp" or "np"
  bool spf_aligned = false;            ///< an authenticated SPF domain aligns
  bool dkim_aligned = false;           ///< an authenticated DKIM domain aligns
  std::string reason;                  ///< one line for a person
};

/// Evaluates one Author Domain. `walk` was started for it as soon as From was known.
/// `temporary_error`: a DNS error kept a method from a result that might have been an
/// aligned pass; then the outcome without a pass is temperror, not fail (RFC 9989 5.3).
DmarcVerdict evaluate_dmarc(Resolver& resolver, LookupBudget& budget, DmarcTreeWalk& walk,
                            const std::vector<AuthenticatedDomain>& authenticated,
                            bool temporary_error);

}  // namespace signet
