// SPDX-License-Identifier: BSD-2-Clause
//
// Reads the key directory in order of the alphabet, so that two starts see the same keys and report
// the same problems in the same order.

#include "crypto/key_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

namespace signet {
namespace {

namespace fs = std::filesystem;

struct Entries {
  std::vector<fs::path> paths;
  std::error_code error;
};

/// What a directory holds, sorted; names that begin with a dot are left out.
Entries list_directory(const fs::path& directory) {
  Entries entries;
  fs::directory_iterator at(directory, entries.error);
  for (const fs::directory_iterator end; !entries.error && at != end; at.increment(entries.error)) {
    if (!at->path().filename().native().starts_with('.')) entries.paths.push_back(at->path());
  }
  std::sort(entries.paths.begin(), entries.paths.end());
  return entries;
}

bool signs_before(const std::shared_ptr<const SigningKey>& a,
                  const std::shared_ptr<const SigningKey>& b) {
  const auto rank = [](const SigningKey& key) {
    return std::tuple(key.type() == DkimKeyType::rsa ? 0 : 1, std::string_view(key.selector()));
  };
  return rank(*a) < rank(*b);
}

}  // namespace

KeyStore KeyStore::load_directory(const std::string& directory) {
  KeyStore store;
  const Entries entries = list_directory(directory);
  if (entries.error == std::errc::no_such_file_or_directory) return store;
  if (entries.error) {
    store.problems_.push_back(fmt::format("{}: {}", directory, entries.error.message()));
  }
  for (const fs::path& path : entries.paths) store.load_entry(path);
  return store;
}

void KeyStore::load_entry(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    load_domain(path);
  } else if (path.extension() == ".pem") {
    problems_.push_back(
        fmt::format("{}: a key belongs in a directory named for its domain", path.native()));
  }
}

void KeyStore::load_domain(const fs::path& path) {
  const auto domain = parse_domain(path.filename().native());
  if (!domain) {
    problems_.push_back(fmt::format("{}: no domain name: {}", path.native(), domain.error()));
    return;
  }
  const Entries entries = list_directory(path);
  if (entries.error) {
    problems_.push_back(fmt::format("{}: {}", path.native(), entries.error.message()));
  }
  for (const fs::path& file : entries.paths) {
    // Others (the record as text, a note) may lie beside the keys.
    if (file.extension() != ".pem") continue;
    auto key = SigningKey::load(file.native(), *domain, file.stem().native());
    if (key) {
      add(*std::move(key));
    } else {
      problems_.push_back(key.error());
    }
  }
}

void KeyStore::add(std::shared_ptr<const SigningKey> key) {
  auto& keys = keys_[key->domain()];
  keys.insert(std::upper_bound(keys.begin(), keys.end(), key, signs_before), std::move(key));
}

const std::vector<std::shared_ptr<const SigningKey>>& KeyStore::keys_for(const Name& domain) const {
  static const std::vector<std::shared_ptr<const SigningKey>> none;
  const auto found = keys_.find(domain);
  return found == keys_.end() ? none : found->second;
}

size_t KeyStore::size() const {
  size_t count = 0;
  for (const auto& [domain, keys] : keys_) count += keys.size();
  return count;
}

}  // namespace signet
