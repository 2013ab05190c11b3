// SPDX-License-Identifier: BSD-2-Clause
//
// Action: one thing a session wants done to its message. Values: a test compares a vector of them,
// and only milter/libmilter/ turns them into calls of libmilter.

#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace signet {

/// Puts a field on top of the message.
struct InsertHeader {
  std::string name;
  std::string value;  ///< begins with a space, folded with CRLF, no final line end
  friend bool operator==(const InsertHeader&, const InsertHeader&) = default;
};

/// Removes the `occurrence`th field of that name, counted from 1 at the top. Given in descending
/// order, because the MTA renumbers after each.
struct DeleteHeader {
  std::string name;
  int occurrence = 1;
  friend bool operator==(const DeleteHeader&, const DeleteHeader&) = default;
};

/// Refuses the message: 5xx for good, 4xx for now. Always the last action.
struct Reply {
  int code = 550;
  std::string enhanced_code;  ///< RFC 3463, "5.7.1"
  std::string text;           ///< printable ASCII, one line, at most 400 octets
  friend bool operator==(const Reply&, const Reply&) = default;
};

/// Accepts the message into the MTA's hold queue.
struct Quarantine {
  std::string reason;  ///< printable ASCII, one line
  friend bool operator==(const Quarantine&, const Quarantine&) = default;
};

using Action = std::variant<InsertHeader, DeleteHeader, Reply, Quarantine>;

/// Outside data on its way into a reply or a quarantine reason: printable ASCII in one line, other
/// octets become '?', at most 400 octets.
std::string reply_text(std::string_view raw);

/// A reply text as smfi_setreply() wants it: `%` doubled, because libmilter formats it.
std::string milter_reply_text(std::string_view text);

/// An InsertHeader value as smfi_insheader() wants it: folds as LF, and the leading space only if
/// the MTA agreed to keep it (SMFIP_HDR_LEADSPC).
std::string milter_field_body(std::string_view value, bool keep_leading_space);

}  // namespace signet
