// SPDX-License-Identifier: BSD-2-Clause
//
// What the daemon's memory comes from: jemalloc, with settings of ours, in the place of glibc's
// malloc(). That keeps what large messages leave inside its heaps, and a message with its hundreds
// of small pieces costs it more. A build under a sanitizer, which brings a malloc() of its own, has
// neither.

#pragma once

namespace signet {

#ifdef SIGNET_JEMALLOC
/// Gives the system back what is free. jemalloc does so by itself only while it is asked for
/// memory. Any thread.
void give_back_memory();
#else
inline void give_back_memory() {}
#endif

}  // namespace signet
