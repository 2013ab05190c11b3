// SPDX-License-Identifier: BSD-2-Clause
//
// The Author Domain (RFC 9989 3.2.2): a strict parser of the From header field (RFC 5322 3.4,
// RFC 6532) that either knows exactly which domains the authors have, or says why not. It never
// guesses: mail programs show what they like of a broken From, and attackers write it.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"

namespace signet {

/// What the From field, or fields, of a message said.
struct Author {
  /// Each distinct domain found, in order, as A-labels; at most kMaxAuthorDomains.
  std::vector<Name> domains;
  /// Addresses as written (addr-spec only), same cap; for the log.
  std::vector<std::string> addresses;
  /// Why there is no single Author Domain: "no From field", "2 From fields", "syntax error at
  /// ...". Empty exactly if domains holds one domain and everything parsed.
  std::string problem;

  bool ok() const { return problem.empty(); }
};

inline constexpr size_t kMaxAuthorDomains = 5;

/// `values` are the bodies of all From fields of the message (after the colon, folding kept).
/// Linear in their size.
Author find_author(const std::vector<std::string>& values);

}  // namespace signet
