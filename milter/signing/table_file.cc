// SPDX-License-Identifier: BSD-2-Clause

#include "milter/signing/table_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "dns/text_file.h"
#include "milter/config/config_values.h"

namespace signet {
namespace {

/// A file with more errors is something else than a table.
constexpr size_t kMaxListed = 100;

constexpr std::string_view kBlanks = " \t";

}  // namespace

Result<std::string> read_table(const Config& config, std::string_view keyword,
                               const std::string& path) {
  Result<std::string> text = read_text_file(path, kMaxTableFile);
  if (!text) return Error{config.place_of(keyword) + ": " + text.error()};
  return text;
}

void TableErrors::add(int line, std::string_view text) {
  if (lines_.size() == kMaxListed) {
    ++unlisted_;
  } else {
    lines_.push_back(fmt::format("{}:{}: {}", source_, line, text));
  }
}

Error TableErrors::error() const {
  std::string text = fmt::format("{}", fmt::join(lines_, "\n"));
  if (unlisted_ > 0) text += fmt::format("\n{}: and {} more errors", source_, unlisted_);
  return Error{std::move(text)};
}

void for_each_table_line(std::string_view text, TableErrors& errors,
                         const std::function<void(const TableLine&)>& take) {
  for_each_line(text, [&](int number, std::string_view line) {
    if (line.size() > kMaxConfigLine) {
      return errors.add(number, fmt::format("want lines of at most {} octets, got {}",
                                            kMaxConfigLine, line.size()));
    }
    if (is_unreadable_line(line)) return errors.add(number, "want text, got a control octet");
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) return;
    const size_t end = std::min(line.find_first_of(kBlanks), line.size());
    take({number, line.substr(0, end), trimmed(line.substr(end))});
  });
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::string replace_percent(std::string_view text, std::string_view replacement) {
  std::string replaced;
  for (const char c : text) {
    if (c == '%') {
      replaced += replacement;
    } else {
      replaced += c;
    }
  }
  return replaced;
}

}  // namespace signet
