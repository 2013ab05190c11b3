// SPDX-License-Identifier: BSD-2-Clause
//
// The tag-list grammar of RFC 6376 3.2, read once in two tempers: strict for DKIM, where a doubtful
// list must not verify, and lenient for DMARC, where RFC 9989 4.8 wants the rest of the record
// used.

#include "dns/tag_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "dns/utf8.h"

namespace signet {
namespace {

constexpr size_t kNameOctetsInErrors = 32;

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_white(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
  return text;
}

/// RFC 6376 2.8: the octets of the WSP or of the line break of an FWS at the start of `text`; 0 if
/// there is neither. Headers reach us with LF or CRLF line breaks; either must be followed by WSP.
size_t white_sequence(std::string_view text) {
  if (text[0] == ' ' || text[0] == '\t') return 1;
  const size_t line_break = text.starts_with("\r\n") ? 2 : text[0] == '\n' ? 1 : 0;
  if (line_break == 0 || line_break >= text.size()) return 0;
  return text[line_break] == ' ' || text[line_break] == '\t' ? line_break : 0;
}

/// RFC 6376 3.2 VALCHAR, which RFC 8616 5 widens by UTF-8, between white space. The `;` is gone
/// already: the list was cut there.
bool is_tag_value(std::string_view text) {
  while (!text.empty()) {
    size_t octets = text[0] >= '!' && text[0] <= '~' ? 1 : white_sequence(text);
    if (octets == 0 && (text[0] & 0x80) != 0) octets = utf8_length(text);
    if (octets == 0) return false;
    text.remove_prefix(octets);
  }
  return true;
}

/// RFC 6376 3.2: tag-name = ALPHA *ALNUMPUNC
bool is_tag_name(std::string_view text) {
  return !text.empty() && is_alpha(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || c == '_';
  });
}

Error tag_error(std::string_view name, std::string_view what) {
  return Error{fmt::format("tag {} {}", name.substr(0, kNameOctetsInErrors), what)};
}

/// One tag-spec. `spec` is what stands between two semicolons.
Result<Tag> parse_tag(std::string_view spec) {
  const size_t equals = spec.find('=');
  const std::string_view name = trim(spec.substr(0, equals));
  if (name.empty()) return Error{"a tag has no name"};
  if (!is_tag_name(name)) return Error{"a tag name is not a letter with letters, digits and _"};
  if (equals == std::string_view::npos) return tag_error(name, "has no =");
  const std::string_view value = spec.substr(equals + 1);
  if (!is_tag_value(value) || !is_tag_value(spec.substr(0, equals))) {
    return tag_error(name, "holds a character that no tag may hold");
  }
  return Tag{std::string(name), std::string(trim(value))};
}

std::vector<std::string_view> split_at_semicolons(std::string_view text) {
  std::vector<std::string_view> specs;
  size_t start = 0;
  for (size_t end = text.find(';'); end != std::string_view::npos; end = text.find(';', start)) {
    specs.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  // RFC 6376 3.2: one semicolon may end the list; many lists have white space after it.
  const std::string_view last = text.substr(start);
  if (specs.empty() || !trim(last).empty()) specs.push_back(last);
  return specs;
}

}  // namespace

const std::string* TagList::find(std::string_view name) const {
  const auto tag =
      std::find_if(tags_.begin(), tags_.end(), [&](const Tag& t) { return t.name == name; });
  return tag == tags_.end() ? nullptr : &tag->value;
}

Result<TagList> parse_tag_list(std::string_view text, size_t maximum_octets) {
  if (text.size() > maximum_octets) {
    return Error{fmt::format("a tag list of {} octets; at most {}", text.size(), maximum_octets)};
  }
  std::vector<Tag> tags;
  std::unordered_set<std::string> seen;
  for (const std::string_view spec : split_at_semicolons(text)) {
    auto tag = parse_tag(spec);
    if (!tag) return Error{tag.error()};
    // RFC 6376 3.2: tags with duplicate names make the entire tag-list invalid.
    if (!seen.insert(tag->name).second) return tag_error(tag->name, "appears twice");
    tags.push_back(*std::move(tag));
  }
  return TagList(std::move(tags));
}

TagList parse_lenient_tag_list(std::string_view text) {
  std::vector<Tag> tags;
  std::unordered_set<std::string> seen;
  for (const std::string_view spec : split_at_semicolons(text)) {
    auto tag = parse_tag(spec);
    // RFC 9989 4.7: v must be the first tag; an unreadable first entry must not give its place
    // away.
    if (!tag && tags.empty()) return TagList({});
    if (tag && seen.insert(tag->name).second) tags.push_back(*std::move(tag));
  }
  return TagList(std::move(tags));
}

}  // namespace signet
