// SPDX-License-Identifier: BSD-2-Clause
//
// A sentence with outside data in it, on its way to a terminal. Single words go through
// log_value().

#pragma once

#include <string>
#include <string_view>

#include "dns/spf/spf_macro.h"

namespace signet {

// Octets of a sentence shown. Each is bounded where it is made; this is for all of them.
inline constexpr size_t kMaxShownOctets = 512;

inline std::string shown(std::string_view sentence) {
  return printable_ascii(sentence, kMaxShownOctets);
}

}  // namespace signet
