// SPDX-License-Identifier: BSD-2-Clause
//
// KeyStore: the signing keys this server holds. Read whole at start and at reload, then constant.
// A file that cannot be used stops that key, not the others and not the mail; at a reload, a key
// that was in use before stays in use until its file is good again or gone.

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/key.h"
#include "dns/name.h"
#include "dns/result.h"

namespace signet {

class KeyStore {
 public:
  KeyStore() = default;

  /// Reads `directory`/DOMAIN/SELECTOR.pem. A directory that does not exist holds no keys.
  /// Sub-directories that are no domain name, .pem files that cannot be used or lie outside a
  /// domain's directory end up in problems(); names that begin with a dot, and files of other kinds
  /// are left alone. A file that is there but cannot be used leaves its key as `previous` has it,
  /// if it does; a directory that cannot be read so leaves all keys it may hold.
  static KeyStore load_directory(const std::string& directory, const KeyStore* previous = nullptr);

  /// Reads the key in one file, with that same care for the one in `previous`. The Error says why
  /// the file cannot be used, if no key is left for it either.
  Result<bool> load_file(const std::string& path, const Name& domain, const std::string& selector,
                         const KeyStore* previous = nullptr);

  /// Adds one key; it takes the place of one with the same domain and selector. Within a domain
  /// RSA comes before Ed25519, then selectors in order.
  void add(std::shared_ptr<const SigningKey> key);

  /// Keys to sign with for exactly this domain, RSA first; empty if there are none.
  const std::vector<std::shared_ptr<const SigningKey>>& keys_for(const Name& domain) const;

  /// Every key, domain by domain.
  std::vector<std::shared_ptr<const SigningKey>> all() const;
  size_t size() const;
  bool holds(const Name& domain) const { return !keys_for(domain).empty(); }
  /// One line for each file that could not be used, with its path and the reason.
  const std::vector<std::string>& problems() const { return problems_; }
  /// One such line for each file and directory whose old keys stay in use instead.
  const std::vector<std::string>& stale() const { return stale_; }

 private:
  using KeyPointer = std::shared_ptr<const SigningKey>;

  void load_entry(const std::filesystem::path& path, const KeyStore* previous);
  void load_domain(const std::filesystem::path& path, const KeyStore* previous);
  void keep(const std::vector<KeyPointer>& keys, const std::string& problem);
  KeyPointer find(const Name& domain, const std::string& selector) const;

  std::map<Name, std::vector<KeyPointer>> keys_;
  std::vector<std::string> problems_;
  std::vector<std::string> stale_;
};

}  // namespace signet
