// SPDX-License-Identifier: BSD-2-Clause
//
// KeyStore: the signing keys this server holds. Read whole at start and at reload, then constant.
// A file that cannot be used stops that key, not the others and not the mail.

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
  /// are left alone.
  static KeyStore load_directory(const std::string& directory);

  /// Adds one key; within a domain RSA comes before Ed25519, then selectors in order.
  void add(std::shared_ptr<const SigningKey> key);

  /// Keys to sign with for exactly this domain, RSA first; empty if there are none.
  const std::vector<std::shared_ptr<const SigningKey>>& keys_for(const Name& domain) const;

  size_t size() const;
  bool holds(const Name& domain) const { return !keys_for(domain).empty(); }
  /// One line for each file that could not be used, with its path and the reason.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  void load_entry(const std::filesystem::path& path);
  void load_domain(const std::filesystem::path& path);

  std::map<Name, std::vector<std::shared_ptr<const SigningKey>>> keys_;
  std::vector<std::string> problems_;
};

}  // namespace signet
