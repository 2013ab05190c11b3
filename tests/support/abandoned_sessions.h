// SPDX-License-Identifier: BSD-2-Clause
//
// A session of the milter protocol given up after each of its steps, in each way in which an MTA or
// a crash of one gives up; after which the next message must get its own results and nothing of the
// one that was abandoned. Against the real daemon, through its socket, over a DNS that takes its
// time, with several sessions at once: what was abandoned is still at work when the next one comes.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/daemon_process.h"

namespace signet {

enum class SessionStep : uint8_t {
  negotiation,
  connect,
  helo,
  mail,
  rcpt,
  data,
  first_header,
  later_header,
  end_of_headers,
  first_body,
  later_body,
  end_of_message,
};
inline constexpr size_t kSessionSteps = 12;
std::string_view to_string(SessionStep step);

/// How a session is given up, and where the next message comes.
enum class GivingUp : uint8_t {
  abort,           ///< ABORT and QUIT; a fresh connection
  close,           ///< the connection closed; a fresh one
  abort_and_mail,  ///< ABORT, as Postfix does; the next MAIL on the same connection
  mail,            ///< the next MAIL at once
  quit_nc,         ///< QUIT_NC, at which the filter hangs up; a fresh connection
  half_packet,     ///< some octets of a packet and no more; a fresh connection
};
inline constexpr size_t kGivingUps = 6;
std::string_view to_string(GivingUp how);

struct AbandonedSessionsOptions {
  std::string build;  ///< of the daemon
  unsigned rounds = 1;
  unsigned threads = 4;  ///< sessions at a time
};

struct AbandonedSessionsReport {
  /// How often each was done, by step and way.
  std::array<std::array<uint64_t, kGivingUps>, kSessionSteps> done{};
  uint64_t messages = 0;  ///< those that came afterwards, all of them looked at
  uint64_t log_lines = 0;
  ProcessFigures base, end;
  int exit_status = -1;
  uint64_t problem_count = 0;
  std::vector<std::string> problems;  ///< the first of them

  bool good() const { return problem_count == 0 && exit_status == 0; }
  std::string text() const;
};

/// Throws std::runtime_error if the daemon does not start, or a connection fails where none may.
AbandonedSessionsReport abandon_sessions(const AbandonedSessionsOptions& options);

}  // namespace signet
