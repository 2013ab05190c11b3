// SPDX-License-Identifier: BSD-2-Clause
//
// `signet key check [DOMAIN]`: compares each key with its TXT record, as the daemon does, and says
// what differs. The exit status is the answer, for cron and monitoring.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "milter/command/key/held_keys.h"
#include "milter/command/key/key_commands.h"
#include "milter/command/shown.h"

namespace signet {
namespace {

constexpr int kNotPublished = 1;
constexpr int kDnsFailed = 2;

/// What is known for certain goes before what is not.
int exit_status_of(const std::vector<KeyCheck>& checks) {
  const auto any = [&](KeyState state) {
    return std::any_of(checks.begin(), checks.end(),
                       [state](const KeyCheck& check) { return check.state == state; });
  };
  if (any(KeyState::unpublished) || any(KeyState::mismatch)) return kNotPublished;
  return any(KeyState::unknown) ? kDnsFailed : EX_OK;
}

std::string line_of(const SigningKey& key, const KeyCheck& check) {
  const std::string detail = shown(check.detail);
  return fmt::format("{:<11}  {} ({}){}{}\n", to_string(check.state), key_record_name(key).text(),
                     describe(key), detail.empty() ? "" : ": ", detail);
}

std::string advice(const SigningKey& key, const KeyCheck& check) {
  if (check.state != KeyState::unpublished && check.state != KeyState::mismatch) return "";
  return fmt::format("             the record to publish: signet key publish {} {}\n",
                     key.domain().text(), key.selector());
}

OrFailure<std::string> check(const KeyChoice& choice, CommandContext& context) {
  const auto found = find_held_keys(choice, context);
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  const auto& held = std::get<HeldKeys>(found);
  const std::vector<KeyCheck> checks = check_held_keys(held);
  context.exit_status = exit_status_of(checks);
  // A key that the daemon cannot read is as good as not published.
  if (!held.problems.empty()) show({kNotPublished, held.problems}, context);
  std::string text;
  for (size_t i = 0; i < checks.size(); ++i) {
    text += line_of(*held.keys[i].key, checks[i]) + advice(*held.keys[i].key, checks[i]);
  }
  return text;
}

}  // namespace

void add_key_check(CLI::App& key, CommandContext& context) {
  CLI::App* command = key.add_subcommand("check", "Compare the keys with their records in the DNS");
  command->footer(fmt::format(
      "Exit status: 0 if every key is published, {} if one is not, {} if the DNS failed.",
      kNotPublished, kDnsFailed));
  const auto choice = std::make_shared<KeyChoice>();
  command->add_option("DOMAIN", choice->domain, "Keys of this domain alone");
  add_directory_option(*command, *choice);
  add_dns_options(*command, choice->dns);
  command->callback([choice, &context] { print(check(*choice, context), context); });
}

}  // namespace signet
