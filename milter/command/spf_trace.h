// SPDX-License-Identifier: BSD-2-Clause
//
// What an SPF check visited, for the terminal.

#pragma once

#include <string>
#include <vector>

#include "dns/spf/spf_check.h"

namespace signet {

/// A line for each term, each record under its domain, deeper where an include or a redirect leads
/// there. Printable.
std::string spf_trace_text(const std::vector<SpfTraceStep>& trace);

}  // namespace signet
