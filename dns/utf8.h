// SPDX-License-Identifier: BSD-2-Clause
//
// The one reader of UTF-8 (RFC 3629) for everything that outside data passes through: tag lists,
// header fields, log lines.

#pragma once

#include <cstddef>
#include <string_view>

namespace signet {

/// Octets of the well-formed UTF-8 character that `text` begins with, 1 to 4; 0 if there is none
/// (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF).
size_t utf8_length(std::string_view text);

}  // namespace signet
