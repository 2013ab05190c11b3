// SPDX-License-Identifier: BSD-2-Clause
//
// libmilter's threads are a listener, one that waits for signals, one that polls all idle
// connections, and workers, of which it starts one for a connection or for nothing in particular.
// Workers alone wait on its condition, by which they are told from the others; libmilter starts two
// before its first connection. libmilter calls with the lock of its pool held; that lock is never
// taken here while ours is.

#include "milter/libmilter/worker_pool.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace signet {
namespace {

using ThreadStart = void* (*)(void*);

/// How long a thread without work stays.
constexpr std::chrono::seconds kStay{10};

/// How long one may wait in line; looked at once in that time.
constexpr std::chrono::milliseconds kPatience{20};

/// One for each processor; two on the smallest machine, if one should be held up by a disk.
size_t turns() {
  static const size_t count = std::max(2U, std::thread::hardware_concurrency());
  return count;
}

/// What a thread is to do. A worker without argument looks for a connection that is ready.
struct Job {
  ThreadStart start = nullptr;
  void* argument = nullptr;
  bool has_turn = false;
  std::chrono::steady_clock::time_point since{};  // when it came into line
};

/// What the thread at hand works at, and whether it is a worker that has a turn.
thread_local Job own_job;
thread_local bool has_turn = false;

/// 0 or an error number: no exception may pass through libmilter.
template <class Work>
int start_thread(Work work) {
  try {
    std::thread(std::move(work)).detach();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

class WorkerPool {
 public:
  /// 0, or an error number as of pthread_create().
  int start(Job job) {
    const std::lock_guard lock(mutex_);
    if (!is_worker(job)) return call_thread(job);
    join_line(job);
    return 0;
  }

  /// A connection is ready and marked so; libmilter believes that some worker is idle.
  void call_idle_worker() {
    const std::lock_guard lock(mutex_);
    is_any_marked_ = true;
    look_for_marked();
  }

  /// The thread at hand gives up its turn, if it has one.
  void leave_turn() {
    const std::lock_guard lock(mutex_);
    end_turn();
    if (is_any_marked_) look_for_marked();
    serve_line();
  }

  void take_turn() {
    const std::lock_guard lock(mutex_);
    begin_turn();
  }

  /// A worker waits for a connection, with libmilter's lock released. Whether it was called.
  bool idle(pthread_mutex_t* libmilter, std::chrono::system_clock::time_point until) {
    Sleeper self;
    std::unique_lock lock(mutex_);
    worker_ = own_job.start;
    if (!has_usher_) has_usher_ = start_thread([this] { usher(); }) == 0;
    idle_workers_.push_back(&self);
    // It has looked for a connection that is marked as ready just now, and found none.
    is_any_marked_ = false;
    std::erase_if(line_, is_look);
    end_turn();
    serve_line();
    pthread_mutex_unlock(libmilter);
    const bool called = sleep(lock, self, idle_workers_, until);
    if (called) {
      has_turn = true;
    } else {
      begin_turn();  // libmilter looks round once more
    }
    lock.unlock();
    pthread_mutex_lock(libmilter);
    return called;
  }

 private:
  /// A thread that sleeps until it is called.
  struct Sleeper {
    bool called = false;
    Job job;
    std::condition_variable wake;
  };
  using Sleepers = std::vector<Sleeper*>;

  static bool is_look(const Job& job) { return job.argument == nullptr; }

  // All of these with the lock held.
  bool is_worker(const Job& job) const { return job.start != nullptr && job.start == worker_; }

  void begin_turn() {
    if (has_turn || !is_worker(own_job)) return;
    ++at_work_;
    has_turn = true;
  }

  void end_turn() {
    if (std::exchange(has_turn, false)) --at_work_;
  }

  /// A worker that is done with a connection takes one that is marked by itself, unseen from here.
  /// So there are never more in line to look for such than could do so at a time.
  void look_for_marked() {
    if (static_cast<size_t>(std::ranges::count_if(line_, is_look)) < turns()) join_line({worker_});
  }

  void join_line(Job job) {
    job.since = std::chrono::steady_clock::now();
    line_.push_back(job);
    serve_line();
    if (line_.empty() || usher_is_up_) return;
    usher_is_up_ = true;
    usher_called_.notify_one();
  }

  /// Gives turns away while there are any.
  void serve_line() {
    while (!line_.empty() && at_work_ < turns() && serve_first()) continue;
  }

  /// False without a thread: it stays in line, for the next who serves.
  bool serve_first() {
    Job job = line_.front();
    job.has_turn = true;
    const bool taken = (is_look(job) && call(idle_workers_, job)) || !call_thread(job);
    if (!taken) return false;
    ++at_work_;
    line_.pop_front();
    return true;
  }

  /// A thread of its own, from the first idle worker on: looks after those who wait too long. Each
  /// time there may be as many again at work, so that all have a turn soon if none comes to an end.
  void usher() {
    std::unique_lock lock(mutex_);
    while (true) {
      usher_called_.wait(lock, [this] { return usher_is_up_; });
      lock.unlock();
      std::this_thread::sleep_for(kPatience);
      lock.lock();
      const auto too_long = std::chrono::steady_clock::now() - kPatience;
      size_t more = std::max(at_work_, turns());
      while (more-- > 0 && !line_.empty() && line_.front().since <= too_long && serve_first()) {
        continue;
      }
      if (is_any_marked_) look_for_marked();
      usher_is_up_ = !line_.empty();
    }
  }

  /// The sleeper that has come last, if there is one.
  static bool call(Sleepers& sleepers, Job job) {
    if (sleepers.empty()) return false;
    Sleeper& sleeper = *sleepers.back();
    sleepers.pop_back();
    sleeper.job = job;
    sleeper.called = true;
    sleeper.wake.notify_one();
    return true;
  }

  /// The thread that has come to rest last, or a new one. 0 or an error number.
  int call_thread(Job job) {
    if (call(idle_threads_, job)) return 0;
    return start_thread([this, job] { live(job); });
  }

  void live(Job job) {
    bool called = true;
    while (called) {
      own_job = job;
      has_turn = job.has_turn;
      job.start(job.argument);
      std::unique_lock lock(mutex_);
      Sleeper self;
      idle_threads_.push_back(&self);
      end_turn();
      serve_line();
      called = sleep(lock, self, idle_threads_, std::chrono::system_clock::now() + kStay);
      job = self.job;
    }
  }

  /// Whether it was called, and not just time.
  static bool sleep(std::unique_lock<std::mutex>& lock, Sleeper& self, Sleepers& sleepers,
                    std::chrono::system_clock::time_point until) {
    self.wake.wait_until(lock, until, [&] { return self.called; });
    if (!self.called) std::erase(sleepers, &self);
    return self.called;
  }

  std::mutex mutex_;
  ThreadStart worker_ = nullptr;  // libmilter's function, once it is known
  size_t at_work_ = 0;            // workers that have a turn
  std::deque<Job> line_;          // of workers that wait for a turn
  bool is_any_marked_ = false;    // maybe: since a worker looked last and found none
  Sleepers idle_workers_;
  Sleepers idle_threads_;
  std::condition_variable usher_called_;
  bool has_usher_ = false;
  bool usher_is_up_ = false;
};

/// Never destroyed: libmilter's threads outlive all that is static.
WorkerPool& pool() {
  static WorkerPool& only = *new WorkerPool;
  return only;
}

}  // namespace

WaitingWorker::WaitingWorker() { pool().leave_turn(); }
WaitingWorker::~WaitingWorker() { pool().take_turn(); }

}  // namespace signet

extern "C" {

int signet_libmilter_thread_create(pthread_t* /*thread*/, const pthread_attr_t* /*attributes*/,
                                   void* (*start)(void*), void* argument) {
  return signet::pool().start({start, argument});
}

int signet_libmilter_thread_detach(pthread_t /*thread*/) { return 0; }

int signet_libmilter_cond_signal(pthread_cond_t* /*condition*/) {
  signet::pool().call_idle_worker();
  return 0;
}

int signet_libmilter_cond_timedwait(pthread_cond_t* /*condition*/, pthread_mutex_t* mutex,
                                    const timespec* until) {
  const auto time = std::chrono::seconds(until->tv_sec) + std::chrono::nanoseconds(until->tv_nsec);
  const std::chrono::system_clock::time_point point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(time));
  return signet::pool().idle(mutex, point) ? 0 : ETIMEDOUT;
}
}
