// SPDX-License-Identifier: BSD-2-Clause
//
// The pool in which SPF checks go on.

#include "milter/background.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <thread>

namespace signet {
namespace {

using std::chrono::steady_clock;

TEST(Background, RunsAllWork) {
  std::latch done(100);
  Background background(2);
  for (int i = 0; i < 100; ++i) background.start([&] { done.count_down(); });
  done.wait();
}

/// How many were at work at once, at most, of so many that come at once.
int most_at_once(int works, size_t threads) {
  std::atomic<int> at_once = 0;
  std::atomic<int> most = 0;
  std::latch done(works);
  Background background(threads);
  background.start([] {});
  while (background.is_working()) std::this_thread::yield();  // all sleep
  for (int i = 0; i < works; ++i) {
    background.start([&] {
      most = std::max<int>(most, ++at_once);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      --at_once;
      done.count_down();
    });
  }
  done.wait();
  return most;
}

TEST(Background, LeavesAShortLineToWhoeverIsAwake) { EXPECT_EQ(most_at_once(3, 3), 1); }

TEST(Background, PutsAsManyToALongLineAsItMay) { EXPECT_EQ(most_at_once(60, 3), 3); }

TEST(Background, RunsWorkThatWorkStarts) {
  std::latch done(1);
  Background background(1);
  background.start([&] { background.start([&] { done.count_down(); }); });
  done.wait();
}

TEST(Background, RunsWorkWhenItsTimeHasComeAndNotBefore) {
  const auto begin = steady_clock::now();
  const auto soon = begin + std::chrono::milliseconds(30);
  std::promise<steady_clock::time_point> ran;
  std::promise<void> ran_before;
  Background background(1);
  background.start_at(begin + std::chrono::hours(1), [] { ADD_FAILURE() << "an hour early"; });
  background.start_at(soon, [&] { ran.set_value(steady_clock::now()); });
  background.start_at(begin, [&] { ran_before.set_value(); });
  ran_before.get_future().wait();
  EXPECT_GE(ran.get_future().get(), soon);
}

TEST(Background, WaitsAtItsEndForWorkThatHasBegun) {
  std::latch begun(1);
  std::latch release(1);
  std::atomic<bool> ran = false;
  {
    Background background(1);
    background.start([&] {
      begun.count_down();
      release.wait();
      ran = true;
    });
    begun.wait();
    EXPECT_FALSE(ran);
    release.count_down();
  }
  EXPECT_TRUE(ran);
}

TEST(Background, IsWorkingUntilTheWorkHasEnded) {
  std::latch release(1);
  Background background(1);
  EXPECT_FALSE(background.is_working());
  background.start([&] { release.wait(); });
  EXPECT_TRUE(background.is_working());
  release.count_down();
  while (background.is_working()) std::this_thread::yield();
}

TEST(Background, DropsAtItsEndWhatIsStillInLine) {
  std::latch begun(1);
  std::promise<void> release;
  auto dropped = std::make_shared<int>();
  const std::weak_ptr<int> gone = dropped;
  std::thread releaser;
  {
    Background background(1);
    background.start([&] {
      begun.count_down();
      release.get_future().wait();
    });
    begun.wait();
    background.start([dropped] { ADD_FAILURE() << *dropped; });
    background.start_at(steady_clock::now(), [dropped] { ADD_FAILURE() << *dropped; });
    dropped.reset();
    releaser = std::thread([&] {
      while (!gone.expired()) std::this_thread::yield();
      release.set_value();
    });
  }
  releaser.join();
}

}  // namespace
}  // namespace signet
