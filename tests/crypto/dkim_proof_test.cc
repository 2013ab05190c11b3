// SPDX-License-Identifier: BSD-2-Clause
//
// 10,000 odd messages, signed by both engines and verified by four verifiers, and no difference
// that is not in the table of tests/support/dkim_differences.cc. Under the sanitizers a share of
// them (SIGNET_PROOF_MESSAGES, tests/modules.cmake). More of them: tests/bench.

#include "tests/support/dkim_proof.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/odd_messages.h"

namespace signet {
namespace {

constexpr uint64_t kAll = 10'000;

TEST(OddMessages, TenThousandAreAllDifferentAndHaveEveryFeature) {
  std::set<size_t> hashes;
  std::bitset<kOddFeatureCount> features;
  for (uint64_t index = 0; index < kAll; ++index) {
    const OddMessage message = odd_message(1, index);
    hashes.insert(std::hash<std::string>()(message.wire_text()));
    features |= message.features;
  }
  EXPECT_EQ(hashes.size(), kAll);
  EXPECT_TRUE(features.all()) << features;
}

TEST(OddMessages, AMessageDependsOnSeedAndIndexAlone) {
  EXPECT_EQ(odd_message(1, 7).wire_text(), odd_message(1, 7).wire_text());
  EXPECT_NE(odd_message(1, 7).wire_text(), odd_message(2, 7).wire_text());
  EXPECT_NE(odd_message(1, 7).wire_text(), odd_message(1, 8).wire_text());
}

TEST(OddMessages, FieldsStayWhatTheyAreOnTheWire) {
  for (uint64_t index = 0; index < 1000; ++index) {
    for (const HeaderField& field : odd_message(1, index).fields) {
      EXPECT_FALSE(field.name.empty());
      // A line end inside a value is a fold, or the header would end there.
      for (size_t at = field.value.find('\n'); at != std::string::npos;
           at = field.value.find('\n', at + 1)) {
        ASSERT_GT(at, 0U);
        EXPECT_EQ(field.value[at - 1], '\r');
        ASSERT_LT(at + 1, field.value.size());
        EXPECT_TRUE(field.value[at + 1] == ' ' || field.value[at + 1] == '\t');
      }
    }
  }
}

TEST(DkimDifferences, WhatIsNotInTheTableIsNotExplained) {
  OddMessage message;
  const SignatureKind kind;
  EXPECT_EQ(explain_difference(DkimParty::native, message, kind, "fail body hash differs"),
            nullptr);
  const std::string_view said = "fail ValidationError: body hash mismatch";
  EXPECT_EQ(explain_difference(DkimParty::dkimpy, message, kind, said), nullptr);
  message.features.set(static_cast<size_t>(OddFeature::bare_lf_in_body));
  EXPECT_NE(explain_difference(DkimParty::dkimpy, message, kind, said), nullptr);
  EXPECT_EQ(explain_difference(DkimParty::mail_dkim, message, kind, said), nullptr);
}

TEST(DkimProof, OddMessagesVerifyEverywhereOrTheTableSaysWhyNot) {
  const DkimProofReport report = prove_dkim({.seed = 1, .count = SIGNET_PROOF_MESSAGES});
  SCOPED_TRACE(report.text());
  EXPECT_EQ(report.messages, uint64_t{SIGNET_PROOF_MESSAGES});
  EXPECT_EQ(report.unexplained, 0U);
  EXPECT_GT(report.tampered, report.messages / 25);
  EXPECT_LT(report.refused, report.messages / 20);
  // RSA by both engines and Ed25519, each in the four canonicalizations.
  EXPECT_EQ(report.signatures.size(), 12U);
  EXPECT_GT(report.signature_count(), 29 * (report.messages - report.refused) / 10);
  EXPECT_EQ(report.verdicts.passes(DkimParty::native), report.signature_count());
  if (report.messages < kAll) return;  // a share need not meet every row
  for (const DkimDifference& row : dkim_differences()) {
    EXPECT_TRUE(report.verdicts.has(row))
        << "the table is out of date: " << to_string(row.party) << " never says " << row.said;
  }
}

}  // namespace
}  // namespace signet
