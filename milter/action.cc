// SPDX-License-Identifier: BSD-2-Clause

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

}  // namespace signet
