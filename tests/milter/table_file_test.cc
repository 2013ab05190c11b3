// SPDX-License-Identifier: BSD-2-Clause
//
// The common shape of KeyTable, SigningTable and SenderLogins.

#include "milter/signing/table_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace signet {
namespace {

/// "NUMBER|WORD|VALUE" of each line, then the errors.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  TableErrors errors("table");
  for_each_table_line(text, errors, [&](const TableLine& line) {
    lines.push_back(fmt::format("{}|{}|{}", line.number, line.word, line.value));
  });
  if (!errors.empty()) lines.push_back(errors.error().text);
  return lines;
}

using Lines = std::vector<std::string>;

TEST(TableFile, ALineIsAWordAndAValue) {  // opendkim(8), DATA SETS
  const struct {
    const char* text;
    Lines lines;
  } cases[] = {
      {"", {}},
      {"k v", {"1|k|v"}},
      {"k\t \tv w \t", {"1|k|v w"}},
      {"  k v\r\nl\n", {"1|k|v", "2|l|"}},
      {"# all of it\n\n \t\n  # more\nk v # rest", {"5|k|v"}},
      {"k v#rest\nk#v\n#", {"1|k|v", "2|k|"}},
      {"\xef\xbb\xbfk v", {"1|k|v"}},
  };
  for (const auto& c : cases) EXPECT_EQ(lines_of(c.text), c.lines) << c.text;
}

TEST(TableFile, WhatIsNoTextIsAnError) {
  EXPECT_EQ(lines_of(std::string_view("k v\0\nl w", 8)),
            (Lines{"2|l|w", "table:1: want text, got a control octet"}));
  const std::string longest = "k " + std::string(8190, 'v');
  EXPECT_EQ(lines_of(longest).front().size(), longest.size() + 2);
  EXPECT_EQ(lines_of(longest + "v"), Lines{"table:1: want lines of at most 8192 octets, got 8193"});
}

TEST(TableFile, AHundredErrorsAreListedAndTheOthersCounted) {
  TableErrors errors("table");
  for (int line = 1; line <= 103; ++line) errors.add(line, "odd");
  const std::string text = errors.error().text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 100);
  EXPECT_TRUE(text.starts_with("table:1: odd\ntable:2: odd\n")) << text;
  EXPECT_TRUE(text.ends_with("\ntable:100: odd\ntable: and 3 more errors")) << text;
}

TEST(TableFile, EachPercentIsReplaced) {
  EXPECT_EQ(replace_percent("/%/a.%.pem", "x.org"), "/x.org/a.x.org.pem");
  EXPECT_EQ(replace_percent("none", "x.org"), "none");
  EXPECT_EQ(replace_percent("%", ""), "");
}

}  // namespace
}  // namespace signet
