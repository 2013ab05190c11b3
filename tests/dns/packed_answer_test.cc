// SPDX-License-Identifier: BSD-2-Clause
//
// What is packed comes back as it was, whatever it holds.

#include "dns/unbound/packed_answer.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

void expect_same(const Answer& a, const Answer& b) {
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.authenticated, b.authenticated);
  EXPECT_EQ(a.addresses, b.addresses);
  EXPECT_EQ(a.texts, b.texts);
  EXPECT_EQ(a.exchanges, b.exchanges);
  EXPECT_EQ(a.names, b.names);
  EXPECT_EQ(a.error, b.error);
  EXPECT_EQ(a.ttl, b.ttl);
}

void expect_kept(const Answer& answer) { expect_same(unpack_answer(pack_answer(answer)), answer); }

TEST(PackedAnswer, KeepsEveryStatusAndTtl) {
  expect_kept({});
  for (const auto status : {DnsStatus::answered, DnsStatus::no_data, DnsStatus::no_domain,
                            DnsStatus::server_failure, DnsStatus::timed_out}) {
    for (const int64_t ttl : {0LL, 1LL, 86'400LL, 0xffff'ffffLL}) {
      Answer answer;
      answer.status = status;
      answer.ttl = std::chrono::seconds(ttl);
      answer.authenticated = ttl == 1;
      if (status == DnsStatus::server_failure) answer.error = "the name server says REFUSED";
      expect_kept(answer);
    }
  }
}

TEST(PackedAnswer, KeepsEachTypeOfRecordInItsOrder) {
  Answer answer;
  answer.status = DnsStatus::answered;
  answer.addresses = {*parse_ip_address("192.0.2.1"), *parse_ip_address("2001:db8::1"),
                      *parse_ip_address("0.0.0.0")};
  answer.texts = {"v=spf1 -all", "", std::string("a\0b\xff", 4), std::string(65'535, 'x')};
  answer.exchanges = {{10, *parse_domain("mx.example.com")}, {65'535, Name()}};
  answer.names = {*parse_domain("example.com"), Name(),
                  *parse_query_name(std::string("a\0 b.\xfe.example", 13))};
  expect_kept(answer);
}

TEST(PackedAnswer, KeepsTheLongestNames) {  // RFC 1035 2.3.4
  const std::string label(63, 'a');
  Answer answer;
  answer.names = {*parse_query_name(label + "." + label + "." + label + "." + label.substr(0, 61))};
  ASSERT_EQ(answer.names[0].text().size(), 253U);
  expect_kept(answer);
}

TEST(PackedAnswer, ARecordTakesLittleMoreThanItsText) {
  Answer answer;
  answer.texts = {"v=spf1 mx -all"};
  EXPECT_LE(pack_answer(answer).size(), answer.texts[0].size() + 16);
}

}  // namespace
}  // namespace signet
