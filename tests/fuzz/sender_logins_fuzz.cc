// SPDX-License-Identifier: BSD-2-Clause
//
// The parser of SenderLogins. The first line of the input is a login, the second a domain, the rest
// the table. Nobody is allowed a domain that no line has.

#include <algorithm>
#include <cstdint>
#include <string>

#include "milter/signing/sender_logins.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const std::string_view login = take_line(text);
  const auto domain = signet::parse_domain(take_line(text));
  const auto table = signet::SenderLogins::parse(text, "fuzz");
  if (!table) {
    require(table.error().starts_with("fuzz:"));
    return 0;
  }
  if (!domain) return 0;
  const bool allowed = table->allows(login, *domain);
  require(allowed == table->allows(signet::ascii_lower(login), *domain));
  // Labels of the domain, or a *, must stand somewhere; U-labels are written otherwise.
  const bool is_ascii = std::ranges::all_of(text, [](char c) { return (c & 0x80) == 0; });
  if (allowed && is_ascii && text.find('*') == text.npos) {
    const std::string top = domain->last_labels(1).text();
    require(signet::ascii_lower(text).find(top) != std::string::npos);
  }
  return 0;
}
