// SPDX-License-Identifier: BSD-2-Clause
//
// WireReader (RFC 1035 4.1): numbers, names with and without compression, and every way to be cut
// short or led in circles.

#include "dns/unbound/wire_reader.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace signet {
namespace {

using Octets = std::vector<uint8_t>;

Octets octets(std::string_view text) { return {text.begin(), text.end()}; }

TEST(WireReader, ReadsNumbersInNetworkOrder) {
  const Octets message{1, 2, 3, 4, 5, 6, 7};
  WireReader reader(message);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607u);
  EXPECT_EQ(reader.position(), 7u);
  EXPECT_FALSE(reader.failed());
}

TEST(WireReader, PastTheEndEverythingIsZeroForGood) {
  const Octets message{1, 2, 3};
  WireReader reader(message);
  EXPECT_EQ(reader.u32(), 0u);
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_EQ(reader.name(), "");
  EXPECT_TRUE(reader.octets(0).empty());
  EXPECT_TRUE(WireReader({}, 5).octets(1).empty());
}

TEST(WireReader, ReadsNamesInLowerCase) {
  const Octets message = octets(std::string_view("\3WWW\7Example\3com\0!", 18));
  WireReader reader(message);
  EXPECT_EQ(reader.name(), "www.example.com");
  EXPECT_EQ(reader.u8(), '!');
}

TEST(WireReader, TheRootIsEmpty) {
  const Octets message{0, 7};
  WireReader reader(message);
  EXPECT_EQ(reader.name(), "");
  EXPECT_FALSE(reader.failed());
  EXPECT_EQ(reader.position(), 1u);
}

TEST(WireReader, FollowsPointersAndGoesOnBehindTheFirst) {
  const Octets message = octets(std::string_view("\3com\0\7example\xc0\0\3www\xc0\5!", 22));
  WireReader reader(message, 15);
  EXPECT_EQ(reader.name(), "www.example.com");
  EXPECT_EQ(reader.u8(), '!');
  EXPECT_FALSE(reader.failed());
}

TEST(WireReader, ALabelWithADotIsNobodysName) {
  const Octets message = octets(std::string_view("\3a.b\3com\0", 9));
  WireReader reader(message);
  EXPECT_EQ(reader.name(), "..");
  EXPECT_FALSE(reader.failed());
}

TEST(WireReader, ANameIsAtMost255OctetsLong) {
  Octets longest;
  for (int i = 0; i < 127; ++i) longest.insert(longest.end(), {1, 'x'});
  longest.push_back(0);
  ASSERT_EQ(longest.size(), 255u);
  WireReader fits(longest);
  EXPECT_EQ(fits.name().size(), 253u);
  EXPECT_FALSE(fits.failed());

  longest.insert(longest.begin() + 254, {1, 'x'});
  WireReader too_long(longest);
  EXPECT_EQ(too_long.name(), "");
  EXPECT_TRUE(too_long.failed());
}

TEST(WireReader, BadNamesFail) {
  const std::pair<std::string_view, size_t> cases[] = {
      {{"\3ww", 3}, 0},            // a label cut short
      {{"\3www", 4}, 0},           // no end
      {{"\xc0", 1}, 0},            // half a pointer
      {{"\xc0\0", 2}, 0},          // a pointer to itself
      {{"\0\xc0\3\xc0\1", 5}, 1},  // forward
      {{"\xc0\2\xc0\0", 4}, 2},    // in a circle
      {{"\1a\xc0\0", 4}, 0},       // back to the start of the same name
      {{"\x40"
        "aaaa",
        5},
       0},  // reserved, 01
      {{"\x80"
        "aaaa",
        5},
       0},  // reserved, 10
  };
  for (const auto& [text, start] : cases) {
    const Octets message = octets(text);
    WireReader reader(message, start);
    EXPECT_EQ(reader.name(), "");
    EXPECT_TRUE(reader.failed()) << start;
  }
}

TEST(WireReader, ALongChainOfPointersEnds) {
  // Each pointer goes to the one before it, two octets back.
  Octets message{0, 0};
  for (size_t target = 0; message.size() < 16'000; target = message.size() - 2) {
    message.push_back(static_cast<uint8_t>(0xc0 | target >> 8));
    message.push_back(static_cast<uint8_t>(target & 0xff));
  }
  WireReader reader(message, message.size() - 2);
  EXPECT_EQ(reader.name(), "");
  EXPECT_TRUE(reader.failed());
  WireReader shallow(message, 100);
  shallow.name();
  EXPECT_FALSE(shallow.failed());
}

}  // namespace
}  // namespace signet
