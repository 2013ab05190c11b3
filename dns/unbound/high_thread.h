// SPDX-License-Identifier: BSD-2-Clause
//
// A thread whose stack lies above all that malloc gives out, for libunbound 1.17.1. That looks for
// an open TCP connection to use again by a key on its stack, in a tree ordered by address, and
// finds one only if some connection's memory lies below. Otherwise each question opens a
// connection of its own, and when there may be no more of them it closes one on which another
// question waits, which fails. Threads' stacks and heaps stand in any order.

#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>

#include "dns/result.h"

namespace signet {

/// Start it once, join it once.
class HighThread {
 public:
  HighThread() = default;
  ~HighThread();
  HighThread(const HighThread&) = delete;
  HighThread& operator=(const HighThread&) = delete;

  /// Runs `work`, which must not throw, on a thread with a stack of 4 MiB. An Error if there is no
  /// memory or no thread. In an address space so full that nothing is left below the stack of the
  /// main thread, it lies where there is room.
  Result<bool> start(std::function<void()> work);

  bool joinable() const { return is_running_; }
  void join();

 private:
  std::function<void()> work_;
  void* stack_ = nullptr;
  pthread_t thread_{};
  bool is_running_ = false;
};

}  // namespace signet
