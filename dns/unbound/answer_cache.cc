// SPDX-License-Identifier: BSD-2-Clause
//
// Each shard is a list of entries in order of use and an index into it by question.

#include "dns/unbound/answer_cache.h"

#include <algorithm>
#include <iterator>

#include "dns/unbound/packed_answer.h"

namespace signet {
namespace {

constexpr size_t kShards = 16;
// Below this many entries one shard will do: a shard of few entries forgets too early.
constexpr size_t kEntriesWorthSharding = 1024;

std::chrono::seconds time_to_keep(const Answer& answer) {
  switch (answer.status) {
    case DnsStatus::answered:
      return std::min(answer.ttl, AnswerCache::kLongestPositive);
    case DnsStatus::no_data:
    case DnsStatus::no_domain:
      return std::min(answer.ttl, AnswerCache::kLongestNegative);
    case DnsStatus::server_failure:
      return AnswerCache::kLongestFailure;
    case DnsStatus::timed_out:
      break;
  }
  return std::chrono::seconds(0);
}

}  // namespace

AnswerCache::AnswerCache(size_t entries, size_t octets)
    : shards_(entries < kEntriesWorthSharding ? 1 : kShards),
      entries_per_shard_(entries / shards_.size()),
      octets_per_shard_(octets / shards_.size()) {}

std::shared_ptr<const Answer> AnswerCache::find(const Question& question, TimePoint now) {
  Shard& shard = shard_of(question);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.index.find(question);
  if (found == shard.index.end()) return nullptr;
  const Entries::iterator entry = *found;
  if (entry->expires <= now) {
    remove(shard, found);
    return nullptr;
  }
  shard.entries.splice(shard.entries.begin(), shard.entries, entry);
  return std::make_shared<const Answer>(unpack_answer(entry->answer()));
}

void AnswerCache::store(const Question& question, const Answer& answer, TimePoint now) {
  const std::chrono::seconds keep = time_to_keep(answer);
  if (keep.count() <= 0 || entries_per_shard_ == 0) return;
  const std::string& name = question.name.text();
  Entries added;
  added.push_back(
      {question.type, static_cast<uint8_t>(name.size()), name + pack_answer(answer), now + keep});
  added.front().octets.shrink_to_fit();
  const size_t octets = memory_of(added.front());
  if (octets > octets_per_shard_) return;

  Shard& shard = shard_of(question);
  const std::lock_guard lock(shard.mutex);
  if (const auto old = shard.index.find(question); old != shard.index.end()) remove(shard, old);
  while (shard.entries.size() >= entries_per_shard_ || shard.octets + octets > octets_per_shard_) {
    remove(shard, shard.index.find(std::prev(shard.entries.end())));
  }
  // What may throw comes first, so that the list and the index never disagree.
  shard.index.insert(added.begin());
  shard.entries.splice(shard.entries.begin(), added);
  shard.octets += octets;
}

size_t AnswerCache::entries() const {
  size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.entries.size();
  }
  return sum;
}

size_t AnswerCache::octets() const {
  size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.octets;
  }
  return sum;
}

AnswerCache::Shard& AnswerCache::shard_of(const Question& question) {
  if (shards_.size() == 1) return shards_.front();
  return shards_[std::hash<Name>{}(question.name) % shards_.size()];
}

/// Roughly, with what malloc() adds to each of the three allocations.
size_t AnswerCache::memory_of(const Entry& entry) {
  constexpr size_t kListNode = 80;
  constexpr size_t kTreeNode = 48;
  constexpr size_t kAllocation = 16;
  return kListNode + kTreeNode + kAllocation + entry.octets.capacity();
}

void AnswerCache::remove(Shard& shard, Index::iterator place) {
  const Entries::iterator entry = *place;
  shard.octets -= memory_of(*entry);
  shard.index.erase(place);
  shard.entries.erase(entry);
}

}  // namespace signet
