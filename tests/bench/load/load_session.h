// SPDX-License-Identifier: BSD-2-Clause
//
// One SMTP session with one message, as Postfix holds it with a list of filters: a connection to
// each, each command to all of them in turn; then the whole message to the first, and with what
// that one added to the second, and so on. Blocking: a thread for each session at a time.

#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "dns/result.h"
#include "tests/bench/load/postfix_script.h"

namespace signet {

using Milliseconds = std::chrono::duration<double, std::milli>;

/// A filter, and all messages as it wants them.
struct LoadedMilter {
  std::string socket;
  PostfixWriter writer;
  std::vector<MilterScript> scripts;
};

/// Asks the filter for its options, and prepares the messages. Throws std::runtime_error.
LoadedMilter load_milter(const std::string& socket, const std::vector<PoolMessage>& messages,
                         bool halves);

struct SessionResult {
  Milliseconds at_end{0};  ///< from the last octet to the answer, all filters together
  Milliseconds in_all{0};  ///< from MAIL to the last answer
  char answer = 'c';       ///< SMFIR_*: the one that ended the message
  bool spf_pass = false;   ///< what the added fields say
  bool dkim_pass = false;
  bool dmarc_pass = false;
  bool has_signature = false;
};

/// What is done in the middle of the body. False: the session ends there.
using MiddleOfBody = std::function<bool()>;

/// Runs the message of that number. `middle` may be empty.
Result<SessionResult> run_session(const std::vector<LoadedMilter>& milters, size_t number,
                                  const MiddleOfBody& middle);

}  // namespace signet
