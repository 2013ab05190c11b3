// SPDX-License-Identifier: BSD-2-Clause
//
// AnswerCache: the answers that UnboundResolver has seen, kept for their TTL and no longer, within
// a bound on entries and a bound on octets; the least recently used go first. Answers are packed,
// so that thousands of domains fit into a few MiB. It is cut into shards, each with a mutex of its
// own, so that threads seldom meet. Inside a shard the order is a tree, not a hash: names are
// chosen by attackers, and no choice of names can make a tree slow.
//
// Time is an argument, on the monotonic clock. Every member may be called from any thread.

#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
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
    RecordType type;
    uint8_t name_octets;
    std::string octets;  ///< the name, then the packed answer
    TimePoint expires;

    std::string_view name() const { return std::string_view(octets).substr(0, name_octets); }
    std::string_view answer() const { return std::string_view(octets).substr(name_octets); }
  };
  using Entries = std::list<Entry>;
  struct ByQuestion {
    using is_transparent = void;
    using Key = std::pair<RecordType, std::string_view>;
    static Key key(const Question& question) { return {question.type, question.name.text()}; }
    static Key key(Entries::const_iterator entry) { return {entry->type, entry->name()}; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return key(a) < key(b);
    }
  };
  using Index = std::set<Entries::iterator, ByQuestion>;
  struct Shard {
    mutable std::mutex mutex;
    Entries entries;    // guarded by mutex; the most recently used is first
    Index index;        // guarded by mutex; all entries
    size_t octets = 0;  // guarded by mutex
  };

  static size_t memory_of(const Entry& entry);
  Shard& shard_of(const Question& question);
  static void remove(Shard& shard, Index::iterator place);

  std::vector<Shard> shards_;
  size_t entries_per_shard_;
  size_t octets_per_shard_;
};

}  // namespace signet
