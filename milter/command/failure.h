// SPDX-License-Identifier: BSD-2-Clause
//
// How a command of `signet` ends early: what its steps hand up instead of a value, and the one way
// in which that is shown.

#pragma once

#include <sysexits.h>

#include <string>
#include <variant>
#include <vector>

#include "milter/command/command.h"

namespace signet {

/// Why a command ends early: the exit status and the lines for stderr.
struct Failure {
  int exit_status = EX_SOFTWARE;
  std::vector<std::string> lines;
};

/// A value, or the Failure that stands in its way. Read the first with std::get.
template <class T>
using OrFailure = std::variant<T, Failure>;

/// Prints the lines and leaves the exit status in the context.
inline void show(const Failure& failure, CommandContext& context) {
  for (const std::string& line : failure.lines) context.err << "signet: " << line << '\n';
  context.exit_status = failure.exit_status;
}

/// Prints what a command has to say, or why it has nothing.
inline void print(const OrFailure<std::string>& outcome, CommandContext& context) {
  if (const auto* failure = std::get_if<Failure>(&outcome)) return show(*failure, context);
  context.out << std::get<std::string>(outcome);
}

}  // namespace signet
