// SPDX-License-Identifier: BSD-2-Clause
//
// A new descriptor is the lowest free number, so the number says how many are in use. Connections
// are taken on libmilter's listening thread, and closed on any.

#include "milter/libmilter/accept.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace signet {
namespace {

using std::chrono::steady_clock;

/// Kept back for everything but connections; of a small limit it is a quarter.
constexpr rlim_t kReserve = 256;
constexpr auto kBetweenAlarms = std::chrono::seconds(10);
/// Until the next attempt if even the reserve is used up: nothing can be taken off the queue then.
constexpr auto kPause = std::chrono::milliseconds(100);

class ShortageReport {
 public:
  void set_alarm(DescriptorAlarm alarm) { alarm_ = std::move(alarm); }

  void add(size_t turned_away) {
    count_ += turned_away;
    const auto now = steady_clock::now();
    if (!alarm_ || now < next_) return;
    alarm_(std::exchange(count_, 0));
    next_ = now + kBetweenAlarms;
  }

 private:
  DescriptorAlarm alarm_;
  size_t count_ = 0;
  steady_clock::time_point next_;
};

/// The connections that have just been taken. A message of usual size takes a third of the time
/// that a connection is young; who takes longer waits for the DNS, or for its sender.
class YoungConnections {
 public:
  /// Until there is room for one more.
  void wait() {
    std::unique_lock lock(mutex_);
    while (true) {
      const auto now = steady_clock::now();
      while (!all_.empty() && all_.front().until <= now) all_.pop_front();
      if (all_.size() < kMost) return;
      closed_.wait_until(lock, all_.front().until);
    }
  }

  void add(int descriptor) {
    const std::lock_guard lock(mutex_);
    all_.push_back({descriptor, steady_clock::now() + kYouth});
  }

  /// Before the number is free for another.
  void remove(int descriptor) {
    const std::lock_guard lock(mutex_);
    const auto is_it = [descriptor](const Young& each) { return each.descriptor == descriptor; };
    if (std::erase_if(all_, is_it) > 0) closed_.notify_one();
  }

 private:
  struct Young {
    int descriptor;
    steady_clock::time_point until;
  };
  static constexpr size_t kMost = 16;
  static constexpr auto kYouth = std::chrono::milliseconds(3);

  std::mutex mutex_;
  std::condition_variable closed_;
  std::deque<Young> all_;  // guarded by mutex_; the oldest is first
};

ShortageReport report;
/// Never destroyed: libmilter's threads close connections while the process ends.
YoungConnections& young = *new YoungConnections;

/// The first number that no connection may have.
rlim_t first_reserved() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  return limit.rlim_cur - std::min(kReserve, limit.rlim_cur / 4);
}

}  // namespace

void set_descriptor_alarm(DescriptorAlarm alarm) { report.set_alarm(std::move(alarm)); }

}  // namespace signet

extern "C" int signet_libmilter_accept(int listener, sockaddr* address, socklen_t* size) {
  signet::young.wait();
  const int connection = accept(listener, address, size);
  if (connection < 0 && errno != EMFILE && errno != ENFILE) return connection;
  if (connection >= 0 && static_cast<rlim_t>(connection) < signet::first_reserved()) {
    signet::young.add(connection);
    return connection;
  }
  if (connection >= 0) {
    close(connection);
  } else {
    std::this_thread::sleep_for(signet::kPause);
  }
  signet::report.add(connection >= 0 ? 1 : 0);
  errno = ECONNABORTED;
  return -1;
}

extern "C" int signet_libmilter_close_accepted(int descriptor) {
  signet::young.remove(descriptor);
  return close(descriptor);
}
