// SPDX-License-Identifier: BSD-2-Clause
//
// Wire answers into Answers. The honest ones are made by WireZone and ldns, then some are spoiled
// octet by octet.

#include "dns/unbound/dns_packet.h"

#include <gtest/gtest.h>

#include "tests/support/wire_zone.h"

namespace signet {
namespace {

using Octets = std::vector<uint8_t>;
using std::chrono::seconds;

constexpr const char* kZone = R"(
example.com.        3600 IN SOA ns.example.com. h.example.com. 1 2 3 4 60
example.com.        300  IN A 192.0.2.1
example.com.        300  IN A 192.0.2.2
example.com.        300  IN AAAA 2001:db8::1
example.com.        300  IN AAAA ::ffff:192.0.2.9
example.com.        300  IN MX 10 MX.example.com.
example.com.        200  IN MX 0 .
example.com.        300  IN TXT "v=spf1 " "-all"
example.com.        300  IN TXT ""
example.com.        300  IN TXT "a\000b\"\255"
1.2.0.192.in-addr.arpa. 300 IN PTR Host.Example.com.
dotted.example.com. 300  IN PTR a\.b.example.com.
dotted.example.com. 300  IN PTR honest.example.com.
onlydot.example.com. 300 IN PTR a\.b.example.com.
www.example.com.    100  IN CNAME web.example.com.
web.example.com.    50   IN CNAME example.com.
gone.example.com.   30   IN CNAME nothing.example.com.
empty.example.com.  30   IN CNAME www2.example.com.
www2.example.com.   300  IN A 192.0.2.3
loop.example.com.   300  IN CNAME loop2.example.com.
loop2.example.com.  300  IN CNAME loop.example.com.
)";

Name name(std::string_view text) { return *parse_query_name(text); }

LdnsPacket make_packet(std::string_view owner, RecordType type) {
  LdnsPacket packet(ldns_pkt_query_new(ldns_dname_new_frm_str(std::string(owner).c_str()),
                                       static_cast<ldns_rr_type>(static_cast<int>(type)),
                                       LDNS_RR_CLASS_IN, LDNS_QR));
  const WireZone zone{kZone};
  zone.answer(*ldns_rr_list_rr(ldns_pkt_question(packet.get()), 0), false, *packet);
  return packet;
}

Octets to_octets(const ldns_pkt& packet) {
  uint8_t* wire = nullptr;
  size_t size = 0;
  EXPECT_EQ(ldns_pkt2wire(&wire, &packet, &size), LDNS_STATUS_OK);
  Octets octets(wire, wire + size);
  std::free(wire);
  return octets;
}

Answer ask(std::string_view owner, RecordType type) {
  return parse_dns_packet(to_octets(*make_packet(owner, type)), name(owner), type);
}

TEST(DnsPacket, GivesAddressesInTheOrderOfThePacket) {
  const Answer answer = ask("example.com", RecordType::a);
  EXPECT_EQ(answer.status, DnsStatus::answered);
  EXPECT_EQ(answer.addresses,
            (std::vector{*parse_ip_address("192.0.2.1"), *parse_ip_address("192.0.2.2")}));
  EXPECT_EQ(answer.ttl, seconds(300));
  EXPECT_FALSE(answer.authenticated);
}

TEST(DnsPacket, GivesIpv6Addresses) {
  const Answer answer = ask("example.com", RecordType::aaaa);
  ASSERT_EQ(answer.addresses.size(), 2u);
  EXPECT_EQ(to_string(answer.addresses[0]), "2001:db8::1");
}

TEST(DnsPacket, GivesExchangesWithTheSmallestTtl) {
  const Answer answer = ask("example.com", RecordType::mx);
  EXPECT_EQ(answer.exchanges,
            (std::vector<MxRecord>{{10, name("mx.example.com")}, {0, Name()}}));  // RFC 7505
  EXPECT_EQ(answer.ttl, seconds(200));
}

TEST(DnsPacket, JoinsTheStringsOfOneTextRecord) {  // RFC 7208 3.3
  const Answer answer = ask("example.com", RecordType::txt);
  EXPECT_EQ(answer.texts,
            (std::vector<std::string>{"v=spf1 -all", "", std::string("a\0b\"\xff", 5)}));
}

TEST(DnsPacket, GivesPointersInLowerCase) {
  const Answer answer = ask("1.2.0.192.in-addr.arpa", RecordType::ptr);
  EXPECT_EQ(answer.names, std::vector{name("host.example.com")});
}

TEST(DnsPacket, LeavesOutNamesWithADotInsideALabel) {
  EXPECT_EQ(ask("dotted.example.com", RecordType::ptr).names,
            std::vector{name("honest.example.com")});
  EXPECT_EQ(ask("onlydot.example.com", RecordType::ptr).status, DnsStatus::no_data);
}

TEST(DnsPacket, FollowsAliasesAndTakesTheSmallestTtl) {
  const Answer answer = ask("www.example.com", RecordType::a);
  EXPECT_EQ(answer.status, DnsStatus::answered);
  EXPECT_EQ(answer.addresses.size(), 2u);
  EXPECT_EQ(answer.ttl, seconds(50));
}

TEST(DnsPacket, DoesNotFollowTheAliasThatWasAskedFor) {
  const Answer answer = ask("www.example.com", RecordType::cname);
  EXPECT_EQ(answer.names, std::vector{name("web.example.com")});
}

TEST(DnsPacket, TellsNoDataFromNoDomain) {  // RFC 2308 2
  EXPECT_EQ(ask("www2.example.com", RecordType::txt).status, DnsStatus::no_data);
  EXPECT_EQ(ask("nothing.example.com", RecordType::txt).status, DnsStatus::no_domain);
  EXPECT_EQ(ask("empty.example.com", RecordType::txt).status, DnsStatus::no_data);
  EXPECT_EQ(ask("gone.example.com", RecordType::txt).status, DnsStatus::no_domain);  // RFC 6604 3
}

TEST(DnsPacket, ANegativeAnswerLastsAsLongAsItsSoaSays) {  // RFC 2308 5
  EXPECT_EQ(ask("nothing.example.com", RecordType::txt).ttl, seconds(60));
  EXPECT_EQ(ask("gone.example.com", RecordType::txt).ttl, seconds(30)) << "the CNAME's is less";
  const auto packet = make_packet("nothing.example.com", RecordType::txt);
  ldns_rr_set_ttl(ldns_rr_list_rr(ldns_pkt_authority(packet.get()), 0), 20);
  EXPECT_EQ(parse_dns_packet(to_octets(*packet), name("nothing.example.com"), RecordType::txt).ttl,
            seconds(20));
}

TEST(DnsPacket, ANegativeAnswerWithoutSoaIsNotToBeKept) {  // RFC 2308 5
  const auto packet = make_packet("nothing.example.net", RecordType::txt);
  const Answer answer =
      parse_dns_packet(to_octets(*packet), name("nothing.example.net"), RecordType::txt);
  EXPECT_EQ(answer.status, DnsStatus::no_domain);
  EXPECT_EQ(answer.ttl, seconds(0));
}

TEST(DnsPacket, ATtlWithTheTopBitSetIsZero) {  // RFC 2181 8
  const auto packet = make_packet("www2.example.com", RecordType::a);
  ldns_rr_set_ttl(ldns_rr_list_rr(ldns_pkt_answer(packet.get()), 0), 0x80000001);
  const Answer answer =
      parse_dns_packet(to_octets(*packet), name("www2.example.com"), RecordType::a);
  EXPECT_EQ(answer.status, DnsStatus::answered);
  EXPECT_EQ(answer.ttl, seconds(0));
}

TEST(DnsPacket, AliasesInALoopAreAFailure) {
  const Answer answer = ask("loop.example.com", RecordType::a);
  EXPECT_EQ(answer.status, DnsStatus::server_failure);
  EXPECT_NE(answer.error.find("CNAME"), std::string::npos) << answer.error;
}

TEST(DnsPacket, EveryOtherRcodeIsAFailureThatNamesIt) {
  const std::pair<int, const char*> cases[] = {
      {1, "FORMERR"}, {2, "SERVFAIL"}, {4, "NOTIMP"}, {5, "REFUSED"}, {9, "RCODE 9"}};
  for (const auto& [rcode, word] : cases) {
    const auto packet = make_packet("example.com", RecordType::a);
    ldns_pkt_set_rcode(packet.get(), static_cast<uint8_t>(rcode));
    const Answer answer = parse_dns_packet(to_octets(*packet), name("example.com"), RecordType::a);
    EXPECT_EQ(answer.status, DnsStatus::server_failure);
    EXPECT_NE(answer.error.find(word), std::string::npos) << answer.error;
    EXPECT_TRUE(answer.addresses.empty());
  }
}

TEST(DnsPacket, ATruncatedReplyIsAFailure) {
  const auto packet = make_packet("www2.example.com", RecordType::txt);
  ldns_pkt_set_tc(packet.get(), true);
  EXPECT_EQ(parse_dns_packet(to_octets(*packet), name("www2.example.com"), RecordType::txt).status,
            DnsStatus::server_failure);
}

TEST(DnsPacket, AReplyToAnotherQuestionIsAFailureAndNotAnEmptyAnswer) {
  const Octets octets = to_octets(*make_packet("example.com", RecordType::a));
  EXPECT_EQ(parse_dns_packet(octets, name("example.net"), RecordType::a).status,
            DnsStatus::server_failure);
  EXPECT_EQ(parse_dns_packet(octets, name("example.com"), RecordType::txt).status,
            DnsStatus::server_failure);
  EXPECT_EQ(parse_dns_packet(octets, name("example.com"), RecordType::a).status,
            DnsStatus::answered);
}

TEST(DnsPacket, RecordsOfOtherOwnersAreNoAnswer) {
  const auto packet = make_packet("www2.example.com", RecordType::a);
  ldns_rr* record = ldns_rr_list_rr(ldns_pkt_answer(packet.get()), 0);
  ldns_rdf_deep_free(ldns_rr_owner(record));
  ldns_rr_set_owner(record, ldns_dname_new_frm_str("evil.example.org"));
  EXPECT_EQ(parse_dns_packet(to_octets(*packet), name("www2.example.com"), RecordType::a).status,
            DnsStatus::no_data);
}

TEST(DnsPacket, NoCutOfAPacketIsReadAsDoesNotExist) {
  for (const RecordType type : {RecordType::a, RecordType::mx, RecordType::txt}) {
    const Octets whole = to_octets(*make_packet("www.example.com", type));
    for (size_t size = 0; size < whole.size(); ++size) {
      const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_EQ(parse_dns_packet(cut, name("www.example.com"), type).status,
                DnsStatus::server_failure)
          << size;
    }
  }
}

TEST(DnsPacket, ACompressionPointerToItselfIsAFailure) {
  const Octets packet{0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0x0c, 0, 1, 0, 1};
  EXPECT_EQ(parse_dns_packet(packet, name("example.com"), RecordType::a).status,
            DnsStatus::server_failure);
}

TEST(DnsPacket, SixtyFourKilobytesOfTinyStringsAreReadInLinearTime) {
  Octets packet{0, 0, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 'x', 0, 0, 16, 0, 1};
  constexpr int kStrings = 65'000;
  for (const int octet : {0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 60, kStrings >> 8, kStrings & 0xff}) {
    packet.push_back(static_cast<uint8_t>(octet));
  }
  packet.insert(packet.end(), kStrings, 0);
  const Answer answer = parse_dns_packet(packet, name("x"), RecordType::txt);
  EXPECT_EQ(answer.status, DnsStatus::answered) << answer.error;
  EXPECT_EQ(answer.texts, std::vector<std::string>{""});
}

}  // namespace
}  // namespace signet
