// SPDX-License-Identifier: BSD-2-Clause
//
// `signet key`: the life of a signing key. It is made beside its predecessor (generate, rotate),
// published and compared with the DNS (publish, check, list), and at its end taken out of use
// (retire). Private keys are in their files and nowhere else; no file is overwritten or deleted.

#pragma once

#include <CLI/App.hpp>

#include "milter/command/command.h"

namespace signet {

/// Adds `key` with its own commands. `context` must outlive `app`. Exit statuses: EX_USAGE for a
/// bad domain, selector or size, EX_CONFIG for a broken configuration, EX_NOINPUT for a key that
/// does not exist, EX_NOUSER for an unknown --owner, EX_CANTCREAT if a file cannot be written or
/// exists; `check` and `retire` exit 1 if keys are not published, 2 if the DNS failed.
void add_key_command(CLI::App& app, CommandContext& context);

}  // namespace signet
