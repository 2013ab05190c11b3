// SPDX-License-Identifier: BSD-2-Clause
//
// Canonicalization (RFC 6376 3.4): the form of a header field or a body that is hashed. Bodies are
// streamed; the output never depends on how the input was cut into pieces, and memory never
// depends on the size of the body. CRLF alone ends a line; a bare CR or LF is an octet like others.

#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/message.h"

namespace signet {

/// RFC 6376 3.4: one of these for the header and one for the body, c= of a signature.
enum class Canonicalization { simple, relaxed };
/// "simple" or "relaxed"
std::string_view to_string(Canonicalization canonicalization);
/// The word of c=, in lower case exactly; nothing for another word.
std::optional<Canonicalization> parse_canonicalization(std::string_view word);

/// One field, RFC 6376 3.4.1 and 3.4.2, without the CRLF at its end.
std::string canonical_field(const HeaderField& field, Canonicalization canonicalization);

/// These fields one after the other, each with its CRLF: what is hashed of a header (RFC 6376 3.7).
std::string canonical_header(const std::vector<const HeaderField*>& fields,
                             Canonicalization canonicalization);

/// Where canonical octets go, in pieces of any size.
using OctetSink = std::function<void(std::string_view)>;

/// One body, RFC 6376 3.4.3 and 3.4.4. One thread at a time. What the sink is given may be a part
/// of what update() was given, or an earlier part that was collected.
class BodyCanonicalizer {
 public:
  BodyCanonicalizer(Canonicalization canonicalization, OctetSink sink);

  void update(std::string_view octets);
  /// The end of the body: what is still held back goes to the sink. Once.
  void finish();

 private:
  size_t hold_back(std::string_view octets);
  size_t content_end(std::string_view octets) const;
  void add_content(std::string_view octets);
  void release_cr();
  void end_line();

  const Canonicalization canonicalization_;
  const OctetSink sink_;
  size_t held_line_ends_ = 0;  ///< CRLFs that count only if content follows
  bool held_cr_ = false;       ///< the last octet was CR: a line end if LF follows
  bool held_white_ = false;    ///< relaxed: white space that counts if content follows
  bool has_content_ = false;   ///< anything but empty lines was seen
};

}  // namespace signet
