// SPDX-License-Identifier: BSD-2-Clause
//
// Where lines for the administrator go: syslog, journald or stderr, through spdlog. log_value() is
// the one encoder for outside data on its way into a line; nothing an attacker writes reaches a
// log without passing it.

#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dns/result.h"
#include "milter/config/config.h"

namespace signet {

/// What a log line of ours is filed under.
inline constexpr std::string_view kLogIdent = "signet-milter";

/// A logger as the config asks for; `foreground` overrides the target with stderr. Lines on stderr
/// carry an ISO 8601 time and the level; syslog and journald keep those themselves, and so does the
/// journal if systemd has connected stderr with it. Any thread may log. Syslog is one connection
/// per process: a newer syslog logger takes it over from an older.
Result<std::shared_ptr<spdlog::logger>> make_logger(const Config& config, bool foreground);

/// What a reload may change.
void set_log_level(spdlog::logger& logger, LogLevel level);

/// The number of a syslog facility (RFC 5424 6.2.1, as <syslog.h> has it): "mail", "local0" to
/// "local7" and so on; ASCII case is ignored.
std::optional<int> parse_syslog_facility(std::string_view name);

/// Outside data for a log line of key=value pairs: control octets (below 0x20, 0x7f-0x9f), quotes,
/// backslashes and invalid UTF-8 escaped as \xNN, quoted if it holds a space or is empty, cut
/// after 256 octets (not within a character). A UTF-8 character that has an octet of 0x80-0x9f is
/// escaped whole, so that what is written is valid UTF-8 and yet holds no such octet.
std::string log_value(std::string_view raw);

/// The same, but always in quotes: for `got "..."` in messages about configuration.
std::string log_quoted(std::string_view raw);

}  // namespace signet
