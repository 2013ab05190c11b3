// SPDX-License-Identifier: BSD-2-Clause
//
// message_pairs [--build FOLDER] [--pairs N] [--seed N]: the daemon of that build gets two odd
// messages over one connection, and each over a fresh one. The exit status is 1 if it does not do
// the same to the octet.

#include "tests/support/message_pairs.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

int main(int argc, char** argv) try {
  CLI::App app("Pairs of odd messages on one connection and on fresh ones.");
  signet::MessagePairsOptions options{.build = "build/release", .pairs = 10'000};
  app.add_option("--build", options.build, "The build with the daemon")->capture_default_str();
  app.add_option("--pairs", options.pairs, "How many")->capture_default_str();
  app.add_option("--seed", options.seed, "Other messages")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const signet::MessagePairsReport report = signet::compare_message_pairs(options);
  fmt::print("{}", report.text());
  return report.good() ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "message_pairs: {}\n", error.what());
  return 1;
}
