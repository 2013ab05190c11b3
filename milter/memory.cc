// SPDX-License-Identifier: BSD-2-Clause

#include "milter/memory.h"

#include <jemalloc/jemalloc.h>

// jemalloc reads this before main(); MALLOC_CONF in the environment has the last word. One heap,
// not four for each processor: threads go to it for four pieces at a time, so it is rarely busy.
// (use_heap_of_what_stays() makes one more.) A thread keeps up to eight freed pieces of each size
// for itself, not two hundred, and none over 2 KiB, since what idle threads keep holds pages that
// are else free. Pages that have been free for a second go back to the system.
const char* malloc_conf =
    "narenas:1,tcache_nslots_small_max:8,lg_tcache_max:11,dirty_decay_ms:1000,muzzy_decay_ms:0";

namespace signet {
namespace {

#define SIGNET_QUOTE(word) #word
#define SIGNET_QUOTE_VALUE(macro) SIGNET_QUOTE(macro)
constexpr const char* kAllArenas = "arena." SIGNET_QUOTE_VALUE(MALLCTL_ARENAS_ALL) ".purge";

/// Made at the first call. Without memory for it: the heap of all others.
unsigned heap_of_what_stays() {
  static const unsigned heap = [] {
    unsigned made = 0;
    size_t size = sizeof made;
    return mallctl("arenas.create", &made, &size, nullptr, 0) == 0 ? made : 0;
  }();
  return heap;
}

}  // namespace

void use_heap_of_what_stays() {
  unsigned heap = heap_of_what_stays();
  mallctl("thread.arena", nullptr, nullptr, &heap, sizeof heap);
}

void give_back_memory() { mallctl(kAllArenas, nullptr, nullptr, nullptr, 0); }

}  // namespace signet
