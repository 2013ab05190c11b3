// SPDX-License-Identifier: BSD-2-Clause
//
// IpAddress and IpNetwork: text in and out, families, prefixes.

#include "dns/ip.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

IpAddress ip(std::string_view text) { return *parse_ip_address(text); }

TEST(IpAddress, TextComesBackInItsCanonicalForm) {  // RFC 5952 4
  const struct {
    const char* text;
    const char* canonical;
  } cases[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"2001:DB8::1", "2001:db8::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"::", "::"},
      {"::1", "::1"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
  };
  for (const auto& c : cases) {
    const auto address = parse_ip_address(c.text);
    ASSERT_TRUE(address.ok()) << c.text;
    EXPECT_EQ(to_string(*address), c.canonical);
    EXPECT_EQ(ip(c.canonical), *address);
  }
}

TEST(IpAddress, MappedAddressesAreIPv4) {  // RFC 7208 5
  EXPECT_EQ(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
  EXPECT_EQ(ip("::FFFF:c000:201"), ip("192.0.2.1"));
  EXPECT_EQ(to_string(ip("::ffff:192.0.2.1")), "192.0.2.1");
  EXPECT_EQ(ip("::ffff:192.0.2.1").bits(), 32);
  EXPECT_FALSE(ip("::fffe:192.0.2.1").is_v4());
  EXPECT_NE(ip("::"), IpAddress()) << "the two families' zero addresses differ";
}

TEST(IpAddress, WhatIsNoAddressDoesNotParse) {
  const std::string cases[] = {
      "",
      "192.0.2",
      "192.0.2.1.5",
      "192.0.2.256",
      "192.0.2.01",
      " 192.0.2.1",
      "192.0.2.1 ",
      "0x7f.0.0.1",
      "2130706433",
      "[::1]",
      "::1%lo",
      "1::2::3",
      "12345::",
      "2001:db8::1/32",
      "::ffff:192.0.2",
      "localhost",
      std::string(5000, ':'),
      std::string("::1\0", 4),
  };
  for (const auto& text : cases) {
    EXPECT_FALSE(parse_ip_address(text).ok()) << testing::PrintToString(text);
  }
}

TEST(IpAddress, ReverseNames) {  // RFC 1035 3.5, RFC 3596 2.5
  EXPECT_EQ(reverse_name(ip("192.0.2.1")).text(), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(reverse_name(ip("2001:db8::567:89ab")).text(),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(IpNetwork, ContainsByPrefixAndFamily) {
  const struct {
    const char* network;
    const char* address;
    bool contained;
  } cases[] = {
      {"192.0.2.0/24", "192.0.2.255", true},
      {"192.0.2.0/24", "192.0.3.0", false},
      {"192.0.2.77/24", "192.0.2.1", true},  // host bits do not count
      {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.128/25", "192.0.2.128", true},
      {"192.0.2.1/31", "192.0.2.0", true},
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.0", false},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "192.0.2.1", false},
      {"::/0", "2001:db8::1", true},
      {"2001:db8::/33", "2001:db8:7fff::", true},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"2001:db8::1/128", "2001:db8::1", true},
      {"2001:db8::1/127", "2001:db8::2", false},
      {"::ffff:192.0.2.0/120", "192.0.2.9", true},
      {"::ffff:192.0.2.0/120", "::ffff:192.0.3.9", false},
      {"::ffff:0:0/96", "203.0.113.9", true},
  };
  for (const auto& c : cases) {
    const auto network = parse_ip_network(c.network);
    ASSERT_TRUE(network.ok()) << c.network;
    EXPECT_EQ(network->contains(ip(c.address)), c.contained) << c.network << " " << c.address;
  }
}

TEST(IpNetwork, TextComesBack) {
  EXPECT_EQ(to_string(*parse_ip_network("2001:DB8::/32")), "2001:db8::/32");
  EXPECT_EQ(to_string(*parse_ip_network("::ffff:192.0.2.0/120")), "192.0.2.0/24");
  EXPECT_EQ(to_string(*parse_ip_network("::1")), "::1/128");
}

TEST(IpNetwork, WhatIsNoNetworkDoesNotParse) {
  for (const char* text : {"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/+8",
                           "192.0.2.0/08", "192.0.2.0/8x", "192.0.2.0/8/8", "::/129", "::/1000",
                           "::/99999999999", "/8", "", "::ffff:0:0/95", "x/8"}) {
    EXPECT_FALSE(parse_ip_network(text).ok()) << text;
  }
}

}  // namespace
}  // namespace signet
