// SPDX-License-Identifier: BSD-2-Clause
//
// Which of the signatures that the tables ask for are made, now that it is known which keys match
// their records in the DNS. This is what makes a rotation need no date: the new key is left out
// until its record is visible, and then the old one is.
//
// For each domain (d=) on its own:
//   - some of its keys are published: of each type the newest of these signs
//   (SigningKey::made_at(),
//     or if they are of the same age the one with the greater selector), and no other;
//   - none is, but of some nothing is known: these sign, rather than nobody;
//   - all are known not to match: OnKeyMismatch decides. `sign` has all of them sign. `skip` and
//     `tempfail` leave them out; if thereby nothing is left to sign the message with, it goes out
//     without a signature, or has to come again.

#pragma once

#include <string>
#include <vector>

#include "crypto/dkim.h"
#include "milter/config/config.h"
#include "milter/signing/key_states.h"

namespace signet {

/// A signature that was asked for and is not made.
struct KeyNotUsed {
  std::string key;  ///< "example.com/s1"
  std::string why;  ///< "unpublished", "mismatch", "unknown", "s2 is newer"
  friend bool operator==(const KeyNotUsed&, const KeyNotUsed&) = default;
};

struct UsableKeys {
  std::vector<SignatureSpec> signatures;  ///< to be made, in the order they were asked for
  std::vector<KeyNotUsed> not_used;       ///< the others, in that order
  /// If there are none, though some were asked for: why, and whether the message has to wait
  /// (OnKeyMismatch tempfail) or goes out as it is.
  std::string unsigned_why;
  bool tempfail = false;
};

/// Pure but for reading `states`.
UsableKeys choose_usable_keys(std::vector<SignatureSpec> wanted, const KeyStates& states,
                              OnKeyMismatch on_mismatch);

}  // namespace signet
