// SPDX-License-Identifier: BSD-2-Clause
//
// Why a signature is not evaluated any further. Most steps of verifying return one or nothing, and
// the first one found becomes the verdict.

#pragma once

#include <optional>
#include <string>
#include <utility>

#include "crypto/dkim.h"

namespace signet {

/// As it will stand in the verdict.
struct DkimRefusal {
  DkimResult result = DkimResult::neutral;
  std::string reason;
  friend bool operator==(const DkimRefusal&, const DkimRefusal&) = default;
};

inline std::optional<DkimRefusal> refuse(DkimResult result, std::string reason) {
  return DkimRefusal{result, std::move(reason)};
}

}  // namespace signet
