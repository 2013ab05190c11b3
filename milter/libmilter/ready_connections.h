// SPDX-License-Identifier: BSD-2-Clause
//
// Which connection the worker pool serves next, of those that are ready. In the order in which they
// became ready, all messages of a crowd would be begun before one of them ends, and each would end
// late. So the oldest connection comes first: its message has come furthest. None waits for ever:
// one that has waited for 200 ms comes before all.

#pragma once

#include <libmilter/mfapi.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

namespace signet {

using Clock = std::chrono::steady_clock;

struct PooledConnection;

/// By it whoever has the answers brings a connection back; the connection may be gone by then.
struct WayBack {
  explicit WayBack(PooledConnection* first) : connection(first) {}
  PooledConnection* connection;
};

/// A connection of the MTA: epoll watches it, or it is ready, or one worker is at it.
struct PooledConnection {
  SMFICTX* context = nullptr;
  int descriptor = -1;
  uint64_t number = 0;  // how many came before
  bool is_idle = false;
  bool end_is_held = false;   // the end of its message has come, and libmilter does not know yet
  bool rests = false;         // its worker has left it because of that, and epoll does not watch it
  bool is_called = false;     // since the end was held, there is reason to ask again
  Clock::time_point since{};  // when it became idle
  std::list<PooledConnection>::iterator place{};
  std::shared_ptr<WayBack> way_back{};
};

/// Those that are ready and have no worker yet. No locks; the pool's is held.
class ReadyConnections {
 public:
  bool empty() const { return all_.empty(); }

  void add(PooledConnection& connection, Clock::time_point now) {
    all_.push_back({&connection, connection.number, now});
  }

  /// Only if there is one.
  PooledConnection& take(Clock::time_point now) {
    auto chosen = all_.begin();
    if (now - chosen->since < kLongestWait) {
      chosen = std::ranges::min_element(all_, {}, &Ready::number);
    }
    PooledConnection& connection = *chosen->connection;
    all_.erase(chosen);
    return connection;
  }

 private:
  static constexpr std::chrono::milliseconds kLongestWait{200};

  struct Ready {
    PooledConnection* connection;
    uint64_t number;
    Clock::time_point since;
  };
  std::vector<Ready> all_;  // in the order in which they became ready
};

}  // namespace signet
