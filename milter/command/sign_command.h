// SPDX-License-Identifier: BSD-2-Clause
//
// `signet sign FILE`: signs a saved message as the daemon would sign it on its way out, through the
// daemon's own session: the same rules say who signs, the same check says which keys match their
// published records. Or with one key that the command line names.

#pragma once

#include <CLI/App.hpp>

#include "milter/command/command.h"

namespace signet {

/// Adds `sign`. `context` must outlive `app`. Prints the message with its signatures on top, line
/// ends as in the file; stderr tells which rule decided. The exit status: 0 if it is signed, 1 if
/// the daemon would send it unsigned (nothing is printed then), EX_TEMPFAIL if the daemon would
/// have it come again, EX_NOINPUT for a file that cannot be read, EX_USAGE for arguments and
/// EX_CONFIG for a configuration that cannot be used.
void add_sign_command(CLI::App& app, CommandContext& context);

}  // namespace signet
