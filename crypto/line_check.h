// SPDX-License-Identifier: BSD-2-Clause
//
// LineCheck: finds what another server is likely to change in a message after it was signed, which
// breaks every signature on it. Two things: a line of more than 998 octets (RFC 5322 2.1.1; servers
// fold or cut it), and a CR or LF that stands alone (RFC 5322 2.3; servers make a line end of it or
// drop it). Every outgoing message goes through here, so it looks at 16 octets and more at once and
// keeps nothing of the message.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/message.h"

namespace signet {

/// RFC 5322 2.1.1: "MUST be no more than 998 characters, excluding the CRLF". Octets count here, as
/// they do for RFC 5321 4.5.3.1.6 and for servers.
inline constexpr size_t kMaxLineOctets = 998;

/// Order of calls: header() for each field, body() any number of times, finish() once. The result
/// never depends on how the body was cut. CRLF alone ends a line. One thread at a time.
class LineCheck {
 public:
  void header(const HeaderField& field);
  void body(std::string_view octets);
  void finish();

  /// The first line that is too long: "line 12 of the body has 1,204 octets", "line 1 of the
  /// Subject field has 1,204 octets"; empty if there is none. Complete after finish().
  const std::string& long_line() const { return long_line_; }
  /// The first CR or LF that is half a line end: "a CR without LF in line 3 of the body"; empty if
  /// there is none. Complete after finish().
  const std::string& bare_newline() const { return bare_newline_; }

 private:
  void check_lengths(std::string_view octets);
  void measure(std::string_view octets, size_t from);
  void check_newlines(std::string_view octets);
  void report_bare(std::string_view octets);
  bool ends_line(std::string_view octets, size_t at) const;
  size_t last_line_end(std::string_view octets, size_t from, size_t end) const;
  uint64_t line_number(std::string_view octets, size_t at) const;

  std::string long_line_;
  std::string bare_newline_;
  uint64_t lines_ = 0;        ///< of the body, ended before the current piece
  uint64_t line_octets_ = 0;  ///< before the current piece, since the last CRLF
  uint64_t long_number_ = 0;  ///< of the long line that is being measured; 0: none is
  bool held_cr_ = false;      ///< the last octet before the current piece was CR
};

}  // namespace signet
