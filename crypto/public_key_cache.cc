// SPDX-License-Identifier: BSD-2-Clause
//
// A list in order of use and an index into it. The lock is never held while a key is parsed: two
// threads may parse the same one, and the first to be done is kept.

#include "crypto/public_key_cache.h"

#include <utility>

namespace signet {
namespace {

/// SubjectPublicKeyInfo of an RSA key of 4096 bits (RFC 8301 3.2) with an exponent of 64.
constexpr size_t kMaxKeptOctets = 560;

/// The same octets are another key under another k=.
std::string id_of(DkimKeyType type, std::string_view octets) {
  std::string id(type == DkimKeyType::ed25519 ? "e" : "r");
  id += octets;
  return id;
}

}  // namespace

Result<std::shared_ptr<const PublicKey>> PublicKeyCache::get(DkimKeyType type,
                                                             std::string_view octets) {
  const bool kept = octets.size() <= kMaxKeptOctets && most_keys_ > 0;
  std::string id = kept ? id_of(type, octets) : std::string();
  if (kept) {
    if (auto known = find(id)) return known;
  }
  auto parsed = PublicKey::parse(type, octets);
  if (!parsed) return Error{parsed.error()};
  if (!kept)
    return std::shared_ptr<const PublicKey>(std::make_shared<PublicKey>(*std::move(parsed)));
  return add(std::move(id), *std::move(parsed));
}

size_t PublicKeyCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::shared_ptr<const PublicKey> PublicKeyCache::find(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto known = ids_.find(id);
  if (known == ids_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, known->second);
  return known->second->key;
}

std::shared_ptr<const PublicKey> PublicKeyCache::add(std::string id, PublicKey key) {
  auto added = std::make_shared<const PublicKey>(std::move(key));
  const std::lock_guard lock(mutex_);
  const auto known = ids_.find(id);
  if (known != ids_.end()) return known->second->key;
  entries_.push_front({std::move(id), added});
  // The index looks into the list's own string, which never moves.
  ids_.emplace(entries_.front().id, entries_.begin());
  if (entries_.size() > most_keys_) {
    ids_.erase(entries_.back().id);
    entries_.pop_back();
  }
  return added;
}

}  // namespace signet
