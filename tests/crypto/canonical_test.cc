// SPDX-License-Identifier: BSD-2-Clause
//
// Canonicalization by the examples of RFC 6376 3.4.5, and the corners that implementations differ
// in: empty bodies, lost line ends, bare CR and LF, white space where pieces are cut.

#include "crypto/canonical.h"

#include <gtest/gtest.h>

#include <algorithm>
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

/// RFC 6376 3.4.4 to the letter, of one line without its CRLF.
std::string relaxed_line(std::string_view line) {
  std::string out;
  for (const char c : line) {
    const bool white = c == ' ' || c == '\t';
    if (!white) out += c;
    if (white && (out.empty() || out.back() != ' ')) out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

/// The algorithms as the RFC writes them down, on a whole body: what the streaming ones are held
/// against.
std::string reference(std::string_view body, Canonicalization how) {
  const bool relaxed = how == Canonicalization::relaxed;
  std::vector<std::string> lines;
  while (!body.empty()) {
    const size_t end = std::min(body.find("\r\n"), body.size());
    const std::string_view line = body.substr(0, end);
    lines.push_back(relaxed ? relaxed_line(line) : std::string(line));
    body.remove_prefix(std::min(end + 2, body.size()));
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  std::string out;
  for (const std::string& line : lines) out += line + "\r\n";
  return out.empty() && !relaxed ? "\r\n" : out;
}

/// `body` cut where the bits of `cuts` are set: bit 0 is behind the first octet.
std::vector<std::string_view> cut(std::string_view body, unsigned cuts) {
  std::vector<std::string_view> pieces;
  size_t start = 0;
  for (size_t i = 1; i < body.size(); ++i) {
    if (((cuts >> (i - 1)) & 1) == 0) continue;
    pieces.push_back(body.substr(start, i - start));
    start = i;
  }
  pieces.push_back(body.substr(start));
  return pieces;
}

/// `text` cut at random, most often into a few pieces.
std::vector<std::string_view> cut_at_random(std::string_view text, std::mt19937& random) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const size_t size =
        std::min<size_t>(random() % 2 == 0 ? random() % 4 : random() % 200, text.size());
    pieces.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return pieces;
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

TEST(Canonical, EverySmallBodyAtEveryCutIsWhatTheRfcSays) {  // RFC 6376 3.4.3, 3.4.4
  constexpr std::string_view kOctets = "a \t\r\n";
  size_t bodies = 1;
  for (size_t size = 1; size <= 5; ++size) {
    bodies *= kOctets.size();
    for (size_t number = 0; number < bodies; ++number) {
      std::string body;
      for (size_t rest = number; body.size() < size; rest /= kOctets.size()) {
        body += kOctets[rest % kOctets.size()];
      }
      for (const auto how : kBoth) {
        const std::string expected = reference(body, how);
        for (unsigned cuts = 0; cuts < (1U << (size - 1)); ++cuts) {
          ASSERT_EQ(canonical_body(cut(body, cuts), how), expected)
              << to_string(how) << ' ' << encode_base64(body) << " cut at " << cuts;
        }
      }
    }
  }
}

TEST(Canonical, RandomBodiesAtRandomCutsAreWhatTheRfcSays) {  // RFC 6376 3.4.3, 3.4.4
  std::mt19937 random(1);
  const std::string words = std::string(100, 'w');
  const std::vector<std::string> parts = {"a",    " ",    "  ",   "\t",   "\r", "\n",
                                          "\r\n", "\r\n", {'\0'}, "\xff", words};
  for (int round = 0; round < 25'000; ++round) {
    std::string body;
    for (size_t left = random() % 40; left > 0; --left) {
      const std::string& part = parts[random() % parts.size()];
      // Stretches of any length up to a hundred reach the inner loop at each of its offsets.
      body += part == words ? words.substr(random() % words.size()) : part;
    }
    for (const auto how : kBoth) {
      const std::string expected = reference(body, how);
      ASSERT_EQ(canonical_body({body}, how), expected) << encode_base64(body);
      ASSERT_EQ(canonical_body(cut_at_random(body, random), how), expected) << encode_base64(body);
      // What is canonical already stays as it is (nothing but the empty body changes again).
      if (expected.empty()) continue;
      ASSERT_EQ(canonical_body({expected}, how), expected);
    }
  }
}

TEST(Canonical, WhiteSpaceIsFoundAtEachPlaceOfALongLine) {
  for (const std::string_view white : {"\t", "  ", " \t", " \r\n", "\t\r\n", "\r\n"}) {
    for (size_t at = 0; at < 150; ++at) {
      const std::string body = std::string(at, 'a') + std::string(white) + std::string(70, 'b');
      for (const auto how : kBoth) EXPECT_EQ(canonical_body({body}, how), reference(body, how));
    }
  }
}

TEST(Canonical, LongBodiesComeOutWhole) {
  std::string line = std::string(500, 'x') + "  y \r\n";
  std::string body;
  while (body.size() < 300'000) body += line;
  body += std::string(100'000, 'z') + "\r\n\r\n";
  std::mt19937 random(1);
  for (const auto how : kBoth) {
    const std::string expected = reference(body, how);
    EXPECT_TRUE(canonical_body({body}, how) == expected);
    EXPECT_TRUE(canonical_body(cut_at_random(body, random), how) == expected);
  }
}

/// RFC 6376 3.4.2 to the letter: unfolded, then each run of WSP one SP, then trimmed.
std::string reference_value(std::string value) {
  for (size_t at = value.find("\r\n"); at != std::string::npos; at = value.find("\r\n", at)) {
    value.erase(at, 2);
  }
  value = relaxed_line(value);
  return value.starts_with(' ') ? value.substr(1) : value;
}

TEST(Canonical, RandomFieldsAreWhatTheRfcSays) {  // RFC 6376 3.4.2
  std::mt19937 random(1);
  const std::vector<std::string> parts = {"a",    " ",     "\t",   "\r",   "\n",
                                          "\r\n", "\r\n ", {'\0'}, "\xff", std::string(40, 'w')};
  for (int round = 0; round < 20'000; ++round) {
    std::string value;
    for (size_t left = random() % 20; left > 0; --left) value += parts[random() % parts.size()];
    ASSERT_EQ(canonical_field({"X", value}, Canonicalization::relaxed),
              "x:" + reference_value(value))
        << encode_base64(value);
  }
}

TEST(Canonical, WhiteSpaceIsFoundAtEachPlaceOfALongValue) {
  for (const std::string white : {"\t", " ", "  ", " \t", " \r\n\t", "\r\n ", "\r\n", "\r", "\n"}) {
    for (size_t at = 0; at < 150; ++at) {
      for (const size_t behind : {0, 1, 70}) {
        const std::string value = std::string(at, 'a') + white + std::string(behind, 'b');
        EXPECT_EQ(canonical_field({"X", value}, Canonicalization::relaxed),
                  "x:" + reference_value(value))
            << encode_base64(value);
      }
    }
  }
}

TEST(Canonical, HostileValuesTakeLinearTime) {
  std::string value;
  for (int i = 0; i < 500'000; ++i) value += "a\ra  \t";
  EXPECT_EQ(canonical_field({"X", value}, Canonicalization::relaxed).size(), 2U + 4 * 500'000 - 1);
  EXPECT_EQ(relaxed(value).size(), 4U * 500'000 - 1 + 2);
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
