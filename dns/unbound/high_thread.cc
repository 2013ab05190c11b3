// SPDX-License-Identifier: BSD-2-Clause
//
// Linux puts the main thread's stack at the top of the address space and leaves a gap below it for
// its growth; heaps and other stacks come below that gap.

#include "dns/unbound/high_thread.h"

#include <fmt/format.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace signet {
namespace {

constexpr size_t kStackOctets = size_t{4} << 20;       // the thread's own data included
constexpr size_t kMainStackOctets = size_t{32} << 20;  // for the growth of the main thread's
constexpr int kMostHighStacks = 16;                    // at once; 64 MiB of a gap of 128 at least

void* map_stack(void* address, int flags) {
  return mmap(address, kStackOctets, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | flags, -1, 0);
}

/// MAP_FAILED if there is no memory.
void* map_high_stack() {
  // The kernel puts the octets of AT_RANDOM above the main thread's stack.
  const uintptr_t random = getauxval(AT_RANDOM);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): getauxval(3) gives addresses as numbers
  char* wanted = reinterpret_cast<char*>(random - random % kStackOctets) - kMainStackOctets;
  for (int i = 0; i < kMostHighStacks; ++i) {
    wanted -= kStackOctets;
    void* stack = map_stack(wanted, MAP_FIXED_NOREPLACE);
    if (stack == wanted) return stack;
    if (stack != MAP_FAILED) munmap(stack, kStackOctets);  // Linux before 4.17
  }
  return map_stack(nullptr, 0);
}

Error failure(const char* what, int code) {
  return {fmt::format("{}: {}", what, std::strerror(code))};
}

}  // namespace

HighThread::~HighThread() {
  if (is_running_) join();
  if (stack_ != nullptr) munmap(stack_, kStackOctets);
}

Result<bool> HighThread::start(std::function<void()> work) {
  work_ = std::move(work);
  void* stack = map_high_stack();
  if (stack == MAP_FAILED) return failure("no stack for a thread", errno);
  stack_ = stack;
  // One page that no overflow gets across; pthread_attr_setstack() makes none.
  if (mprotect(stack, static_cast<size_t>(getpagesize()), PROT_NONE) != 0) {
    return failure("no guard page for a stack", errno);
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  int code = pthread_attr_setstack(&attributes, stack, kStackOctets);
  const auto run = [](void* self) -> void* {
    static_cast<HighThread*>(self)->work_();
    return nullptr;
  };
  if (code == 0) code = pthread_create(&thread_, &attributes, run, this);
  pthread_attr_destroy(&attributes);
  if (code != 0) return failure("no thread", code);
  is_running_ = true;
  return true;
}

void HighThread::join() {
  pthread_join(thread_, nullptr);
  is_running_ = false;
}

}  // namespace signet
