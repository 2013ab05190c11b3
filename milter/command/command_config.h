// SPDX-License-Identifier: BSD-2-Clause
//
// What commands that judge mail as the daemon does have in common: its configuration with a few
// options changed on the command line.

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

/// The configuration that -c names, as `arguments` change it. Without -c it is the default one, if
/// that exists; since that is for the daemon, and whoever calls here may be unable to read it, the
/// defaults take its place then, and stderr says so.
OrFailure<Config> choose_config(const DnsArguments& arguments, const CommandContext& context);

}  // namespace signet
