// SPDX-License-Identifier: BSD-2-Clause
//
// SPF checks in the background of a message: on which threads they run, when they go on, and that
// they end with their message.

#include "milter/running_spf.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "dns/unbound/unbound_resolver.h"
#include "tests/support/dns_server.h"
#include "tests/support/spf_zone.h"
#include "tests/support/step_resolver.h"

namespace signet {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kZone = R"(
example.com.   TXT "v=spf1 include:i.example.com mx -all"
i.example.com. TXT "v=spf1 mx -all"
i.example.com. MX 10 h.example.com.
example.com.   MX 10 h.example.com.
h.example.com. A 192.0.2.1
)";

class RunningSpfTest : public testing::Test {
 protected:
  std::shared_ptr<RunningSpf> start(std::shared_ptr<Resolver> resolver) {
    return RunningSpf::start(std::move(resolver), budget_, background_, request_of("192.0.2.1"),
                             SpfIdentity::mail_from);
  }
  static Deadline far_off() { return steady_clock::now() + hours(1); }
  static Deadline past() { return steady_clock::now() - hours(1); }

  ZoneResolver zone_{kZone};
  std::shared_ptr<StepResolver> steps_ = std::make_shared<StepResolver>(zone_);
  std::shared_ptr<LookupBudget> budget_ = std::make_shared<LookupBudget>(far_off(), 10'000);
  Background background_{2};
};

TEST_F(RunningSpfTest, EndsWhereItBeginsIfAllAnswersAreCached) {
  // A pool without threads: what is not done at once is never done.
  Background nobody(0);
  ZoneResolver cached(kZone);
  const auto running =
      RunningSpf::start(std::shared_ptr<Resolver>(&cached, [](Resolver*) {}), budget_, nobody,
                        request_of("192.0.2.1"), SpfIdentity::mail_from);
  const auto verdict = running->verdict(past());
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->result, SpfResult::pass);
  EXPECT_EQ(verdict->questions, budget_->used());
}

TEST_F(RunningSpfTest, GoesOnAsAnswersComeWhileNobodyWaitsForIt) {
  const auto running = start(steps_);
  EXPECT_FALSE(running->verdict(past()));
  for (const int asked : {3, 5}) {
    steps_->answer_all();
    while (steps_->asked() < asked) std::this_thread::yield();
  }
  EXPECT_EQ(steps_->answer_all(), 2U);
  EXPECT_EQ(running->verdict(far_off())->result, SpfResult::pass);
}

TEST_F(RunningSpfTest, OccupiesNoThreadWhileItWaits) {
  std::vector<std::shared_ptr<RunningSpf>> many;
  for (int i = 0; i < 100; ++i) many.push_back(start(steps_));
  while (background_.is_working()) std::this_thread::yield();
  for (const int asked : {3, 5}) {
    steps_->answer_all();
    while (steps_->asked() < asked) std::this_thread::yield();
  }
  steps_->answer_all();
  for (const auto& running : many) {
    EXPECT_EQ(running->verdict(far_off())->result, SpfResult::pass);
  }
}

TEST_F(RunningSpfTest, EndsWithItsMessage) {
  std::weak_ptr<RunningSpf> gone;
  {
    const auto running = start(steps_);
    gone = running;
    EXPECT_EQ(steps_->asked(), 1);
    budget_->cancel();
  }
  EXPECT_TRUE(gone.expired());
  steps_->answer_all();
  while (background_.is_working()) std::this_thread::yield();
  EXPECT_EQ(steps_->asked(), 1);
}

TEST_F(RunningSpfTest, MayBeDroppedWhileAnswersCome) {
  for (int i = 0; i < 200; ++i) {
    const auto resolver = std::make_shared<StepResolver>(zone_);
    auto running = start(resolver);
    std::thread server([&] {
      for (int step = 0; step < 3; ++step) resolver->answer_all();
    });
    if (i % 2 == 0) std::this_thread::yield();
    running.reset();
    server.join();
  }
}

TEST_F(RunningSpfTest, MayBeTheLastWhoHoldsTheResolver) {
  // The real one has a thread, which brings the answers and cannot wait for its own end.
  DnsServer server(kZone);
  UnboundOptions options;
  options.nameservers = {server.address()};
  for (int i = 0; i < 20; ++i) {
    auto running = start(*UnboundResolver::create(options));
    if (i % 2 == 0) {
      EXPECT_EQ(running->verdict(far_off())->result, SpfResult::pass);
    }
    running.reset();
  }
}

TEST_F(RunningSpfTest, TakesSilenceForAnAnswerWhenItsTimeIsOverThoughNobodyTells) {
  budget_->set_deadline(steady_clock::now() + milliseconds(30));
  const auto running = start(steps_);
  const auto verdict = running->verdict(far_off());
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->result, SpfResult::temperror);
  EXPECT_GE(steady_clock::now(), budget_->deadline());
}

TEST_F(RunningSpfTest, HandsExceptionsToWhoeverAsks) {
  class BrokenResolver final : public Resolver {
    Lookup ask(const Name& /*name*/, RecordType /*type*/, Deadline /*deadline*/) override {
      throw std::runtime_error("no");
    }
  };
  const auto running = start(std::make_shared<BrokenResolver>());
  EXPECT_THROW(running->verdict(far_off()), std::runtime_error);
}

}  // namespace
}  // namespace signet
