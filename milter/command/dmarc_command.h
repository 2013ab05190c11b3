// SPDX-License-Identifier: BSD-2-Clause
//
// `signet dmarc DOMAIN`: which DMARC policy covers a domain and how it was found, name by name, and
// whether domains that SPF or DKIM would authenticate align with it. It is the daemon's own
// discovery and evaluation, with the DNS options of its configuration.

#pragma once

#include <CLI/App.hpp>

#include "milter/command/command.h"

namespace signet {

/// Adds `dmarc`. `context` must outlive `app`. The exit status tells the result, of DMARC if
/// domains to align were given, else of discovery (pass: a policy was found): pass 0, fail 1, none
/// 4, permerror 5, temperror 6, the same numbers as `spf` where it has them. EX_USAGE for a domain
/// that is none, EX_CONFIG for a configuration or zone data that cannot be used.
///
/// The output is printable, whatever stands in the records.
void add_dmarc_command(CLI::App& app, CommandContext& context);

}  // namespace signet
