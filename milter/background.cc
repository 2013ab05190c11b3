// SPDX-License-Identifier: BSD-2-Clause
//
// One mutex guards the line of waiting work and the list of threads. A thread is added when more
// work waits than threads are idle; none is ever taken away: a thread that sleeps costs little.

#include "milter/background.h"

#include <system_error>

namespace signet {

Background::~Background() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
    threads.swap(threads_);
  }
  arrived_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

bool Background::is_working() const {
  const std::lock_guard lock(mutex_);
  return idle_ < threads_.size();
}

void Background::enqueue(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
    if (waiting_.size() > idle_ && threads_.size() < maximum_threads_) {
      try {
        threads_.emplace_back(&Background::run, this);
      } catch (const std::system_error&) {
        // The system has no thread to give: the work waits for one that exists already.
        if (threads_.empty()) {
          waiting_.pop_back();
          throw;
        }
      }
    }
  }
  arrived_.notify_one();
}

void Background::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (stopping_) return;
    const std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace signet
