// SPDX-License-Identifier: BSD-2-Clause

#include "milter/memory.h"

#include <gtest/gtest.h>
#include <jemalloc/jemalloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "milter/runtime.h"
#include "tests/support/dns_server.h"

namespace signet {
namespace {

unsigned heaps() {
  unsigned count = 0;
  size_t size = sizeof count;
  return mallctl("opt.narenas", &count, &size, nullptr, 0) == 0 ? count : 0;
}

size_t resident_octets() {
  size_t all = 0;
  size_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<size_t>(getpagesize());
}

/// The number of the heap that a new piece lies in.
unsigned heap_of_a_new_piece() {
  const std::unique_ptr<char[]> piece(new char[100]);
  void* place = piece.get();
  unsigned heap = 0;
  size_t size = sizeof heap;
  EXPECT_EQ(mallctl("arenas.lookup", &heap, &size, &place, sizeof place), 0);
  return heap;
}

/// Where a thread that uses the heap of what stays gets its memory.
unsigned heap_of_what_stays() {
  unsigned heap = 0;
  std::thread([&heap] {
    use_heap_of_what_stays();
    heap = heap_of_a_new_piece();
  }).join();
  return heap;
}

unsigned threads_with(unsigned heap) {
  uint64_t epoch = 1;  // writing it brings the figures up to date
  EXPECT_EQ(mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch), 0);
  unsigned threads = 0;
  size_t size = sizeof threads;
  const std::string name = "stats.arenas." + std::to_string(heap) + ".nthreads";
  EXPECT_EQ(mallctl(name.c_str(), &threads, &size, nullptr, 0), 0);
  return threads;
}

TEST(Memory, TheProgramsMallocIsJemallocWithOurSettings) {
  EXPECT_EQ(heaps(), 1U);
  const std::unique_ptr<char[]> octets(new char[100]);
  EXPECT_EQ(sallocx(octets.get(), 0), 112U);  // the size that jemalloc has for 100
}

TEST(Memory, WhatStaysHasOneHeapOfItsOwn) {
  EXPECT_NE(heap_of_what_stays(), heap_of_a_new_piece());
  EXPECT_EQ(heap_of_what_stays(), heap_of_what_stays()) << "each reload starts such a thread";
}

TEST(Memory, TheResolversThreadUsesTheHeapOfWhatStays) {
  const unsigned heap = heap_of_what_stays();
  EXPECT_EQ(threads_with(heap), 0U);
  const DnsServer server("example.com. IN A 192.0.2.1");
  Config config;
  config.nameservers = {server.address()};
  const auto resolver = build_resolver(config);
  ASSERT_TRUE(resolver) << resolver.error();
  LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::seconds(5));
  const Answer answer =
      (*resolver)->start(*parse_query_name("example.com"), RecordType::a, budget).get();
  EXPECT_EQ(answer.status, DnsStatus::answered) << "so the thread runs";
  EXPECT_EQ(threads_with(heap), 1U);
}

TEST(Memory, WhatWasFreedGoesBackToTheSystem) {
  constexpr size_t kPieces = 20000;
  constexpr size_t kOctets = 2000;
  const size_t before = resident_octets();
  {
    std::vector<std::string> pieces(kPieces, std::string(kOctets, 'x'));
    EXPECT_GT(resident_octets(), before + kPieces * kOctets / 2);
  }
  give_back_memory();
  EXPECT_LT(resident_octets(), before + kPieces * kOctets / 10);
}

}  // namespace
}  // namespace signet
