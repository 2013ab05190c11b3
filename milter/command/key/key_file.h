// SPDX-License-Identifier: BSD-2-Clause
//
// Writing a new key into the key directory: DIRECTORY/DOMAIN/SELECTOR.pem, as KeyStore reads it.

#pragma once

#include <optional>
#include <string>

#include "crypto/key.h"
#include "dns/result.h"
#include "milter/privileges.h"

namespace signet {

/// Writes the key and returns the path of its file, 0600, on disk for good. An existing file is
/// never touched. Directories that are missing are made: those above `directory` 0755, the rest
/// 0700. File and new directories belong to `owner`, or to the caller if there is none. An existing
/// domain directory that others can write to, or that is a symbolic link, is an Error.
Result<std::string> write_key_file(const std::string& directory, const SigningKey& key,
                                   const std::optional<Account>& owner);

}  // namespace signet
