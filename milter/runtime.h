// SPDX-License-Identifier: BSD-2-Clause
//
// Runtime: a configuration and everything built from it. Constant once made; sessions share it.
// Reload builds a whole new one and swaps it into the RuntimeSlot, so a message ends under the
// Runtime it began with, and a failed reload changes nothing.

#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "crypto/key_store.h"
#include "crypto/public_key_cache.h"
#include "dns/resolver.h"
#include "dns/result.h"
#include "milter/config/config.h"
#include "milter/limit_counters.h"
#include "milter/policy/policy_table.h"
#include "milter/signing/key_states.h"
#include "milter/signing/signing_rules.h"

namespace signet {

struct Runtime {
  Config config;
  KeyStore keys;       ///< of KeyDirectory, and KeyFile
  SigningRules rules;  ///< with the keys of KeyTable
  PolicyTable policy_table;
  /// What the DNS says of the keys. Not constant: KeyMonitor writes, while messages read.
  std::shared_ptr<KeyStates> key_states = std::make_shared<KeyStates>();
  std::shared_ptr<Resolver> resolver;
  /// Signers' keys, parsed; the same at every reload.
  std::shared_ptr<PublicKeyCache> public_keys = std::make_shared<PublicKeyCache>();
  /// Of all messages since the start, whatever was reloaded meanwhile.
  std::shared_ptr<LimitCounters> limit_counters = std::make_shared<LimitCounters>();
  std::string host_name;  ///< this host's, for the authserv-id if nobody gives a better one

  /// Whether mail is signed as that domain here, so that it is one of ours.
  bool holds_key_of(const Name& domain) const { return keys.holds(domain) || rules.holds(domain); }
  /// Every key that may sign, each once; of those whose domain comes with the message (`%` in
  /// KeyTable) the domains that the tables name.
  std::vector<std::shared_ptr<const SigningKey>> all_signing_keys() const;
  /// One line for each key file, and line of KeyTable, that could not be used.
  std::vector<std::string> key_problems() const;
  /// One such line for each whose old key stays in use instead.
  std::vector<std::string> stale_keys() const;
};

/// The DNS as the options for it ask: Nameservers, DNSData and so on. The Error names the option at
/// fault.
Result<std::shared_ptr<Resolver>> build_resolver(const Config& config);

/// Reads the keys, tables and the zone data, starts the resolver. The Error names the option at
/// fault, or has a line `FILE:LINE: ...` for each fault in a table. Keys that cannot be used are no
/// error: see KeyStore::problems() and KeyTable::problems(). At a reload `previous` is what was in
/// use until now: its keys stay where their files are there and broken (stale() of both), and
/// what was known of keys is known on.
Result<std::shared_ptr<const Runtime>> build_runtime(Config config,
                                                     const Runtime* previous = nullptr);

/// Where the current Runtime hangs. Any thread.
class RuntimeSlot {
 public:
  explicit RuntimeSlot(std::shared_ptr<const Runtime> runtime) : runtime_(std::move(runtime)) {}

  std::shared_ptr<const Runtime> get() const {
    const std::lock_guard lock(mutex_);
    return runtime_;
  }
  void replace(std::shared_ptr<const Runtime> runtime) {
    const std::lock_guard lock(mutex_);
    runtime_.swap(runtime);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Runtime> runtime_;  // guarded by mutex_
};

}  // namespace signet
