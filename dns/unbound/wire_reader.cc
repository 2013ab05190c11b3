// SPDX-License-Identifier: BSD-2-Clause
//
// Work is bounded by what is read: a name costs at most 127 labels and 127 pointers.

#include "dns/unbound/wire_reader.h"

#include <algorithm>

#include "dns/name.h"

namespace signet {
namespace {

constexpr size_t kMaxNameOctets = 255;  // RFC 1035 2.3.4, lengths and the root included
constexpr int kMostPointers = 127;      // no name has more labels than that
constexpr uint8_t kPointer = 0xc0;      // RFC 1035 4.1.4

}  // namespace

std::span<const uint8_t> WireReader::octets(size_t count) {
  if (failed_ || position_ > message_.size() || count > message_.size() - position_) {
    failed_ = true;
    return {};
  }
  const auto taken = message_.subspan(position_, count);
  position_ += count;
  return taken;
}

uint8_t WireReader::u8() {
  const auto taken = octets(1);
  return taken.empty() ? 0 : taken[0];
}

uint16_t WireReader::u16() {
  const auto taken = octets(2);
  return taken.empty() ? 0 : static_cast<uint16_t>(taken[0] << 8 | taken[1]);
}

uint32_t WireReader::u32() {
  uint32_t value = 0;
  for (const uint8_t octet : octets(4)) value = value << 8 | octet;
  return value;
}

std::string WireReader::name() {
  std::string text;
  size_t octets_used = 1;  // the root
  bool ambiguous = false;
  int pointers = 0;
  size_t end = 0;  // where reading goes on, once a pointer has been followed
  while (true) {
    const size_t start = position_;
    const uint8_t length = u8();
    if (failed_) return {};
    if (length == 0) break;
    if ((length & kPointer) == kPointer) {
      const size_t target = static_cast<size_t>(length & ~kPointer) << 8 | u8();
      if (++pointers == 1) end = position_;
      // RFC 1035 4.1.4: a pointer goes to a prior occurrence; so it never loops.
      failed_ = failed_ || target >= start || pointers > kMostPointers;
      position_ = target;
      continue;
    }
    const auto label = octets(length);
    octets_used += 1 + length;
    // RFC 1035 4.1.4: 01 and 10 in the top bits are reserved.
    failed_ = failed_ || (length & kPointer) != 0 || octets_used > kMaxNameOctets;
    if (failed_) return {};
    ambiguous = ambiguous || std::find(label.begin(), label.end(), '.') != label.end();
    if (!text.empty()) text += '.';
    text.append(label.begin(), label.end());
  }
  if (pointers > 0) position_ = end;
  return ambiguous ? ".." : ascii_lower(text);
}

}  // namespace signet
