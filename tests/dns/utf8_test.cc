// SPDX-License-Identifier: BSD-2-Clause
//
// UTF-8 at its edges: the first and last of each length, overlong forms, surrogates, too high.

#include "dns/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace signet {
namespace {

using namespace std::string_literals;

TEST(Utf8, IsOneCharacterOrNone) {  // RFC 3629 4
  struct {
    std::string text;
    size_t length;
  } const cases[] = {
      {"", 0},
      {"a", 1},
      {"\0"s, 1},
      {"\x7f", 1},
      {"\x80", 0},
      {"\xbf", 0},
      {"\xc1\xbf", 0},
      {"\xc2\x80x", 2},
      {"\xc2", 0},
      {"\xc2\xc2", 0},
      {"\xdf\xbf", 2},
      {"\xe0\x9f\xbf", 0},
      {"\xe0\xa0\x80", 3},
      {"\xe1\x80\x80", 3},
      {"\xe1\x80", 0},
      {"\xe1\x80\x7f", 0},
      {"\xed\x9f\xbf", 3},
      {"\xed\xa0\x80", 0},
      {"\xef\xbf\xbf", 3},
      {"\xf0\x8f\xbf\xbf", 0},
      {"\xf0\x90\x80\x80", 4},
      {"\xf3\xbf\xbf\xbf", 4},
      {"\xf4\x8f\xbf\xbf", 4},
      {"\xf4\x90\x80\x80", 0},
      {"\xf5\x80\x80\x80", 0},
      {"\xff", 0},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(utf8_length(test.text), test.length) << testing::PrintToString(test.text);
  }
}

}  // namespace
}  // namespace signet
