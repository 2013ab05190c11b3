// SPDX-License-Identifier: BSD-2-Clause
//
// The C library lets a program bring its own functions, and keeps its own under other names.

#include "tests/bench/counted_memory.h"

#include <malloc.h>

#include <atomic>

namespace {

std::atomic<size_t> held{0};
std::atomic<size_t> most_held{0};

void* count(void* memory) {
  const size_t now = held += malloc_usable_size(memory);
  size_t most = most_held;
  while (now > most && !most_held.compare_exchange_weak(most, now)) {
  }
  return memory;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void __libc_free(void* memory);

void* malloc(size_t size) { return count(__libc_malloc(size)); }
void* calloc(size_t number, size_t size) { return count(__libc_calloc(number, size)); }
void* realloc(void* memory, size_t size) {
  held -= malloc_usable_size(memory);
  return count(__libc_realloc(memory, size));
}
void free(void* memory) {
  held -= malloc_usable_size(memory);
  __libc_free(memory);
}
}
// NOLINTEND(bugprone-reserved-identifier)

namespace signet {

size_t held_octets() { return held; }

size_t most_held_octets() { return most_held; }

void forget_most_held() { most_held = held.load(); }

}  // namespace signet
