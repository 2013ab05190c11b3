// SPDX-License-Identifier: BSD-2-Clause
//
// Tag lists in both tempers: RFC 6376 3.2 to the letter, and RFC 9989 4.8 that saves what it can.

#include "dns/tag_list.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

using Tags = std::vector<Tag>;

TEST(TagList, ReadsTagsInOrderAndKeepsTheirSpelling) {
  const auto list = parse_tag_list("v=1; A=x;b_2 = y Z ;empty=");
  ASSERT_TRUE(list.ok()) << list.error();
  EXPECT_EQ(list->tags(), (Tags{{"v", "1"}, {"A", "x"}, {"b_2", "y Z"}, {"empty", ""}}));
  ASSERT_NE(list->find("A"), nullptr);
  EXPECT_EQ(*list->find("A"), "x");
  EXPECT_EQ(list->find("a"), nullptr);
}

TEST(TagList, RemovesFoldingAroundAndKeepsItInside) {
  const auto list = parse_tag_list("\r\n\tb\n = \n AB\r\n CD\n\t EF \n ;\n c=d");
  ASSERT_TRUE(list.ok()) << list.error();
  EXPECT_EQ(list->tags(), (Tags{{"b", "AB\r\n CD\n\t EF"}, {"c", "d"}}));
}

TEST(TagList, AnEqualsSignMayStandInAValue) {
  EXPECT_EQ(parse_tag_list("p=AA==")->tags(), (Tags{{"p", "AA=="}}));
}

TEST(TagList, OneSemicolonMayEndTheList) {
  EXPECT_TRUE(parse_tag_list("a=b;").ok());
  EXPECT_TRUE(parse_tag_list("a=b; \r\n ").ok());
  EXPECT_FALSE(parse_tag_list("a=b;;").ok());
  EXPECT_FALSE(parse_tag_list("a=b; ;").ok());
}

TEST(TagList, WhatTheGrammarForbidsDoesNotParse) {  // RFC 6376 3.2
  const struct {
    std::string text;
    const char* says;
  } cases[] = {
      {"", "no name"},
      {" ", "no name"},
      {";", "no name"},
      {"=b", "no name"},
      {"a=b;;c=d", "no name"},
      {"a", "tag a has no ="},
      {"a=b; c", "tag c has no ="},
      {"1a=b", "letter"},
      {"_a=b", "letter"},
      {"a b=c", "letter"},
      {"a-b=c", "letter"},
      {"\xc3\xbc=c", "letter"},
      {"a=1; b=2; a=1", "tag a appears twice"},
      {std::string("a=b\0", 4), "tag a holds"},
      {"a=b\x7f", "tag a holds"},
      {"a=b\x01", "tag a holds"},
      {"a=b\rc", "tag a holds"},
      {"a=b\nc", "tag a holds"},
      {"a=b\r\nc", "tag a holds"},
      {"a=b\n", "tag a holds"},
      {"a\n=b", "tag a holds"},
      {"a=\xff", "tag a holds"},
      {"a=\xc3", "tag a holds"},
      {"a=\xc0\xaf", "tag a holds"},
      {"a=\xe0\x80\xaf", "tag a holds"},
      {"a=\xed\xa0\x80", "tag a holds"},
      {"a=\xf0\x80\x80\xaf", "tag a holds"},
      {"a=\xf4\x90\x80\x80", "tag a holds"},
      {"a=\xf5\x80\x80\x80", "tag a holds"},
  };
  for (const auto& c : cases) {
    const auto list = parse_tag_list(c.text);
    ASSERT_FALSE(list.ok()) << testing::PrintToString(c.text);
    EXPECT_NE(list.error().find(c.says), std::string::npos) << list.error();
  }
}

TEST(TagList, ValuesMayHoldUtf8) {  // RFC 8616 5
  for (const char* value : {"\u00fc", "\u0800", "\uffff", "\U00010000", "\U0010ffff", "\ud7ff"}) {
    const auto list = parse_tag_list(std::string("i=") + value);
    ASSERT_TRUE(list.ok()) << value;
    EXPECT_EQ(*list->find("i"), value);
  }
}

TEST(TagList, TagNamesDifferByCase) {  // RFC 6376 3.2: interpreted case-sensitively
  EXPECT_TRUE(parse_tag_list("a=1; A=2").ok());
}

TEST(TagList, ALongListDoesNotParse) {
  const std::string value(kMaxTagListOctets - 2, 'x');
  EXPECT_TRUE(parse_tag_list("a=" + value).ok());
  EXPECT_FALSE(parse_tag_list("a=x" + value).ok());
  EXPECT_TRUE(parse_tag_list("a=x" + value, kMaxTagListOctets + 1).ok());
}

TEST(TagList, ALongNameIsCutInTheError) {
  const auto list = parse_tag_list(std::string(10'000, 'n'));
  ASSERT_FALSE(list.ok());
  EXPECT_LT(list.error().size(), 100U);
}

TEST(LenientTagList, LeavesOutWhatDoesNotParse) {  // RFC 9989 4.8
  const auto list = parse_lenient_tag_list(
      "v=DMARC1; p=reject;; nonsense; =x; rua=mailto:\x01@example.com; sp = none ;");
  EXPECT_EQ(list.tags(), (Tags{{"v", "DMARC1"}, {"p", "reject"}, {"sp", "none"}}));
}

TEST(LenientTagList, OfATagGivenTwiceTheFirstCounts) {
  EXPECT_EQ(parse_lenient_tag_list("v=1; p=none; p=reject").tags(),
            (Tags{{"v", "1"}, {"p", "none"}}));
}

TEST(LenientTagList, AnUnreadableFirstEntryLeavesNothing) {  // RFC 9989 4.7: v comes first
  for (const char* text : {"", ";v=DMARC1", " ;v=DMARC1", "x; v=DMARC1", "=; v=DMARC1"}) {
    EXPECT_TRUE(parse_lenient_tag_list(text).tags().empty()) << text;
  }
}

}  // namespace
}  // namespace signet
