// SPDX-License-Identifier: BSD-2-Clause
//
// `signet key generate DOMAIN`: makes a signing key, writes it into the key directory, and prints
// the TXT record that goes with it. The private key is in the file and nowhere else.

#pragma once

#include <CLI/App.hpp>

#include "milter/command/command.h"

namespace signet {

/// Adds `key` with its own commands. `context` must outlive `app`. Exit statuses: EX_USAGE for a
/// bad domain, selector or size, EX_CONFIG for a broken configuration, EX_NOUSER for an unknown
/// --owner, EX_CANTCREAT if the file cannot be written or exists.
///
/// The output is zone-file text: all but the record is comment, so `>> example.com.zone` works.
void add_key_command(CLI::App& app, CommandContext& context);

}  // namespace signet
