// SPDX-License-Identifier: BSD-2-Clause
//
// Odd outgoing messages through Session, from clients that may have mail signed and from clients
// that may not, in the name of domains with keys and without. Each is signed by every key of its
// author, and then the signatures verify here and elsewhere; or it is not, and there is a reason.
// No h= is without From, there is no l=, and who has no right gets no signature.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/dkim_differences.h"

namespace signet {

struct SigningIntegrityOptions {
  uint64_t seed = 1;
  uint64_t count = 0;
  uint64_t witnessed_one_in = 20;  ///< of the signed messages dkimpy and Mail::DKIM see so many
};

struct SigningIntegrityReport {
  uint64_t messages = 0;
  uint64_t without_right = 0;  ///< whose client may not sign for anybody
  uint64_t signed_messages = 0;
  uint64_t signatures = 0;
  std::map<std::string, uint64_t> unsigned_why;  ///< of those whose client may
  DkimVerdictCounts verdicts;
  uint64_t problem_count = 0;
  std::vector<std::string> problems;  ///< the first of them

  bool good() const { return problem_count == 0; }
  std::string text() const;
};

/// Throws std::runtime_error if a witness cannot be run.
SigningIntegrityReport prove_signing_integrity(const SigningIntegrityOptions& options);

}  // namespace signet
