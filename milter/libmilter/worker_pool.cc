// SPDX-License-Identifier: BSD-2-Clause
//
// What is used of libmilter's inside are three functions, the same since 8.14 of 2007: mi_engine()
// serves a connection until nothing is left to read or it has ended, mi_clr_ctx() closes it and
// frees all that belongs to it, mi_stop() tells whether the filter is to stop.

#include "milter/libmilter/worker_pool.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "milter/libmilter/accept.h"
#include "milter/libmilter/input.h"
#include "milter/libmilter/ready_connections.h"

extern "C" {
int mi_engine(SMFICTX* context);
void mi_clr_ctx(SMFICTX* context);
int mi_stop();
}

namespace signet {
namespace {

/// How long a worker without a turn stays.
constexpr std::chrono::seconds kStay{10};

/// How long a connection may be ready while none is taken.
constexpr std::chrono::milliseconds kPatience{20};

/// How often somebody looks for connections that have been idle for too long.
constexpr std::chrono::seconds kLookRound{10};

/// A socket can be written to, so epoll says at once that it is ready.
constexpr uint32_t kAtOnce = EPOLLOUT;

/// What mi_stop() says while all goes on, and mi_engine() of a session that does (MI_CONTINUE).
constexpr int kNoStop = 0;
constexpr int kGoesOn = 1;

/// One for each processor; two on the smallest machine, if one should be held up by a disk.
size_t turns() {
  static const size_t count = std::max(2U, std::thread::hardware_concurrency());
  return count;
}

/// Whether the thread at hand is a worker, and has its turn; the connection that it is at.
thread_local bool is_worker = false;
thread_local bool has_turn = false;
thread_local PooledConnection* own_connection = nullptr;

class WorkerPool {
 public:
  void set_idle_timeout(std::chrono::seconds timeout) { idle_timeout_ = timeout; }
  void set_end_waits(EndWaits end_waits) { end_waits_ = end_waits; }

  /// False without what it takes.
  bool open() {
    if (epoll_ < 0) epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return false;
    const std::lock_guard lock(mutex_);
    if (!has_usher_) has_usher_ = start_thread([this] { usher(); });
    return has_usher_ && fill_turns();
  }

  bool add(SMFICTX* context, int descriptor) {
    const std::lock_guard lock(mutex_);
    PooledConnection& added = connections_.emplace_front();
    added.context = context;
    added.descriptor = descriptor;
    added.number = accepted_++;
    added.is_idle = true;
    added.since = Clock::now();
    added.place = connections_.begin();
    if (watch(EPOLL_CTL_ADD, added, EPOLLIN)) return true;
    connections_.pop_front();
    return false;
  }

  /// The thread at hand gives up its turn, if it has one.
  void leave_turn() {
    if (!has_turn) return;
    has_turn = false;
    const std::lock_guard lock(mutex_);
    --at_work_;
    fill_turns();
  }

  void take_turn() {
    if (has_turn || !is_worker) return;
    has_turn = true;
    const std::lock_guard lock(mutex_);
    ++at_work_;
  }

  bool hold_end() {
    PooledConnection* const connection = own_connection;
    if (connection == nullptr || end_waits_ == nullptr) return false;
    if (!connection->way_back) connection->way_back = std::make_shared<WayBack>(connection);
    {
      const std::lock_guard lock(mutex_);
      connection->is_called = false;
    }
    const auto go_on = [this, way_back = connection->way_back] { call_back(*way_back); };
    connection->end_is_held = end_waits_(connection->context, go_on);
    return connection->end_is_held;
  }

 private:
  /// A worker without a turn, until it is called.
  struct Spare {
    bool called = false;
    std::condition_variable wake;
  };

  /// EPOLLONESHOT: once it is ready nobody else is told of it, until it is watched again.
  bool watch(int operation, PooledConnection& connection, uint32_t events) const {
    epoll_event event{};
    event.events = events | EPOLLONESHOT;
    event.data.ptr = &connection;
    return epoll_ctl(epoll_, operation, connection.descriptor, &event) == 0;
  }

  /// A worker's life.
  void work() {
    is_worker = has_turn = true;
    std::unique_lock lock(mutex_);
    while (has_work(lock)) {
      if (ready_.empty()) listen(lock);
      if (mi_stop() != kNoStop) break;
      // Who listens is woken for each of the others. If nobody does, the choice is ours.
      if (listening_ == 0) collect();
      const auto now = Clock::now();
      if (now >= next_look_) end_old(now);
      if (!ready_.empty()) serve(ready_.take(now), lock);
    }
    has_turn = false;
  }

  /// Waits for a connection, for a while.
  void listen(std::unique_lock<std::mutex>& lock) {
    ++listening_;
    lock.unlock();
    epoll_event event{};
    const int count = epoll_wait(epoll_, &event, 1, milliseconds(look_round()));
    lock.lock();
    --listening_;
    if (count == 1) add_ready(event, Clock::now());
  }

  void serve(PooledConnection& connection, std::unique_lock<std::mutex>& lock) {
    ++taken_;
    connection.is_idle = false;
    if (listening_ == 0 && !usher_is_up_) {
      usher_is_up_ = true;
      usher_called_.notify_one();
    }
    lock.unlock();
    own_connection = &connection;
    if (std::exchange(connection.end_is_held, false)) put_end_back(connection.descriptor);
    const bool goes_on = mi_engine(connection.context) == kGoesOn;
    own_connection = nullptr;
    lock.lock();
    if (goes_on) return leave(connection);
    SMFICTX* const context = connection.context;
    if (connection.way_back) connection.way_back->connection = nullptr;
    connections_.erase(connection.place);
    lock.unlock();
    mi_clr_ctx(context);
    lock.lock();
  }

  /// There is reason to ask once more whether the end of the message has to wait.
  void call_back(const WayBack& way_back) {
    const std::lock_guard lock(mutex_);
    PooledConnection* const connection = way_back.connection;
    if (connection == nullptr) return;
    connection->is_called = true;
    if (std::exchange(connection->rests, false)) watch(EPOLL_CTL_MOD, *connection, kAtOnce);
  }

  // All of these with the lock held.

  /// A worker leaves it. epoll_ctl() cannot fail for what epoll knows.
  void leave(PooledConnection& connection) {
    connection.rests = connection.end_is_held && !connection.is_called;
    connection.is_idle = !connection.end_is_held;
    connection.since = Clock::now();
    if (connection.rests) return;
    watch(EPOLL_CTL_MOD, connection, connection.end_is_held ? kAtOnce : EPOLLIN);
  }

  void add_ready(const epoll_event& event, Clock::time_point now) {
    ready_.add(*static_cast<PooledConnection*>(event.data.ptr), now);
  }

  /// All that are ready now.
  void collect() {
    std::array<epoll_event, 64> events{};
    const int count = epoll_wait(epoll_, events.data(), events.size(), 0);
    const auto now = Clock::now();
    for (int i = 0; i < count; ++i) add_ready(events[static_cast<size_t>(i)], now);
  }

  /// Whether the worker goes on: it has a turn, or is called for one while it waits.
  bool has_work(std::unique_lock<std::mutex>& lock) {
    if (at_work_ <= turns()) return true;
    --at_work_;
    has_turn = false;
    Spare self;
    spares_.push_back(&self);
    self.wake.wait_for(lock, kStay, [&] { return self.called; });
    if (!self.called) std::erase(spares_, &self);
    return has_turn = self.called;
  }

  /// Somebody for each turn that nobody has. False if not even one worker is there.
  bool fill_turns() {
    while (at_work_ < turns() && call_worker()) continue;
    return at_work_ > 0;
  }

  /// The one that has lost its turn last, or a new one, gets a turn.
  bool call_worker() {
    if (spares_.empty()) {
      if (!start_thread([this] { work(); })) return false;
    } else {
      Spare& spare = *spares_.back();
      spares_.pop_back();
      spare.called = true;
      spare.wake.notify_one();
    }
    ++at_work_;
    return true;
  }

  /// To libmilter it looks as if the MTA had left: it ends the message, and the session.
  void end_old(Clock::time_point now) {
    next_look_ = now + look_round();
    for (const PooledConnection& connection : connections_) {
      if (connection.is_idle && connection.since + idle_timeout_ <= now) {
        shutdown(connection.descriptor, SHUT_RDWR);
      }
    }
  }

  /// A thread of its own: looks after connections that are ready while all workers are busy. Each
  /// time there may be as many again at work, so that all are served soon if none comes to an end.
  void usher() {
    std::unique_lock lock(mutex_);
    while (true) {
      usher_called_.wait(lock, [this] { return usher_is_up_; });
      const size_t taken = taken_;
      lock.unlock();
      std::this_thread::sleep_for(kPatience);
      lock.lock();
      usher_is_up_ = listening_ == 0;
      if (!usher_is_up_ || taken_ != taken) continue;
      collect();
      if (ready_.empty()) continue;
      for (size_t more = std::max(at_work_, turns()); more > 0 && call_worker(); --more) continue;
    }
  }

  /// False if there is none to be had: no exception may pass through libmilter.
  template <class Work>
  static bool start_thread(Work work) {
    try {
      std::thread(std::move(work)).detach();
      return true;
    } catch (const std::system_error&) {
      return false;
    }
  }

  std::chrono::seconds look_round() const { return std::min(kLookRound, idle_timeout_); }

  static int milliseconds(std::chrono::milliseconds time) { return static_cast<int>(time.count()); }

  int epoll_ = -1;
  EndWaits end_waits_ = nullptr;
  std::chrono::seconds idle_timeout_{std::chrono::hours(2)};
  std::mutex mutex_;
  std::list<PooledConnection> connections_;
  uint64_t accepted_ = 0;
  ReadyConnections ready_;
  size_t at_work_ = 0;    // workers that have a turn
  size_t listening_ = 0;  // of these, who wait for a connection
  size_t taken_ = 0;      // connections that were ready, in all
  Clock::time_point next_look_{};
  std::vector<Spare*> spares_;
  std::condition_variable usher_called_;
  bool has_usher_ = false;
  bool usher_is_up_ = false;
};

/// Never destroyed: its threads outlive all that is static.
WorkerPool& pool() {
  static WorkerPool& only = *new WorkerPool;
  return only;
}

}  // namespace

WaitingWorker::WaitingWorker() { pool().leave_turn(); }
WaitingWorker::~WaitingWorker() { pool().take_turn(); }

void set_idle_timeout(std::chrono::seconds timeout) { pool().set_idle_timeout(timeout); }

void set_end_waits(EndWaits end_waits) { pool().set_end_waits(end_waits); }

bool hold_end() { return pool().hold_end(); }

}  // namespace signet

extern "C" {

int mi_pool_controller_init() { return signet::pool().open() ? MI_SUCCESS : MI_FAILURE; }

int mi_start_session(SMFICTX* context) {
  return signet::pool().add(context, signet::last_accepted()) ? MI_SUCCESS : MI_FAILURE;
}
}
