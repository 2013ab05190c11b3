// SPDX-License-Identifier: BSD-2-Clause
//
// The proof that DKIM is the same everywhere: odd messages are signed by both engines with RSA and
// Ed25519 keys in all canonicalizations, and verified by both engines, dkimpy and Mail::DKIM. Each
// verdict that is no pass has to be in the table of known differences; each tampered copy has to be
// refused by all. The test runs 10,000 messages; the program in tests/bench any number.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/dkim_differences.h"

namespace signet {

struct DkimProofOptions {
  uint64_t seed = 1;
  uint64_t first = 0;  ///< index of the first message
  uint64_t count = 0;
  uint64_t tampered_one_in = 20;
};

/// What came of it.
struct DkimProofReport {
  uint64_t messages = 0;
  uint64_t octets = 0;    ///< of all messages, as signed
  uint64_t refused = 0;   ///< of them not signed, each for a reason that its features have
  uint64_t tampered = 0;  ///< copies
  std::map<SignatureKind, uint64_t> signatures;
  DkimVerdictCounts verdicts;  ///< of untampered messages
  uint64_t unexplained = 0;
  std::vector<std::string> problems;  ///< the first of the unexplained, in words

  uint64_t signature_count() const;
  void add(const DkimProofReport& other);
  /// A line for each figure, and for each row of the table that was needed.
  std::string text() const;
};

/// Throws std::runtime_error if a witness can't be run.
DkimProofReport prove_dkim(const DkimProofOptions& options);

}  // namespace signet
