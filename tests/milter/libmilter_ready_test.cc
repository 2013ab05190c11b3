// SPDX-License-Identifier: BSD-2-Clause
//
// Which connection is next.

#include <gtest/gtest.h>

#include <vector>

#include "milter/libmilter/ready_connections.h"

namespace signet {
namespace {

using namespace std::chrono_literals;

class LibmilterReady : public testing::Test {
 protected:
  LibmilterReady() {
    for (uint64_t i = 0; i < connections_.size(); ++i) connections_[i].number = i;
  }

  void becomes_ready(size_t number, std::chrono::milliseconds at) {
    ready_.add(connections_[number], kStart + at);
  }
  uint64_t next(std::chrono::milliseconds at) { return ready_.take(kStart + at).number; }

  static constexpr Clock::time_point kStart{1h};
  std::vector<PooledConnection> connections_ = std::vector<PooledConnection>(4);
  ReadyConnections ready_;
};

TEST_F(LibmilterReady, TheOldestConnectionIsNextWhateverTheOrder) {
  for (const size_t number : {2, 0, 3, 1}) becomes_ready(number, 0ms);
  for (const uint64_t number : {0, 1, 2, 3}) EXPECT_EQ(next(1ms), number);
  EXPECT_TRUE(ready_.empty());
}

TEST_F(LibmilterReady, OneThatHasWaitedForLongIsNextBeforeOlderOnes) {
  becomes_ready(3, 0ms);
  becomes_ready(1, 10ms);
  becomes_ready(0, 199ms);
  EXPECT_EQ(next(199ms), 0U);
  becomes_ready(0, 200ms);
  EXPECT_EQ(next(200ms), 3U);
  EXPECT_EQ(next(209ms), 0U);
  becomes_ready(0, 210ms);
  EXPECT_EQ(next(210ms), 1U);
}

}  // namespace
}  // namespace signet
