// SPDX-License-Identifier: BSD-2-Clause
//
// A new descriptor is the lowest free number, so the number says how many are in use.

#include "milter/libmilter/accept.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
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

ShortageReport report;
thread_local int accepted = -1;

/// The first number that no connection may have.
rlim_t first_reserved() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  return limit.rlim_cur - std::min(kReserve, limit.rlim_cur / 4);
}

}  // namespace

void set_descriptor_alarm(DescriptorAlarm alarm) { report.set_alarm(std::move(alarm)); }

int last_accepted() { return accepted; }

}  // namespace signet

extern "C" int signet_libmilter_accept(int listener, sockaddr* address, socklen_t* size) {
  const int connection = accept(listener, address, size);
  if (connection < 0 && errno != EMFILE && errno != ENFILE) return connection;
  if (connection >= 0 && static_cast<rlim_t>(connection) < signet::first_reserved()) {
    return signet::accepted = connection;
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
