// SPDX-License-Identifier: BSD-2-Clause
//
// Background: a small pool of threads for work that waits for the DNS while a message is still
// arriving (one SPF check each). Threads are made on demand up to a limit; beyond it, work waits
// in line. A future that is dropped does not block: abandoned work ends by its own deadline.

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace signet {

class Background {
 public:
  explicit Background(size_t maximum_threads) : maximum_threads_(maximum_threads) {}
  /// Waits for work that has begun; work still in line is dropped, its futures report
  /// broken_promise.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Runs `work` on some thread of the pool. Any thread may call.
  template <class Work>
  std::future<std::invoke_result_t<Work>> start(Work work) {
    auto task = std::make_shared<std::packaged_task<std::invoke_result_t<Work>()>>(std::move(work));
    auto future = task->get_future();
    enqueue([task] { (*task)(); });
    return future;
  }

  /// Whether the destructor would have to wait.
  bool is_working() const;

 private:
  void enqueue(std::function<void()> work);
  void run();

  const size_t maximum_threads_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_
  std::vector<std::thread> threads_;           // guarded by mutex_
  size_t idle_ = 0;                            // guarded by mutex_
  bool stopping_ = false;                      // guarded by mutex_
};

}  // namespace signet
