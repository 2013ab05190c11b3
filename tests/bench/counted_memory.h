// SPDX-License-Identifier: BSD-2-Clause
//
// A malloc() that counts, so that what OpenSSL and libopendkim take counts too. It takes the place
// of the C library's in every program that this is linked into. Any thread may ask.

#pragma once

#include <cstddef>

namespace signet {

/// Octets that are allocated now, with what malloc() rounds up.
size_t held_octets();

/// The most that held_octets() has been since forget_most_held(), or the start.
size_t most_held_octets();
void forget_most_held();

}  // namespace signet
