// SPDX-License-Identifier: BSD-2-Clause
//
// signing_integrity [--messages N] [--seed N]: odd outgoing messages through Session, and what four
// verifiers say of their signatures. The exit status is 1 if one is signed that must not be, does
// not verify, or is left unsigned without a reason.

#include "tests/support/signing_integrity.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

int main(int argc, char** argv) try {
  CLI::App app("Odd outgoing messages, signed and verified.");
  signet::SigningIntegrityOptions options{.count = 100'000};
  app.add_option("--messages", options.count, "How many")->capture_default_str();
  app.add_option("--seed", options.seed, "Other messages")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const signet::SigningIntegrityReport report = signet::prove_signing_integrity(options);
  fmt::print("{}", report.text());
  return report.good() ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "signing_integrity: {}\n", error.what());
  return 1;
}
