// SPDX-License-Identifier: BSD-2-Clause
//
// SPF macros (RFC 7208 7): the small language in which a record computes names from the message
// ("%{ir}.%{v}._spf.%{d2}") and in which an explanation speaks to the sender. Parsing is apart from
// expansion because a syntax error anywhere must be found before anything is evaluated. Whatever
// the record and the sender write, an expansion costs and returns no more than its limit.

#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "dns/ip.h"
#include "dns/name.h"
#include "dns/result.h"

namespace signet {

/// A stretch of literal text, or one `%{...}` (RFC 7208 7.1).
struct SpfMacroPiece {
  std::string literal;           ///< `%%`, `%_` and `%-` already replaced; only if letter is 0
  char letter = 0;               ///< macro-letter in lower case; 0 for literal text
  bool url_escaped = false;      ///< the letter was upper case
  int kept_parts = 0;            ///< right-hand parts to keep; 0: all
  bool reversed = false;         ///< the "r" transformer
  std::string delimiters = ".";  ///< where the value is split
  friend bool operator==(const SpfMacroPiece&, const SpfMacroPiece&) = default;
};

/// A macro-string whose syntax has been checked.
class SpfMacroString {
 public:
  SpfMacroString() = default;
  explicit SpfMacroString(std::vector<SpfMacroPiece> pieces) : pieces_(std::move(pieces)) {}

  const std::vector<SpfMacroPiece>& pieces() const { return pieces_; }
  /// True if any of `letters` (lower case) occurs as a macro letter.
  bool uses_any_of(std::string_view letters) const;
  /// True if it always expands to the same text.
  bool is_constant() const;

  friend bool operator==(const SpfMacroString&, const SpfMacroString&) = default;

 private:
  std::vector<SpfMacroPiece> pieces_;
};

/// `macro-string`, as in the value of an unknown modifier.
Result<SpfMacroString> parse_spf_macro_string(std::string_view text);
/// `domain-spec`: a macro-string that ends in a toplabel or a macro.
Result<SpfMacroString> parse_spf_domain_spec(std::string_view text);
/// `explain-string`: spaces and the letters c, r and t are allowed too.
Result<SpfMacroString> parse_spf_explain_string(std::string_view text);

/// What the letters stand for (RFC 7208 7.2).
struct SpfMacroValues {
  std::string local_part;        ///< l
  std::string sender_domain;     ///< o, in A-labels
  std::string domain;            ///< d
  IpAddress client;              ///< i, c, v
  std::string validated_name;    ///< p; "unknown" if there is none
  std::string helo;              ///< h
  std::string receiver;          ///< r
  std::chrono::sys_seconds now;  ///< t
};

/// Octets that l and h contribute at most, counted from the right: more than a name can hold and
/// than RFC 5321 4.5.3.1 allows in either, and few enough that a record full of macros stays cheap.
inline constexpr size_t kMaxSpfMacroValueOctets = 320;

/// Octets of an explanation. RFC 7208 6.2 leaves the limit to us; it goes into an SMTP reply.
inline constexpr size_t kMaxSpfExplanationOctets = 400;

/// The <target-name>. Over 253 octets, labels are removed from the left (RFC 7208 7.3). An Error if
/// what results is no DNS name: an empty label, or one of more than 63 octets.
Result<Name> expand_spf_domain_spec(const SpfMacroString& spec, const SpfMacroValues& values);

/// The explanation: one line of printable ASCII, at most kMaxSpfExplanationOctets.
std::string expand_spf_explain_string(const SpfMacroString& text, const SpfMacroValues& values);

/// `text` cut to `max_octets` and with a `?` for every octet that is not printable ASCII, so that
/// it can stand in one line of a log or a reply.
std::string printable_ascii(std::string_view text, size_t max_octets);

}  // namespace signet
