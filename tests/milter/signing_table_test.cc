// SPDX-License-Identifier: BSD-2-Clause
//
// Which line of a SigningTable counts for an address, by the rules of opendkim.conf(5). What the
// manual leaves open was tried with opendkim 2.11.

#include "milter/signing/signing_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace signet {
namespace {

using Kind = SigningTable::Kind;

SigningTable parse(const std::string& text, Kind kind) {
  auto table = SigningTable::parse(text, "table", kind);
  EXPECT_TRUE(table.ok()) << table.error();
  return table ? *table : SigningTable();
}

std::string error_of(const std::string& text) {
  const auto table = SigningTable::parse(text, "table", Kind::plain);
  return table ? "" : table.error();
}

/// The key of the line that counts, or "none".
std::string key_for(const SigningTable& table, const std::string& address) {
  const auto domain = parse_domain(address.substr(address.rfind('@') + 1));
  EXPECT_TRUE(domain.ok()) << address;
  const SigningTableLine* line = table.find(address, *domain);
  return line == nullptr ? "none" : line->key_name;
}

TEST(SigningTable, PlainKeysAreTriedInTheOrderOfTheManual) {
  const std::vector<std::string> order = {"joe@a.b.example.com",
                                          "a.b.example.com",
                                          "joe@.b.example.com",
                                          "joe@.example.com",
                                          "joe@.com",
                                          ".b.example.com",
                                          ".example.com",
                                          ".com",
                                          "joe@*",
                                          "*"};
  // Where a line stands in the file plays no part.
  for (size_t first = 0; first < order.size(); ++first) {
    std::string text;
    for (size_t i = order.size(); i-- > first;) text += order[i] + " k" + std::to_string(i) + "\n";
    EXPECT_EQ(key_for(parse(text, Kind::plain), "joe@a.b.example.com"),
              "k" + std::to_string(first));
  }
  EXPECT_EQ(key_for(parse("", Kind::plain), "joe@a.b.example.com"), "none");
}

TEST(SigningTable, PlainKeysMatchExactly) {
  const struct {
    const char* pattern;
    const char* address;
    bool matches;
  } cases[] = {
      {"example.com", "joe@example.com", true},
      {"example.com", "joe@a.example.com", false},
      {"EXAMPLE.com", "joe@example.COM", true},
      {"Joe@example.com", "JOE@example.com", true},
      {"joe@example.com", "ann@example.com", false},
      {"joe@example.com", "joe+x@example.com", false},
      {".example.com", "joe@example.com", false},
      {"joe@.example.com", "joe@example.com", false},
      {"joe@.example.com", "joe@a.b.example.com", true},
      {"joe@.example.com", "ann@a.b.example.com", false},
      {"ample.com", "joe@example.com", false},
      {"joe@*", "ann@example.com", false},
      {"*@example.com", "joe@example.com", false},
      {"*.example.com", "joe@a.example.com", false},
      {"\"joe\"@example.com", "joe@example.com", false},
      {"joe@example.com", "\"joe\"@example.com", true},
      {"joe@example.com", "\"j\\oe\"@example.com", true},
      {"b\xc3\xbc"
       "cher.example",
       "joe@xn--bcher-kva.example", true},
      {"xn--bcher-kva.example",
       "joe@b\xc3\xbc"
       "cher.example",
       true},
      {"joe@.b\xc3\xbc"
       "cher.example",
       "joe@a.xn--bcher-kva.example", true},
  };
  for (const auto& c : cases) {
    const std::string line = std::string(c.pattern) + " k";
    EXPECT_EQ(key_for(parse(line, Kind::plain), c.address) == "k", c.matches)
        << c.pattern << ' ' << c.address;
  }
}

TEST(SigningTable, OfEqualPlainKeysTheFirstCounts) {
  EXPECT_EQ(key_for(parse("example.com k1\nExample.com k2\n", Kind::plain), "joe@example.com"),
            "k1");
}

TEST(SigningTable, APatternMatchesTheWholeAddress) {
  const struct {
    const char* pattern;
    const char* address;
    bool matches;
  } cases[] = {
      {"*", "joe@example.com", true},
      {"*@*", "joe@example.com", true},
      {"**@**", "joe@example.com", true},
      {"*@example.com", "joe@example.com", true},
      {"*@example.com", "joe@a.example.com", false},
      {"*@example.com", "joe@badexample.com", false},
      {"*example.com", "joe@badexample.com", true},
      {"*@*.example.com", "joe@a.b.example.com", true},
      {"*@*.example.com", "joe@example.com", false},
      {"j*e@e*m", "joe@example.com", true},
      {"j*e@e*m", "jo@example.com", false},
      {"JOE@Example.COM", "joe@example.com", true},
      {"joe+*@example.com", "joe+lists@example.com", true},
      {"joe@example.com", "joe@example.com", true},
      {"example.com", "joe@example.com", false},
      {"joe@.example.com", "joe@a.example.com", false},
      {"joe@exampleXcom", "joe@example.com", false},
      {"j[o]e@example.com", "joe@example.com", false},
      {"a|joe@example.com", "joe@example.com", false},
      {"j.e@example.com", "joe@example.com", false},
      {"*@*.b\xc3\xbc"
       "cher.example",
       "joe@a.xn--bcher-kva.example", true},
      {"*@b\xc3\xbc"
       "cher.example",
       "joe@b\xc3\xbc"
       "cher.example",
       true},
  };
  for (const auto& c : cases) {
    const std::string line = std::string(c.pattern) + " k";
    EXPECT_EQ(key_for(parse(line, Kind::patterns), c.address) == "k", c.matches)
        << c.pattern << ' ' << c.address;
  }
}

TEST(SigningTable, TheFirstPatternInTheFileCounts) {
  const SigningTable table = parse(
      "president@example.com k1\n"
      "\n"
      "# all others\n"
      "*@example.com         k2\n"
      "*@*                   k3\n"
      "joe@example.com       k4\n",
      Kind::patterns);
  EXPECT_EQ(key_for(table, "president@example.com"), "k1");
  EXPECT_EQ(key_for(table, "joe@example.com"), "k2");
  EXPECT_EQ(key_for(table, "joe@example.net"), "k3");
}

TEST(SigningTable, AHostilePatternCostsNoMoreThanTheProductOfTheLengths) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "a*";
  const SigningTable table = parse(pattern + "b k", Kind::patterns);
  EXPECT_EQ(key_for(table, std::string(980, 'a') + "@example.com"), "none");
}

TEST(SigningTable, AnEndlessAddressHasNoLine) {
  for (const Kind kind : {Kind::plain, Kind::patterns}) {
    const SigningTable table = parse("* k", kind);
    const std::string host = "@example.com";
    const std::string longest(SigningTable::kMaxAddress - host.size(), 'a');
    EXPECT_EQ(key_for(table, longest + host), "k");
    EXPECT_EQ(key_for(table, longest + "a" + host), "none");
  }
}

TEST(SigningTable, TheValueIsAKeyAndPerhapsAnAuid) {
  const struct {
    const char* value;
    const char* key;
    const char* auid;
  } cases[] = {
      {"k1", "k1", ""},       {"k1:joe@%", "k1", "joe@%"},
      {"k1:@%", "k1", "@%"},  {"%:@mail.%", "%", "@mail.%"},
      {"k1:", "k1", ""},      {"k1 @%", "k1", "@%"},
      {"k1: @%", "k1", "@%"}, {"k1:%@example.com", "k1", "%@example.com"},
      {"k1#:@%", "k1", ""},
  };
  for (const auto& c : cases) {
    const SigningTable table = parse(std::string("example.com ") + c.value, Kind::plain);
    ASSERT_EQ(table.lines().size(), 1U) << c.value;
    EXPECT_EQ(table.lines()[0].key_name, c.key) << c.value;
    EXPECT_EQ(table.lines()[0].auid, c.auid) << c.value;
    EXPECT_EQ(table.lines()[0].number, 1);
  }
}

TEST(SigningTable, EachErrorSaysWhatWasExpectedAndFound) {
  EXPECT_EQ(error_of("a.org k1\n\nb.org\nc.org :@%\nd.org k1:joe\ne.org k1:joe@a..b\n"
                     "f.org k1:j\xc3\xb6@%\n"),
            "table:3: want PATTERN KEY or PATTERN KEY:AUID, got no KEY\n"
            "table:4: want PATTERN KEY or PATTERN KEY:AUID, got no KEY\n"
            "table:5: want an AUID such as joe@% or @% after the name of the key, got \"joe\"\n"
            "table:6: want an AUID such as joe@% or @% after the name of the key, got "
            "\"joe@a..b\"\n"
            "table:7: want an AUID such as joe@% or @% after the name of the key, got "
            "\"j\xc3\xb6@%\"");
}

TEST(SigningTable, ALineThatNeverMatchesIsNoErrorButAWarning) {
  const struct {
    const char* pattern;
    Kind kind;
    bool warns;
  } cases[] = {
      {"example.com", Kind::plain, false},
      {"example.com", Kind::patterns, true},
      {"*@example.com", Kind::plain, true},
      {"*@example.com", Kind::patterns, false},
      {"*", Kind::plain, false},
      {"*", Kind::patterns, false},
      {"joe@*", Kind::plain, false},
      {"j*@*", Kind::plain, true},
      {"*.example.com", Kind::plain, true},
      {"@example.com", Kind::plain, true},
      {"@example.com", Kind::patterns, true},
      {".example.com", Kind::plain, false},
      {"joe@example.com", Kind::plain, false},
      {"joe@example.com", Kind::patterns, false},
  };
  for (const auto& c : cases) {
    const auto warnings = parse(std::string("\n") + c.pattern + " k", c.kind).warnings();
    ASSERT_EQ(warnings.size(), c.warns ? 1U : 0U) << c.pattern;
    if (!c.warns) continue;
    EXPECT_TRUE(warnings[0].starts_with(fmt::format("table:2: \"{}\" ", c.pattern))) << warnings[0];
  }
}

TEST(SigningTable, APatternMayNameOneHost) {
  const std::pair<const char*, const char*> cases[] = {{"example.com", "example.com"},
                                                       {"*@example.com", "example.com"},
                                                       {"joe@Example.com", "example.com"},
                                                       {"*@*.example.com", ""},
                                                       {".example.com", ""},
                                                       {"*", ""},
                                                       {"joe@*", ""},
                                                       {"*example.com", ""}};
  for (const auto& [pattern, host] : cases) EXPECT_EQ(host_of_pattern(pattern).text(), host);
}

}  // namespace
}  // namespace signet
