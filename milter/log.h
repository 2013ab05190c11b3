// SPDX-License-Identifier: BSD-2-Clause
//
// Where lines for the administrator go: syslog, journald or stderr, through spdlog. log_value() is
// the one encoder for outside data on its way into a line.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <spdlog/logger.h>

#include "dns/result.h"
#include "milter/config.h"

namespace signet {

/// A logger as the config asks for; `foreground` overrides the target with stderr.
Result<std::shared_ptr<spdlog::logger>> make_logger(const Config& config, bool foreground);

/// Outside data for a log line of key=value pairs: control octets (below 0x20, 0x7f-0x9f), quotes,
/// backslashes and invalid UTF-8 escaped as \xNN, quoted if it holds a space or is empty, cut
/// after 256 octets.
std::string log_value(std::string_view raw);

}  // namespace signet
