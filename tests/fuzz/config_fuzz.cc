// SPDX-License-Identifier: BSD-2-Clause
//
// The configuration parser. Whatever the text is, the parser comes to an end, gives errors that
// are printable lines, and a configuration it accepts can be written out option by option and
// read back as the same.

#include <cstdint>
#include <string>

#include "milter/config/config.h"
#include "milter/config/config_options.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

void check_errors(const signet::ConfigErrors& errors) {
  require(!errors.lines.empty() && errors.lines.size() <= 101);
  for (const std::string& line : errors.lines) {
    require(line.starts_with("fuzz:"));
    for (const char c : line) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}

std::string written(const signet::Config& config) {
  std::string text;
  for (const signet::ConfigOption& option : signet::config_options()) {
    const std::string value = option.get(config);
    if (!value.empty()) text += std::string{option.keyword} + ' ' + value + '\n';
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto parsed = signet::parse_config(text, "fuzz");
  if (const auto* errors = std::get_if<signet::ConfigErrors>(&parsed)) {
    check_errors(*errors);
    return 0;
  }
  const std::string once = written(std::get<signet::Config>(parsed));
  const auto again = signet::parse_config(once, "fuzz");
  require(std::holds_alternative<signet::Config>(again));
  require(written(std::get<signet::Config>(again)) == once);
  return 0;
}
