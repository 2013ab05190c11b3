// SPDX-License-Identifier: BSD-2-Clause
//
// The `signet` program but for its main(): the command line, and what a command may use of the
// world. A command is one file, NAME_command.{h,cc}, that adds itself to the command line; its
// callback leaves an exit status in the context: one of sysexits.h for what goes wrong, a smaller
// one for a result.

#pragma once

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

namespace signet {

/// Read where the command line names no other; it need not exist.
inline constexpr const char* kDefaultConfigPath = "/etc/signet/signet.conf";

struct CommandContext {
  std::ostream& out;
  std::ostream& err;
  std::chrono::sys_seconds now;  ///< only main() reads the clock
  std::string config_path;       ///< of -c; empty: kDefaultConfigPath if that exists
  int exit_status = 0;
  std::istream& in = std::cin;  ///< what a file named "-" is
};

/// Runs one command line (without the program's name). Returns the exit status: EX_USAGE for a
/// command line that does not parse, EX_IOERR for output that is lost, else what the command says.
int run_signet(const std::vector<std::string>& arguments, CommandContext& context);

}  // namespace signet
