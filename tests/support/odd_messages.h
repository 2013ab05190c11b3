// SPDX-License-Identifier: BSD-2-Clause
//
// Odd outgoing messages without end: whatever real mail has ever held that a canonicalization, a
// parser or a buffer may stumble over, alone and in combination. A message depends on its seed and
// index alone, on every machine, so "message 4711 of seed 1" is a bug report. For tests that need
// many messages: signing and verifying, and whole sessions.

#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/message.h"

namespace signet {

/// What is odd about a message.
enum class OddFeature : uint8_t {
  // The header as a whole.
  no_from,             ///< RFC 5322 3.6: one is required
  two_from,            ///< and no more
  no_to_no_date,       ///< neither To nor Date
  duplicate_fields,    ///< fields that may be there once are there twice
  many_fields,         ///< 2,000 fields
  many_signed_fields,  ///< hundreds of fields of a name that is signed
  mixed_case_names,    ///< `SUBJECT`, `mESSAGE-iD`
  eai,                 ///< RFC 6532: UTF-8 in local part and Subject, From's domain in U-labels
  // Single fields.
  space_before_colon,  ///< `Subject : x` (RFC 5322 4.5)
  no_space_after_colon,
  folded_field,      ///< long, folded with spaces and tabs
  empty_value,       ///< nothing after the colon
  blank_value,       ///< only white space and folds after the colon
  white_value_end,   ///< white space at the end of a value
  eight_bit_field,   ///< octets over 127 that are no UTF-8
  control_in_field,  ///< form feed and the like, also at the ends of a value
  bare_cr_in_field,
  nul_in_signed_field,
  nul_in_other_field,
  long_field,  ///< a line of 998 octets to 64 KiB in the header
  // The body as a whole.
  empty_body,
  only_crlfs,  ///< a body of line ends
  no_final_crlf,
  many_parts,  ///< MIME parts, up to 200
  one_octet_lines,
  large_body,  ///< 100 KB to 1 MB
  huge_word,   ///< 100 KB to 1 MB without white space or line end
  // Lines of the body.
  eight_bit_body,
  nul_in_body,
  bare_cr_in_body,
  bare_lf_in_body,
  cr_before_crlf,  ///< a line that ends in CR CR LF
  line_of_998,     ///< RFC 5321 4.5.3.1.6: the longest that is allowed
  line_of_999,
  line_of_64k,
  white_line_ends,  ///< spaces and tabs at line ends
  white_lines,      ///< lines of spaces and tabs only
  tabs_and_runs,    ///< tabs, and runs of white space, inside lines
  dot_lines,        ///< lines that begin with dots (RFC 5321 4.5.2)
  empty_lines_at_end,
  count_  ///< how many there are
};
inline constexpr size_t kOddFeatureCount = static_cast<size_t>(OddFeature::count_);
/// As the enumerator is spelled.
std::string_view to_string(OddFeature feature);

struct OddMessage {
  std::vector<HeaderField> fields;
  std::string body;
  std::bitset<kOddFeatureCount> features;

  bool has(OddFeature feature) const { return features.test(static_cast<size_t>(feature)); }
  /// As it is transmitted, dot stuffing apart.
  std::string wire_text() const;
};

/// The domain of From: this one, or with OddFeature::eai the other, as the U-labels of the second
/// line.
inline constexpr std::string_view kOddDomain = "example.com";
inline constexpr std::string_view kOddEaiDomain = "xn--bcher-kva.example";
inline constexpr std::string_view kOddEaiULabels =
    "b\xC3\xBC"
    "cher.example";

/// Message number `index`; no two of one seed are equal. Mostly under 4 KB, one in some hundred has
/// 100 KB to 1 MB.
OddMessage odd_message(uint64_t seed, uint64_t index);

}  // namespace signet
