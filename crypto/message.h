// SPDX-License-Identifier: BSD-2-Clause
//
// A header field as the cryptography sees it (RFC 6376 2.8): octets on the wire, unchanged.

#pragma once

#include <string>
#include <string_view>

namespace signet {

/// `name` + ":" + `value` is the field as transmitted. `value` begins right after the colon (so
/// usually with a space), is folded with CRLF and has no CRLF at its end.
struct HeaderField {
  std::string name;
  std::string value;
  friend bool operator==(const HeaderField&, const HeaderField&) = default;
};

/// The name without the white space that RFC 5322 4.5 lets stand before the colon.
std::string_view bare_name(const HeaderField& field);
/// Whether the field is one of that name, for a reader that follows RFC 5322: bare, without case.
bool is_named(const HeaderField& field, std::string_view name);

}  // namespace signet
