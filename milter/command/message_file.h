// SPDX-License-Identifier: BSD-2-Clause
//
// MessageFile: a message that somebody saved, from a mailbox or the wire, as the daemon would have
// seen it: header fields and a body with CRLF line ends. It is held in memory, because a command
// reads the body more than once and standard input comes once.
//
// Line ends. In the header every LF ends a line, with a CR before it or without, as MTAs see it. If
// all lines of the header end in CRLF the file is as on the wire, and a LF or CR that stands alone
// in the body is kept. Otherwise it was saved with local line ends: each LF of the body becomes
// CRLF, unless a CR stands before it already, as an MTA would do on its way out.
//
// Like an MTA too: the "From " line of an mbox (and ">From ") before the header is left out, and a
// line that is neither a field nor goes one on ends the header: the body begins there.

#pragma once

#include <cstddef>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/canonical.h"
#include "crypto/message.h"
#include "dns/result.h"

namespace signet {

/// Octets of a file; of a longer one no more is read.
inline constexpr size_t kMaxMessageFileOctets = size_t{128} * 1024 * 1024;
/// As many as MaximumHeaderFields can allow.
inline constexpr size_t kMaxMessageFileFields = 100'000;

/// Copyable; constant once made.
class MessageFile {
 public:
  /// Any octets are a message, if only one with a body; the Error is for too many fields.
  static Result<MessageFile> parse(std::string octets);

  /// Reads a file, or `standard_input` if `path` is "-". Errors begin with the path.
  static Result<MessageFile> load(const std::string& path, std::istream& standard_input);

  const std::vector<HeaderField>& fields() const { return fields_; }
  /// All values of the fields of this name, in order.
  std::vector<std::string> values_of(std::string_view name) const;

  /// Gives the body to `sink` in pieces of at most 128 KiB, line ends as described above.
  void read_body(const OctetSink& sink) const;

  /// The file from its first header field on, as it is.
  std::string_view octets() const { return std::string_view(octets_).substr(header_start_); }
  /// "\r\n" or "\n": what stands at the ends of the lines in the file.
  std::string_view line_end() const { return on_the_wire_ ? "\r\n" : "\n"; }

  /// What is odd about the file and may matter for a signature: one line each, without outside
  /// data.
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  friend class MessageFileParser;

  std::string octets_;
  size_t header_start_ = 0;
  size_t body_start_ = 0;
  bool on_the_wire_ = true;
  std::vector<HeaderField> fields_;
  std::vector<std::string> remarks_;
};

}  // namespace signet
