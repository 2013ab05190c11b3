// SPDX-License-Identifier: BSD-2-Clause
//
// Reading a file that an administrator names. What is at the path may be anything, half-written
// files, directories, FIFOs and devices too; none of them may stop or end the process.

#pragma once

#include <string>

#include "dns/result.h"

namespace signet {

/// The text of a regular file of at most `limit` octets. The Error begins with the path.
Result<std::string> read_text_file(const std::string& path, size_t limit);

}  // namespace signet
