// SPDX-License-Identifier: BSD-2-Clause
//
// Pairs of odd messages on one connection and on fresh ones, against the daemon of this build. More
// of them: tests/soak.

#include "tests/support/message_pairs.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

TEST(MessagePairs, GetOnOneConnectionWhatTheyGetOnFreshOnes) {
  const MessagePairsReport report =
      compare_message_pairs({.build = SIGNET_BINARY_DIR, .pairs = SIGNET_MESSAGE_PAIRS});
  EXPECT_TRUE(report.good()) << report.text();
  EXPECT_EQ(report.pairs, uint64_t{SIGNET_MESSAGE_PAIRS});
  // Which messages are drawn depends on the compiler: it chooses which argument is drawn first.
  EXPECT_GT(report.signed_by_us, report.pairs / 10);
  EXPECT_GT(report.verified, report.pairs / 10);
  EXPECT_GT(report.refused, report.pairs / 50);
}

}  // namespace
}  // namespace signet
