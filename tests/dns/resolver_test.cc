// SPDX-License-Identifier: BSD-2-Clause
//
// What every resolver shares: waiting for an answer, and a message's allowance of questions.

#include "dns/resolver.h"

#include <gtest/gtest.h>

#include <thread>

namespace signet {
namespace {

using std::chrono::hours;
using std::chrono::steady_clock;

Deadline far_off() { return steady_clock::now() + hours(1); }
Deadline past() { return steady_clock::now() - hours(1); }

std::shared_ptr<const Answer> answer_with(DnsStatus status) {
  auto answer = std::make_shared<Answer>();
  answer->status = status;
  return answer;
}

/// Remembers what it was asked and leaves every question open.
class SilentResolver final : public Resolver {
 public:
  int asked = 0;
  Deadline deadline{};

 private:
  Lookup ask(const Name& /*name*/, RecordType /*type*/, Deadline until) override {
    ++asked;
    deadline = until;
    return Lookup(std::make_shared<PendingAnswer>(), until);
  }
};

TEST(PendingAnswer, TheFirstAnswerStands) {
  PendingAnswer pending;
  EXPECT_EQ(pending.peek(), nullptr);
  pending.set(answer_with(DnsStatus::no_data));
  pending.set(answer_with(DnsStatus::no_domain));
  EXPECT_EQ(pending.peek()->status, DnsStatus::no_data);
}

TEST(PendingAnswer, WakesEveryoneWhoWaits) {
  const auto pending = std::make_shared<PendingAnswer>();
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Lookup lookup(pending, far_off());
      if (lookup.get().status == DnsStatus::answered) ++answered;
    });
  }
  pending->set(answer_with(DnsStatus::answered));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 4);
}

TEST(Lookup, PastTheDeadlineIsTimedOutAndStaysSo) {
  const auto pending = std::make_shared<PendingAnswer>();
  Lookup lookup(pending, past());
  EXPECT_EQ(lookup.get().status, DnsStatus::timed_out);
  EXPECT_TRUE(lookup.get().failed());
  pending->set(answer_with(DnsStatus::answered));
  EXPECT_EQ(lookup.get().status, DnsStatus::timed_out) << "a late answer changes nothing";
}

TEST(Lookup, AnAnswerThatIsThereCountsEvenPastTheDeadline) {
  const auto pending = std::make_shared<PendingAnswer>();
  pending->set(answer_with(DnsStatus::answered));
  EXPECT_EQ(Lookup(pending, past()).get().status, DnsStatus::answered);
}

TEST(Lookup, CopiesGiveTheSameAnswer) {
  const auto pending = std::make_shared<PendingAnswer>();
  Lookup one(pending, far_off());
  Lookup two = one;
  pending->set(answer_with(DnsStatus::no_data));
  EXPECT_EQ(&one.get(), &two.get());
}

TEST(Lookup, KeepsTheAnswerAlive) {
  Lookup lookup(answer_with(DnsStatus::no_domain));
  EXPECT_EQ(lookup.get().status, DnsStatus::no_domain);
}

TEST(Lookup, PeeksWithoutWaiting) {
  const auto pending = std::make_shared<PendingAnswer>();
  Lookup lookup(pending, far_off());
  EXPECT_EQ(lookup.peek(), nullptr);
  pending->set(answer_with(DnsStatus::no_data));
  ASSERT_NE(lookup.peek(), nullptr);
  EXPECT_EQ(lookup.peek(), &lookup.get());
  Lookup late(std::make_shared<PendingAnswer>(), past());
  ASSERT_NE(late.peek(), nullptr);
  EXPECT_EQ(late.peek()->status, DnsStatus::timed_out);
}

TEST(Lookup, TellsTheListenerThatIsThere) {
  const auto pending = std::make_shared<PendingAnswer>();
  Lookup lookup(pending, far_off());
  const auto bell = std::make_shared<AnswerBell>();
  EXPECT_TRUE(lookup.listen(bell));
  {
    const auto gone = std::make_shared<AnswerBell>();
    EXPECT_TRUE(lookup.listen(gone));
  }
  std::thread server([&] { pending->set(answer_with(DnsStatus::answered)); });
  bell->wait_until(far_off());
  server.join();
  EXPECT_FALSE(lookup.listen(bell)) << "the answer is there";
}

TEST(Lookup, OneBellRingsForTheFirstOfManyAnswers) {
  std::vector<std::shared_ptr<PendingAnswer>> pending;
  const auto bell = std::make_shared<AnswerBell>();
  for (int i = 0; i < 3; ++i) {
    pending.push_back(std::make_shared<PendingAnswer>());
    EXPECT_TRUE(Lookup(pending.back(), far_off()).listen(bell));
  }
  pending[1]->set(answer_with(DnsStatus::answered));
  bell->wait_until(far_off());
  bell->wait_until(past());  // rings no more
  pending[0]->set(answer_with(DnsStatus::answered));
  pending[2]->set(answer_with(DnsStatus::answered));
  bell->wait_until(far_off());
}

TEST(PendingAnswer, TakesAnyNumberOfListenersThatGoAway) {
  PendingAnswer pending;
  const auto bell = std::make_shared<AnswerBell>();
  EXPECT_TRUE(pending.listen(bell));
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(pending.listen(std::make_shared<AnswerBell>()));
  pending.set(answer_with(DnsStatus::answered));
  bell->wait_until(far_off());
}

TEST(LookupBudget, GivesSoManyQuestionsAndNoMore) {
  LookupBudget budget(far_off(), 2);
  EXPECT_TRUE(budget.take());
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  EXPECT_FALSE(budget.take());
  EXPECT_EQ(budget.used(), 2);
}

TEST(LookupBudget, GivesNothingAfterCancel) {
  LookupBudget budget(far_off());
  budget.cancel();
  EXPECT_FALSE(budget.take());
  EXPECT_TRUE(budget.cancelled());
  EXPECT_EQ(budget.used(), 0);
}

TEST(LookupBudget, HoldsAcrossThreads) {
  LookupBudget budget(far_off(), 100);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) taken += budget.take() ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken, 100);
  EXPECT_EQ(budget.used(), 100);
}

TEST(Resolver, HandsOnTheMessagesDeadline) {
  SilentResolver resolver;
  LookupBudget budget(past(), 5);
  Lookup lookup = resolver.start(Name(), RecordType::txt, budget);
  EXPECT_EQ(resolver.deadline, budget.deadline());
  EXPECT_EQ(lookup.get().status, DnsStatus::timed_out);
  EXPECT_EQ(lookup.get().limit, Limit::message_time);
}

TEST(Resolver, AsksNothingWithoutBudget) {
  SilentResolver resolver;
  LookupBudget budget(far_off(), 0);
  const Answer spent = resolver.start(Name(), RecordType::a, budget).get();
  EXPECT_EQ(spent.status, DnsStatus::server_failure);
  EXPECT_NE(spent.error, "");
  EXPECT_EQ(spent.limit, Limit::dns_questions);
  budget.cancel();
  const Answer cancelled = resolver.start(Name(), RecordType::a, budget).get();
  EXPECT_EQ(cancelled.status, DnsStatus::server_failure);
  EXPECT_NE(cancelled.error, spent.error);
  EXPECT_FALSE(cancelled.limit);
  EXPECT_EQ(resolver.asked, 0);
}

TEST(Resolver, WordsOfStatusesAndTypes) {
  EXPECT_EQ(to_string(DnsStatus::answered), "answered");
  EXPECT_EQ(to_string(DnsStatus::no_data), "no_data");
  EXPECT_EQ(to_string(DnsStatus::no_domain), "no_domain");
  EXPECT_EQ(to_string(DnsStatus::server_failure), "server_failure");
  EXPECT_EQ(to_string(DnsStatus::timed_out), "timed_out");
  EXPECT_EQ(to_string(RecordType::a), "A");
  EXPECT_EQ(to_string(RecordType::aaaa), "AAAA");
  EXPECT_EQ(to_string(RecordType::mx), "MX");
  EXPECT_EQ(to_string(RecordType::txt), "TXT");
  EXPECT_EQ(to_string(RecordType::ptr), "PTR");
  EXPECT_EQ(to_string(RecordType::cname), "CNAME");
}

}  // namespace
}  // namespace signet
