// SPDX-License-Identifier: BSD-2-Clause
//
// KeyStates: what the DNS was last heard to say of each signing key. KeyMonitor writes, every
// message reads. A key is known by domain, selector and public half, so what is known survives a
// reload, and never stands for another key that has taken the same name.
//
// A DNS error changes nothing: the last answer holds until there is another (a recipient, too, may
// still have it). Only a key about which nothing was ever heard is `unknown`.

#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "crypto/key.h"
#include "crypto/key_state.h"

namespace signet {

/// What is known of one key.
struct KnownKey {
  using TimePoint = std::chrono::steady_clock::time_point;

  KeyCheck check;       ///< the last answer; `unknown` as long as there was none
  TimePoint answered;   ///< when that was
  TimePoint asked;      ///< when it was last asked about, with or without an answer
  int failures = 0;     ///< DNS errors since the last answer
  std::string failure;  ///< the latest of them
};

/// Any thread.
class KeyStates {
 public:
  using TimePoint = KnownKey::TimePoint;

  /// `unknown` and never asked if the key is new.
  KnownKey get(const SigningKey& key) const;

  /// Takes over the outcome of a comparison at `now`; `unknown` is a DNS error. Returns what was
  /// known before.
  KnownKey set(const SigningKey& key, const KeyCheck& check, TimePoint now);

  /// Forgets all keys but these.
  void keep_only(const std::vector<std::shared_ptr<const SigningKey>>& keys);

  size_t size() const;

 private:
  using Identity = std::tuple<Name, std::string, std::string>;  // domain, selector, record

  mutable std::mutex mutex_;
  std::map<Identity, KnownKey, std::less<>> keys_;  // guarded by mutex_
};

}  // namespace signet
