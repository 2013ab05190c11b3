// SPDX-License-Identifier: BSD-2-Clause
//
// What the programs' memory comes from: jemalloc, with settings of ours, in the place of glibc's
// malloc(). That keeps what large messages leave inside its heaps, and a message with its hundreds
// of small pieces costs it more. A build under a sanitizer, which brings a malloc() of its own, has
// neither.

#pragma once

namespace signet {

#ifdef SIGNET_JEMALLOC
/// Gives the system back what is free. jemalloc does so by itself only while it is asked for
/// memory. Any thread.
void give_back_memory();

/// From here on the calling thread takes its memory from the second heap, for what is kept long.
/// Any thread may free it.
void use_heap_of_what_stays();
#else
inline void give_back_memory() {}
inline void use_heap_of_what_stays() {}
#endif

}  // namespace signet
