// SPDX-License-Identifier: BSD-2-Clause
//
// Turns a DNS message off the wire (RFC 1035 4) into an Answer. Every octet of it may have been
// written by an attacker: what does not parse, is truncated or answers another question is
// server_failure, never "does not exist".

#pragma once

#include <cstdint>
#include <span>

#include "dns/resolver.h"

namespace signet {

/// Reads the reply to the question (`name`, `type`, class IN). CNAMEs inside the message are
/// followed, 16 at most. `ttl` is the smallest TTL on the way; of a negative answer, what RFC 2308
/// 5 says, 0 if the message has no SOA. An MX, PTR or CNAME whose name Name cannot say (a dot
/// inside a label) is left out. Thread-safe.
Answer parse_dns_packet(std::span<const uint8_t> packet, const Name& name, RecordType type);

/// A server_failure with this reason.
Answer dns_failure(std::string error);

/// "SERVFAIL", "REFUSED" and so on; "RCODE n" for those without a name.
std::string rcode_text(int rcode);

}  // namespace signet
