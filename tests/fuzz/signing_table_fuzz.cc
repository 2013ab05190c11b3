// SPDX-License-Identifier: BSD-2-Clause
//
// The parser of SigningTable, and its two ways to look an address up. The first line of the input
// is the address, the rest the table. What is found is the first line that a slow and simple
// reading of the rules finds.

#include <algorithm>
#include <cstdint>
#include <string>

#include "milter/signing/signing_table.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;
using signet::SigningTable;

bool is_plain_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

/// One row of the table whether each prefix of `text` matches, for each octet of the pattern.
bool matches(std::string_view pattern, std::string_view text) {
  std::string reached(text.size() + 1, '\0');
  reached[0] = 1;
  for (const char p : pattern) {
    for (size_t i = text.size() + 1; i-- > 0;) {
      if (p != '*') reached[i] = i > 0 && reached[i - 1] != 0 && text[i - 1] == p ? 1 : 0;
    }
    for (size_t i = 1; i <= text.size(); ++i) {
      if (p == '*' && reached[i - 1] != 0) reached[i] = 1;
    }
  }
  return reached[text.size()] != 0;
}

void check_patterns(const SigningTable& table, const std::string& address,
                    const signet::Name& domain) {
  const auto& lines = table.lines();
  if (lines.size() > 50) return;
  const auto first = std::ranges::find_if(lines, [&](const signet::SigningTableLine& line) {
    return matches(signet::ascii_lower(line.pattern), signet::ascii_lower(address));
  });
  require(table.find(address, domain) == (first == lines.end() ? nullptr : &*first));
}

void check_plain(const SigningTable& table, const std::string& address,
                 const signet::Name& domain) {
  const signet::SigningTableLine* const found = table.find(address, domain);
  const std::string user = signet::ascii_lower(address.substr(0, address.rfind('@')));
  const auto has = [&](const std::string& key) {
    return std::ranges::any_of(table.lines(), [&](const signet::SigningTableLine& line) {
      return signet::ascii_lower(line.pattern) == key;
    });
  };
  if (found == nullptr) {
    require(!has(user + "@" + domain.text()) && !has(domain.text()) && !has("*"));
    require(!has("." + domain.last_labels(1).text()) || domain.label_count() == 1);
  } else if (has(user + "@" + domain.text())) {
    require(signet::ascii_lower(found->pattern) == user + "@" + domain.text());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string address(text.substr(0, end));
  const size_t at = address.rfind('@');
  const auto domain = signet::parse_domain(std::string_view(address).substr(at + 1));
  const std::string_view rest = text.substr(std::min(end + 1, text.size()));
  for (const auto kind : {SigningTable::Kind::plain, SigningTable::Kind::patterns}) {
    const auto table = SigningTable::parse(rest, "fuzz", kind);
    if (!table) {
      require(table.error().starts_with("fuzz:"));
      continue;
    }
    for (const auto& line : table->lines()) require(!line.key_name.empty());
    if (at == address.npos || !domain || size > 2'000) continue;
    table->find(address, *domain);
    // The simple reading knows nothing of quotes and U-labels.
    if (!is_plain_ascii(address) || address.starts_with('"')) continue;
    if (!std::ranges::all_of(table->lines(),
                             [](const auto& line) { return is_plain_ascii(line.pattern); })) {
      continue;
    }
    if (kind == SigningTable::Kind::plain) {
      check_plain(*table, address, *domain);
    } else {
      check_patterns(*table, address, *domain);
    }
  }
  return 0;
}
