// SPDX-License-Identifier: BSD-2-Clause
//
// The table of RFC 3629 4 as code: the first octet says how long a character is and, for four of
// its values, which second octets would make it overlong, a surrogate or too high.

#include "dns/utf8.h"

#include <array>

namespace signet {
namespace {

/// What a UTF-8 character that begins with `lead` looks like: how long it is, and between which
/// values its second octet lies. Length 0: no character begins so.
struct Utf8Form {
  size_t length;
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xbf;
};

// RFC 3629 4, the rule UTF8-octets.
Utf8Form utf8_form(unsigned char lead) {
  if (lead < 0x80) return {1};
  if (lead < 0xc2) return {0};
  if (lead < 0xe0) return {2};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (lead < 0xf0) return {3};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead < 0xf4) return {4};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  return {0};
}

}  // namespace

size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const Utf8Form form = utf8_form(static_cast<unsigned char>(text[0]));
  if (form.length > text.size()) return 0;
  for (size_t i = 1; i < form.length; ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const auto [low, high] = i == 1 ? std::array{form.second_min, form.second_max}
                                    : std::array<unsigned char, 2>{0x80, 0xbf};
    if (octet < low || octet > high) return 0;
  }
  return form.length;
}

}  // namespace signet
