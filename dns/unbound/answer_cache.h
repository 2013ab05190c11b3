// SPDX-License-Identifier: BSD-2-Clause
//
// AnswerCache: the answers that UnboundResolver has seen, kept for their TTL and no longer, within
// a bound on entries and a bound on octets; the least recently used go first. It is cut into
// shards, each with a mutex of its own, so that threads seldom meet. Inside a shard the order is a
// tree, not a hash: names are chosen by attackers, and no choice of names can make a tree slow.
//
// Time is an argument, on the monotonic clock. Every member may be called from any thread.

#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "dns/resolver.h"

namespace signet {

/// What is asked; class IN goes without saying.
struct Question {
  Name name;
  RecordType type = RecordType::a;

  friend bool operator<(const Question& a, const Question& b) {
    return a.type != b.type ? a.type < b.type : a.name.text() < b.name.text();
  }
};

class AnswerCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Upper limits on the time an answer is kept, whatever its TTL.
  static constexpr std::chrono::seconds kLongestPositive{86'400};
  static constexpr std::chrono::seconds kLongestNegative{3'600};  // RFC 2308 5: 1 to 3 hours
  static constexpr std::chrono::seconds kLongestFailure{5};       // RFC 2308 7.1: 5 minutes at most

  /// At most so many answers, taking at most so many octets of memory (nearly: containers round
  /// up).
  AnswerCache(size_t entries, size_t octets);

  /// The answer if it is there and not expired, else nullptr.
  std::shared_ptr<const Answer> find(const Question& question, TimePoint now);

  /// Keeps the answer for its TTL; of server_failure, for kLongestFailure. Not kept: timed_out, a
  /// TTL of zero, and what is too big for a shard.
  void store(const Question& question, std::shared_ptr<const Answer> answer, TimePoint now);

  size_t entries() const;
  size_t octets() const;

 private:
  using Order = std::list<const Question*>;
  struct Entry {
    std::shared_ptr<const Answer> answer;
    TimePoint expires;
    size_t octets = 0;
    Order::iterator place;
  };
  using Entries = std::map<Question, Entry>;
  struct Shard {
    mutable std::mutex mutex;
    Entries entries;    // guarded by mutex
    Order recent;       // guarded by mutex; the most recently used is first
    size_t octets = 0;  // guarded by mutex
  };

  Shard& shard_of(const Question& question);
  static void remove(Shard& shard, Entries::iterator entry);

  std::vector<Shard> shards_;
  size_t entries_per_shard_;
  size_t octets_per_shard_;
};

}  // namespace signet
