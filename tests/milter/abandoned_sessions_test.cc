// SPDX-License-Identifier: BSD-2-Clause
//
// Sessions given up after each step in each way, against the daemon of this build. More rounds of
// it: tests/soak.

#include "tests/support/abandoned_sessions.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

TEST(AbandonedSessions, LeaveNothingToTheNextMessage) {
  const AbandonedSessionsReport report =
      abandon_sessions({.build = SIGNET_BINARY_DIR, .rounds = SIGNET_ABANDONED_ROUNDS});
  EXPECT_TRUE(report.good()) << report.text();
  for (const auto& step : report.done) {
    for (const uint64_t count : step) EXPECT_EQ(count, uint64_t{SIGNET_ABANDONED_ROUNDS});
  }
}

}  // namespace
}  // namespace signet
