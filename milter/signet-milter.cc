// SPDX-License-Identifier: BSD-2-Clause
//
// signet-milter, the daemon: command line in, exit status out.

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "crypto/dkim.h"
#include "dns/unbound/unbound_resolver.h"
#include "milter/callbacks.h"
#include "milter/daemon.h"

namespace {

std::string versions() {
  return fmt::format("signet-milter {}\nlibmilter {}\nlibunbound {}\n{}", SIGNET_VERSION,
                     signet::milter_library_version(), signet::unbound_library_version(),
                     signet::dkim_library_versions());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Signs and verifies mail inline for Postfix and Sendmail: SPF, DKIM, DMARC.");
  app.name("signet-milter");
  signet::DaemonOptions options;
  bool check_only = false;
  app.add_option("-c,--config", options.config_path, "Configuration file")->capture_default_str();
  app.add_flag("-f,--foreground", options.foreground, "Stay in the foreground, log to stderr");
  app.add_flag("-n,--check", check_only, "Check the configuration and what it names, then exit");
  app.set_version_flag("-V,--version", versions, "Show the versions of program and libraries");
  CLI11_PARSE(app, argc, argv);
  return check_only ? signet::check_configuration(options.config_path)
                    : signet::run_daemon(options);
}
