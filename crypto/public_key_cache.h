// SPDX-License-Identifier: BSD-2-Clause
//
// Public keys that were parsed once and are wanted again: most mail comes from few domains, and
// parsing an RSA key costs as much as verifying with it does. A key is found by the octets of p=,
// never by the name of its record, so a changed record is a different key at once and nothing here
// has to expire.

#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "crypto/public_key.h"
#include "dns/dkim_record.h"
#include "dns/result.h"

namespace signet {

/// Bounded: the key that was not asked for the longest makes room. Any thread; keys that were
/// handed out live on as long as somebody holds them.
class PublicKeyCache {
 public:
  /// Some 2.5 MiB of keys of 2048 bits. To parse one anew costs as much as to verify with it.
  static constexpr size_t kDefaultKeys = 1024;

  explicit PublicKeyCache(size_t most_keys = kDefaultKeys) : most_keys_(most_keys) {}

  /// PublicKey::parse(), or the key that it gave before. Only good keys are kept, and of these none
  /// that is larger than anybody needs, so a sender of garbage can push out keys but fill nothing.
  Result<std::shared_ptr<const PublicKey>> get(DkimKeyType type, std::string_view octets);

  size_t size() const;

 private:
  struct Entry {
    std::string id;
    std::shared_ptr<const PublicKey> key;
  };
  using Entries = std::list<Entry>;

  std::shared_ptr<const PublicKey> find(std::string_view id);
  std::shared_ptr<const PublicKey> add(std::string id, PublicKey key);

  const size_t most_keys_;
  mutable std::mutex mutex_;
  Entries entries_;                                              // guarded by mutex_; newest first
  std::unordered_map<std::string_view, Entries::iterator> ids_;  // guarded by mutex_
};

}  // namespace signet
