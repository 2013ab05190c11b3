// SPDX-License-Identifier: BSD-2-Clause
//
// The postmaster's own policy (PolicyTable): lines that say what becomes of the mail of certain
// authors, senders, clients, signers or lists, whatever their domains publish. The first line that
// fits a message counts; what it did is told in the log, in Authentication-Results and, as a policy
// override (RFC 9990 3.1.1.5), to whoever reports.
//
//   # ACTION      CONDITIONS, all of which have to hold           for the record
//   accept        client=192.0.2.0/24 from=example.com,.example.com   as=trusted_forwarder
//   ignore        list_id=dev.lists.example.net dkim=example.net      as=mailing_list
//   strict        from=bank.example                                   reason="often forged"
//   reject        mail_from=spam.example

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/ip.h"
#include "dns/name.h"
#include "dns/result.h"
#include "milter/config/config.h"

namespace signet {

/// What a line does.
enum class PolicyAction {
  accept,      ///< nothing refuses the message or holds it, neither DMARC nor SPF
  reject,      ///< 550
  quarantine,  ///< as QuarantineAction says
  tempfail,    ///< 451
  strict,      ///< refused unless it passes DMARC, whatever the domain publishes
  ignore,      ///< the DMARC policy is not applied; SPF may still refuse
};
/// The word as it stands in the table.
std::string_view to_string(PolicyAction action);

/// RFC 9990 3.1.1.5: why a policy was not applied.
enum class PolicyOverride { trusted_forwarder, mailing_list, local_policy };
std::string_view to_string(PolicyOverride kind);

/// `example.com`, `.example.com` (all below it) or `*`.
struct DomainPattern {
  Name domain;  ///< the root for `*`
  bool below = false;
  bool matches(const Name& name) const;
};

/// One line. An empty list of conditions asks nothing.
struct PolicyRule {
  PolicyAction action = PolicyAction::accept;
  std::vector<DomainPattern> from;
  std::vector<DomainPattern> mail_from;  ///< `<>` matches the null reverse-path
  bool null_mail_from = false;
  std::vector<IpNetwork> clients;
  std::vector<DomainPattern> dkim;
  std::vector<std::string> list_ids;  ///< lower case; with a dot in front: all below it
  PolicyOverride kind = PolicyOverride::local_policy;
  std::string reason;  ///< printable ASCII; empty if none was given
  int line = 0;
};

/// What is known of one message.
struct PolicySubject {
  std::optional<Name> author;     ///< absent: From does not name exactly one domain
  std::optional<Name> mail_from;  ///< absent: null reverse-path, or no domain in it
  bool null_mail_from = false;
  std::optional<IpAddress> client;
  std::vector<Name> dkim;  ///< d= of signatures that passed
  std::string list_id;     ///< what stands in the angle brackets of List-Id
};

class PolicyTable {
 public:
  PolicyTable() = default;

  /// All that is wrong comes back at once, a line each: `SOURCE:LINE: what was found, what was
  /// expected`.
  static Result<PolicyTable> parse(std::string_view text, std::string_view source);
  /// Of the file that PolicyTable names; without one an empty table.
  static Result<PolicyTable> load(const Config& config);

  /// The first line that fits, or null.
  const PolicyRule* find(const PolicySubject& subject) const;
  size_t size() const { return rules_.size(); }

 private:
  std::vector<PolicyRule> rules_;
};

}  // namespace signet
