// SPDX-License-Identifier: BSD-2-Clause
//
// dns_faults [--build FOLDER] [--messages N] [--rounds N]: the daemon of that build while its DNS
// is dead, slow, wrong and hostile, with the timeouts it has by default. The exit status is 1 if a
// message got its verdict late or a wrong one, or something stayed behind.

#include "tests/support/dns_faults.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

int main(int argc, char** argv) try {
  CLI::App app("Mail while the DNS is broken, against the daemon of a build.");
  signet::DnsFaultsOptions options{
      .build = "build/release", .messages = 200, .sessions = 50, .rounds = 6, .most_growth = 10};
  app.add_option("--build", options.build, "The build with the daemon")->capture_default_str();
  app.add_option("--messages", options.messages, "For each fault and round")->capture_default_str();
  app.add_option("--sessions", options.sessions, "Sessions at a time")->capture_default_str();
  app.add_option("--rounds", options.rounds, "How often all faults come")->capture_default_str();
  unsigned timeout = 5000;
  app.add_option("--dns-timeout", timeout,
                 "DNSTimeout, milliseconds; MessageTimeout is four times that")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  options.dns_timeout = std::chrono::milliseconds(timeout);
  options.message_timeout = 4 * options.dns_timeout;
  const signet::DnsFaultsReport report = signet::break_dns(options);
  fmt::print("{}", report.text());
  return report.good() ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "dns_faults: {}\n", error.what());
  return 1;
}
