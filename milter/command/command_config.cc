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

/// The defaults take the place of a default configuration that cannot be used.
OrFailure<Config> find_config(const CommandContext& context) {
  auto found = daemon_config(context);
  const auto* failure = std::get_if<Failure>(&found);
  if (failure == nullptr || !context.config_path.empty()) return found;
  context.err << "signet: " << failure->lines.front() << "; the defaults are used\n";
  return Config{};
}

}  // namespace

void add_dns_options(CLI::App& command, DnsArguments& arguments) {
  command.add_option("--dns-data", arguments.dns_data, "Zone file that is asked first [DNSData]");
  command.add_option("--nameserver", arguments.nameserver, "IP[@PORT] to ask [Nameservers]");
}

OrFailure<Config> daemon_config(const CommandContext& context) {
  const std::string& given = context.config_path;
  std::error_code ignored;
  if (given.empty() && !std::filesystem::exists(kDefaultConfigPath, ignored)) return Config{};
  auto found = load_config(given.empty() ? kDefaultConfigPath : given);
  if (auto* config = std::get_if<Config>(&found)) return std::move(*config);
  return Failure{EX_CONFIG, std::move(std::get<ConfigErrors>(found).lines)};
}

OrFailure<Config> with_dns(Config config, const DnsArguments& arguments) {
  if (!arguments.dns_data.empty()) config.dns_data = arguments.dns_data;
  if (!arguments.nameserver.empty()) {
    auto nameserver = parse_nameserver(arguments.nameserver);
    if (!nameserver) return Failure{EX_USAGE, {"--nameserver: " + nameserver.error()}};
    config.nameservers = {*std::move(nameserver)};
  }
  return config;
}

OrFailure<Config> choose_config(const DnsArguments& arguments, const CommandContext& context) {
  auto found = find_config(context);
  auto* config = std::get_if<Config>(&found);
  if (config == nullptr) return found;
  return with_dns(std::move(*config), arguments);
}

}  // namespace signet
