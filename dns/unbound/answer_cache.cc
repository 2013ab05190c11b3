// SPDX-License-Identifier: BSD-2-Clause
//
// Each shard is a map of answers and a list of its keys in order of use. The list holds pointers to
// the map's keys, which stay where they are as long as the entry lives.

#include "dns/unbound/answer_cache.h"

#include <algorithm>

namespace signet {
namespace {

constexpr size_t kShards = 16;
// Below this many entries one shard will do: a shard of few entries forgets too early.
constexpr size_t kEntriesWorthSharding = 1024;

/// Memory that the entry takes, allocations and container nodes included, roughly.
size_t octets_of(const Question& question, const Answer& answer) {
  constexpr size_t kNodes = 160;      // map node, list node, shared_ptr control block
  constexpr size_t kAllocation = 16;  // what malloc adds
  size_t octets = kNodes + sizeof(Question) + sizeof(Answer) + question.name.text().size();
  octets += answer.addresses.size() * sizeof(IpAddress) + answer.error.size();
  for (const auto& text : answer.texts) octets += sizeof(std::string) + text.size() + kAllocation;
  for (const auto& mx : answer.exchanges) octets += sizeof(MxRecord) + mx.exchange.text().size();
  for (const auto& name : answer.names) octets += sizeof(Name) + name.text().size();
  return octets;
}

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
  const auto found = shard.entries.find(question);
  if (found == shard.entries.end()) return nullptr;
  if (found->second.expires <= now) {
    remove(shard, found);
    return nullptr;
  }
  shard.recent.splice(shard.recent.begin(), shard.recent, found->second.place);
  return found->second.answer;
}

void AnswerCache::store(const Question& question, std::shared_ptr<const Answer> answer,
                        TimePoint now) {
  const std::chrono::seconds keep = time_to_keep(*answer);
  const size_t octets = octets_of(question, *answer);
  if (keep.count() <= 0 || entries_per_shard_ == 0 || octets > octets_per_shard_) return;

  Shard& shard = shard_of(question);
  const std::lock_guard lock(shard.mutex);
  if (const auto old = shard.entries.find(question); old != shard.entries.end()) {
    remove(shard, old);
  }
  while (shard.entries.size() >= entries_per_shard_ || shard.octets + octets > octets_per_shard_) {
    remove(shard, shard.entries.find(*shard.recent.back()));
  }
  // Whatever may throw comes first, so that the map and the list never disagree.
  Order place{nullptr};
  const auto added =
      shard.entries.emplace(question, Entry{std::move(answer), now + keep, octets, place.begin()})
          .first;
  place.front() = &added->first;
  shard.recent.splice(shard.recent.begin(), place);
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

void AnswerCache::remove(Shard& shard, Entries::iterator entry) {
  shard.octets -= entry->second.octets;
  shard.recent.erase(entry->second.place);
  shard.entries.erase(entry);
}

}  // namespace signet
