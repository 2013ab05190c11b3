// SPDX-License-Identifier: BSD-2-Clause
//
// The least that signing and verifying a message can cost: every octet of it is hashed once, and
// one signature is made or checked, by OpenSSL, with a key that is parsed already. Nothing is
// canonicalized, chosen, written or read.

#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>

#include "dns/dkim_record.h"

namespace signet {

/// SHA-256 of `body`, and EVP_DigestSign() of `header` (RFC 8463 3: of its hash for Ed25519).
/// Throws std::runtime_error if OpenSSL fails.
std::string bare_sign(EVP_PKEY* key, DkimKeyType type, std::string_view header,
                      std::string_view body);

/// The same with EVP_DigestVerify().
bool bare_verify(EVP_PKEY* key, DkimKeyType type, std::string_view header, std::string_view body,
                 std::string_view signature);

/// Both hashed once with SHA-256, and no more.
void bare_hash(std::string_view header, std::string_view body);

}  // namespace signet
