// SPDX-License-Identifier: BSD-2-Clause
//
// The parser of KeyTable. Whatever the text is, the parser comes to an end with printable errors
// that quote nothing behind a line's second colon, or with lines that are valid and, written out
// again, the same.

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "dns/dkim_record.h"
#include "milter/signing/key_table.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

void check_error(const std::string& error) {
  require(error.starts_with("fuzz:"));
  for (const char c : error) {
    const auto octet = static_cast<unsigned char>(c);
    require(c == '\n' || (octet >= 0x20 && octet != 0x7f));
  }
}

std::string written(const std::vector<signet::KeyTableLine>& lines) {
  std::string text = "\n";  // a byte order mark counts as one only at the start
  for (const signet::KeyTableLine& line : lines) {
    text += fmt::format("{} {}:{}:{}\n", line.name, line.domain ? line.domain->text() : "%",
                        line.selector, line.path);
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto lines = signet::parse_key_table(text, "fuzz");
  if (!lines) {
    check_error(lines.error());
    return 0;
  }
  for (const signet::KeyTableLine& line : *lines) {
    require(line.path.starts_with('/'));
    require(line.name.find_first_of(" \t#") == std::string::npos && !line.name.empty());
    if (line.domain) require(signet::dkim_record_name(line.selector, *line.domain).ok());
  }
  const std::string once = written(*lines);
  const auto again = signet::parse_key_table(once, "fuzz");
  // A-labels can be longer than what they were written as, and a line has its limit.
  if (!again) return 0;
  require(written(*again) == once);
  return 0;
}
