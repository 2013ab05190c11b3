// SPDX-License-Identifier: BSD-2-Clause
//
// WireReader: takes numbers, names and octets off a DNS message (RFC 1035 4.1) from front to back.
// After the first thing that does not fit, failed() is true for good and everything reads as zero
// or empty, so that callers check once at the end. The message must outlive the reader.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace signet {

class WireReader {
 public:
  explicit WireReader(std::span<const uint8_t> message, size_t position = 0)
      : message_(message), position_(position) {}

  bool failed() const { return failed_; }
  size_t position() const { return position_; }

  uint8_t u8();
  uint16_t u16();
  uint32_t u32();
  std::span<const uint8_t> octets(size_t count);

  /// A domain name, its compression pointers followed: labels in ASCII lower case, joined with
  /// dots, the root is "". A label that holds a dot makes the text "..", which is nobody's name:
  /// written out it would read like two labels, somebody else's name.
  std::string name();

 private:
  std::span<const uint8_t> message_;
  size_t position_;
  bool failed_ = false;
};

}  // namespace signet
