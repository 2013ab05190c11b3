// SPDX-License-Identifier: BSD-2-Clause
//
// What commands that do as the daemon does have in common: its configuration, with a few options
// changed on the command line.

#pragma once

#include <CLI/App.hpp>
#include <string>

#include "milter/command/command.h"
#include "milter/command/failure.h"
#include "milter/config/config.h"

namespace signet {

/// --dns-data and --nameserver.
struct DnsArguments {
  std::string dns_data;
  std::string nameserver;
};

void add_dns_options(CLI::App& command, DnsArguments& arguments);

/// The configuration that -c names, or the default one if that exists, or the defaults. EX_CONFIG
/// if it cannot be used.
OrFailure<Config> daemon_config(const CommandContext& context);

/// The configuration as `arguments` change it; EX_USAGE for what cannot stand there.
OrFailure<Config> with_dns(Config config, const DnsArguments& arguments);

/// Both together, for commands that anybody may call: since the default configuration is for the
/// daemon, and may not be readable, the defaults take its place then, and stderr says so.
OrFailure<Config> choose_config(const DnsArguments& arguments, const CommandContext& context);

}  // namespace signet
