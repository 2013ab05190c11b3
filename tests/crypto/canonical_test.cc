// SPDX-License-Identifier: BSD-2-Clause
//
// Canonicalization by the examples of RFC 6376 3.4.5, and the corners that implementations differ
// in: empty bodies, lost line ends, bare CR and LF, white space where pieces are cut.

#include "crypto/canonical.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "crypto/dkim_hash.h"
#include "dns/base64.h"

namespace signet {
namespace {

constexpr Canonicalization kBoth[] = {Canonicalization::simple, Canonicalization::relaxed};

std::string canonical_body(const std::vector<std::string_view>& pieces, Canonicalization how) {
  std::string out;
  BodyCanonicalizer canonicalizer(how, [&](std::string_view octets) { out += octets; });
  for (const std::string_view piece : pieces) canonicalizer.update(piece);
  canonicalizer.finish();
  return out;
}

std::string simple(std::string_view body) {
  return canonical_body({body}, Canonicalization::simple);
}
std::string relaxed(std::string_view body) {
  return canonical_body({body}, Canonicalization::relaxed);
}

std::string body_hash(std::string_view body, Canonicalization how) {
  BodyHashes hashes;
  const size_t index = hashes.add(how, std::nullopt);
  hashes.update(body);
  hashes.finish();
  return encode_base64(hashes.hash(index));
}

TEST(Canonical, HeaderExamplesOfTheRfc) {  // RFC 6376 3.4.5
  const HeaderField a{"A", " X"};
  const HeaderField b{"B ", " Y\t\r\n\tZ  "};
  EXPECT_EQ(canonical_field(a, Canonicalization::relaxed), "a:X");
  EXPECT_EQ(canonical_field(b, Canonicalization::relaxed), "b:Y Z");
  EXPECT_EQ(canonical_field(a, Canonicalization::simple), "A: X");
  EXPECT_EQ(canonical_field(b, Canonicalization::simple), "B : Y\t\r\n\tZ  ");
}

TEST(Canonical, BodyExampleOfTheRfc) {  // RFC 6376 3.4.5
  constexpr std::string_view kBody = " C \r\nD \t E\r\n\r\n\r\n";
  EXPECT_EQ(relaxed(kBody), " C\r\nD E\r\n");
  EXPECT_EQ(simple(kBody), " C \r\nD \t E\r\n");
}

TEST(Canonical, RelaxedFieldKeepsItsColonAndNothingElseAroundIt) {  // RFC 6376 3.4.2
  EXPECT_EQ(canonical_field({"SUBJect", " AbC"}, Canonicalization::relaxed), "subject:AbC");
  EXPECT_EQ(canonical_field({"X", ""}, Canonicalization::relaxed), "x:");
  EXPECT_EQ(canonical_field({"X", " \r\n \t"}, Canonicalization::relaxed), "x:");
  EXPECT_EQ(canonical_field({"X", "a\r\n b:\r\n  c"}, Canonicalization::relaxed), "x:a b: c");
}

TEST(Canonical, HashesOfTheEmptyBody) {  // RFC 6376 3.4.3, 3.4.4
  EXPECT_EQ(body_hash("", Canonicalization::simple),
            "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
  EXPECT_EQ(body_hash("", Canonicalization::relaxed),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

struct BodyCase {
  std::string body;
  std::string simple;
  std::string relaxed;
};

const BodyCase kBodies[] = {
    {"", "\r\n", ""},
    {"\r\n", "\r\n", ""},
    {"\r\n\r\n\r\n", "\r\n", ""},
    {" \r\n\t\r\n", " \r\n\t\r\n", ""},
    {"a", "a\r\n", "a\r\n"},
    {"a\r\n", "a\r\n", "a\r\n"},
    {"a\r\n\r\n\r\n", "a\r\n", "a\r\n"},
    {"\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
    {"a \t b \r\n", "a \t b \r\n", "a b\r\n"},
    {"  a\r\n", "  a\r\n", " a\r\n"},
    {"a\r\n  \r\n", "a\r\n  \r\n", "a\r\n"},
    {"a\r\n  \r\nb\r\n", "a\r\n  \r\nb\r\n", "a\r\n\r\nb\r\n"},
    {"a\r\n  ", "a\r\n  \r\n", "a\r\n"},
    {"a\rb\r\n", "a\rb\r\n", "a\rb\r\n"},
    {"a\nb\r\n", "a\nb\r\n", "a\nb\r\n"},
    {"a \r b\r\n", "a \r b\r\n", "a \r b\r\n"},
    {"a\r", "a\r\r\n", "a\r\r\n"},
    {"a\r\r\n", "a\r\r\n", "a\r\r\n"},
    {"a \r\r\n", "a \r\r\n", "a \r\r\n"},
    {"\n", "\n\r\n", "\n\r\n"},
    {"\r\n\r", "\r\n\r\r\n", "\r\n\r\r\n"},
};

TEST(Canonical, OddBodies) {  // RFC 6376 3.4.3, 3.4.4; only CRLF ends a line
  for (const BodyCase& c : kBodies) {
    EXPECT_EQ(simple(c.body), c.simple) << encode_base64(c.body);
    EXPECT_EQ(relaxed(c.body), c.relaxed) << encode_base64(c.body);
  }
}

TEST(Canonical, EveryCutGivesTheSame) {
  const std::string body = " C \r\nD \t E\r\n\r\r\n\n x\r\n \r\n\r\n";
  for (const auto how : kBoth) {
    const std::string whole = canonical_body({body}, how);
    for (size_t i = 0; i <= body.size(); ++i) {
      for (size_t j = i; j <= body.size(); ++j) {
        const std::string_view view = body;
        EXPECT_EQ(canonical_body({view.substr(0, i), view.substr(i, j - i), view.substr(j)}, how),
                  whole);
      }
    }
  }
}

TEST(Canonical, RandomBodiesInSingleOctetsGiveTheSame) {
  std::mt19937 random(1);
  constexpr std::string_view kOctets = "\r\n\r\n \tab";
  for (int round = 0; round < 2000; ++round) {
    std::string body(random() % 40, '\0');
    for (char& c : body) c = kOctets[random() % kOctets.size()];
    std::vector<std::string_view> octets;
    for (size_t i = 0; i < body.size(); ++i) octets.push_back(std::string_view(body).substr(i, 1));
    for (const auto how : kBoth) {
      const std::string whole = canonical_body({body}, how);
      ASSERT_EQ(canonical_body(octets, how), whole) << encode_base64(body);
      // What is canonical already stays as it is (nothing but the empty body changes again).
      if (whole.empty()) continue;
      EXPECT_EQ(canonical_body({whole}, how), whole);
    }
  }
}

TEST(Canonical, FiftyMegabytesOfLineEndsAreHeldBackAsANumber) {
  size_t received = 0;
  size_t largest = 0;
  BodyCanonicalizer canonicalizer(Canonicalization::relaxed, [&](std::string_view octets) {
    received += octets.size();
    largest = std::max(largest, octets.size());
  });
  std::string line_ends;
  for (int i = 0; i < 32 * 1024; ++i) line_ends += "\r\n";
  for (int i = 0; i < 800; ++i) canonicalizer.update(line_ends);
  EXPECT_EQ(received, 0U);
  canonicalizer.update("x");
  canonicalizer.finish();
  EXPECT_EQ(received, 800 * line_ends.size() + 3);
  EXPECT_LE(largest, 64U * 1024);
}

TEST(Canonical, WordsOfC) {
  for (const auto how : kBoth) EXPECT_EQ(parse_canonicalization(to_string(how)), how);
  EXPECT_EQ(parse_canonicalization("Relaxed"), std::nullopt);
  EXPECT_EQ(parse_canonicalization(""), std::nullopt);
}

}  // namespace
}  // namespace signet
