// SPDX-License-Identifier: BSD-2-Clause
//
// Why a signature is not evaluated any further. Most steps of verifying return one or nothing, and
// the first one found becomes the verdict.

#pragma once

#include <optional>
#include <string>
#include <utility>

#include "crypto/dkim.h"
#include "dns/limit.h"

namespace signet {

/// As it will stand in the verdict.
struct DkimRefusal {
  DkimResult result = DkimResult::neutral;
  std::string reason;
  std::optional<Limit> limit = {};  ///< that was reached, if that is the reason
  friend bool operator==(const DkimRefusal&, const DkimRefusal&) = default;
};

inline std::optional<DkimRefusal> refuse(DkimResult result, std::string reason,
                                         std::optional<Limit> limit = std::nullopt) {
  return DkimRefusal{result, std::move(reason), limit};
}

}  // namespace signet
