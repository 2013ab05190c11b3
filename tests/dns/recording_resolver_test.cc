// SPDX-License-Identifier: BSD-2-Clause
//
// What was recorded, written as a zone file and read back, answers like the DNS it came from.

#include "dns/recording_resolver.h"

#include <gtest/gtest.h>

#include "dns/zone_data.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

constexpr const char* kZone =
    "example.com. TXT \"v=spf1 mx ~all\"\n"
    "example.com. TXT \"a \\\"quoted\\\" word; \\\\ and \\200\"\n"
    "example.com. MX 10 mx.example.com.\n"
    "null.example. MX 0 .\n"
    "mx.example.com. A 192.0.2.1\n"
    "mx.example.com. A 192.0.2.2\n"
    "mx.example.com. AAAA 2001:db8::1\n"
    "1.2.0.192.in-addr.arpa. PTR mx.example.com.\n"
    "alias.example. CNAME mx.example.com.\n"
    "servfail broken.example\n"
    "timeout slow.example\n";

Name name(std::string_view text) { return *parse_query_name(text); }

struct Question {
  const char* name;
  RecordType type;
};

// Every kind of answer there is.
constexpr Question kQuestions[] = {
    {"example.com", RecordType::txt},   {"example.com", RecordType::mx},
    {"example.com", RecordType::a},     {"null.example", RecordType::mx},
    {"mx.example.com", RecordType::a},  {"mx.example.com", RecordType::aaaa},
    {"alias.example", RecordType::a},   {"1.2.0.192.in-addr.arpa", RecordType::ptr},
    {"nowhere.example", RecordType::a}, {"broken.example", RecordType::txt},
    {"slow.example", RecordType::a}};

Answer ask(Resolver& resolver, const Question& question) {
  return resolver.start(name(question.name), question.type, test_budget()).get();
}

TEST(RecordingResolver, PassesQuestionsOnAndRemembersEachOnce) {
  const auto inner = std::make_shared<ZoneResolver>(kZone);
  RecordingResolver resolver(inner);
  EXPECT_EQ(ask(resolver, {"mx.example.com", RecordType::a}).addresses.size(), 2U);
  ask(resolver, {"mx.example.com", RecordType::a});
  ask(resolver, {"example.com", RecordType::txt});
  const auto answers = resolver.answers();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].name.text(), "mx.example.com");
  EXPECT_EQ(answers[1].type, RecordType::txt);
  EXPECT_EQ(inner->question_count(), 3);
}

TEST(RecordingResolver, ItsZoneTextAnswersLikeTheDns) {
  RecordingResolver resolver(std::make_shared<ZoneResolver>(kZone));
  for (const Question& question : kQuestions) ask(resolver, question);
  const auto answers = resolver.answers();
  const auto replay = ZoneData::parse(zone_text(answers), "recorded");
  ASSERT_TRUE(replay) << replay.error() << "\n" << zone_text(answers);
  for (const RecordedAnswer& recorded : answers) {
    const auto again = replay->find(recorded.name, recorded.type);
    ASSERT_TRUE(again) << recorded.name.text();
    EXPECT_EQ(again->status, recorded.answer.status) << recorded.name.text();
    EXPECT_EQ(again->texts, recorded.answer.texts) << recorded.name.text();
    EXPECT_EQ(again->addresses, recorded.answer.addresses) << recorded.name.text();
    EXPECT_EQ(again->exchanges, recorded.answer.exchanges) << recorded.name.text();
    EXPECT_EQ(again->names, recorded.answer.names) << recorded.name.text();
  }
}

TEST(RecordingResolver, OddOctetsInANameStayInTheName) {  // RFC 7208 7.1: macros make such names
  for (const char* text : {"a b.example.com", "a;b.example.com", "a\"b.example.com",
                           "a(b.example.com", "$origin.example.com", "@.example.com",
                           "a\\b.example.com", "a\nevil.example", "a\x80z.example.com"}) {
    const auto odd = parse_query_name(text);
    if (!odd) continue;  // no name, so no question
    RecordedAnswer recorded{*odd, RecordType::a, {}};
    recorded.answer.status = DnsStatus::answered;
    recorded.answer.addresses = {*parse_ip_address("192.0.2.1")};
    const auto replay = ZoneData::parse(zone_text({recorded}), "recorded");
    ASSERT_TRUE(replay) << replay.error() << zone_text({recorded});
    EXPECT_EQ(replay->find(*odd, RecordType::a)->addresses, recorded.answer.addresses) << text;
  }
  ASSERT_TRUE(parse_query_name("a;b.example.com"));  // at least this one was tried
}

TEST(RecordingResolver, LongTextIsCutIntoStringsThatJoinAgain) {  // RFC 1035 3.3
  RecordedAnswer recorded{name("example.com"), RecordType::txt, {}};
  recorded.answer.status = DnsStatus::answered;
  recorded.answer.texts = {std::string(255, 'a') + "b", std::string(600, '"'), ""};
  const auto replay = ZoneData::parse(zone_text({recorded}), "recorded");
  ASSERT_TRUE(replay) << replay.error();
  EXPECT_EQ(replay->find(recorded.name, recorded.type)->texts, recorded.answer.texts);
}

TEST(RecordingResolver, AFailureOfOneTypeLeavesTheOthersAlone) {
  RecordedAnswer text{name("example.com"), RecordType::txt, {}};
  text.answer.status = DnsStatus::answered;
  text.answer.texts = {"v=spf1 mx"};
  RecordedAnswer failed{name("example.com"), RecordType::mx, {}};
  failed.answer.status = DnsStatus::timed_out;
  const auto replay = ZoneData::parse(zone_text({text, failed}), "recorded");
  ASSERT_TRUE(replay) << replay.error();
  EXPECT_EQ(replay->find(text.name, RecordType::txt)->status, DnsStatus::answered);
  EXPECT_EQ(replay->find(text.name, RecordType::mx)->status, DnsStatus::timed_out);
}

TEST(RecordingResolver, AFailureRecordThatSaysSomethingElseIsAnError) {
  for (const char* data : {"\\# 3 000f00", "\\# 3 000f05", "\\# 2 000f", "\\# 4 000f0303"}) {
    const auto zone = ZoneData::parse("a.example. IN TYPE65280 " + std::string(data), "z");
    EXPECT_FALSE(zone) << data;
  }
}

}  // namespace
}  // namespace signet
