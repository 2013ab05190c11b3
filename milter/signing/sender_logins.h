// SPDX-License-Identifier: BSD-2-Clause
//
// SenderLogins: which authenticated client may have mail signed for which author domains. Lines of
// `LOGIN DOMAIN, DOMAIN...`. The login `*` stands for all that have no line of their own; as a
// domain, `*` stands for all, and `.example.com` for every domain below example.com, itself not
// included. A login without a line, if there is none for `*`, may use no domain. Letters of logins
// match in either case, as in Postfix's smtpd_sender_login_maps.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"
#include "dns/result.h"

namespace signet {

/// Constant once parsed; any thread.
class SenderLogins {
 public:
  /// The Error lists all that is wrong, `SOURCE:LINE: ...` each.
  static Result<SenderLogins> parse(std::string_view text, const std::string& source);

  bool allows(std::string_view login, const Name& author_domain) const;

 private:
  /// What one login may use.
  struct Domains {
    int line = 0;
    bool all = false;
    std::vector<Name> exact;
    std::vector<Name> above;  ///< what lies below these
  };

  static Result<Domains> parse_domains(std::string_view list);

  std::map<std::string, Domains, std::less<>> logins_;  // by login in lower case
};

}  // namespace signet
