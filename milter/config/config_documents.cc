// SPDX-License-Identifier: BSD-2-Clause
//
// What is printed from the table of options: the sample configuration and the list in
// signet.conf(5). tests/milter/config_options_test.cc compares both with the files.

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "milter/config/config_options.h"

namespace signet {
namespace {

constexpr size_t kWidth = 78;

/// `text` as lines of at most kWidth octets, each beginning with `start`.
std::string wrapped(std::string_view text, std::string_view start) {
  std::string out;
  std::string line{start};
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (line.size() > start.size() && line.size() + 1 + word.size() > kWidth) {
      out += line + '\n';
      line = start;
    }
    if (line.size() > start.size()) line += ' ';
    line += word;
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return out + line + '\n';
}

/// Sentences end with a full stop before a space and a capital letter.
std::vector<std::string_view> sentences(std::string_view text) {
  std::vector<std::string_view> found;
  size_t begin = 0;
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    const bool capital = text[i + 2] >= 'A' && text[i + 2] <= 'Z';
    if (text[i] != '.' || text[i + 1] != ' ' || !capital) continue;
    found.push_back(text.substr(begin, i + 1 - begin));
    begin = i + 2;
  }
  found.push_back(text.substr(begin));
  return found;
}

std::string sample_option(const ConfigOption& row, const Config& defaults) {
  const std::string value = row.get(defaults);
  if (value.empty()) {
    return wrapped(fmt::format("{} Not set by default.", row.help), "# ") +
           fmt::format("#{} {}\n", row.keyword, row.value);
  }
  return wrapped(fmt::format("{} ({})", row.help, row.value), "# ") +
         fmt::format("#{} {}\n", row.keyword, value);
}

/// mdoc(7): sentences begin on lines of their own. A line must not begin with a dot or apostrophe,
/// and backslashes are escapes; help texts are ours and have no such word.
std::string manual_option(const ConfigOption& row, const Config& defaults) {
  std::string out = fmt::format(".It Cm {} Ar {}\n", row.keyword, row.value);
  for (const std::string_view sentence : sentences(row.help)) out += wrapped(sentence, "");
  const std::string value = row.get(defaults);
  if (value.empty()) return out + "Not set by default.\n";
  return out + fmt::format("The default is\n.Ql \"{}\" .\n", value);
}

}  // namespace

std::string sample_config() {
  const Config defaults;
  std::string out =
      "# /etc/signet/signet.conf: the configuration of signet-milter(8).\n"
      "#\n"
      "# Each line is a keyword and its value; see signet.conf(5). What is commented out\n"
      "# here is the default. Check changes with `signet-milter -n`, put them into effect\n"
      "# with `systemctl reload signet`.\n";
  std::string_view group;
  for (const ConfigOption& row : config_options()) {
    if (row.group != group) out += fmt::format("\n\n##  {}\n", row.group);
    group = row.group;
    out += '\n' + sample_option(row, defaults);
  }
  return out;
}

std::string manual_options() {
  const Config defaults;
  std::string out;
  std::string_view group;
  for (const ConfigOption& row : config_options()) {
    if (row.group != group) {
      if (!group.empty()) out += ".El\n";
      out += fmt::format(".Ss {}\n.Bl -tag -width Ds\n", row.group);
    }
    group = row.group;
    out += manual_option(row, defaults);
  }
  return out + ".El\n";
}

}  // namespace signet
