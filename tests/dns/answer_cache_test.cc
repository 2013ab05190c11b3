// SPDX-License-Identifier: BSD-2-Clause
//
// AnswerCache: what is kept, for how long (RFC 1035 3.2.1, RFC 2308 5), and what goes first.

#include "dns/unbound/answer_cache.h"

#include <gtest/gtest.h>

#include <thread>

namespace signet {
namespace {

using namespace std::chrono_literals;  // NOLINT: 5s reads better than seconds(5)

constexpr size_t kPlenty = 1 << 20;

/// Any moment will do.
const AnswerCache::TimePoint kStart{1h};

Question question(std::string_view name, RecordType type = RecordType::txt) {
  return {*parse_query_name(name), type};
}

Answer answer(DnsStatus status, std::chrono::seconds ttl, std::string text = {}) {
  Answer made;
  made.status = status;
  made.ttl = ttl;
  if (status == DnsStatus::answered) made.texts.push_back(std::move(text));
  return made;
}

TEST(AnswerCache, GivesBackWhatWasStored) {
  AnswerCache cache(10, kPlenty);
  cache.store(question("example.com"), answer(DnsStatus::answered, 60s, "v=spf1 -all"), kStart);
  const auto found = cache.find(question("example.com"), kStart);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->status, DnsStatus::answered);
  EXPECT_EQ(found->ttl, 60s);
  EXPECT_EQ(found->texts, std::vector<std::string>{"v=spf1 -all"});
}

TEST(AnswerCache, AnAnswerOutlivesItsEntry) {
  AnswerCache cache(1, kPlenty);
  cache.store(question("a"), answer(DnsStatus::answered, 60s, "of a"), kStart);
  const auto found = cache.find(question("a"), kStart);
  cache.store(question("b"), answer(DnsStatus::answered, 60s, "of b"), kStart);
  EXPECT_EQ(cache.find(question("a"), kStart), nullptr);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->texts, std::vector<std::string>{"of a"});
}

TEST(AnswerCache, TellsTypesAndNamesApart) {
  AnswerCache cache(10, kPlenty);
  cache.store(question("example.com", RecordType::a), answer(DnsStatus::no_data, 60s), kStart);
  EXPECT_EQ(cache.find(question("example.com", RecordType::aaaa), kStart), nullptr);
  EXPECT_EQ(cache.find(question("www.example.com", RecordType::a), kStart), nullptr);
}

struct KeepCase {
  DnsStatus status;
  std::chrono::seconds ttl;
  std::chrono::seconds kept;
};

TEST(AnswerCache, KeepsEachStatusForItsTime) {
  const KeepCase cases[] = {
      {DnsStatus::answered, 60s, 60s},
      {DnsStatus::answered, 0s, 0s},  // RFC 1035 3.2.1: zero is for this transaction only
      {DnsStatus::answered, 1'000'000s, 86'400s},
      {DnsStatus::no_data, 60s, 60s},
      {DnsStatus::no_data, 86'400s, 3'600s},
      {DnsStatus::no_domain, 86'400s, 3'600s},
      {DnsStatus::no_domain, 0s, 0s},  // RFC 2308 5: no SOA
      {DnsStatus::server_failure, 0s, 5s},
      {DnsStatus::server_failure, 3'600s, 5s},
      {DnsStatus::timed_out, 3'600s, 0s},
  };
  for (const auto& [status, ttl, kept] : cases) {
    SCOPED_TRACE(std::string(to_string(status)) + " " + std::to_string(ttl.count()));
    AnswerCache cache(10, kPlenty);
    cache.store(question("example.com"), answer(status, ttl), kStart);
    if (kept > 0s) {
      EXPECT_NE(cache.find(question("example.com"), kStart + kept - 1ns), nullptr);
    }
    EXPECT_EQ(cache.find(question("example.com"), kStart + kept), nullptr);
    EXPECT_EQ(cache.entries(), 0u);
    EXPECT_EQ(cache.octets(), 0u);
  }
}

TEST(AnswerCache, ANewAnswerReplacesTheOld) {
  AnswerCache cache(10, kPlenty);
  cache.store(question("example.com"), answer(DnsStatus::no_data, 60s), kStart);
  cache.store(question("example.com"), answer(DnsStatus::answered, 60s, "now there is"), kStart);
  const auto found = cache.find(question("example.com"), kStart);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->texts, std::vector<std::string>{"now there is"});
  EXPECT_EQ(cache.entries(), 1u);
}

TEST(AnswerCache, WhatIsUsedAgainStaysAndWhatIsAskedForOnceGoes) {
  AnswerCache cache(10, kPlenty);
  for (const char* name : {"a", "b", "c"}) {
    cache.store(question(name), answer(DnsStatus::no_data, 60s), kStart);
  }
  for (int i = 0; i < 1000; ++i) {
    for (const char* name : {"a", "c"}) ASSERT_NE(cache.find(question(name), kStart), nullptr) << i;
    cache.store(question("n" + std::to_string(i)), answer(DnsStatus::no_data, 60s), kStart);
  }
  EXPECT_EQ(cache.find(question("b"), kStart), nullptr);
}

TEST(AnswerCache, WhatWasUsedGoesOnceItIsUsedNoMore) {
  AnswerCache cache(10, kPlenty);
  cache.store(question("a"), answer(DnsStatus::no_data, 60s), kStart);
  EXPECT_NE(cache.find(question("a"), kStart), nullptr);
  for (int i = 0; i < 100; ++i) {
    cache.store(question("n" + std::to_string(i)), answer(DnsStatus::no_data, 60s), kStart);
  }
  EXPECT_EQ(cache.find(question("a"), kStart), nullptr);
}

TEST(AnswerCache, WhatHasExpiredMakesRoomHoweverMuchItWasUsed) {
  AnswerCache cache(2, kPlenty);
  cache.store(question("a"), answer(DnsStatus::no_data, 1s), kStart);
  cache.store(question("b"), answer(DnsStatus::no_data, 60s), kStart);
  for (const char* name : {"a", "b"}) EXPECT_NE(cache.find(question(name), kStart), nullptr);
  cache.store(question("c"), answer(DnsStatus::no_data, 60s), kStart + 2s);
  EXPECT_NE(cache.find(question("c"), kStart + 2s), nullptr);
  EXPECT_EQ(cache.entries(), 2u);
}

TEST(AnswerCache, NeverHoldsMoreEntriesThanTold) {
  for (const size_t limit : {1u, 10u, 1023u, 1024u, 5000u}) {
    AnswerCache cache(limit, 100 * kPlenty);
    for (int i = 0; i < 8000; ++i) {
      cache.store(question("n" + std::to_string(i)), answer(DnsStatus::no_data, 60s), kStart);
    }
    EXPECT_LE(cache.entries(), limit);
    EXPECT_GE(cache.entries(), limit - limit / 10) << "shards are filled unevenly";
  }
}

TEST(AnswerCache, NeverHoldsMoreOctetsThanTold) {
  AnswerCache cache(10'000, 4 * kPlenty);
  for (int i = 0; i < 1000; ++i) {
    const auto huge = answer(DnsStatus::answered, 60s, std::string(65'000, 'x'));
    cache.store(question("n" + std::to_string(i)), huge, kStart);
    ASSERT_LE(cache.octets(), 4 * kPlenty);
  }
  EXPECT_GT(cache.octets(), 2 * kPlenty);
}

TEST(AnswerCache, WhatIsBiggerThanAShardIsNotKeptAndPushesNothingOut) {
  AnswerCache cache(10, 10'000);
  cache.store(question("small"), answer(DnsStatus::answered, 60s, "x"), kStart);
  const auto huge = answer(DnsStatus::answered, 60s, std::string(65'000, 'x'));
  cache.store(question("huge"), huge, kStart);
  EXPECT_EQ(cache.find(question("huge"), kStart), nullptr);
  EXPECT_NE(cache.find(question("small"), kStart), nullptr);
}

TEST(AnswerCache, ACacheOfNoEntriesKeepsNothing) {
  AnswerCache cache(0, kPlenty);
  cache.store(question("example.com"), answer(DnsStatus::no_data, 60s), kStart);
  EXPECT_EQ(cache.find(question("example.com"), kStart), nullptr);
}

TEST(AnswerCache, ThreadsMayStoreAndFindAtOnce) {
  AnswerCache cache(2000, kPlenty);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 3000; ++i) {
        const auto asked = question("n" + std::to_string((i * 7 + t) % 3000));
        if (!cache.find(asked, kStart)) cache.store(asked, answer(DnsStatus::no_data, 60s), kStart);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(cache.entries(), 2000u);
  EXPECT_LE(cache.octets(), kPlenty);
}

}  // namespace
}  // namespace signet
