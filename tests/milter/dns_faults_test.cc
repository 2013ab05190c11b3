// SPDX-License-Identifier: BSD-2-Clause
//
// A broken DNS, against the daemon of this build, with short timeouts. The same with those it has
// by default: tests/soak.

#include "tests/support/dns_faults.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

TEST(DnsFaults, EveryMessageGetsTheRightVerdictInTimeAndLeavesNothing) {
  using std::chrono::milliseconds;
  const DnsFaultsReport report = break_dns({.build = SIGNET_BINARY_DIR,
                                            .dns_timeout = milliseconds(500),
                                            .message_timeout = milliseconds(1000)});
  EXPECT_TRUE(report.good()) << report.text();
}

}  // namespace
}  // namespace signet
