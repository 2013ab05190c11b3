// SPDX-License-Identifier: BSD-2-Clause
//
// A DKIM key record (RFC 6376 3.6.1, RFC 8463): the TXT record at SELECTOR._domainkey.DOMAIN.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"
#include "dns/result.h"
#include "dns/tag_list.h"

namespace signet {

/// k=
enum class DkimKeyType { rsa, ed25519 };
/// "rsa" or "ed25519"
std::string_view to_string(DkimKeyType type);

struct DkimRecord {
  DkimKeyType type = DkimKeyType::rsa;
  std::string public_key;           ///< p= after base64 decoding, octets; empty: revoked
  std::vector<std::string> hashes;  ///< h=; empty: any
  bool for_email = true;            ///< s= holds "*" or "email" or is absent
  bool testing = false;             ///< t=y
  bool strict_identity = false;     ///< t=s: i= must be d= exactly
};

/// RFC 6376 3.6.1. The Error says which tag is wrong and how.
Result<DkimRecord> parse_dkim_record(std::string_view text,
                                     size_t maximum_octets = kMaxTagListOctets);

/// `SELECTOR._domainkey.DOMAIN`
Result<Name> dkim_record_name(std::string_view selector, const Name& domain);

}  // namespace signet
