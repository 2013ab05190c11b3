// SPDX-License-Identifier: BSD-2-Clause
//
// KeyStore reads the key directory and knows no files; so their names are looked up beside it. A
// domain's directory and a key's file may be named in capitals or with U-labels.

#include "milter/command/key/held_keys.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "crypto/key_store.h"
#include "dns/spf/spf_macro.h"
#include "milter/runtime.h"

namespace signet {
namespace {

namespace fs = std::filesystem;

// Octets of a detail that are shown; each is bounded where it is made.
constexpr size_t kMaxShownOctets = 512;

/// The files that may be keys, by the names of their records.
using KeyPaths = std::map<Name, std::string>;

void add_domain_paths(const fs::path& home, KeyPaths& paths) {
  const auto domain = parse_domain(home.filename().native());
  if (!domain) return;
  std::error_code error;
  fs::directory_iterator at(home, error);
  for (const fs::directory_iterator end; !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".pem") continue;
    const auto name = dkim_record_name(at->path().stem().native(), *domain);
    if (name) paths[*name] = std::max(paths[*name], at->path().native());  // as KeyStore, the last
  }
}

KeyPaths list_key_paths(const std::string& directory) {
  KeyPaths paths;
  std::error_code error;
  fs::directory_iterator at(directory, error);
  for (const fs::directory_iterator end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->is_directory(ignored)) add_domain_paths(at->path(), paths);
  }
  return paths;
}

/// One key in the place of what another option gave for the same record.
void add(HeldKey key, std::vector<HeldKey>& keys) {
  std::erase_if(keys, [&](const HeldKey& other) {
    return key_record_name(*other.key) == key_record_name(*key.key);
  });
  keys.push_back(std::move(key));
}

bool is_before(const HeldKey& a, const HeldKey& b) {
  const auto rank = [](const HeldKey& held) {
    const SigningKey& key = *held.key;
    return std::tuple(key.domain(), key.type() == DkimKeyType::rsa ? 0 : 1,
                      std::string_view(key.selector()));
  };
  return rank(a) < rank(b);
}

void read_keys(HeldKeys& held) {
  KeyStore store = KeyStore::load_directory(held.directory);
  const KeyPaths paths = list_key_paths(held.directory);
  for (auto& key : store.all()) {
    const auto path = paths.find(key_record_name(*key));
    if (path != paths.end()) add({key, path->second, "KeyDirectory"}, held.keys);
  }
  held.problems = store.problems();
  const Config& config = held.config;
  if (config.domain) {
    auto key = SigningKey::load(config.key_file, *config.domain, config.selector);
    if (key) {
      add({*std::move(key), config.key_file, "KeyFile"}, held.keys);
    } else {
      held.problems.push_back("KeyFile: " + key.error());
    }
  }
  std::sort(held.keys.begin(), held.keys.end(), is_before);
}

Failure no_keys(const std::optional<Name>& domain, HeldKeys held) {
  held.problems.push_back(fmt::format("no key{} in {}; make one with: signet key generate {}",
                                      domain ? " for " + domain->text() : "", held.directory,
                                      domain ? domain->text() : "DOMAIN"));
  return {EX_NOINPUT, std::move(held.problems)};
}

/// Leaves out what is of other domains.
void choose(const Name& domain, HeldKeys& held) {
  std::erase_if(held.keys, [&](const HeldKey& key) { return key.key->domain() != domain; });
  std::erase_if(held.problems, [&](const std::string& line) {
    return line.find("/" + domain.text()) == std::string::npos;
  });
}

}  // namespace

void add_directory_option(CLI::App& command, KeyChoice& choice) {
  command.add_option("--directory", choice.directory, "Key directory [KeyDirectory]");
}

OrFailure<HeldKeys> find_held_keys(const KeyChoice& choice, const CommandContext& context) {
  std::optional<Name> domain;
  if (!choice.domain.empty()) {
    const auto parsed = parse_domain(choice.domain);
    if (!parsed) return Failure{EX_USAGE, {"DOMAIN: " + parsed.error()}};
    domain = *parsed;
  }
  auto config = daemon_config(context);
  if (auto* failure = std::get_if<Failure>(&config)) return std::move(*failure);
  config = with_dns(std::get<Config>(std::move(config)), choice.dns);
  if (auto* failure = std::get_if<Failure>(&config)) return std::move(*failure);
  HeldKeys held;
  held.config = std::get<Config>(std::move(config));
  held.directory = choice.directory.empty() ? held.config.key_directory : choice.directory;
  read_keys(held);
  if (domain) choose(*domain, held);
  if (held.keys.empty()) return no_keys(domain, std::move(held));
  return held;
}

OrFailure<size_t> find_selector(const HeldKeys& held, const std::string& selector) {
  const Name& domain = held.keys.front().key->domain();
  const auto record = dkim_record_name(selector, domain);
  if (!record) return Failure{EX_USAGE, {"SELECTOR: " + record.error()}};
  const auto found = std::find_if(held.keys.begin(), held.keys.end(), [&](const HeldKey& key) {
    return key_record_name(*key.key) == *record;
  });
  if (found != held.keys.end()) return static_cast<size_t>(found - held.keys.begin());
  std::vector<std::string> lines = held.problems;
  lines.push_back(fmt::format("no key of {}; those that exist: signet key list {}", record->text(),
                              domain.text()));
  return Failure{EX_NOINPUT, std::move(lines)};
}

OrFailure<std::vector<KeyCheck>> check_held_keys(const HeldKeys& held) {
  const auto resolver = build_resolver(held.config);
  if (!resolver) return Failure{EX_CONFIG, {resolver.error()}};
  const auto count = static_cast<int>(held.keys.size());
  LookupBudget budget(std::chrono::steady_clock::now() + held.config.message_timeout, count);
  std::vector<Lookup> lookups;
  for (const HeldKey& key : held.keys) {
    lookups.push_back((*resolver)->start(key_record_name(*key.key), RecordType::txt, budget));
  }
  std::vector<KeyCheck> checks;
  std::transform(held.keys.begin(), held.keys.end(), lookups.begin(), std::back_inserter(checks),
                 [](const HeldKey& key, Lookup& lookup) {
                   return compare_with_record(*key.key, lookup.get());
                 });
  return checks;
}

std::string describe(const SigningKey& key) {
  return fmt::format("{}, {} bits", to_string(key.type()), key.bits());
}

std::string shown_detail(const KeyCheck& check) {
  return printable_ascii(check.detail, kMaxShownOctets);
}

}  // namespace signet
