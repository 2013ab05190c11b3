// SPDX-License-Identifier: BSD-2-Clause
//
// Reads the key directory in order of the alphabet, so that two starts see the same keys and report
// the same problems in the same order. Old keys come last: what a file gives goes before them.

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

KeyStore KeyStore::load_directory(const std::string& directory, const KeyStore* previous) {
  KeyStore store;
  const Entries entries = list_directory(directory);
  if (entries.error == std::errc::no_such_file_or_directory) return store;
  for (const fs::path& path : entries.paths) store.load_entry(path, previous);
  if (entries.error) {
    store.keep(previous == nullptr ? std::vector<KeyPointer>() : previous->all(),
               fmt::format("{}: {}", directory, entries.error.message()));
  }
  return store;
}

void KeyStore::load_entry(const fs::path& path, const KeyStore* previous) {
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  // `none`: the system does not let us see what it is.
  if (type == fs::file_type::directory || type == fs::file_type::none) {
    load_domain(path, previous);
  } else if (path.extension() == ".pem") {
    problems_.push_back(
        fmt::format("{}: a key belongs in a directory named for its domain", path.native()));
  }
}

void KeyStore::load_domain(const fs::path& path, const KeyStore* previous) {
  const auto domain = parse_domain(path.filename().native());
  if (!domain) {
    problems_.push_back(fmt::format("{}: no domain name: {}", path.native(), domain.error()));
    return;
  }
  const Entries entries = list_directory(path);
  for (const fs::path& file : entries.paths) {
    // Others (the record as text, a note) may lie beside the keys.
    if (file.extension() != ".pem") continue;
    const auto loaded = load_file(file.native(), *domain, file.stem().native(), previous);
    if (!loaded) problems_.push_back(loaded.error());
  }
  if (entries.error) {
    keep(previous == nullptr ? std::vector<KeyPointer>() : previous->keys_for(*domain),
         fmt::format("{}: {}", path.native(), entries.error.message()));
  }
}

Result<bool> KeyStore::load_file(const std::string& path, const Name& domain,
                                 const std::string& selector, const KeyStore* previous) {
  auto key = SigningKey::load(path, domain, selector);
  if (key) {
    add(*std::move(key));
    return true;
  }
  const KeyPointer old = previous == nullptr ? nullptr : previous->find(domain, selector);
  if (!old || !key_file_may_exist(path)) return Error{key.error()};
  keep({old}, key.error());
  return true;
}

/// Takes over old keys, unless a file gave a new one; without any it is a problem like others.
void KeyStore::keep(const std::vector<KeyPointer>& keys, const std::string& problem) {
  (keys.empty() ? problems_ : stale_).push_back(problem);
  for (const KeyPointer& key : keys) {
    if (!find(key->domain(), key->selector())) add(key);
  }
}

/// The selector may be written in any case, or with U-labels.
KeyStore::KeyPointer KeyStore::find(const Name& domain, const std::string& selector) const {
  const auto name = dkim_record_name(selector, domain);
  if (!name) return nullptr;
  for (const KeyPointer& key : keys_for(domain)) {
    const auto other = dkim_record_name(key->selector(), domain);
    if (other && *other == *name) return key;
  }
  return nullptr;
}

void KeyStore::add(std::shared_ptr<const SigningKey> key) {
  auto& keys = keys_[key->domain()];
  std::erase_if(keys, [&key](const auto& old) { return old->selector() == key->selector(); });
  keys.insert(std::upper_bound(keys.begin(), keys.end(), key, signs_before), std::move(key));
}

const std::vector<std::shared_ptr<const SigningKey>>& KeyStore::keys_for(const Name& domain) const {
  static const std::vector<std::shared_ptr<const SigningKey>> none;
  const auto found = keys_.find(domain);
  return found == keys_.end() ? none : found->second;
}

std::vector<std::shared_ptr<const SigningKey>> KeyStore::all() const {
  std::vector<KeyPointer> all;
  for (const auto& [domain, keys] : keys_) all.insert(all.end(), keys.begin(), keys.end());
  return all;
}

size_t KeyStore::size() const {
  size_t count = 0;
  for (const auto& [domain, keys] : keys_) count += keys.size();
  return count;
}

}  // namespace signet
