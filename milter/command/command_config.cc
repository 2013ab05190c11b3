// SPDX-License-Identifier: BSD-2-Clause
//
// Finds the configuration and puts the command line's options over it.

#include "milter/command/command_config.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <utility>

#include "milter/config/config_values.h"

namespace signet {
namespace {

OrFailure<Config> find_config(const CommandContext& context) {
  const bool explicit_path = !context.config_path.empty();
  std::error_code ignored;
  if (!explicit_path && !std::filesystem::exists(kDefaultConfigPath, ignored)) return Config{};
  auto found = load_config(explicit_path ? context.config_path : kDefaultConfigPath);
  if (auto* config = std::get_if<Config>(&found)) return std::move(*config);
  auto& errors = std::get<ConfigErrors>(found);
  if (explicit_path) return Failure{EX_CONFIG, std::move(errors.lines)};
  context.err << "signet: " << errors.lines.front() << "; the defaults are used\n";
  return Config{};
}

}  // namespace

void add_dns_options(CLI::App& command, DnsArguments& arguments) {
  command.add_option("--dns-data", arguments.dns_data, "Zone file that is asked first [DNSData]");
  command.add_option("--nameserver", arguments.nameserver, "IP[@PORT] to ask [Nameservers]");
}

OrFailure<Config> choose_config(const DnsArguments& arguments, const CommandContext& context) {
  auto found = find_config(context);
  auto* config = std::get_if<Config>(&found);
  if (config == nullptr) return found;
  if (!arguments.dns_data.empty()) config->dns_data = arguments.dns_data;
  if (!arguments.nameserver.empty()) {
    auto nameserver = parse_nameserver(arguments.nameserver);
    if (!nameserver) return Failure{EX_USAGE, {"--nameserver: " + nameserver.error()}};
    config->nameservers = {*std::move(nameserver)};
  }
  return found;
}

}  // namespace signet
