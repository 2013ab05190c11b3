// SPDX-License-Identifier: BSD-2-Clause
//
// require: a promise of the code under test. If it does not hold, the line that asked for it is
// named and the process aborts, which is a finding for libFuzzer and a failure for ctest.

#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace signet {

inline void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: a promise is broken\n", where.file_name(), where.line());
  std::abort();
}

}  // namespace signet
