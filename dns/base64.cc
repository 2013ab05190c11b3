// SPDX-License-Identifier: BSD-2-Clause
//
// Base64 with one table for each direction. Four characters carry three octets; what is left over
// at the end is judged apart, because that is where sloppy decoders differ.

#include "dns/base64.h"

#include <array>
#include <cstdint>

namespace signet {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr int8_t kForeign = -1;
constexpr int8_t kWhite = -2;
constexpr int8_t kPadding = -3;

constexpr std::array<int8_t, 256> make_decoder() {
  std::array<int8_t, 256> table{};
  table.fill(kForeign);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  }
  for (const char c : {' ', '\t', '\r', '\n'}) table[static_cast<unsigned char>(c)] = kWhite;
  table['='] = kPadding;
  return table;
}

constexpr std::array<int8_t, 256> kDecoder = make_decoder();

/// The 24 bits of four characters of the alphabet; something negative if one of them is none.
int32_t decode_four(const char* text) {
  int32_t bits = 0;
  int32_t signs = 0;
  for (int i = 0; i < 4; ++i) {
    const int8_t value = kDecoder[static_cast<unsigned char>(text[i])];
    signs |= static_cast<int32_t>(value);
    bits = bits * 64 + static_cast<int32_t>(value);
  }
  return signs < 0 ? signs : bits;
}

}  // namespace

Result<std::string> decode_base64(std::string_view text) {
  std::string octets;
  octets.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int bit_count = 0;
  size_t digits = 0;
  size_t padding = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    // Nearly all of a text goes four by four, which is several times as fast.
    if (bit_count == 0 && padding == 0 && i + 4 <= text.size()) {
      const int32_t three_octets = decode_four(text.data() + i);
      if (three_octets >= 0) {
        for (const int shift : {16, 8, 0}) octets += static_cast<char>(three_octets >> shift);
        i += 3;
        continue;
      }
    }
    const int8_t value = kDecoder[static_cast<unsigned char>(text[i])];
    if (value == kWhite) continue;
    if (value == kForeign) return Error{"a character is not base64"};
    if (value == kPadding) {
      ++padding;
      continue;
    }
    if (padding > 0) return Error{"base64 goes on after its padding"};
    bits = (bits << 6) | static_cast<uint32_t>(value);
    bit_count += 6;
    ++digits;
    if (bit_count < 8) continue;
    bit_count -= 8;
    octets += static_cast<char>((bits >> bit_count) & 0xff);
    bits &= (1U << bit_count) - 1;
  }
  // RFC 4648 3.2: the text is padded to a multiple of four; 4: never by more than two.
  if ((digits + padding) % 4 != 0 || padding > 2) return Error{"base64 is cut off or badly padded"};
  // RFC 4648 3.5: the bits that carry nothing are zero.
  if (bits != 0) return Error{"base64 ends in bits that are not zero"};
  return octets;
}

std::string encode_base64(std::string_view octets) {
  std::string text((octets.size() + 2) / 3 * 4, '=');
  char* to = text.data();
  const auto write = [&to](uint32_t bits, int digits) {
    for (int i = 0; i < digits; ++i) *to++ = kAlphabet[(bits >> (18 - 6 * i)) & 0x3f];
  };
  const auto octet = [&octets](size_t i) {
    return uint32_t{static_cast<unsigned char>(octets[i])};
  };
  for (; octets.size() >= 3; octets.remove_prefix(3)) {
    write(octet(0) << 16 | octet(1) << 8 | octet(2), 4);
  }
  // RFC 4648 4: one octet left over makes two digits, two make three.
  if (octets.size() == 1) write(octet(0) << 16, 2);
  if (octets.size() == 2) write(octet(0) << 16 | octet(1) << 8, 3);
  return text;
}

}  // namespace signet
