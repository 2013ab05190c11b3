// SPDX-License-Identifier: BSD-2-Clause
//
// SPF records: what RFC 7208 12 lets through and what it does not, term by term, and what the
// parser makes of it.

#include "dns/spf/spf_record.h"

#include <gtest/gtest.h>

#include <string>

namespace signet {
namespace {

using namespace std::string_literals;

SpfRecord parsed(const std::string& text) {
  auto record = parse_spf_record(text);
  EXPECT_TRUE(record) << text << ": " << (record ? "" : record.error());
  return record ? *record : SpfRecord{};
}

TEST(SpfRecord, IsRecognizedByItsVersionSection) {  // RFC 7208 4.5
  for (const std::string text : {"v=spf1", "v=spf1 ", "V=SPF1 -all", "v=sPf1 nonsense"}) {
    EXPECT_TRUE(is_spf_record(text)) << text;
  }
  for (const std::string text :
       {"", "v", "v=spf", "v=spf10", "v=spf1-all", "v=spf1\t-all", " v=spf1", "\"v=spf1\"",
        "v=spf2.0/pra", "v = spf1", "spf1 -all"}) {
    EXPECT_FALSE(is_spf_record(text)) << text;
  }
}

TEST(SpfRecord, AcceptsWhatTheGrammarHolds) {  // RFC 7208 12
  for (const std::string term : {"all",
                                 "+all",
                                 "-ALL",
                                 "?aLl",
                                 "~all",
                                 "include:a.b",
                                 "INCLUDE:%{d}",
                                 "a",
                                 "A",
                                 "a/0",
                                 "a/32",
                                 "a//0",
                                 "a//128",
                                 "a/24//64",
                                 "a:b.c",
                                 "a:b.c/24",
                                 "a:b.c//64",
                                 "a:b.c/24//64",
                                 "a:%{d}/24",
                                 "a:foo:bar/baz.example.com",
                                 "a:b/24.c",
                                 "mx",
                                 "mx/24//64",
                                 "-mx:%{d}.b",
                                 "ptr",
                                 "PTR:b.c",
                                 "ip4:0.0.0.0",
                                 "ip4:255.255.255.255/32",
                                 "ip4:1.2.3.4/0",
                                 "ip6:::",
                                 "ip6:::/0",
                                 "ip6:::1/128",
                                 "ip6:2001:DB8::/32",
                                 "ip6:1:2:3:4:5:6:7:8",
                                 "ip6:::ffff:1.2.3.4",
                                 "ip6:::1.2.3.4/96",
                                 "exists:%{ir}.%{l1r+-}._spf.%{d}",
                                 "redirect=a.b",
                                 "REDIRECT=%{d}",
                                 "exp=a.b",
                                 "x=",
                                 "x=y",
                                 "a=b",
                                 "ip4=1.2.3.4",
                                 "all=no",
                                 "x-y_z.0=%{d}%%/:",
                                 "redirect-=",
                                 "unknown=%{s}"}) {
    EXPECT_TRUE(parse_spf_record("v=spf1 " + term)) << term;
  }
}

TEST(SpfRecord, RefusesWhatTheGrammarDoesNotHold) {  // RFC 7208 12
  for (const std::string& term : {"moo"s,
                                  "-"s,
                                  "--all"s,
                                  "+-all"s,
                                  "all."s,
                                  "all:"s,
                                  "all/8"s,
                                  "all:a.b"s,
                                  "include"s,
                                  "include:"s,
                                  "include/24"s,
                                  "include:a.b/24"s,
                                  "include=a.b:"s + "\x80"s,
                                  "a:"s,
                                  "a/"s,
                                  "a//"s,
                                  "a/33"s,
                                  "a//129"s,
                                  "a/024"s,
                                  "a//064"s,
                                  "a/24/64"s,
                                  "a/1/2/3"s,
                                  "a///64"s,
                                  "a//64/24"s,
                                  "a/-1"s,
                                  "a/x"s,
                                  "a:b"s,
                                  "a:b.c/"s,
                                  "a:b.c:80"s,
                                  "a:1.2.3.4"s,
                                  "a.b.c"s,
                                  "mx:"s,
                                  "mx/33"s,
                                  "ptr:"s,
                                  "ptr/24"s,
                                  "ptr:a.b/24"s,
                                  "ip4"s,
                                  "ip4:"s,
                                  "ip4:1.2.3"s,
                                  "ip4:1.2.3.4."s,
                                  "ip4:1.2.3.4/33"s,
                                  "ip4:1.2.3.4/"s,
                                  "ip4:1.2.3.4/032"s,
                                  "ip4:1.2.3.4//32"s,
                                  "ip4:01.2.3.4"s,
                                  "ip4:1.2.3.256"s,
                                  "ip4:::ffff:1.2.3.4"s,
                                  "ip4:1.2.3.4:80"s,
                                  "ip4:1.2.3.4/ 8"s,
                                  "ip4/8"s,
                                  "ip6"s,
                                  "ip6:"s,
                                  "ip6:1.2.3.4"s,
                                  "ip6:::1/129"s,
                                  "ip6:::1/0128"s,
                                  "ip6:::1//64"s,
                                  "ip6::1::2"s,
                                  "ip6:fe80::1%eth0"s,
                                  "ip6:1:2:3:4:5:6:7"s,
                                  "ip6:::1\0"s,
                                  "exists"s,
                                  "exists:"s,
                                  "exists/24"s,
                                  "exists:a.b/24"s,
                                  "redirect"s,
                                  "redirect:a.b"s,
                                  "redirect="s,
                                  "redirect=a"s,
                                  "+redirect=a.b"s,
                                  "redirect=a.b/24"s,
                                  "exp"s,
                                  "exp="s,
                                  "exp=%{c}.a.b"s,
                                  "=x"s,
                                  "1x=y"s,
                                  "x%=y"s,
                                  "x=%"s,
                                  "x=%{c}"s,
                                  "x=\x80"s,
                                  "-x=y"s,
                                  "a\tb"s,
                                  "a\r"s,
                                  "\x80"s,
                                  "a:\x7f.b"s,
                                  "a:b.c\0"s}) {
    EXPECT_FALSE(parse_spf_record("v=spf1 -all " + term)) << term;
  }
}

TEST(SpfRecord, TakesSpacesBetweenAndAfterTermsAndNothingElse) {  // RFC 7208 4.5, 4.6.1
  EXPECT_EQ(parsed("v=spf1  a   mx -all  ").directives.size(), 3U);
  EXPECT_EQ(parsed("v=spf1").directives.size(), 0U);
  EXPECT_EQ(parsed("v=spf1   ").directives.size(), 0U);
  EXPECT_FALSE(parse_spf_record("v=spf1 a\tmx"));
  EXPECT_FALSE(parse_spf_record("v=spf1 a\r\n"));
}

TEST(SpfRecord, ReadsADirectiveIntoItsParts) {
  const SpfRecord record = parsed("v=spf1 ~a:%{d2}.b/24//64 ?ip4:192.0.2.1/24 -IP6:2001:DB8::1/32");
  ASSERT_EQ(record.directives.size(), 3U);
  const SpfDirective& a = record.directives[0];
  EXPECT_EQ(a.text, "~a:%{d2}.b/24//64");
  EXPECT_EQ(a.qualifier, SpfQualifier::softfail);
  EXPECT_EQ(a.mechanism, SpfMechanism::a);
  EXPECT_EQ(a.domain, *parse_spf_domain_spec("%{d2}.b"));
  EXPECT_EQ(a.ip4_prefix, 24);
  EXPECT_EQ(a.ip6_prefix, 64);
  EXPECT_EQ(record.directives[1].qualifier, SpfQualifier::neutral);
  EXPECT_TRUE(record.directives[1].network->contains(*parse_ip_address("192.0.2.255")));
  EXPECT_EQ(record.directives[2].qualifier, SpfQualifier::fail);
  EXPECT_TRUE(record.directives[2].network->contains(*parse_ip_address("2001:db8:ffff::")));
}

TEST(SpfRecord, CutsTheCidrLengthOffBeforeTheDomain) {  // RFC 7208 5.6, 7.1
  const SpfRecord record = parsed("v=spf1 a:x/24.example.com/8 mx//0 a/0");
  EXPECT_EQ(record.directives[0].domain, *parse_spf_domain_spec("x/24.example.com"));
  EXPECT_EQ(record.directives[0].ip4_prefix, 8);
  EXPECT_EQ(record.directives[0].ip6_prefix, 128);
  EXPECT_EQ(record.directives[1].ip4_prefix, 32);
  EXPECT_EQ(record.directives[1].ip6_prefix, 0);
  EXPECT_EQ(record.directives[2].ip4_prefix, 0);
}

TEST(SpfRecord, LetsNoClientIntoAnIp6NetworkOfMappedAddresses) {  // RFC 7208 5
  EXPECT_FALSE(parsed("v=spf1 ip6:::ffff:1.2.3.4").directives[0].network);
  EXPECT_FALSE(parsed("v=spf1 ip6:::ffff:0:0/96").directives[0].network);
  // One bit less and the network holds other addresses as well.
  const SpfRecord wider = parsed("v=spf1 ip6:::ffff:1.2.3.4/95");
  ASSERT_TRUE(wider.directives[0].network);
  EXPECT_TRUE(wider.directives[0].network->contains(*parse_ip_address("::fffe:1.2.3.4")));
  EXPECT_FALSE(wider.directives[0].network->contains(*parse_ip_address("1.2.3.4")));
}

TEST(SpfRecord, AllowsRedirectAndExpOnceEach) {  // RFC 7208 6
  EXPECT_TRUE(parse_spf_record("v=spf1 exp=a.b redirect=a.b"));
  EXPECT_FALSE(parse_spf_record("v=spf1 redirect=a.b Redirect=a.b"));
  EXPECT_FALSE(parse_spf_record("v=spf1 redirect=a.b redirect=a.b -all"));
  EXPECT_FALSE(parse_spf_record("v=spf1 exp=a.b EXP=c.d"));
  EXPECT_TRUE(parse_spf_record("v=spf1 x=1 x=2 x=3")) << "unknown ones as often as they like";
}

TEST(SpfRecord, IgnoresWhatFollowsAllAndARedirectBesideIt) {  // RFC 7208 5.1
  const SpfRecord record = parsed("v=spf1 redirect=a.b mx -all a ip4:1.2.3.4 exp=e.f");
  EXPECT_EQ(record.directives.size(), 2U);
  EXPECT_FALSE(record.redirect);
  EXPECT_TRUE(record.explanation);
}

TEST(SpfRecord, FindsASyntaxErrorBehindAll) {  // RFC 7208 4.6
  const auto record = parse_spf_record("v=spf1 +all moo:x");
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error(), "moo:x: unknown mechanism");
}

TEST(SpfRecord, QuotesABadTermInPrintableAsciiOnly) {
  const auto record = parse_spf_record("v=spf1 \x1b[2J\xff" + std::string(5000, 'x'));
  ASSERT_FALSE(record);
  EXPECT_LT(record.error().size(), 200U);
  for (const char c : record.error()) EXPECT_TRUE(c >= 0x20 && c <= 0x7e);
}

TEST(SpfRecord, KeepsFewOfTheTermsThatCouldNeverBeReached) {
  std::string text = "v=spf1";
  for (int i = 0; i < 30'000; ++i) text += " a";
  text += " ip4:192.0.2.1 -all";
  const SpfRecord record = parsed(text);
  EXPECT_EQ(record.directives.size(), static_cast<size_t>(kMaxSpfQueryingDirectives) + 2);
}

}  // namespace
}  // namespace signet
