// SPDX-License-Identifier: BSD-2-Clause
//
// The tokens of RFC 5322 3.2, one by one.

#include "milter/field/field_lexer.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

using namespace std::string_literals;

TEST(FieldLexer, FindsOctetsThatNoFieldMayHold) {  // RFC 5322 2.2, 3.2.2; RFC 6532 3.1
  struct {
    std::string body;
    size_t position;
  } const cases[] = {
      {"", std::string::npos},
      {" a\tb\r\n c\n\td\xc3\xa9", std::string::npos},
      {"\r\n \r\n ", std::string::npos},
      {"a\0"s, 1},
      {"a\x1f", 1},
      {"a\x7f", 1},
      {"a\r b", 1},
      {"a\r\n", 1},
      {"a\r\nb", 1},
      {"a\nb", 1},
      {"a\n", 1},
      {"a\n\n b", 1},
      {"a\r\r\n b", 1},
      {"\xc3\xa9\xe9 ", 2},
      {"\xc3", 0},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(find_illegal_octet(test.body), test.position) << testing::PrintToString(test.body);
  }
}

TEST(FieldLexer, ReadsCommentsWithoutQuotedPairsAndFolds) {  // RFC 5322 3.2.2
  FieldLexer lexer("(a \\( \"b\r\n (c (d)) \\\\)rest");
  EXPECT_EQ(lexer.comment(), "a ( \"b (c (d)) \\");
  EXPECT_EQ(lexer.peek(), 'r');
  EXPECT_EQ(lexer.comment(), std::nullopt);
  for (const char* const open : {"(", "((a)", "(a\\)", "(a\\", "(\\\r\n )"}) {
    FieldLexer broken(open);
    EXPECT_EQ(broken.comment(), std::nullopt) << open;
    EXPECT_TRUE(broken.at_end()) << open;
  }
}

TEST(FieldLexer, ReadsQuotedStringsWithoutQuotedPairsAndFolds) {  // RFC 5322 3.2.4
  FieldLexer lexer("\"a \\\" (b\n c\\\\ \\\xc3\xa9\"rest");
  EXPECT_EQ(lexer.quoted_string(), "a \" (b c\\ \xc3\xa9");
  EXPECT_EQ(lexer.peek(), 'r');
  EXPECT_EQ(lexer.quoted_string(), std::nullopt);
  for (const char* const open : {"\"", "\"a\\\"", "\"a\\", "\"\\\n \""}) {
    FieldLexer broken(open);
    EXPECT_EQ(broken.quoted_string(), std::nullopt) << open;
    EXPECT_TRUE(broken.at_end()) << open;
  }
}

TEST(FieldLexer, SkipsAnyMixOfSpaceAndComments) {  // RFC 5322 3.2.2: CFWS
  FieldLexer lexer(" (a)\r\n\t(b(c))(d) x");
  EXPECT_TRUE(lexer.skip_cfws());
  EXPECT_EQ(lexer.position(), 17u);
  EXPECT_FALSE(lexer.accept('y'));
  EXPECT_TRUE(lexer.accept('x'));
  EXPECT_EQ(lexer.since(17), "x");
  EXPECT_TRUE(lexer.at_end());
  EXPECT_EQ(lexer.peek(), '\0');
  EXPECT_FALSE(lexer.accept('\0'));
  EXPECT_TRUE(lexer.skip_cfws());
  EXPECT_FALSE(FieldLexer(" (a) (").skip_cfws());
}

TEST(FieldLexer, AtextIsWhatTheRfcLists) {  // RFC 5322 3.2.3, RFC 6532 3.2
  std::string atext;
  for (int c = 0; c < 128; ++c) {
    if (is_atext(static_cast<char>(c))) atext += static_cast<char>(c);
  }
  EXPECT_EQ(atext,
            "!#$%&'*+-/0123456789=?ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~");
  EXPECT_TRUE(is_atext('\x80'));
  EXPECT_TRUE(is_atext('\xff'));
}

}  // namespace
}  // namespace signet
