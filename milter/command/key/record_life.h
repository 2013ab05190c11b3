// SPDX-License-Identifier: BSD-2-Clause
//
// How long a key's record has to stay in the DNS after the last signature by it was made: as long
// as a message that bears one may still come to a verifier and pass.

#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string>

namespace signet {

/// How long mail may wait in queues on its way: Postfix's maximal_queue_lifetime, and RFC 5321
/// 4.5.4.1 speaks of 4-5 days.
inline constexpr std::chrono::days kQueueTime{5};
/// For signatures that never expire (SignatureTTL 0).
inline constexpr std::chrono::days kLifeWithoutExpiry{30};

inline std::chrono::seconds record_life(std::chrono::seconds signature_ttl) {
  if (signature_ttl.count() == 0) return kLifeWithoutExpiry;
  return signature_ttl + kQueueTime;
}

/// `5 days`; what is begun counts whole.
inline std::string days_text(std::chrono::seconds time) {
  const auto count = std::chrono::ceil<std::chrono::days>(time).count();
  return fmt::format("{} day{}", count, count == 1 ? "" : "s");
}

}  // namespace signet
