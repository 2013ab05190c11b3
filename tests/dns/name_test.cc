// SPDX-License-Identifier: BSD-2-Clause
//
// Name: what may become one, and the steps between its labels (RFC 1035 2.3.4, RFC 8616).

#include "dns/name.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

std::string labels_of(size_t count, const std::string& label) {
  std::string text = label;
  for (size_t i = 1; i < count; ++i) text += "." + label;
  return text;
}

TEST(Name, DomainsBecomeLowerCaseALabels) {
  const struct {
    const char* text;
    const char* name;
  } cases[] = {
      {"Example.COM", "example.com"},
      {"localhost", "localhost"},
      {"_dmarc.a-b.example", "_dmarc.a-b.example"},
      {"-odd-.example", "-odd-.example"},
      {"3com.example", "3com.example"},
      {"1.2.0.192.in-addr.arpa", "1.2.0.192.in-addr.arpa"},
      {"b\u00fccher.example", "xn--bcher-kva.example"},
      {"B\u00dcCHER.Example", "xn--bcher-kva.example"},
      {"fa\u00df.example", "xn--fa-hia.example"},  // nontransitional: not fass
      {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
      {"xn--example", "xn--example"},
      {"\u4f8b\u3048.\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"},
      {"u\u0308.example", "xn--tda.example"},  // a base letter and its mark: NFC first
  };
  for (const auto& c : cases) {
    const auto name = parse_domain(c.text);
    ASSERT_TRUE(name.ok()) << c.text << ": " << name.error();
    EXPECT_EQ(name->text(), c.name);
  }
}

TEST(Name, WhatIsNoIdentityIsNoDomain) {
  const std::string cases[] = {
      "",
      ".",
      "example.com.",
      ".example.com",
      "a..b",
      "a b.example",
      "a\"b.example",
      "a(b.example",
      "a/b.example",
      "a/../b",
      "a\\b.example",
      "a@b.example",
      "*.example",
      "a:b",
      std::string("a\0b.example", 11),
      "a\x7f.example",
      "a\n.example",
      "192.0.2.1",
      "[192.0.2.1]",
      "[IPv6:2001:db8::1]",
      "2001:db8::1",
      "1",
      "example.123",
      "\xff.example",
      "\xc3.example",
      "\xc0\xae.example",      // an overlong dot
      "a\u3002b.example",      // an ideographic full stop hides a second label
      "\uff45\uff58.example",  // fullwidth "ex" only maps to ASCII
      "\u2488.example",        // a digit and its full stop in one character
      "\u200d.example",        // a joiner with nothing to join
      "a_\u00fc.example",      // no U-label holds an underscore
      "\u00fc b.example",      // nor a space
      std::string("\u00fc\0b.example", 12),
      "xn--\u00fc.example",
      "xn--b cher.example",
      "xn--a_-kva.example",
  };
  for (const auto& text : cases) {
    EXPECT_FALSE(parse_domain(text).ok()) << testing::PrintToString(text);
  }
}

TEST(Name, LimitsAre63And253Octets) {  // RFC 1035 2.3.4
  const std::string label63(63, 'a');
  EXPECT_TRUE(parse_domain(label63 + ".example").ok());
  EXPECT_FALSE(parse_domain(label63 + "a.example").ok());
  const std::string name253 = labels_of(3, label63) + "." + std::string(61, 'b');
  ASSERT_EQ(name253.size(), 253U);
  EXPECT_TRUE(parse_domain(name253).ok());
  EXPECT_FALSE(parse_domain(name253 + "b").ok());
  EXPECT_TRUE(parse_query_name(name253 + ".").ok());
  EXPECT_FALSE(parse_query_name(name253 + "b.").ok());
  EXPECT_TRUE(parse_domain(labels_of(127, "a")).ok());
  EXPECT_FALSE(parse_domain(labels_of(128, "a")).ok());
  EXPECT_FALSE(parse_domain(std::string(1'000'000, '.')).ok());
  EXPECT_FALSE(parse_domain(std::string(1'000'000, '\xfc')).ok());
}

TEST(Name, ULabelsCountAsALabelsAgainstTheLimit) {
  std::string long_label;
  for (int i = 0; i < 60; ++i) long_label += "\u00fc";
  EXPECT_FALSE(parse_domain(long_label + ".example").ok());
  // 256 octets of text, 180 of A-labels.
  std::string part;
  for (int i = 0; i < 20; ++i) part += "\u4f8b";
  EXPECT_TRUE(parse_domain(labels_of(4, part) + ".example").ok());
}

TEST(Name, QueryNamesTakeAnyOctetAndOneTrailingDot) {  // RFC 7208 7: macros make such names
  EXPECT_EQ(parse_query_name("A b!.Example.")->text(), "a b!.example");
  EXPECT_EQ(parse_query_name("\xff\x01.example")->text(), "\xff\x01.example");
  EXPECT_EQ(parse_query_name("192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(parse_query_name(std::string("a\0b", 3))->text(), std::string("a\0b", 3));
  EXPECT_TRUE(parse_query_name(".")->is_root());
  for (const char* text : {"", "..", "a..", ".a", "a..b", "a.."}) {
    EXPECT_FALSE(parse_query_name(text).ok()) << text;
  }
}

TEST(Name, ErrorsDoNotRepeatTheText) {
  for (const char* text : {"\x1b[31m", "a..b", "\xff"}) {
    const auto name = parse_domain(text);
    ASSERT_FALSE(name.ok());
    EXPECT_EQ(name.error().find(text), std::string::npos);
  }
}

TEST(Name, StepsAlongItsLabels) {
  const Name name = *parse_domain("a.b.example.com");
  EXPECT_EQ(name.label_count(), 4);
  EXPECT_EQ(name.parent().text(), "b.example.com");
  EXPECT_EQ(name.last_labels(2).text(), "example.com");
  EXPECT_EQ(name.last_labels(1).text(), "com");
  EXPECT_EQ(name.last_labels(4), name);
  EXPECT_EQ(name.last_labels(127), name);
  EXPECT_TRUE(name.last_labels(0).is_root());
  EXPECT_TRUE(name.last_labels(-1).is_root());
  EXPECT_TRUE(parse_domain("com")->parent().is_root());
}

TEST(Name, TheRootHasNoLabelsAndIsItsOwnParent) {
  const Name root;
  EXPECT_EQ(root.label_count(), 0);
  EXPECT_TRUE(root.parent().is_root());
  EXPECT_TRUE(root.last_labels(3).is_root());
  EXPECT_EQ(root.text(), "");
}

TEST(Name, BelowIsAQuestionOfWholeLabels) {
  const auto below = [](const char* name, const char* ancestor) {
    return parse_query_name(name)->is_at_or_below(*parse_query_name(ancestor));
  };
  EXPECT_TRUE(below("example.com", "example.com"));
  EXPECT_TRUE(below("a.b.example.com", "example.com"));
  EXPECT_TRUE(below("example.com", "."));
  EXPECT_TRUE(below(".", "."));
  EXPECT_FALSE(below("notexample.com", "example.com"));
  EXPECT_FALSE(below("com", "example.com"));
  EXPECT_FALSE(below(".", "com"));
}

TEST(Name, PrependingKeepsTheLimits) {
  const Name name = *parse_domain("example.com");
  EXPECT_EQ(prepend_labels("_dmarc", name)->text(), "_dmarc.example.com");
  EXPECT_EQ(prepend_labels("Sel._domainkey", name)->text(), "sel._domainkey.example.com");
  EXPECT_EQ(prepend_labels("com", Name())->text(), "com");
  EXPECT_FALSE(prepend_labels("", name).ok());
  EXPECT_FALSE(prepend_labels("a.", name).ok());
  const Name longest = *parse_domain(labels_of(127, "a"));
  EXPECT_FALSE(prepend_labels("_dmarc", longest).ok());
}

TEST(Name, LowerCaseIsForAsciiOnly) {
  EXPECT_EQ(ascii_lower("AZaz09[`\xc4"), "azaz09[`\xc4");
  EXPECT_TRUE(equals_ignoring_case("PASS", "pass"));
  EXPECT_FALSE(equals_ignoring_case("pass", "passed"));
  EXPECT_FALSE(equals_ignoring_case("\xc4", "\xe4"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
}

}  // namespace
}  // namespace signet
