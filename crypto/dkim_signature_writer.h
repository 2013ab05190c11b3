// SPDX-License-Identifier: BSD-2-Clause
//
// Writes what crypto/dkim_signature.h reads: the value of a DKIM-Signature field (RFC 6376 3.5),
// folded so that no line has more than 78 columns, unless one token alone does.

#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crypto/canonical.h"
#include "dns/dkim_record.h"
#include "dns/name.h"

namespace signet {

/// All but b=. The texts go in as they are, so they must be fit for their tags.
struct SignatureTags {
  DkimKeyType key_type = DkimKeyType::rsa;                              ///< a=
  Canonicalization header_canonicalization = Canonicalization::simple;  ///< c=
  Canonicalization body_canonicalization = Canonicalization::simple;
  std::string_view domain;                             ///< d=
  std::string_view selector;                           ///< s=
  std::string_view identity;                           ///< i=, from write_identity(); empty: no i=
  std::chrono::sys_seconds signed_at;                  ///< t=
  std::optional<std::chrono::sys_seconds> expires_at;  ///< x=
  std::string_view body_hash;                          ///< bh=, the octets
  std::span<const std::string> signed_fields;          ///< h=
};

/// The field's value up to and with "b=", which begins a line: what the signature is made over.
std::string write_unsigned_value(const SignatureTags& tags);

/// Completes it with the octets of the signature.
void append_signature(std::string& value, std::string_view octets);

/// An AUID (RFC 6376 2.6) as it stands in i=: the local part in dkim-quoted-printable (RFC 6376
/// 2.11), UTF-8 included, which every message may carry, internationalized (RFC 8616 5) or not; the
/// domain as A-labels. Nothing for what can't stand there, and a signature is complete without it:
/// no address, a local part that needs quotes, a domain that is not `domain` or below it, or more
/// than 250 octets, which not every verifier reads.
std::string write_identity(std::string_view auid, const Name& domain);

}  // namespace signet
