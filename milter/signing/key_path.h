// SPDX-License-Identifier: BSD-2-Clause
//
// Key files whose path depends on the author: `/etc/dkim/%/mail.pem` with a `%` for the From
// domain. Nobody's From field ever becomes a path: the files that are there are found first, and
// which domain each is for is read off its path.

#pragma once

#include <string>
#include <vector>

#include "dns/name.h"
#include "dns/result.h"

namespace signet {

struct AuthorKeyPath {
  Name author;
  std::string path;
};

/// The files there are for an absolute `pattern` that holds a `%`, in order of their paths. The
/// Error says which directory cannot be read.
Result<std::vector<AuthorKeyPath>> find_author_key_paths(const std::string& pattern);

}  // namespace signet
