// SPDX-License-Identifier: BSD-2-Clause
//
// The one log line of a message: `key=value` pairs that name the role, the rule that decided it,
// every result, the timings and the queue id. Outside data goes through log_value().

#pragma once

#include <string>

#include "milter/session.h"

namespace signet {

std::string to_log_line(const MessageReport& report);

}  // namespace signet
