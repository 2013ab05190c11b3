// SPDX-License-Identifier: BSD-2-Clause

#include "milter/memory.h"

#include <gtest/gtest.h>
#include <jemalloc/jemalloc.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

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

TEST(Memory, TheProgramsMallocIsJemallocWithOurSettings) {
  EXPECT_EQ(heaps(), 1U);
  const std::unique_ptr<char[]> octets(new char[100]);
  EXPECT_EQ(sallocx(octets.get(), 0), 112U);  // the size that jemalloc has for 100
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
