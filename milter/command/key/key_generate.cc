// SPDX-License-Identifier: BSD-2-Clause
//
// `signet key generate DOMAIN`: makes a signing key and prints the TXT record that goes with it.
// The output is zone-file text: all but the record is comment, so `>> example.com.zone` works.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "milter/command/command_config.h"
#include "milter/command/key/key_commands.h"
#include "milter/command/key/key_creation.h"

namespace signet {
namespace {

std::string report(const CreatedKey& created) {
  return fmt::format(
      "{file}"
      "; 1. Publish this record in the DNS:\n"
      "{record}"
      "; 2. When the record is there (signet key check {domain}),\n"
      ";    make the daemon read its keys: systemctl reload signet\n",
      fmt::arg("file", created.file_comment), fmt::arg("record", record_to_publish(*created.key)),
      fmt::arg("domain", created.key->domain().text()));
}

/// Returns what to print.
OrFailure<std::string> generate(const NewKeyArguments& arguments, const CommandContext& context) {
  const auto config = daemon_config(context);
  if (const auto* failure = std::get_if<Failure>(&config)) return *failure;
  const auto domain = domain_argument(arguments.domain);
  if (const auto* failure = std::get_if<Failure>(&domain)) return *failure;
  NewKey wanted;
  wanted.domain = std::get<Name>(domain);
  wanted.type = arguments.type == "ed25519" ? DkimKeyType::ed25519 : DkimKeyType::rsa;
  const auto bits = choose_bits(arguments, wanted.type, kDefaultRsaBits);
  if (const auto* failure = std::get_if<Failure>(&bits)) return *failure;
  wanted.bits = std::get<int>(bits);
  wanted.selector =
      arguments.selector.empty() ? default_selector(context.now, wanted.type) : arguments.selector;
  const auto created = create_key(wanted, arguments, std::get<Config>(config));
  if (const auto* failure = std::get_if<Failure>(&created)) return *failure;
  return report(std::get<CreatedKey>(created));
}

}  // namespace

void add_key_generate(CLI::App& key, CommandContext& context) {
  CLI::App* command = key.add_subcommand("generate", "Make a key and print its TXT record");
  const auto arguments = std::make_shared<NewKeyArguments>();
  add_new_key_options(*command, *arguments, "rsa", std::to_string(kDefaultRsaBits));
  command->callback([arguments, &context] { print(generate(*arguments, context), context); });
}

}  // namespace signet
