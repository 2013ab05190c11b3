// SPDX-License-Identifier: BSD-2-Clause
//
// The client that one of our own forwarders reports in its Received field (RFC 5321 4.4), for
// SPFIgnoreHosts. Only the topmost field is to be believed, and only if such a host wrote it.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dns/ip.h"

namespace signet {

/// What stands behind "from": `from HELO (NAME [ADDRESS])`.
struct ReceivedClient {
  std::string helo;
  IpAddress address;
  friend bool operator==(const ReceivedClient&, const ReceivedClient&) = default;
};

/// Reads the from-clause of a Received body as Postfix, Sendmail and Exim write it. Nothing if the
/// field does not begin with "from", or has no address in brackets before "by".
std::optional<ReceivedClient> parse_received_client(std::string_view body);

}  // namespace signet
