// SPDX-License-Identifier: BSD-2-Clause
//
// One mutex guards the line of waiting work and the list of threads. None of these is ever taken
// away: a thread that sleeps costs little.

#include "milter/background.h"

#include <system_error>
#include <utility>

namespace signet {
namespace {

/// So much work for each thread that is awake wakes no other.
constexpr size_t kShortLine = 8;

}  // namespace

Background::~Background() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
    later_.clear();
    threads.swap(threads_);
  }
  arrived_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

bool Background::is_working() const {
  const std::lock_guard lock(mutex_);
  return idle_ < threads_.size() || !waiting_.empty();
}

void Background::start(Work work) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  add_threads();
  waiting_.push_back(std::move(work));
  // Who is awake comes to the next by himself: work is short, and waking somebody is not.
  const size_t awake = threads_.size() - idle_ + called_;
  if (waiting_.size() <= kShortLine * awake || idle_ == called_) return;
  ++called_;
  arrived_.notify_one();
}

void Background::start_at(Deadline time, Work work) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  add_threads();
  const auto added = later_.emplace(time, std::move(work));
  // Whoever sleeps sleeps until an earlier one.
  if (added == later_.begin()) arrived_.notify_one();
}

void Background::add_threads() {
  if (!threads_.empty()) return;
  try {
    while (threads_.size() < maximum_threads_) threads_.emplace_back(&Background::run, this);
  } catch (const std::system_error&) {
    // The system has no more threads to give: there will be fewer.
    if (threads_.empty()) throw;
  }
}

void Background::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (waiting_.empty()) {
      ++idle_;
      wait_for_work(lock);
      --idle_;
    }
    if (stopping_) return;
    {
      const Work work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work();
    }  // and what it owned is gone before the lock is taken
    lock.lock();
  }
}

/// Whoever wakes, for whatever reason, looks at the line.
void Background::note_awake() {
  if (called_ > 0) --called_;
}

void Background::wait_for_work(std::unique_lock<std::mutex>& lock) {
  while (!stopping_ && waiting_.empty()) {
    if (later_.empty()) {
      arrived_.wait(lock);
      note_awake();
      continue;
    }
    const auto next = later_.begin();
    const Deadline time = next->first;
    if (time <= std::chrono::steady_clock::now()) {
      waiting_.push_back(std::move(next->second));
      later_.erase(next);
    } else {
      arrived_.wait_until(lock, time);
      note_awake();
    }
  }
}

}  // namespace signet
