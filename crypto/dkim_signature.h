// SPDX-License-Identifier: BSD-2-Clause
//
// A DKIM-Signature field (RFC 6376 3.5), read strictly: the gate that every signature passes before
// any cryptography, any question to the DNS and any other library sees it. RFC 6376 6.1.1: being
// "liberal in what you accept" is a bad strategy here.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/canonical.h"
#include "crypto/dkim_refusal.h"
#include "crypto/message.h"
#include "dns/dkim_record.h"
#include "dns/name.h"
#include "dns/tag_list.h"

namespace signet {

/// The tags of one signature. With a refusal, only what was read before it is set.
struct DkimSignature {
  std::optional<DkimRefusal> refusal;

  std::string algorithm;                    ///< a= as written
  DkimKeyType key_type = DkimKeyType::rsa;  ///< of a=
  std::string signature;                    ///< b=, octets
  std::string signature_start;              ///< b=, its first 16 characters, base64
  std::string body_hash;                    ///< bh=, 32 octets
  Canonicalization header_canonicalization = Canonicalization::simple;
  Canonicalization body_canonicalization = Canonicalization::simple;
  Name domain;                                        ///< d=
  std::string selector;                               ///< s= as written
  Name key_name;                                      ///< where the key record is
  std::string identity;                               ///< i= as written, without FWS; else "@" + d=
  Name identity_domain;                               ///< what stands right of the @ in i=
  std::vector<std::string> signed_fields;             ///< h=, in order, lower case
  std::optional<uint64_t> body_length;                ///< l=; 2^64-1 stands for all that is larger
  std::optional<std::chrono::sys_seconds> signed_at;  ///< t=
  std::optional<std::chrono::sys_seconds> expires_at;  ///< x=

  /// True if h= names this field (lower case).
  bool signs(std::string_view field_name) const;
};

/// Reads the value of a DKIM-Signature field. Never fails: what is wrong becomes the refusal,
/// `neutral` for syntax (RFC 8601 2.7.1), `permerror` for what RFC 6376 6.1.1 calls PERMFAIL,
/// `policy` for more than `maximum_signed_fields` names in h= or `maximum_octets` in all.
DkimSignature parse_dkim_signature(std::string_view value, int maximum_signed_fields,
                                   size_t maximum_octets = kMaxTagListOctets);

/// RFC 6376 3.5 t= and x=, seen from `now`: the refusal if the signature is expired or comes from
/// the future by more than `drift`.
std::optional<DkimRefusal> check_signature_time(const DkimSignature& signature,
                                                std::chrono::sys_seconds now,
                                                std::chrono::seconds drift);

/// RFC 6376 3.7: the field's value with the value of b= deleted, all else untouched.
std::string without_signature_value(std::string_view value);

}  // namespace signet
