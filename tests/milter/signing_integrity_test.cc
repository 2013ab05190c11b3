// SPDX-License-Identifier: BSD-2-Clause
//
// Odd outgoing messages through Session: signed so that all verify it, or unsigned with a reason.
// More of them: tests/soak.

#include "tests/support/signing_integrity.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

TEST(SigningIntegrity, MailIsSignedSoThatAllVerifyItOrThereIsAReason) {
  const SigningIntegrityReport report =
      prove_signing_integrity({.count = SIGNET_OUTGOING_MESSAGES});
  SCOPED_TRACE(report.text());
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.messages, uint64_t{SIGNET_OUTGOING_MESSAGES});
  EXPECT_GT(report.signed_messages, report.messages / 3);
  EXPECT_GT(report.without_right, report.messages / 3);
  EXPECT_EQ(report.verdicts.passes(DkimParty::native), report.signatures);
}

}  // namespace
}  // namespace signet
