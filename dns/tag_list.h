// SPDX-License-Identifier: BSD-2-Clause
//
// Tag lists, the `name=value; name=value` syntax of RFC 6376 3.2 that DKIM signatures, DKIM key
// records and DMARC records share.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dns/result.h"

namespace signet {

/// One `name=value`; white space (folding included) around both is removed, inside values kept.
struct Tag {
  std::string name;  ///< as written, case kept
  std::string value;
  friend bool operator==(const Tag&, const Tag&) = default;
};

/// The tags in order of appearance.
class TagList {
 public:
  explicit TagList(std::vector<Tag> tags) : tags_(std::move(tags)) {}
  const std::vector<Tag>& tags() const { return tags_; }
  /// The value of the tag called `name` (case-sensitive, RFC 6376 3.2), or nullptr.
  const std::string* find(std::string_view name) const;

 private:
  std::vector<Tag> tags_;
};

/// Octets a tag list may have, if nobody says otherwise; a longer one does not parse.
inline constexpr size_t kMaxTagListOctets = 16'384;

/// Strict RFC 6376 3.2: a tag twice, an empty name, a character outside the grammar, or over
/// `maximum_octets` is an Error that says which tag. One `;` at the end is allowed.
/// For DKIM-Signature and key records.
Result<TagList> parse_tag_list(std::string_view text, size_t maximum_octets = kMaxTagListOctets);

/// RFC 9989 4.8: what does not parse is left out instead of failing the whole; of a tag given
/// twice the first counts. Only if the very first entry does not parse is the list empty, so that
/// no later `v=` can look like the first tag. Whoever calls sees to the size. For DMARC records.
TagList parse_lenient_tag_list(std::string_view text);

}  // namespace signet
