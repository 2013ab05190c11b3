// SPDX-License-Identifier: BSD-2-Clause
//
// What outside data has to lose before libmilter and the client see it. The rules are libmilter's
// (it formats replies, folds with LF alone) and RFC 5321's (printable ASCII, one line).

#include "milter/action.h"

namespace signet {
namespace {

// Postfix and libmilter take replies of up to 980 octets; a reader has had enough long before.
constexpr size_t kMaximumReplyOctets = 400;

}  // namespace

std::string reply_text(std::string_view raw) {
  std::string text(raw.substr(0, kMaximumReplyOctets));
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

std::string milter_reply_text(std::string_view text) {
  std::string doubled;
  for (const char c : text) doubled.append(c == '%' ? 2 : 1, c);
  return doubled;
}

std::string milter_field_body(std::string_view value, bool keep_leading_space) {
  if (!keep_leading_space && value.starts_with(' ')) value.remove_prefix(1);
  std::string body;
  for (const char c : value) {
    if (c != '\r') body += c;
  }
  return body;
}

}  // namespace signet
