// SPDX-License-Identifier: BSD-2-Clause
//
// Does a signing key match the record that is published for it? Only then do its signatures verify,
// so this is asked before they are made: at start, at reload and now and then. Here is the
// comparison; who asks, and when, is milter/key_monitor.

#pragma once

#include <string>
#include <string_view>

#include "crypto/key.h"
#include "dns/name.h"
#include "dns/resolver.h"

namespace signet {

/// What the DNS says of one key.
enum class KeyState {
  published,    ///< signatures by this key verify with the record
  unpublished,  ///< there is no record, or the name does not exist
  mismatch,     ///< there is something else: another key, a revoked one, two records, a broken one
  unknown,      ///< a DNS error, or nobody has asked yet
};
std::string_view to_string(KeyState state);

struct KeyCheck {
  KeyState state = KeyState::unknown;
  /// Unless published: one line for a postmaster with all that can be said: "no TXT record at ...",
  /// "p= differs from octet 31 on", "key revoked", "2 records where one is allowed", "the record is
  /// in quotation marks", "k=ed25519, but the key is rsa". With published: what is odd but works
  /// ("t=y: verifiers are told that this is a test"), or nothing.
  std::string detail;
  friend bool operator==(const KeyCheck&, const KeyCheck&) = default;
};

/// SELECTOR._domainkey.DOMAIN
Name key_record_name(const SigningKey& key);

/// Compares the key with the TXT answer at key_record_name(). `published` is the word of two
/// judges: our own comparison, and libopendkim verifying a probe that this key has signed, with the
/// record as it was published. Takes a few milliseconds.
KeyCheck compare_with_record(const SigningKey& key, const Answer& answer);

}  // namespace signet
