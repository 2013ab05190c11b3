// SPDX-License-Identifier: BSD-2-Clause
//
// Role: is this message one of ours going out, to be signed, or one coming in, to be verified?
// Decided at MAIL from what the MTA knows about the client, never from what the message says.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dns/ip.h"
#include "milter/config/config.h"

namespace signet {

/// What the MTA says about the client of one message.
struct Client {
  std::optional<IpAddress> address;  ///< absent if the MTA does not know it
  std::string auth_type;             ///< {auth_type}: SASL mechanism, empty if not authenticated
  std::string auth_login;            ///< {auth_authen}: SASL login name
  std::string listener;              ///< {daemon_name}

  bool authenticated() const { return !auth_type.empty() || !auth_login.empty(); }
};

/// The address as the MTA gives it, for Client. A message from the MTA's standard input (host name
/// "localhost", no address) or from a UNIX socket began on this machine, and that is what 127.0.0.1
/// in InternalHosts means. Any other client without an address is unknown.
std::optional<IpAddress> client_address(std::string_view host_name, const sockaddr* peer);

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

/// That of a message which turns out to be none of ours after all: verified like a stranger's, and
/// refused like one, though its client is authenticated.
Role stranger_role(const Config& config, std::string rule);

}  // namespace signet
