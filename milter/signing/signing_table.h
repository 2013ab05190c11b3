// SPDX-License-Identifier: BSD-2-Clause
//
// SigningTable: OpenDKIM's table that says which key of the KeyTable signs for which author
// (opendkim.conf(5), SigningTable). Lines of `PATTERN KEY` or `PATTERN KEY:AUID`; a KEY of `%` is
// the one named like the From domain, and each `%` in the AUID (i=) is that domain. Only the first
// match applies. Letters match in either case; U-labels and A-labels are the same.
//
// A plain table is asked for user@host, host, user@.domain for each domain above the host, .domain
// for each, user@*, and *, in this order. In a table of patterns (refile:) the first line in the
// file whose PATTERN is the author's address counts, where `*` stands for any text.
//
// Deviates: OpenDKIM 2.11 asks for .example.com before user@.com, other than its manual says. The
// manual is right here. Nor are `[`, `|` and the like special in patterns, as they are to it.

#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dns/name.h"
#include "dns/result.h"
#include "milter/field/from_field.h"

namespace signet {

struct SigningTableLine {
  int number = 0;
  std::string pattern;   ///< as written
  std::string key_name;  ///< "%": the From domain
  std::string auid;      ///< with `%` for the From domain; empty: no i=
};

/// Constant once parsed; any thread.
class SigningTable {
 public:
  enum class Kind { plain, patterns };

  /// The Error lists all that is wrong, `SOURCE:LINE: ...` each.
  static Result<SigningTable> parse(std::string_view text, const std::string& source, Kind kind);

  /// The line that counts for the address, or null. `domain` is that of the address. An address of
  /// more than kMaxAddress octets has none.
  const SigningTableLine* find(std::string_view address, const Name& domain) const;

  const std::vector<SigningTableLine>& lines() const { return lines_; }
  /// Lines that can never match, `SOURCE:LINE: ` and why.
  const std::vector<std::string>& warnings() const { return warnings_; }

  static constexpr size_t kMaxAddress = 1'000;

 private:
  const SigningTableLine* find_plain(const std::string& user, const Name& domain) const;
  const SigningTableLine* find_pattern(const std::string& user, const Name& domain) const;
  const SigningTableLine* at(const std::string& key) const;

  Kind kind_ = Kind::plain;
  std::vector<SigningTableLine> lines_;
  std::vector<std::string> comparable_;  ///< the pattern of each line, lower case, A-labels
  std::unordered_map<std::string, size_t> index_;  ///< of a plain table: comparable to line
  std::vector<std::string> warnings_;
};

/// The one host that a pattern names (`example.com`, `*@example.com`, `joe@example.com`); the root
/// if it names none or many.
Name host_of_pattern(std::string_view pattern);

}  // namespace signet
