// SPDX-License-Identifier: BSD-2-Clause
//
// Counting limits by their place in the enumeration.

#include "milter/limit_counters.h"

#include <fmt/format.h>

namespace signet {

void LimitCounters::count(LimitSet reached) {
  for (const Limit limit : kAllLimits) {
    if (!reached.has(limit)) continue;
    messages_[static_cast<size_t>(limit)].fetch_add(1, std::memory_order_relaxed);
  }
}

uint64_t LimitCounters::messages(Limit limit) const {
  return messages_[static_cast<size_t>(limit)].load(std::memory_order_relaxed);
}

std::string to_string(const LimitCounters& counters) {
  std::string text;
  for (const Limit limit : kAllLimits) {
    const uint64_t messages = counters.messages(limit);
    if (messages == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", to_string(limit), messages);
  }
  return text;
}

}  // namespace signet
