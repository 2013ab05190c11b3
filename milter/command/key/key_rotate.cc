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
#include "milter/command/key/record_life.h"
#include "milter/config/config_values.h"
#include "milter/signing/key_monitor.h"

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

/// What the report says: the key, those it follows, and the options that decide what happens.
struct Rotation {
  const CreatedKey& created;
  const std::vector<HeldKey>& old;
  const Config& config;

  const std::string& domain() const { return created.key->domain().text(); }
  const std::string& selector() const { return created.key->selector(); }
  std::string old_selectors() const {
    std::string text;
    for (const HeldKey& key : old) text += (text.empty() ? "" : " and ") + key.key->selector();
    return text;
  }
};

/// With the daemon comparing keys and records.
std::string steps_by_itself(const Rotation& rotation) {
  const std::chrono::seconds interval =
      std::min(rotation.config.key_check_interval, KeyMonitor::kUnpublishedInterval);
  return fmt::format(
      "; 2. Make the daemon read its keys: systemctl reload signet\n"
      ";    It signs with {old} until it sees the new record, and from then on with {selector}.\n"
      ";    It looks at once and every {interval}; a cache on the way may need longer.\n",
      fmt::arg("old", rotation.old_selectors()), fmt::arg("selector", rotation.selector()),
      fmt::arg("interval", print_duration(interval)));
}

/// With KeyCheckInterval 0 the order of the steps is what keeps unverifiable mail from going out.
std::string steps_by_hand(const Rotation& rotation) {
  return fmt::format(
      "; 2. The daemon does not compare keys with the DNS (KeyCheckInterval 0). So wait until\n"
      ";    the record is there (signet key check {domain}), then make it read\n"
      ";    its keys, the new one among them: systemctl reload signet\n",
      fmt::arg("domain", rotation.domain()));
}

std::string retire_step(const Rotation& rotation) {
  std::string text = fmt::format(
      "; 3. When the new record is there (signet key check {}),\n"
      ";    take the old key out of use:\n",
      rotation.domain());
  for (const HeldKey& held : rotation.old) {
    text += fmt::format(";    signet key retire {} {}\n", rotation.domain(), held.key->selector());
  }
  return text + ";    That says how long the old record has to stay.\n";
}

/// For whom SigningTable has a line, nothing in the key directory is looked at.
std::string steps_with_table(const Rotation& rotation) {
  const auto life = record_life(rotation.config.dkim_sign.signature_ttl);
  return fmt::format(
      "; 2. KeyTable names the old key, so it has to name the new one. Wait until the record\n"
      ";    is there (signet key check {domain}), then replace the old key in {table}:\n"
      ";    {domain}:{selector}:{path}\n"
      ";    and make the daemon read it: systemctl reload signet\n"
      "; 3. Leave the old record in the DNS for {life} after that.\n",
      fmt::arg("domain", rotation.domain()), fmt::arg("selector", rotation.selector()),
      fmt::arg("path", rotation.created.path), fmt::arg("table", rotation.config.key_table),
      fmt::arg("life", days_text(life)));
}

std::string steps(const Rotation& rotation) {
  const bool in_table = std::any_of(rotation.old.begin(), rotation.old.end(),
                                    [](const HeldKey& key) { return key.option == "KeyTable"; });
  if (in_table) return steps_with_table(rotation);
  const bool by_itself = rotation.config.key_check_interval.count() > 0;
  return (by_itself ? steps_by_itself(rotation) : steps_by_hand(rotation)) + retire_step(rotation);
}

std::string report(const Rotation& rotation) {
  return fmt::format(
      "{}; It is to take the place of {}.\n"
      "; 1. Publish this record in the DNS, and leave the old one there:\n"
      "{}{}",
      rotation.created.file_comment, rotation.old_selectors(),
      record_to_publish(*rotation.created.key), steps(rotation));
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
  return report({std::get<CreatedKey>(created), old, held.config()});
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
