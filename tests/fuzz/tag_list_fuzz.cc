// SPDX-License-Identifier: BSD-2-Clause
//
// Feeds any octets to both tag list parsers. A list that the strict one takes must be in the text
// octet for octet, hold each name once, and be the same list for the lenient one.

#include <cstdint>
#include <set>

#include "dns/tag_list.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

void check_tags(const signet::TagList& list, std::string_view text) {
  std::set<std::string_view> names;
  size_t octets = 0;
  for (const signet::Tag& tag : list.tags()) {
    require(!tag.name.empty() && names.insert(tag.name).second);
    require(tag.name.find_first_of("=; \t\r\n") == std::string::npos);
    require(tag.value.find_first_of(std::string_view(";\0\x7f", 3)) == std::string::npos);
    require(tag.value.empty() || (tag.value.front() != ' ' && tag.value.back() != ' '));
    require(text.find(tag.value) != std::string_view::npos);
    require(list.find(tag.name) == &tag.value);
    octets += tag.name.size() + tag.value.size() + 1;
  }
  require(octets <= text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const signet::TagList lenient = signet::parse_lenient_tag_list(text);
  check_tags(lenient, text);
  const auto strict = signet::parse_tag_list(text);
  if (strict) {
    require(text.size() <= signet::kMaxTagListOctets);
    check_tags(*strict, text);
    require(strict->tags() == lenient.tags());
  } else {
    require(strict.error().size() < 200);
  }
  return 0;
}
