// SPDX-License-Identifier: BSD-2-Clause
//
// The files that say who signs: KeyTable, SigningTable and SenderLogins. All three have the shape
// of OpenDKIM's flat data sets (opendkim(8), DATA SETS): a line holds a word, white space and a
// value; a `#` begins a comment wherever it stands; blank lines are left out. All that is wrong in
// a file is collected, so that one look at the messages is enough to mend it.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/result.h"
#include "milter/config/config.h"

namespace signet {

/// Octets a table may have; room for a line for each of some 200,000 domains.
inline constexpr size_t kMaxTableFile = size_t{16} * 1024 * 1024;

/// The text of a table that this option names; the Error says where the option stands.
Result<std::string> read_table(const Config& config, std::string_view keyword,
                               const std::string& path);

/// What is wrong in one table.
class TableErrors {
 public:
  explicit TableErrors(std::string source) : source_(std::move(source)) {}

  /// `text` says what was expected and what was found.
  void add(int line, std::string_view text);
  bool empty() const { return lines_.empty(); }
  /// `FILE:LINE: TEXT` for each, joined with LF; at most 100, and how many more there are.
  Error error() const;

 private:
  std::string source_;
  std::vector<std::string> lines_;
  size_t unlisted_ = 0;
};

struct TableLine {
  int number = 0;
  std::string_view word;
  std::string_view value;  ///< may be empty; no white space round it
};

/// Calls `take` for each line that holds something. Lines that are no text are errors.
void for_each_table_line(std::string_view text, TableErrors& errors,
                         const std::function<void(const TableLine&)>& take);

/// `text` without the white space round it.
std::string_view trimmed(std::string_view text);

/// `text` with `replacement` in place of each `%`.
std::string replace_percent(std::string_view text, std::string_view replacement);

}  // namespace signet
