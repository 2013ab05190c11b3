// SPDX-License-Identifier: BSD-2-Clause

#include "dns/unbound/answer_cache.h"

#include <algorithm>
#include <utility>

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
  const Key wanted = key(question);
  Shard& shard = shard_of(wanted);
  const std::lock_guard lock(shard.mutex);
  const auto entry = shard.entries.find(wanted);
  if (entry == shard.entries.end()) return nullptr;
  if (entry->expires <= now) {
    remove(shard, entry);
    return nullptr;
  }
  entry->was_used = true;
  return std::make_shared<const Answer>(unpack_answer(entry->answer()));
}

void AnswerCache::store(const Question& question, const Answer& answer, TimePoint now) {
  const std::chrono::seconds keep = time_to_keep(answer);
  if (keep.count() <= 0 || entries_per_shard_ == 0) return;
  const Key wanted = key(question);
  const std::string& name = question.name.text();
  Entry entry{std::get<size_t>(wanted),   question.type, static_cast<uint8_t>(name.size()), false,
              name + pack_answer(answer), now + keep};
  entry.octets.shrink_to_fit();
  const size_t octets = memory_of(entry);
  if (octets > octets_per_shard_) return;

  Shard& shard = shard_of(wanted);
  const std::lock_guard lock(shard.mutex);
  if (const auto old = shard.entries.find(wanted); old != shard.entries.end()) remove(shard, old);
  while (shard.entries.size() >= entries_per_shard_ || shard.octets + octets > octets_per_shard_) {
    remove_one(shard, now);
  }
  shard.entries.insert(std::move(entry));
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

AnswerCache::Key AnswerCache::key(const Question& question) {
  // The factor of Fibonacci hashing: the types of one name lie far apart.
  constexpr size_t kFactor = 0x9e3779b97f4a7c15;
  const size_t hash =
      std::hash<Name>{}(question.name) ^ static_cast<size_t>(question.type) * kFactor;
  return {hash, question.type, question.name.text()};
}

AnswerCache::Shard& AnswerCache::shard_of(const Key& key) {
  return shards_[std::get<size_t>(key) % shards_.size()];
}

/// Roughly, with what malloc() adds to the two allocations.
size_t AnswerCache::memory_of(const Entry& entry) {
  constexpr size_t kTreeNode = 96;
  constexpr size_t kAllocation = 16;
  return kTreeNode + kAllocation + entry.octets.capacity();
}

void AnswerCache::remove(Shard& shard, Entries::iterator entry) {
  shard.octets -= memory_of(*entry);
  if (entry == shard.hand) ++shard.hand;
  shard.entries.erase(entry);
}

/// Of a shard that is not empty. Twice round at most: the first time every bit may be cleared.
void AnswerCache::remove_one(Shard& shard, TimePoint now) {
  while (true) {
    if (shard.hand == shard.entries.end()) shard.hand = shard.entries.begin();
    const bool stays = std::exchange(shard.hand->was_used, false) && shard.hand->expires > now;
    if (!stays) {
      remove(shard, shard.hand);
      return;
    }
    ++shard.hand;
  }
}

}  // namespace signet
