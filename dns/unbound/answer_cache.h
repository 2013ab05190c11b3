// SPDX-License-Identifier: BSD-2-Clause
//
// AnswerCache: the answers that UnboundResolver has seen, kept for their TTL and no longer, within
// a bound on entries and a bound on octets. Answers are packed, so that thousands of domains fit
// into a few MiB. It is cut into shards, each with a mutex of its own, so that threads seldom meet.
//
// Inside a shard entries form a tree, not a hash table: names are chosen by attackers, and no
// choice of names can make a tree slow. It is in order of the hashes of the questions, which lie in
// the nodes, so that on the way down only the entry that is looked for is touched itself. If room
// is needed, a hand goes round the tree and takes what has not been used since it came by last; so
// names that are asked for once push out each other, and not those that are asked for again and
// again.
//
// Time is an argument, on the monotonic clock. Every member may be called from any thread.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
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

  /// The answer, unpacked, if it is there and not expired, else nullptr.
  std::shared_ptr<const Answer> find(const Question& question, TimePoint now);

  /// Keeps the answer for its TTL; of server_failure, for kLongestFailure. Not kept: timed_out, a
  /// TTL of zero, and what is too big for a shard.
  void store(const Question& question, const Answer& answer, TimePoint now);

  size_t entries() const;
  size_t octets() const;

 private:
  struct Entry {
    size_t hash;  ///< of the question
    RecordType type;
    uint8_t name_octets;
    mutable bool was_used = false;  ///< since the hand came by; not part of the order
    std::string octets;             ///< the name, then the packed answer
    TimePoint expires;

    std::string_view name() const { return std::string_view(octets).substr(0, name_octets); }
    std::string_view answer() const { return std::string_view(octets).substr(name_octets); }
  };
  using Key = std::tuple<size_t, RecordType, std::string_view>;
  static Key key(const Question& question);
  static Key key(const Entry& entry) { return {entry.hash, entry.type, entry.name()}; }
  static const Key& key(const Key& key) { return key; }
  struct ByKey {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return key(a) < key(b);
    }
  };
  using Entries = std::set<Entry, ByKey>;
  struct Shard {
    mutable std::mutex mutex;
    Entries entries;                         // guarded by mutex
    Entries::iterator hand = entries.end();  // guarded by mutex
    size_t octets = 0;                       // guarded by mutex
  };

  static size_t memory_of(const Entry& entry);
  Shard& shard_of(const Key& key);
  static void remove(Shard& shard, Entries::iterator entry);
  static void remove_one(Shard& shard, TimePoint now);

  std::vector<Shard> shards_;
  size_t entries_per_shard_;
  size_t octets_per_shard_;
};

}  // namespace signet
