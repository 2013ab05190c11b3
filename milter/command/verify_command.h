// SPDX-License-Identifier: BSD-2-Clause
//
// `signet verify FILE`: what the daemon's DKIM verifier says of a saved message, and why: what each
// signature claims, which header fields it covers, its key, the body hash claimed and computed.

#pragma once

#include <CLI/App.hpp>

#include "milter/command/command.h"

namespace signet {

/// Adds `verify`. `context` must outlive `app`. The exit status: 0 if a signature passes, 6 if none
/// does and one is temperror, 1 if none does for other reasons, 4 if there is no signature; so
/// pass, none and temperror have the numbers they have for `spf`. EX_NOINPUT for a file that cannot
/// be read, EX_USAGE for arguments and EX_CONFIG for a configuration that cannot be used.
///
/// No control character reaches the output, whatever stands in the message; --json is ASCII.
void add_verify_command(CLI::App& app, CommandContext& context);

}  // namespace signet
