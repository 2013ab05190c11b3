// SPDX-License-Identifier: BSD-2-Clause
//
// The disposition: what is done with a message after everything about it is known. This is the one
// part administrators argue about, so it is one pure function of plain values, and it names the
// rule that decided. RFC 9989 7.4: p=reject alone is no reason to reject.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dns/dmarc.h"
#include "dns/spf/spf_check.h"
#include "milter/config/config.h"
#include "milter/field/from_field.h"
#include "milter/policy/policy_table.h"

namespace signet {

/// What the decision rests on.
struct Evidence {
  Author author;
  std::vector<DmarcVerdict> dmarc;  ///< one per domain of `author`, in its order
  SpfVerdict spf;                   ///< of MAIL FROM
  SpfVerdict spf_helo;
  bool any_dkim_pass = false;    ///< a signature of any domain passed
  bool from_list = false;        ///< the message has a List-Id or other List-* field
  bool known_forwarder = false;  ///< the client is in KnownForwarders
  bool own_domain = false;       ///< an Author Domain, or its organization, is ours
  /// SPF or DKIM passed for each Author Domain itself: strict alignment, which needs no record.
  bool author_authenticated = false;
  bool trusted = false;              ///< authenticated or internal: never refused
  const PolicyRule* rule = nullptr;  ///< the line of PolicyTable that fits, if any
};

struct Disposition {
  enum class Step { deliver, hold, tempfail, reject } step = Step::deliver;
  /// The evaluated policy for policy.dmarc= (RFC 9989 9.1), whatever `step` made of it.
  DmarcPolicy policy = DmarcPolicy::none;
  /// The rule that decided, for the header's comment and the log; short, printable.
  std::string rule;
  /// For tempfail and reject: RFC 3463 code and text of the reply, raw.
  std::string enhanced_code;
  std::string reply;
  /// RFC 9990 3.1.1.5: set if something else than the policy that the domain asks for was applied.
  std::optional<PolicyOverride> policy_override;
};

/// The DMARC verdict that stands for the message: the only one, or with several Author Domains the
/// strictest that did not pass (RFC 9989 11.5). Never pass unless `author.ok()`.
DmarcVerdict overall_verdict(const Author& author, const std::vector<DmarcVerdict>& verdicts);

/// A line of PolicyTable decides, if one fits. Else what DMARC, a broken From or OwnDomains refuses
/// is refused in its name; else SPF may refuse by its own options. Reads these options of `config`.
Disposition decide_disposition(const Config& config, const Evidence& evidence);

}  // namespace signet
