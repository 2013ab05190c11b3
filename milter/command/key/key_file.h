// SPDX-License-Identifier: BSD-2-Clause
//
// The files of the key directory, DIRECTORY/DOMAIN/SELECTOR.pem as KeyStore reads them: a new one
// is written, one that has had its day is put aside. No file is ever overwritten or deleted.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/key.h"
#include "dns/result.h"
#include "milter/privileges.h"

namespace signet {

/// What the name of a retired key's file ends in, after SELECTOR.pem. KeyStore reads no such file.
inline constexpr std::string_view kRetiredSuffix = ".retired";

/// Writes the key and returns the path of its file, 0600, on disk for good. An existing file is
/// never touched, and a selector that was retired is not used again. Directories that are missing
/// are made: those above `directory` 0755, the rest 0700. File and new directories belong to
/// `owner`, or to the caller if there is none. A key directory or domain directory that others can
/// write to, and a domain directory that is a symbolic link, is an Error.
Result<std::string> write_key_file(const std::string& directory, const SigningKey& key,
                                   const std::optional<Account>& owner);

/// Renames DIRECTORY/DOMAIN/SELECTOR.pem to SELECTOR.pem.retired, 0600, in one step, and returns
/// the new path. The directories must be such as write_key_file() accepts; the file must be a
/// regular one. An Error if the new name is taken; then nothing has changed.
Result<std::string> retire_key_file(const std::string& path);

}  // namespace signet
