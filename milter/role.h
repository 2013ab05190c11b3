// SPDX-License-Identifier: BSD-2-Clause
//
// Role: is this message one of ours going out, to be signed, or one coming in, to be verified?
// Decided at MAIL from what the MTA knows about the client, never from what the message says.

#pragma once

#include <optional>
#include <string>

#include "dns/ip.h"
#include "milter/config/config.h"

namespace signet {

/// What the MTA says about the client of one message.
struct Client {
  std::optional<IpAddress> address;  ///< absent for a UNIX socket or a local submission
  std::string auth_type;             ///< {auth_type}: SASL mechanism, empty if not authenticated
  std::string auth_login;            ///< {auth_authen}: SASL login name
  std::string listener;              ///< {daemon_name}

  bool authenticated() const { return !auth_type.empty() || !auth_login.empty(); }
};

struct Role {
  bool outbound = false;  ///< else inbound
  bool sign = false;      ///< outbound, and Mode allows it
  bool verify = false;    ///< inbound, and Mode allows it
  /// Authenticated and internal mail is never refused for its DMARC result.
  bool trusted = false;
  /// The rule that decided, for the log: "authenticated", "SigningListeners submission",
  /// "VerifyingListeners smtpd", "InternalHosts 127.0.0.1", "external".
  std::string rule;
};

Role decide_role(const Config& config, const Client& client);

}  // namespace signet
