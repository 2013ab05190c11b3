// SPDX-License-Identifier: BSD-2-Clause
//
// Threads whose stacks lie above what malloc gives out to any thread.

#include "dns/unbound/high_thread.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace signet {
namespace {

uintptr_t address_on_the_stack() { return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)); }

/// The highest of a thousand small blocks.
uintptr_t highest_block() {
  std::vector<std::unique_ptr<int>> blocks;
  uintptr_t highest = 0;
  for (int i = 0; i < 1000; ++i) {
    blocks.push_back(std::make_unique<int>(i));
    highest = std::max(highest, reinterpret_cast<uintptr_t>(blocks.back().get()));
  }
  return highest;
}

TEST(HighThread, ItsStackLiesAboveTheHeapsOfAllThreads) {
  std::vector<uintptr_t> blocks(8);
  {
    std::vector<std::jthread> others;
    for (uintptr_t& block : blocks) others.emplace_back([&block] { block = highest_block(); });
  }
  for (int round = 0; round < 20; ++round) {
    uintptr_t stack = 0;
    uintptr_t own_block = 0;
    HighThread thread;
    ASSERT_TRUE(thread.start([&] {
      stack = address_on_the_stack();
      own_block = highest_block();
    }));
    thread.join();
    EXPECT_GT(stack, own_block);
    EXPECT_GT(stack, *std::ranges::max_element(blocks));
    EXPECT_GT(stack, highest_block());
  }
}

TEST(HighThread, ManyAtOnceEachHaveTheirOwn) {
  std::atomic<int> done = 0;
  {
    std::vector<std::unique_ptr<HighThread>> threads;
    for (int i = 0; i < 70; ++i) {  // more than there is room for below the main thread's stack
      threads.push_back(std::make_unique<HighThread>());
      ASSERT_TRUE(threads.back()->start([&done] { ++done; }));
    }
  }
  EXPECT_EQ(done, 70);
}

TEST(HighThread, RunsWhatNeedsHalfAMegabyteOfStack) {
  int sum = 0;
  HighThread thread;
  ASSERT_TRUE(thread.start([&sum] {
    volatile char deep[512 * 1024];
    for (size_t i = 0; i < sizeof deep; i += 4096) deep[i] = 1;
    for (size_t i = 0; i < sizeof deep; i += 4096) sum += deep[i];
  }));
  EXPECT_TRUE(thread.joinable());
  thread.join();
  EXPECT_FALSE(thread.joinable());
  EXPECT_EQ(sum, 128);
}

/// Ends the process: with 0 if no thread can be had and that is said.
[[noreturn]] void start_without_memory() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_AS, &none);
  HighThread thread;
  const Result<bool> started = thread.start([] {});
  const bool says_so = !started && !thread.joinable() &&
                       started.error() == "no stack for a thread: Cannot allocate memory";
  std::_Exit(says_so ? 0 : 1);
}

TEST(HighThread, SaysSoWhenThereIsNoMemoryForItsStack) {
  EXPECT_EXIT(start_without_memory(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace signet
