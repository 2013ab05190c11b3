// SPDX-License-Identifier: BSD-2-Clause
//
// `signet key list [DOMAIN]`: every key with its age and what the DNS says of it now, as a table
// for people or as JSON.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "milter/command/key/held_keys.h"
#include "milter/command/key/key_commands.h"

namespace signet {
namespace {

/// The command line.
struct ListArguments {
  KeyChoice choice;
  bool json = false;
};

using Row = std::array<std::string, 7>;

/// Days since the file was written; 0 if that lies in the future.
int64_t age_in_days(const HeldKey& held, std::chrono::sys_seconds now) {
  const auto age = std::chrono::floor<std::chrono::days>(now - held.key->made_at());
  return std::max<int64_t>(age.count(), 0);
}

std::string age_text(int64_t days) {
  if (days == 0) return "today";
  return days == 1 ? "1 day" : fmt::format("{} days", days);
}

std::string to_text(const HeldKeys& held, const std::vector<KeyCheck>& checks,
                    std::chrono::sys_seconds now) {
  std::vector<Row> rows = {{"DOMAIN", "SELECTOR", "TYPE", "BITS", "AGE", "STATE", "FILE"}};
  for (size_t i = 0; i < held.keys.size(); ++i) {
    const SigningKey& key = *held.keys[i].key;
    rows.push_back({key.domain().text(), key.selector(), std::string(to_string(key.type())),
                    std::to_string(key.bits()), age_text(age_in_days(held.keys[i], now)),
                    std::string(to_string(checks[i].state)), held.keys[i].key->file()});
  }
  std::array<size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) text += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += row.back() + "\n";
  }
  return text;
}

std::string to_json(const HeldKeys& held, const std::vector<KeyCheck>& checks,
                    std::chrono::sys_seconds now) {
  auto json = nlohmann::ordered_json::array();
  for (size_t i = 0; i < held.keys.size(); ++i) {
    const SigningKey& key = *held.keys[i].key;
    json.push_back({{"domain", key.domain().text()},
                    {"selector", key.selector()},
                    {"type", to_string(key.type())},
                    {"bits", key.bits()},
                    {"age_days", age_in_days(held.keys[i], now)},
                    {"state", to_string(checks[i].state)},
                    {"detail", checks[i].detail},
                    {"record_name", key_record_name(key).text()},
                    {"record", key.record()},
                    {"file", held.keys[i].key->file()},
                    {"option", held.keys[i].option}});
  }
  // ASCII only: U+009B in raw UTF-8 is a control sequence to a terminal too.
  return json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

OrFailure<std::string> list(const ListArguments& arguments, CommandContext& context) {
  const auto found = find_held_keys(arguments.choice, context);
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  const auto& held = std::get<HeldKeys>(found);
  const std::vector<KeyCheck> checks = check_held_keys(held);
  if (!held.problems.empty()) show({EX_NOINPUT, held.problems}, context);
  return arguments.json ? to_json(held, checks, context.now) : to_text(held, checks, context.now);
}

}  // namespace

void add_key_list(CLI::App& key, CommandContext& context) {
  CLI::App* command = key.add_subcommand("list", "Show the keys and what the DNS says of them");
  const auto arguments = std::make_shared<ListArguments>();
  command->add_option("DOMAIN", arguments->choice.domain, "Keys of this domain alone");
  command->add_flag("--json", arguments->json, "Print a JSON array");
  add_directory_option(*command, arguments->choice);
  add_dns_options(*command, arguments->choice.dns);
  command->callback([arguments, &context] { print(list(*arguments, context), context); });
}

}  // namespace signet
