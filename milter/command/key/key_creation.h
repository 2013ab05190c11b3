// SPDX-License-Identifier: BSD-2-Clause
//
// What `signet key generate` and `signet key rotate` have in common: a new key is made, proven and
// written into the key directory. Everything that can be wrong is found before the key is written.

#pragma once

#include <CLI/App.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "crypto/key.h"
#include "milter/command/failure.h"
#include "milter/config/config.h"
#include "milter/privileges.h"

namespace signet {

inline constexpr int kDefaultRsaBits = 2048;

/// What the command line says of a new key. What is empty has a default.
struct NewKeyArguments {
  std::string domain;
  std::string selector;
  std::string type;
  std::optional<int> bits;
  std::string directory;
  std::string owner;
};

/// DOMAIN and the options of NewKeyArguments; the texts in brackets name the defaults.
void add_new_key_options(CLI::App& command, NewKeyArguments& arguments,
                         const std::string& default_type, const std::string& default_bits);

/// A key to be made. `selector` is checked by create_key().
struct NewKey {
  Name domain;
  std::string selector;
  DkimKeyType type = DkimKeyType::rsa;
  int bits = kDefaultRsaBits;  ///< of an RSA key
};

/// A key whose file is written.
struct CreatedKey {
  std::shared_ptr<const SigningKey> key;
  std::string path;
  std::string file_comment;  ///< about the file and its owner: lines of zone-file comment
};

/// `s20261123`, and `s20261123-ed25519` beside it; with a `number` above 1 `s20261123-2`.
std::string default_selector(std::chrono::sys_seconds now, DkimKeyType type, int number = 1);

/// DOMAIN as the command line has it.
OrFailure<Name> domain_argument(const std::string& text);

/// --bits may be given for RSA alone.
OrFailure<int> choose_bits(const NewKeyArguments& arguments, DkimKeyType type, int default_bits);

/// Makes the key and writes it into --directory or KeyDirectory. Its owner is --owner, else for
/// root the user that the daemon runs as. EX_NOUSER for an unknown --owner, EX_CANTCREAT if the
/// file cannot be written or exists.
OrFailure<CreatedKey> create_key(const NewKey& wanted, const NewKeyArguments& arguments,
                                 const Config& config);

/// The record for a zone file, then as comment its name and value for a web form.
std::string record_to_publish(const SigningKey& key);

}  // namespace signet
