// SPDX-License-Identifier: BSD-2-Clause
//
// An Answer as one string of octets, for as long as it lies in the cache. Most of an Answer is room
// for what this one does not have, and each part of it is an allocation: packed it takes a third of
// the memory, and to unpack it costs a fraction of a microsecond.

#pragma once

#include <string>
#include <string_view>

#include "dns/resolver.h"

namespace signet {

std::string pack_answer(const Answer& answer);

/// What pack_answer() was given. (TTLs of more than 32 bits, which the DNS does not have, are cut.)
Answer unpack_answer(std::string_view packed);

}  // namespace signet
