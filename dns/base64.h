// SPDX-License-Identifier: BSD-2-Clause
//
// Base64 (RFC 4648 4) as the DKIM tags b=, bh= and p= use it: folding white space may stand
// anywhere (RFC 6376 2.10), everything else is strict. Two texts never decode to the same octets
// unless they differ in white space alone.

#pragma once

#include <string>
#include <string_view>

#include "dns/result.h"

namespace signet {

/// The octets of `text`; an empty or all-white text is empty. An Error for a character outside the
/// alphabet, for missing or misplaced padding, and for unused bits that are not zero.
Result<std::string> decode_base64(std::string_view text);

/// `octets` in base64, padded, on one line.
std::string encode_base64(std::string_view octets);

}  // namespace signet
