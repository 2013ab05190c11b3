// SPDX-License-Identifier: BSD-2-Clause
//
// `signet explain FILE`: the whole evaluation of a saved message as the daemon would have done it,
// by the daemon's own Session: who it came from, each answer of the DNS, each finding, the rule
// that decided, and what the MTA would have been told. --record keeps the DNS answers as a zone
// file, so that the same verdict comes out again later, or elsewhere, with --dns-data.

#pragma once

#include <CLI/App.hpp>

#include "milter/command/command.h"

namespace signet {

/// Adds `explain`. `context` must outlive `app`. The exit status tells what would become of the
/// message: accepted 0, rejected 1, held 2, deferred 3. EX_USAGE for arguments that cannot be used,
/// EX_NOINPUT for a message that cannot be read, EX_CONFIG for a configuration, EX_CANTCREAT for a
/// --record that cannot be written.
///
/// Without --ip the client is the one that the topmost Received field tells of, and that field and
/// those above it are left out: they came after the filter. With --ip all of the file is the
/// message.
///
/// The output is printable, whatever stands in message and records.
void add_explain_command(CLI::App& app, CommandContext& context);

}  // namespace signet
