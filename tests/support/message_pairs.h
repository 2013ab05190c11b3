// SPDX-License-Identifier: BSD-2-Clause
//
// Two odd messages one after the other on one connection, and each of them on a fresh one: the
// filter must do the same to the last octet. Against the real daemon, through its socket; clients,
// envelopes, logins and what happens between the two vary with the messages.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace signet {

struct MessagePairsOptions {
  std::string build;  ///< of the daemon
  uint64_t seed = 1;
  uint64_t pairs = 0;
};

struct MessagePairsReport {
  uint64_t pairs = 0;
  uint64_t octets = 0;  ///< of the messages, each counted once
  // Of the messages that came second:
  uint64_t signed_by_us = 0;
  uint64_t verified = 0;  ///< got results
  uint64_t refused = 0;
  uint64_t repeated = 0;  ///< pairs between whose signatures the clock's second turned
  int exit_status = -1;
  uint64_t problem_count = 0;
  std::vector<std::string> problems;  ///< the first of them

  bool good() const { return problem_count == 0 && exit_status == 0; }
  std::string text() const;
};

/// Throws std::runtime_error if the daemon does not start or hangs up.
MessagePairsReport compare_message_pairs(const MessagePairsOptions& options);

}  // namespace signet
