// SPDX-License-Identifier: BSD-2-Clause
//
// `signet key retire DOMAIN SELECTOR`: the end of a rotation. The file is put aside under a name
// that the daemon does not read; nothing is deleted. It is refused as long as no other key's record
// is in the DNS, because the domain's mail would then go unsigned or fail.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "milter/command/key/held_keys.h"
#include "milter/command/key/key_commands.h"
#include "milter/command/key/key_file.h"
#include "milter/command/key/record_life.h"
#include "milter/command/shown.h"

namespace signet {
namespace {

using std::chrono::days;

constexpr int kStillNeeded = 1;
constexpr int kDnsFailed = 2;

/// The command line.
struct RetireArguments {
  KeyChoice choice;
  std::string selector;
  bool force = false;
};

/// What the DNS says of the key itself, and the key that signs from now on; neither with --force.
struct Standing {
  std::optional<KeyState> own;
  std::optional<size_t> successor;  ///< in HeldKeys::keys
};

/// Ed25519 is not verified everywhere, RSA is (RFC 8463 3): an Ed25519 key does not stand in for
/// an RSA key.
bool can_stand_in(const SigningKey& other, const SigningKey& key) {
  return other.type() == DkimKeyType::rsa || key.type() == DkimKeyType::ed25519;
}

Failure refusal(const HeldKeys& held, size_t place, const std::vector<KeyCheck>& checks) {
  const SigningKey& key = *held.keys[place].key;
  const std::string& domain = key.domain().text();
  Failure failure{kStillNeeded, {}};
  failure.lines.push_back(fmt::format("{} is still needed: no other {}key of {} is published",
                                      key.selector(), key.type() == DkimKeyType::rsa ? "rsa " : "",
                                      domain));
  for (size_t i = 0; i < held.keys.size(); ++i) {
    const SigningKey& other = *held.keys[i].key;
    if (i == place || !can_stand_in(other, key)) continue;
    if (checks[i].state == KeyState::unknown) failure.exit_status = kDnsFailed;
    failure.lines.push_back(fmt::format("{}: {}: {}", other.selector(), to_string(checks[i].state),
                                        shown(checks[i].detail)));
  }
  failure.lines.push_back(held.keys.size() == 1
                              ? fmt::format("make another with: signet key rotate {}", domain)
                              : "publish one first, or use --force to retire the key nevertheless");
  return failure;
}

/// The newest of those that can stand in is the one that the daemon will use.
OrFailure<Standing> find_standing(const HeldKeys& held, size_t place) {
  const std::vector<KeyCheck> checks = check_held_keys(held);
  const SigningKey& key = *held.keys[place].key;
  Standing standing{checks[place].state, std::nullopt};
  for (size_t i = 0; i < held.keys.size(); ++i) {
    const SigningKey& other = *held.keys[i].key;
    if (i == place || checks[i].state != KeyState::published || !can_stand_in(other, key)) continue;
    const auto& best = standing.successor;
    if (!best || other.made_at() > held.keys[*best].key->made_at()) standing.successor = i;
  }
  if (!standing.successor) return refusal(held, place, checks);
  return standing;
}

/// Files that an option names cannot be renamed: the daemon would not start without them.
OrFailure<size_t> find_key(const HeldKeys& held, const std::string& selector) {
  auto place = find_selector(held, selector);
  const auto* found = std::get_if<size_t>(&place);
  if (found == nullptr) return place;
  const HeldKey& key = held.keys[*found];
  if (key.option == "KeyDirectory") return place;
  return Failure{EX_CONFIG,
                 {fmt::format("{} is named by {} in the configuration; remove it there, then: "
                              "systemctl reload signet",
                              key.key->file(), key.option)}};
}

std::string date_text(std::chrono::sys_seconds time) {
  const std::chrono::year_month_day date(std::chrono::floor<days>(time));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

/// When and why the record may go. The last signature is made when the daemon reads its keys.
std::string record_step(const SigningKey& key, const Standing& standing,
                        std::chrono::seconds signature_ttl, std::chrono::sys_seconds now) {
  const std::string name = key_record_name(key).text();
  if (standing.own == KeyState::unpublished) {
    return fmt::format("2. There is no record at {}: nothing to remove from the DNS.\n", name);
  }
  if (signature_ttl.count() == 0) {
    return fmt::format(
        "2. Leave the record at {} in the DNS until {} at least: signatures\n"
        "   do not expire (SignatureTTL 0), and mail is verified days after it was sent.\n",
        name, date_text(now + record_life(signature_ttl)));
  }
  return fmt::format(
      "2. Leave the record at {} in the DNS until the end of {}:\n"
      "   signatures are valid for {} (SignatureTTL), and mail may be {} on its way.\n",
      name, date_text(now + record_life(signature_ttl)), days_text(signature_ttl),
      days_text(kQueueTime));
}

std::string report(const HeldKeys& held, size_t place, const Standing& standing,
                   const std::string& retired, std::chrono::sys_seconds now) {
  const SigningKey& key = *held.keys[place].key;
  const std::string& domain = key.domain().text();
  std::string text = fmt::format("{} ({}) of {} is retired; its file is now {}\n", key.selector(),
                                 describe(key), domain, retired);
  if (standing.successor) {
    text += fmt::format("{} is published and signs in its place.\n",
                        held.keys[*standing.successor].key->selector());
  } else if (held.keys.size() == 1) {
    text += fmt::format("{} has no other key: its mail is no longer signed.\n", domain);
  }
  text += "1. Make the daemon forget the key: systemctl reload signet\n";
  text += record_step(key, standing, held.config().dkim_sign.signature_ttl, now);
  return text + "3. Then the file can be deleted, but keep its selector out of use.\n";
}

OrFailure<std::string> retire(const RetireArguments& arguments, const CommandContext& context) {
  const auto found = find_held_keys(arguments.choice, context);
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  const auto& held = std::get<HeldKeys>(found);
  const auto place = find_key(held, arguments.selector);
  if (const auto* failure = std::get_if<Failure>(&place)) return *failure;
  const size_t at = std::get<size_t>(place);
  Standing standing;
  if (!arguments.force) {
    const auto known = find_standing(held, at);
    if (const auto* failure = std::get_if<Failure>(&known)) return *failure;
    standing = std::get<Standing>(known);
  }
  const auto retired = retire_key_file(held.keys[at].key->file());
  if (!retired) return Failure{EX_CANTCREAT, {retired.error()}};
  return report(held, at, standing, *retired, context.now);
}

}  // namespace

void add_key_retire(CLI::App& key, CommandContext& context) {
  CLI::App* command =
      key.add_subcommand("retire", "Take a key out of use, another being published");
  command->footer(
      fmt::format("Exit status: 0 if the key is retired, {} if it is still needed, {} if that is "
                  "not known because the DNS failed.",
                  kStillNeeded, kDnsFailed));
  const auto arguments = std::make_shared<RetireArguments>();
  command->add_option("DOMAIN", arguments->choice.domain, "Whose key")->required();
  command->add_option("SELECTOR", arguments->selector, "Which key")->required();
  command->add_flag("--force", arguments->force, "Do not ask the DNS for another key first");
  add_directory_option(*command, arguments->choice);
  add_dns_options(*command, arguments->choice.dns);
  command->callback([arguments, &context] { print(retire(*arguments, context), context); });
}

}  // namespace signet
