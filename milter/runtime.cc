// SPDX-License-Identifier: BSD-2-Clause
//
// Builds in the order in which errors are cheapest: keys are read, then the resolver is started.

#include "milter/runtime.h"

#include <unistd.h>

#include <array>
#include <set>
#include <tuple>

#include "dns/unbound/unbound_resolver.h"
#include "dns/zone_data.h"
#include "milter/memory.h"

namespace signet {
namespace {

std::string own_host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

Result<KeyStore> build_keys(const Config& config, const KeyStore* previous) {
  KeyStore keys = KeyStore::load_directory(config.key_directory, previous);
  if (config.domain) {
    const Result<bool> loaded =
        keys.load_file(config.key_file, *config.domain, config.selector, previous);
    if (!loaded) return Error{config.place_of("KeyFile") + ": " + loaded.error()};
  }
  return keys;
}

std::vector<std::string> joined(std::vector<std::string> first,
                                const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

std::vector<std::shared_ptr<const SigningKey>> Runtime::all_signing_keys() const {
  std::vector<std::shared_ptr<const SigningKey>> all = keys.all();
  std::set<std::tuple<Name, std::string, std::string>> known;
  const auto is_new = [&](const SigningKey& key) {
    return known.emplace(key.domain(), key.selector(), key.record()).second;
  };
  for (const auto& key : all) is_new(*key);
  for (const auto& key : rules.key_table().keys()) {
    if (is_new(*key)) all.push_back(key);
  }
  return all;
}

std::vector<std::string> Runtime::key_problems() const {
  return joined(keys.problems(), rules.key_table().problems());
}

std::vector<std::string> Runtime::stale_keys() const {
  return joined(keys.stale(), rules.key_table().stale());
}

Result<std::shared_ptr<Resolver>> build_resolver(const Config& config) {
  UnboundOptions options;
  options.nameservers = config.nameservers;
  options.trust_anchor_file = config.trust_anchor_file;
  options.timeout = config.dns_timeout;
  options.cache_entries = static_cast<size_t>(config.dns_cache_entries);
  // Its thread makes the answers that the cache keeps. Among the pieces of messages that come and
  // go they would hold pages that are else free.
  options.at_thread_start = use_heap_of_what_stays;
  if (!config.dns_data.empty()) {
    Result<ZoneData> data = ZoneData::load(config.dns_data);
    if (!data) return Error{config.place_of("DNSData") + ": " + data.error()};
    options.local_data = std::make_shared<const ZoneData>(*std::move(data));
  }
  Result<std::unique_ptr<UnboundResolver>> resolver = UnboundResolver::create(options);
  if (!resolver) return Error{"cannot start the resolver: " + resolver.error()};
  return std::shared_ptr<Resolver>(*std::move(resolver));
}

Result<std::shared_ptr<const Runtime>> build_runtime(Config config, const Runtime* previous) {
  auto runtime = std::make_shared<Runtime>();
  Result<KeyStore> keys = build_keys(config, previous == nullptr ? nullptr : &previous->keys);
  if (!keys) return Error{keys.error()};
  Result<SigningRules> rules =
      SigningRules::load(config, previous == nullptr ? nullptr : &previous->rules);
  if (!rules) return Error{rules.error()};
  Result<PolicyTable> policy_table = PolicyTable::load(config);
  if (!policy_table) return Error{policy_table.error()};
  Result<std::shared_ptr<Resolver>> resolver = build_resolver(config);
  if (!resolver) return Error{resolver.error()};
  runtime->policy_table = *std::move(policy_table);
  runtime->rules = *std::move(rules);
  runtime->keys = *std::move(keys);
  runtime->resolver = *std::move(resolver);
  if (previous != nullptr) {
    runtime->public_keys = previous->public_keys;
    runtime->limit_counters = previous->limit_counters;
  }
  runtime->host_name = own_host_name();
  // Without an interval nobody would notice any more that what was known is no longer true.
  if (previous != nullptr && config.key_check_interval > std::chrono::seconds(0)) {
    runtime->key_states = previous->key_states;
  }
  runtime->config = std::move(config);
  return std::shared_ptr<const Runtime>(std::move(runtime));
}

}  // namespace signet
