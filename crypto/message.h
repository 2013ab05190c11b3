// SPDX-License-Identifier: BSD-2-Clause
//
// A header field as the cryptography sees it (RFC 6376 2.8): octets on the wire, unchanged.

#pragma once

#include <string>

namespace signet {

/// `name` + ":" + `value` is the field as transmitted. `value` begins right after the colon (so
/// usually with a space), is folded with CRLF and has no CRLF at its end.
struct HeaderField {
  std::string name;
  std::string value;
  friend bool operator==(const HeaderField&, const HeaderField&) = default;
};

}  // namespace signet
