// SPDX-License-Identifier: BSD-2-Clause
//
// `signet key rotate DOMAIN`: makes the key that is to follow the present one, under a selector of
// its own, and says what to publish and what happens when. The output is zone-file text, as that
// of `generate`. Nothing changes for the old key: the daemon goes over to the new one when it sees
// its record (KeyState), and `signet key retire` ends the rotation.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>

#include "milter/command/key/held_keys.h"
#include "milter/command/key/key_commands.h"
#include "milter/command/key/key_creation.h"
#include "milter/command/key/key_file.h"
#include "milter/config/config_values.h"
#include "milter/key_monitor.h"

namespace signet {
namespace {

bool holds(const HeldKeys& held, DkimKeyType type) {
  return std::any_of(held.keys.begin(), held.keys.end(),
                     [type](const HeldKey& key) { return key.key->type() == type; });
}

/// Without --type the RSA key is rotated, if the domain has one.
OrFailure<DkimKeyType> choose_type(const NewKeyArguments& arguments, const HeldKeys& held) {
  if (arguments.type.empty()) {
    return holds(held, DkimKeyType::rsa) ? DkimKeyType::rsa : DkimKeyType::ed25519;
  }
  const DkimKeyType type = arguments.type == "ed25519" ? DkimKeyType::ed25519 : DkimKeyType::rsa;
  if (holds(held, type)) return type;
  const std::string& domain = held.keys.front().key->domain().text();
  return Failure{EX_NOINPUT,
                 {fmt::format("{0} has no {1} key to rotate; make its first with: signet key "
                              "generate {0} --type {1}",
                              domain, to_string(type))}};
}

/// The new key is no shorter than the old ones, nor than the default.
int default_bits(const std::vector<HeldKey>& old) {
  int bits = kDefaultRsaBits;
  for (const HeldKey& key : old) bits = std::max(bits, key.key->bits());
  return bits;
}

/// Whether the selector has a file, is retired or is used by a key that lies elsewhere.
bool is_taken(const std::string& selector, const HeldKeys& held) {
  const Name& domain = held.keys.front().key->domain();
  const std::string file =
      fmt::format("{}/{}/{}.pem", held.config().key_directory, domain.text(), selector);
  const auto exists = [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
  };
  return exists(file) || exists(file + std::string(kRetiredSuffix)) ||
         std::any_of(held.keys.begin(), held.keys.end(),
                     [&](const HeldKey& key) { return key.key->selector() == selector; });
}

std::string free_selector(const HeldKeys& held, std::chrono::sys_seconds now, DkimKeyType type) {
  for (int number = 1;; ++number) {
    std::string selector = default_selector(now, type, number);
    if (!is_taken(selector, held)) return selector;
  }
}

std::string selectors_of(const std::vector<HeldKey>& keys) {
  std::string text;
  for (const HeldKey& key : keys) text += (text.empty() ? "" : " and ") + key.key->selector();
  return text;
}

/// With the daemon comparing keys and records.
std::string steps_by_itself(const SigningKey& key, const std::string& old,
                            std::chrono::seconds interval) {
  return fmt::format(
      "; 2. Make the daemon read its keys: systemctl reload signet\n"
      ";    It signs with {old} until it sees the new record, and from then on with {selector}.\n"
      ";    It looks at once and every {interval}; a cache on the way may need longer.\n",
      fmt::arg("old", old), fmt::arg("selector", key.selector()),
      fmt::arg("interval", print_duration(std::min(interval, KeyMonitor::kUnpublishedInterval))));
}

/// With KeyCheckInterval 0 the order of the steps is what keeps unverifiable mail from going out.
std::string steps_by_hand(const SigningKey& key) {
  return fmt::format(
      "; 2. The daemon does not compare keys with the DNS (KeyCheckInterval 0). So wait until\n"
      ";    the record is there (signet key check {domain}), then make it read\n"
      ";    its keys, the new one among them: systemctl reload signet\n",
      fmt::arg("domain", key.domain().text()));
}

std::string report(const CreatedKey& created, const std::vector<HeldKey>& old,
                   std::chrono::seconds interval) {
  const SigningKey& key = *created.key;
  const std::string& domain = key.domain().text();
  std::string text = fmt::format(
      "{}; It is to take the place of {}.\n"
      "; 1. Publish this record in the DNS, and leave the old one there:\n"
      "{}{}",
      created.file_comment, selectors_of(old), record_to_publish(key),
      interval.count() > 0 ? steps_by_itself(key, selectors_of(old), interval)
                           : steps_by_hand(key));
  text += fmt::format(
      "; 3. When the new record is there (signet key check {}),\n"
      ";    take the old key out of use:\n",
      domain);
  for (const HeldKey& held : old) {
    text += fmt::format(";    signet key retire {} {}\n", domain, held.key->selector());
  }
  return text + ";    That says how long the old record has to stay.\n";
}

/// Returns what to print.
OrFailure<std::string> rotate(const NewKeyArguments& arguments, const CommandContext& context) {
  const auto found = find_held_keys({arguments.domain, arguments.directory, {}}, context);
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  const auto& held = std::get<HeldKeys>(found);
  const auto type = choose_type(arguments, held);
  if (const auto* failure = std::get_if<Failure>(&type)) return *failure;
  NewKey wanted;
  wanted.domain = held.keys.front().key->domain();
  wanted.type = std::get<DkimKeyType>(type);
  std::vector<HeldKey> old = held.keys;
  std::erase_if(old, [&](const HeldKey& key) { return key.key->type() != wanted.type; });
  const auto bits = choose_bits(arguments, wanted.type, default_bits(old));
  if (const auto* failure = std::get_if<Failure>(&bits)) return *failure;
  wanted.bits = std::get<int>(bits);
  wanted.selector = arguments.selector.empty() ? free_selector(held, context.now, wanted.type)
                                               : arguments.selector;
  const auto created = create_key(wanted, arguments, held.config());
  if (const auto* failure = std::get_if<Failure>(&created)) return *failure;
  return report(std::get<CreatedKey>(created), old, held.config().key_check_interval);
}

}  // namespace

void add_key_rotate(CLI::App& key, CommandContext& context) {
  CLI::App* command = key.add_subcommand("rotate", "Make the key that follows the present one");
  const auto arguments = std::make_shared<NewKeyArguments>();
  add_new_key_options(*command, *arguments, "rsa, if there is such a key",
                      "that of the old key, 2048 at least");
  command->callback([arguments, &context] { print(rotate(*arguments, context), context); });
}

}  // namespace signet
