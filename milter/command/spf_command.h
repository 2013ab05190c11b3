// SPDX-License-Identifier: BSD-2-Clause
//
// `signet spf IP MAILFROM [HELO]`: what SPF says of a sender, and with --trace why: every term of
// every record on the way. It is the daemon's own check, with the DNS options of its configuration.

#pragma once

#include <CLI/App.hpp>

#include "milter/command/command.h"

namespace signet {

/// Adds `spf`. `context` must outlive `app`. The exit status tells the result for MAIL FROM: pass
/// 0, fail 1, softfail 2, neutral 3, none 4, permerror 5, temperror 6. EX_USAGE for arguments that
/// cannot be used, EX_CONFIG for a configuration or zone data that cannot.
///
/// The output is printable, whatever stands in the records: for people each word that comes from
/// outside goes through log_value() or printable_ascii(); --json is ASCII by escapes.
void add_spf_command(CLI::App& app, CommandContext& context);

}  // namespace signet
