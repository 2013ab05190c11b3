// SPDX-License-Identifier: BSD-2-Clause
//
// The client that one of our own forwarders reports in its Received field (RFC 5321 4.4), for
// SPFIgnoreHosts. Only the topmost field is to be believed, and only if such a host wrote it; and
// even there HELO, host name and ident are the client's own words, so only clauses are read in
// which the place of the address is fixed by what the forwarder wrote itself.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dns/ip.h"

namespace signet {

/// What stands behind "from".
struct ReceivedClient {
  std::string helo;
  IpAddress address;
  friend bool operator==(const ReceivedClient&, const ReceivedClient&) = default;
};

/// Reads the from-clause of a Received body in one of these forms:
///
///     from HELO (NAME [ADDRESS])                       Postfix, Sendmail
///     from HELO (NAME [ADDRESS] (may be forged))       Sendmail
///     from NAME ([ADDRESS]:PORT helo=HELO ident=USER)  Exim, client with a host name
///     from [ADDRESS] (port=PORT helo=HELO ident=USER)  Exim, client without one
///
/// NAME before an address, port and ident may be missing; so may helo in the third form, where NAME
/// is then also the HELO name. Nothing if the clause has another form, or if a bracket stands
/// anywhere else where it might pass for the address.
std::optional<ReceivedClient> parse_received_client(std::string_view body);

}  // namespace signet
