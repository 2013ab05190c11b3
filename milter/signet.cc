// SPDX-License-Identifier: BSD-2-Clause
//
// signet, the postmaster's tools: gives the command line and the clock to run_signet().

#include <chrono>
#include <iostream>

#include "milter/command/command.h"
#include "milter/privileges.h"

int main(int argc, char** argv) {
  signet::forbid_core_files();
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  signet::CommandContext context{std::cout, std::cerr, now, {}};
  return signet::run_signet({argv + 1, argv + argc}, context);
}
