// SPDX-License-Identifier: BSD-2-Clause
//
// The keys that this server holds, as `signet key` sees them: each with its file, and on demand
// with what the DNS says of it now. They are read anew from the files, by the rules of the daemon.

#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

#include "crypto/key.h"
#include "crypto/key_state.h"
#include "milter/command/command_config.h"
#include "milter/command/failure.h"
#include "milter/config/config.h"
#include "milter/runtime.h"

namespace signet {

/// Which keys a command is about.
struct KeyChoice {
  std::string domain;     ///< empty: all
  std::string directory;  ///< instead of KeyDirectory; empty: that one
  DnsArguments dns;
};

/// --directory
void add_directory_option(CLI::App& command, KeyChoice& choice);

struct HeldKey {
  std::shared_ptr<const SigningKey> key;
  std::string option;  ///< that leads to its file: KeyDirectory, KeyFile or KeyTable
};

struct HeldKeys {
  std::shared_ptr<const Runtime> runtime;
  std::vector<HeldKey> keys;          ///< domain by domain, RSA first
  std::vector<std::string> problems;  ///< one line for each file that could not be used

  const Config& config() const { return runtime->config; }
};

/// Reads the configuration and the keys that `choice` names. EX_USAGE for a domain that is none,
/// EX_NOINPUT if it has no key, EX_CONFIG for what would keep the daemon from starting.
OrFailure<HeldKeys> find_held_keys(const KeyChoice& choice, const CommandContext& context);

/// The place in held.keys of a key of this domain, whose keys they are. EX_USAGE for a selector
/// that is none, EX_NOINPUT if there is no such key.
OrFailure<size_t> find_selector(const HeldKeys& held, const std::string& selector);

/// Asks the DNS for the record of each key, all at once, and compares; one KeyCheck for each, in
/// the same order. Takes MessageTimeout at most.
std::vector<KeyCheck> check_held_keys(const HeldKeys& held);

/// `rsa, 2048 bits`
std::string describe(const SigningKey& key);

}  // namespace signet
