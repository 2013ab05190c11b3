// SPDX-License-Identifier: BSD-2-Clause
//
// abandoned_sessions [--build FOLDER] [--rounds N] [--sessions N]: the daemon of that build under
// sessions that are given up after each step in each way. The exit status is 1 if one message got
// anything of another, or something stayed behind.

#include "tests/support/abandoned_sessions.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

int main(int argc, char** argv) try {
  CLI::App app("Sessions given up after each step in each way, against the daemon of a build.");
  signet::AbandonedSessionsOptions options{.build = "build/tsan", .rounds = 100};
  app.add_option("--build", options.build, "The build with the daemon")->capture_default_str();
  app.add_option("--rounds", options.rounds, "How often each combination is tried")
      ->capture_default_str();
  app.add_option("--sessions", options.threads, "Sessions at a time")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const signet::AbandonedSessionsReport report = signet::abandon_sessions(options);
  fmt::print("{}", report.text());
  return report.good() ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "abandoned_sessions: {}\n", error.what());
  return 1;
}
