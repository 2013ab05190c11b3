// SPDX-License-Identifier: BSD-2-Clause
//
// Background: a few threads for what goes on while a message is still arriving (SPF checks whose
// answers come in). They are made when there is work for the first time, and the longer the line of
// work is, the more of them are woken. Work must be short and not wait for anything itself, or the
// others would wait with it.

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "dns/resolver.h"

namespace signet {

class Background {
 public:
  /// It must not throw.
  using Work = std::function<void()>;

  explicit Background(size_t maximum_threads) : maximum_threads_(maximum_threads) {}
  /// Waits for work that has begun; work still in line is dropped.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Runs `work` on some thread of the pool. Any thread may call, one of the pool included.
  void start(Work work);
  /// The same, when the time has come.
  void start_at(Deadline time, Work work);

  /// Whether there is work that has begun, or could.
  bool is_working() const;

 private:
  void add_threads();
  void note_awake();
  void run();
  void wait_for_work(std::unique_lock<std::mutex>& lock);

  const size_t maximum_threads_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Work> waiting_;             // guarded by mutex_
  std::multimap<Deadline, Work> later_;  // guarded by mutex_
  std::vector<std::thread> threads_;     // guarded by mutex_
  size_t idle_ = 0;                      // guarded by mutex_
  size_t called_ = 0;                    // guarded by mutex_; idle still, but about to wake
  bool stopping_ = false;                // guarded by mutex_
};

}  // namespace signet
