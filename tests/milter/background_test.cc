// SPDX-License-Identifier: BSD-2-Clause
//
// The pool that SPF checks wait in.

#include "milter/background.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <stdexcept>

namespace signet {
namespace {

TEST(Background, GivesBackWhatTheWorkReturned) {
  Background background(2);
  std::vector<std::future<int>> answers;
  answers.reserve(100);
  for (int i = 0; i < 100; ++i) answers.push_back(background.start([i] { return i * i; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(answers[i].get(), i * i);
}

TEST(Background, RunsAsManyAtOnceAsItMay) {
  Background background(3);
  std::latch all_there(3);  // opens only if three run at the same time
  std::vector<std::future<void>> answers;
  answers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    answers.push_back(background.start([&] { all_there.arrive_and_wait(); }));
  }
  for (auto& answer : answers) {
    EXPECT_EQ(answer.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  }
}

TEST(Background, DroppingAFutureDoesNotWait) {
  std::latch begun(1);
  std::latch release(1);
  std::atomic<bool> ran = false;
  {
    Background background(1);
    {
      const auto abandoned = background.start([&] {
        begun.count_down();
        release.wait();
        ran = true;
      });
    }
    begun.wait();
    EXPECT_FALSE(ran);
    release.count_down();
  }
  EXPECT_TRUE(ran);
}

TEST(Background, IsWorkingUntilTheWorkHasEnded) {
  Background background(1);
  EXPECT_FALSE(background.is_working());
  std::latch release(1);
  background.start([&] { release.wait(); });
  EXPECT_TRUE(background.is_working());
  release.count_down();
  while (background.is_working()) std::this_thread::yield();
}

TEST(Background, HandsExceptionsToWhoeverAsks) {
  Background background(1);
  auto answer = background.start([]() -> int { throw std::runtime_error("no"); });
  EXPECT_THROW(answer.get(), std::runtime_error);
}

TEST(Background, WorkStillInLineAtTheEndBreaksItsPromise) {
  std::future<void> waiting;
  std::latch release(1);
  std::latch begun(1);
  std::thread releaser;
  {
    Background background(1);
    const auto first = background.start([&] {
      begun.count_down();
      release.wait();
    });
    begun.wait();
    waiting = background.start([] {});
    releaser = std::thread([&] {
      while (waiting.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
      }
      release.count_down();
    });
  }
  releaser.join();
  EXPECT_THROW(waiting.get(), std::future_error);
}

}  // namespace
}  // namespace signet
