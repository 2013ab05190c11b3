// SPDX-License-Identifier: BSD-2-Clause
//
// LimitCounters: how often each limit was reached since the daemon started, so that an operator
// sees whether one is too low for his mail, or who tries them. Any thread, at the same time.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "dns/limit.h"

namespace signet {

class LimitCounters {
 public:
  /// One message, however often it met each of them.
  void count(LimitSet reached);
  uint64_t messages(Limit limit) const;

 private:
  std::array<std::atomic<uint64_t>, kAllLimits.size()> messages_{};
};

/// "MaximumSignatures 3, MaximumDNSQuestions 1", in the order of kAllLimits; empty if none was
/// reached.
std::string to_string(const LimitCounters& counters);

}  // namespace signet
