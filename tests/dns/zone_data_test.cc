// SPDX-License-Identifier: BSD-2-Clause
//
// ZoneData (RFC 1035 5, RFC 1034 4.3.2, RFC 4592) and the ZoneResolver that the other tests ask.

#include "dns/zone_data.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

using std::chrono::seconds;

Name name(std::string_view text) { return *parse_query_name(text); }

ZoneData parse_zone(std::string_view text) {
  auto parsed = ZoneData::parse(text, "test.zone");
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error());
  return parsed.ok() ? *std::move(parsed) : ZoneData();
}

Answer ask(const ZoneData& zone, std::string_view owner, RecordType type) {
  const auto answer = zone.find(name(owner), type);
  EXPECT_TRUE(answer.has_value()) << owner;
  return answer.value_or(Answer{});
}

constexpr std::string_view kZone = R"($ORIGIN example.com.
$TTL 900
@       IN SOA ns hostmaster 1 3600 600 86400 60
@       IN MX  10 mx1
        IN MX  20 mx2.example.net.
@       IN TXT "v=spf1 ip4:192.0.2.0/24" " -all"
        600 IN TXT ( "second"   ; a comment
                     "-part" )
mx1     IN A     192.0.2.1
        IN A     192.0.2.2
        IN AAAA  2001:db8::1
null    IN MX    0 .
alias   IN CNAME mx1
alias2  100 IN CNAME alias
away    IN CNAME www.example.net.
gone    IN CNAME nothing
loop1   IN CNAME loop2
loop2   IN CNAME loop1
a.b.c   IN A     192.0.2.3
1.2.0.192.in-addr.arpa. IN PTR MX1.Example.COM.
*.wild  IN TXT "wild"
host.wild IN A 192.0.2.4
sub.host.wild IN A 192.0.2.5
*.cwild IN CNAME mx1
esc\097pe IN TXT "a\"b\\c\255;d"
)";

TEST(ZoneData, AnswersAddressesInTheOrderOfTheText) {
  const ZoneData zone = parse_zone(kZone);
  const Answer a = ask(zone, "MX1.example.com", RecordType::a);
  EXPECT_EQ(a.status, DnsStatus::answered);
  EXPECT_EQ(a.addresses,
            (std::vector{IpAddress::v4({192, 0, 2, 1}), IpAddress::v4({192, 0, 2, 2})}));
  EXPECT_EQ(a.ttl, seconds(900));
  EXPECT_FALSE(a.authenticated);
  const Answer aaaa = ask(zone, "mx1.example.com", RecordType::aaaa);
  ASSERT_EQ(aaaa.addresses.size(), 1U);
  EXPECT_EQ(to_string(aaaa.addresses[0]), "2001:db8::1");
}

TEST(ZoneData, JoinsTheStringsOfATxtRecordWithoutSpaces) {  // RFC 7208 3.3, RFC 6376 3.6.2.2
  const Answer answer = ask(parse_zone(kZone), "example.com", RecordType::txt);
  EXPECT_EQ(answer.texts,
            (std::vector<std::string>{"v=spf1 ip4:192.0.2.0/24 -all", "second-part"}));
  EXPECT_EQ(answer.ttl, seconds(600)) << "the least TTL of the set";
}

TEST(ZoneData, DecodesEscapesInStringsAndNames) {  // RFC 1035 5.1
  const Answer answer = ask(parse_zone(kZone), "escape.example.com", RecordType::txt);
  EXPECT_EQ(answer.texts, (std::vector<std::string>{"a\"b\\c\377;d"}));
}

TEST(ZoneData, AnswersMxAndPtr) {
  const ZoneData zone = parse_zone(kZone);
  EXPECT_EQ(ask(zone, "example.com", RecordType::mx).exchanges,
            (std::vector<MxRecord>{{10, name("mx1.example.com")}, {20, name("mx2.example.net")}}));
  EXPECT_EQ(ask(parse_zone("1.2.0.192.in-addr.arpa. PTR MX1.Example.COM."),
                "1.2.0.192.in-addr.arpa", RecordType::ptr)
                .names,
            (std::vector<Name>{name("mx1.example.com")}));
}

TEST(ZoneData, NullMxHasTheRootAsExchange) {  // RFC 7505 3
  EXPECT_EQ(ask(parse_zone(kZone), "null.example.com", RecordType::mx).exchanges,
            (std::vector<MxRecord>{{0, Name()}}));
}

TEST(ZoneData, UnderASoaWhatIsNotThereDoesNotExist) {
  const Answer answer = ask(parse_zone(kZone), "x.y.example.com", RecordType::a);
  EXPECT_EQ(answer.status, DnsStatus::no_domain);
  EXPECT_EQ(answer.ttl, seconds(60)) << "RFC 2308 5: the SOA's MINIMUM";
}

TEST(ZoneData, ANameWithoutTheTypeAskedForIsNoData) {
  const Answer answer = ask(parse_zone(kZone), "mx1.example.com", RecordType::txt);
  EXPECT_EQ(answer.status, DnsStatus::no_data);
  EXPECT_EQ(answer.ttl, seconds(60));
}

TEST(ZoneData, EmptyNonTerminalsExist) {  // RFC 4592 2.2.2
  const ZoneData zone = parse_zone(kZone);
  EXPECT_EQ(ask(zone, "c.example.com", RecordType::a).status, DnsStatus::no_data);
  EXPECT_EQ(ask(zone, "b.c.example.com", RecordType::a).status, DnsStatus::no_data);
  EXPECT_EQ(ask(zone, "x.c.example.com", RecordType::a).status, DnsStatus::no_domain);
}

TEST(ZoneData, FollowsCnames) {
  const ZoneData zone = parse_zone(kZone);
  const Answer answer = ask(zone, "alias2.example.com", RecordType::a);
  EXPECT_EQ(answer.status, DnsStatus::answered);
  EXPECT_EQ(answer.addresses.size(), 2U);
  EXPECT_TRUE(answer.names.empty());
  EXPECT_EQ(answer.ttl, seconds(100)) << "the least TTL of the chain";
  EXPECT_EQ(ask(zone, "alias2.example.com", RecordType::txt).status, DnsStatus::no_data);
  EXPECT_EQ(ask(zone, "gone.example.com", RecordType::a).status, DnsStatus::no_domain);
  EXPECT_EQ(ask(zone, "alias2.example.com", RecordType::cname).names,
            (std::vector<Name>{name("alias.example.com")}));
}

TEST(ZoneData, CnameOutOfTheDataIsServerFailure) {
  const Answer answer = ask(parse_zone(kZone), "away.example.com", RecordType::a);
  EXPECT_EQ(answer.status, DnsStatus::server_failure);
  EXPECT_NE(answer.error, "");
}

TEST(ZoneData, CnameLoopIsServerFailure) {
  EXPECT_EQ(ask(parse_zone(kZone), "loop1.example.com", RecordType::a).status,
            DnsStatus::server_failure);
}

TEST(ZoneData, CnameChainEndsAfterSixteenLinks) {
  std::string text = "n0. IN A 192.0.2.1\n";
  for (int i = 1; i <= 17; ++i) {
    text += "n" + std::to_string(i) + ". IN CNAME n" + std::to_string(i - 1) + ".\n";
  }
  const ZoneData zone = parse_zone(text);
  EXPECT_EQ(ask(zone, "n16", RecordType::a).status, DnsStatus::answered);
  EXPECT_EQ(ask(zone, "n17", RecordType::a).status, DnsStatus::server_failure);
}

TEST(ZoneData, WildcardsCoverWhatHasNoCloserEncloser) {  // RFC 4592 3.3.1
  const ZoneData zone = parse_zone(kZone);
  EXPECT_EQ(ask(zone, "x.wild.example.com", RecordType::txt).texts,
            (std::vector<std::string>{"wild"}));
  EXPECT_EQ(ask(zone, "a.b.wild.example.com", RecordType::txt).texts,
            (std::vector<std::string>{"wild"}));
  EXPECT_EQ(ask(zone, "x.wild.example.com", RecordType::a).status, DnsStatus::no_data);
  EXPECT_EQ(ask(zone, "host.wild.example.com", RecordType::txt).status, DnsStatus::no_data);
  EXPECT_EQ(ask(zone, "x.host.wild.example.com", RecordType::txt).status, DnsStatus::no_domain);
  EXPECT_EQ(ask(zone, "wild.example.com", RecordType::txt).status, DnsStatus::no_data);
  EXPECT_EQ(ask(zone, "x.cwild.example.com", RecordType::a).addresses.size(), 2U);
}

TEST(ZoneData, WithoutASoaOnlyTheNamesOfTheTextAreAnswered) {
  const ZoneData zone = parse_zone("a.b.example.com. TXT t\n*.example.com. TXT w\n");
  EXPECT_EQ(ask(zone, "a.b.example.com", RecordType::txt).status, DnsStatus::answered);
  const Answer negative = ask(zone, "a.b.example.com", RecordType::a);
  EXPECT_EQ(negative.status, DnsStatus::no_data);
  EXPECT_EQ(negative.ttl, seconds(300));
  EXPECT_FALSE(zone.find(name("b.example.com"), RecordType::txt));
  EXPECT_FALSE(zone.find(name("x.example.com"), RecordType::txt));
  EXPECT_FALSE(zone.find(Name(), RecordType::txt));
}

TEST(ZoneData, AZoneInsideAZoneHasItsOwnNegativeTtl) {
  const ZoneData zone =
      parse_zone(std::string(kZone) + "in.example.com. 10 IN SOA . . 1 1 1 1 3600\n");
  EXPECT_EQ(ask(zone, "x.in.example.com", RecordType::a).ttl, seconds(10))
      << "RFC 2308 5: the SOA's own TTL if that is less";
  EXPECT_EQ(ask(zone, "x.example.com", RecordType::a).ttl, seconds(60));
}

TEST(ZoneData, TypesNobodyAsksForStillMakeANameExist) {
  const ZoneData zone =
      parse_zone(std::string(kZone) + "srv.example.com. IN SRV 0 0 25 mx1.example.com.\n");
  EXPECT_EQ(ask(zone, "srv.example.com", RecordType::a).status, DnsStatus::no_data);
}

TEST(ZoneData, AnswersTheRootAndAnEmptyText) {
  EXPECT_EQ(ask(parse_zone(". 60 SOA . . 1 1 1 1 60\n"), "com", RecordType::a).status,
            DnsStatus::no_domain);
  EXPECT_FALSE(parse_zone("").find(name("com"), RecordType::a));
  EXPECT_FALSE(parse_zone("\n ; nothing\n\n").find(name("com"), RecordType::a));
}

TEST(ZoneData, ErrorsNameSourceAndLine) {
  const struct {
    const char* text;
    const char* starts;
  } cases[] = {
      {"a. A 192.0.2.1\nb. A 192.0.2.999\n", "test.zone:2: "},
      {"\n\nbroken\n", "test.zone:3: "},
      {"a. CNAME b.\na. A 192.0.2.1\n", "test.zone:2: "},
      {"a. CNAME b.\na. CNAME c.\n", "test.zone:2: "},
      {"a. TYPE65537 \\# 4 C0000201\n", "test.zone:1: "},
      {"a. CH TXT x\n", "test.zone:1: "},
      {"a\\.b. A 192.0.2.1\n", "test.zone:1: "},
      {"$INCLUDE other\n", "test.zone:1: "},
  };
  for (const auto& c : cases) {
    const auto parsed = ZoneData::parse(c.text, "test.zone");
    ASSERT_FALSE(parsed.ok()) << c.text;
    EXPECT_EQ(parsed.error().find(c.starts), 0U) << parsed.error();
  }
  EXPECT_FALSE(ZoneData::parse(std::string_view("a. A 192.0.2.1\n\0", 16), "z").ok());
}

TEST(ZoneData, LoadsAFileAndNamesOneThatIsMissing) {
  const std::string path = testing::TempDir() + "zone_data_test.zone";
  std::ofstream(path) << kZone;
  const auto loaded = ZoneData::load(path);
  ASSERT_TRUE(loaded.ok());
  EXPECT_TRUE(loaded->find(name("example.com"), RecordType::txt));
  const auto missing = ZoneData::load("/nonexistent/zone");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().find("/nonexistent/zone: "), 0U);
}

TEST(ZoneResolver, NamesThatTheTextDoesNotHoldDoNotExist) {
  ZoneResolver dns("a.b.example.com. TXT t\n*.w.example.com. TXT w\n");
  const auto status = [&](std::string_view owner) {
    return dns.start(name(owner), RecordType::txt, test_budget()).get().status;
  };
  EXPECT_EQ(status("a.b.example.com"), DnsStatus::answered);
  EXPECT_EQ(status("b.example.com"), DnsStatus::no_data);
  EXPECT_EQ(status("example.com"), DnsStatus::no_data);
  EXPECT_EQ(status("example.net"), DnsStatus::no_domain);
  EXPECT_EQ(status("x.w.example.com"), DnsStatus::answered);
}

TEST(ZoneResolver, FailsTheNamesThatTheTextSaysFail) {
  ZoneResolver dns(R"(
servfail bad.example.com   ; a comment
  timeout  Slow.example.com.
bad.example.com. TXT hidden
timeout. IN A 192.0.2.1
)");
  EXPECT_EQ(dns.start(name("bad.example.com"), RecordType::txt, test_budget()).get().status,
            DnsStatus::server_failure);
  EXPECT_EQ(dns.start(name("slow.example.com"), RecordType::a, test_budget()).get().status,
            DnsStatus::timed_out);
  EXPECT_EQ(dns.start(name("x.slow.example.com"), RecordType::a, test_budget()).get().status,
            DnsStatus::no_domain);
  EXPECT_EQ(dns.start(name("timeout"), RecordType::a, test_budget()).get().status,
            DnsStatus::answered);
}

TEST(ZoneResolver, RemembersTheQuestionsInOrder) {
  ZoneResolver dns("");
  dns.start(name("Example.COM"), RecordType::txt, test_budget());
  dns.start(name("example.com"), RecordType::mx, test_budget());
  EXPECT_EQ(dns.questions(), (std::vector<std::string>{"TXT example.com", "MX example.com"}));
  EXPECT_EQ(dns.question_count(), 2);
  dns.forget_questions();
  EXPECT_EQ(dns.question_count(), 0);
}

TEST(ZoneResolver, CountsTheQuestionsOfSeveralThreads) {
  ZoneResolver dns("a. A 192.0.2.1");
  LookupBudget budget(std::chrono::steady_clock::now() + seconds(10), 400);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) dns.start(name("a"), RecordType::a, budget).get();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(dns.question_count(), 400);
  EXPECT_EQ(budget.used(), 400);
}

TEST(ZoneResolver, ThrowsIfTheTextDoesNotParse) {
  EXPECT_THROW(ZoneResolver("a. A 192.0.2.999\n"), std::invalid_argument);
  EXPECT_THROW(ZoneResolver("servfail a..b\n"), std::invalid_argument);
}

}  // namespace
}  // namespace signet
