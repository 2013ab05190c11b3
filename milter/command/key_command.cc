// SPDX-License-Identifier: BSD-2-Clause
//
// Everything that can be wrong is found before the key is written: the configuration, the names,
// the key itself. The record is printed only once the file is safely on disk.

#include "milter/command/key_command.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <variant>

#include "crypto/key.h"
#include "milter/command/failure.h"
#include "milter/command/key_file.h"
#include "milter/config/config.h"
#include "milter/privileges.h"

namespace signet {
namespace {

/// The command line of `signet key generate`.
struct GenerateArguments {
  std::string domain;
  std::string selector;
  std::string type = "rsa";
  std::optional<int> bits;
  std::string directory;
  std::string owner;
};

/// Where the key goes and whose it will be; without an owner it is the caller's.
struct Place {
  std::string directory;
  std::optional<Account> owner;
  std::string missing_user;  ///< the user that should own it, if it does not exist yet
};

constexpr int kDefaultRsaBits = 2048;

/// `s20261123`, and `s20261123-ed25519` beside it.
std::string default_selector(std::chrono::sys_seconds now, DkimKeyType type) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(now));
  return fmt::format("s{:04}{:02}{:02}{}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     type == DkimKeyType::ed25519 ? "-ed25519" : "");
}

/// The configuration that -c names, or the default one if that exists, or the defaults.
std::variant<Config, ConfigErrors> find_config(const std::string& given) {
  std::error_code ignored;
  if (given.empty() && !std::filesystem::exists(kDefaultConfigPath, ignored)) return Config{};
  return load_config(given.empty() ? kDefaultConfigPath : given);
}

/// The owner is --owner, else for root the user that the daemon runs as.
OrFailure<Place> find_place(const GenerateArguments& arguments, const std::string& config_path) {
  auto found = find_config(config_path);
  if (auto* errors = std::get_if<ConfigErrors>(&found)) {
    return Failure{EX_CONFIG, std::move(errors->lines)};
  }
  const auto& config = std::get<Config>(found);
  Place place;
  place.directory = arguments.directory.empty() ? config.key_directory : arguments.directory;
  const bool explicit_owner = !arguments.owner.empty();
  const std::string& wanted = explicit_owner ? arguments.owner : config.user_id;
  if (!explicit_owner && (geteuid() != 0 || wanted.empty())) return place;
  auto account = find_account(wanted);
  if (!account && explicit_owner) return Failure{EX_NOUSER, {account.error()}};
  if (account) {
    place.owner = *std::move(account);
  } else {
    place.missing_user = wanted;
  }
  return place;
}

/// Makes the key and proves it; nothing is written yet.
OrFailure<std::shared_ptr<const SigningKey>> make_key(const GenerateArguments& arguments,
                                                      std::chrono::sys_seconds now) {
  const auto domain = parse_domain(arguments.domain);
  if (!domain) return Failure{EX_USAGE, {"DOMAIN: " + domain.error()}};
  const DkimKeyType type = arguments.type == "ed25519" ? DkimKeyType::ed25519 : DkimKeyType::rsa;
  if (type == DkimKeyType::ed25519 && arguments.bits) {
    return Failure{EX_USAGE, {"--bits: an ed25519 key has always 256"}};
  }
  const std::string selector =
      arguments.selector.empty() ? default_selector(now, type) : arguments.selector;
  if (const auto name = dkim_record_name(selector, *domain); !name) {
    return Failure{EX_USAGE, {"--selector: " + name.error()}};
  }
  auto generated = generate_key(type, arguments.bits.value_or(kDefaultRsaBits));
  if (!generated) return Failure{EX_SOFTWARE, {generated.error()}};
  const SecretText pem(*std::move(generated));
  auto key = SigningKey::parse(pem.text(), *domain, selector);
  if (!key) return Failure{EX_SOFTWARE, {key.error()}};
  return *std::move(key);
}

std::string report(const SigningKey& key, const std::string& path, const Place& place) {
  std::string owner;
  if (place.owner) owner = fmt::format(", owner {}", place.owner->user);
  if (!place.missing_user.empty()) {
    owner = fmt::format("\n; There is no user {0} yet. Make it, then: chown -R {0} {1}",
                        place.missing_user, place.directory);
  }
  return fmt::format(
      "; {path}: {type}, {bits} bits, mode 0600{owner}\n"
      "; 1. Publish this record in the DNS:\n"
      "{record}\n"
      ";    or, in a web form, a TXT record with this name and this value:\n"
      ";    {selector}._domainkey.{domain}\n"
      ";    {value}\n"
      "; 2. When the record is there (dig +short TXT {selector}._domainkey.{domain}),\n"
      ";    make the daemon read its keys: systemctl reload signet\n",
      fmt::arg("path", path), fmt::arg("type", to_string(key.type())), fmt::arg("bits", key.bits()),
      fmt::arg("owner", owner), fmt::arg("record", zone_file_record(key)),
      fmt::arg("selector", key.selector()), fmt::arg("domain", key.domain().text()),
      fmt::arg("value", key.record()));
}

/// Writes the key to its place. Returns what to print.
OrFailure<std::string> generate(const GenerateArguments& arguments, const CommandContext& context) {
  auto place = find_place(arguments, context.config_path);
  if (auto* failure = std::get_if<Failure>(&place)) return std::move(*failure);
  auto key = make_key(arguments, context.now);
  if (auto* failure = std::get_if<Failure>(&key)) return std::move(*failure);
  const auto& to = std::get<Place>(place);
  const SigningKey& made = *std::get<std::shared_ptr<const SigningKey>>(key);
  const auto path = write_key_file(to.directory, made, to.owner);
  if (!path) return Failure{EX_CANTCREAT, {path.error()}};
  return report(made, *path, to);
}

void run_generate(const GenerateArguments& arguments, CommandContext& context) {
  const auto outcome = generate(arguments, context);
  if (const auto* failure = std::get_if<Failure>(&outcome)) {
    show(*failure, context);
    return;
  }
  context.out << std::get<std::string>(outcome);
}

}  // namespace

void add_key_command(CLI::App& app, CommandContext& context) {
  CLI::App* key = app.add_subcommand("key", "Signing keys");
  key->require_subcommand(1);
  CLI::App* make = key->add_subcommand("generate", "Make a key and print its TXT record");
  const auto arguments = std::make_shared<GenerateArguments>();
  make->add_option("DOMAIN", arguments->domain, "The domain to sign for")->required();
  make->add_option("--selector", arguments->selector, "Name of the key [today, such as s20261123]");
  make->add_option("--type", arguments->type, "rsa or ed25519")
      ->check(CLI::IsMember({"rsa", "ed25519"}))
      ->capture_default_str();
  make->add_option("--bits", arguments->bits, "Size of an RSA key, 1024 to 4096 [2048]")
      ->check(CLI::Range(1024, 4096));
  make->add_option("--directory", arguments->directory, "Key directory [KeyDirectory]");
  make->add_option("--owner", arguments->owner, "Owner of the file, USER or USER:GROUP [UserID]");
  make->callback([arguments, &context] { run_generate(*arguments, context); });
}

}  // namespace signet
