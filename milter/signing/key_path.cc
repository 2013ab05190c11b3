// SPDX-License-Identifier: BSD-2-Clause

#include "milter/signing/key_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "crypto/key.h"
#include "milter/signing/table_file.h"

namespace signet {
namespace {

namespace fs = std::filesystem;

/// The text that makes `entry` of `pattern` if it takes the place of each `%`.
std::optional<std::string> solve(std::string_view pattern, std::string_view entry) {
  const auto percents = static_cast<size_t>(std::ranges::count(pattern, '%'));
  const size_t fixed = pattern.size() - percents;
  if (entry.size() <= fixed || (entry.size() - fixed) % percents != 0) return std::nullopt;
  const std::string_view text = entry.substr(pattern.find('%'), (entry.size() - fixed) / percents);
  if (replace_percent(pattern, text) != entry) return std::nullopt;
  return std::string(text);
}

}  // namespace

Result<std::vector<AuthorKeyPath>> find_author_key_paths(const std::string& pattern) {
  const size_t percent = pattern.find('%');
  const size_t start = pattern.rfind('/', percent) + 1;
  const size_t end = std::min(pattern.find('/', percent), pattern.size());
  const std::string directory = pattern.substr(0, start);
  const std::string_view component = std::string_view(pattern).substr(start, end - start);

  std::vector<AuthorKeyPath> found;
  std::error_code error;
  fs::directory_iterator at(directory, error);
  for (const fs::directory_iterator last; !error && at != last; at.increment(error)) {
    const std::optional<std::string> text = solve(component, at->path().filename().native());
    if (!text) continue;
    const Result<Name> author = parse_domain(*text);
    std::string path = replace_percent(pattern, *text);
    if (author && key_file_may_exist(path)) found.push_back({*author, std::move(path)});
  }
  if (error) return Error{fmt::format("{}: {}", directory, error.message())};
  std::ranges::sort(found, {}, &AuthorKeyPath::path);
  return found;
}

}  // namespace signet
