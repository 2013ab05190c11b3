// SPDX-License-Identifier: BSD-2-Clause
//
// The private key is in its file and nowhere else: what is printed comes from the public half.

#include "milter/command/key/key_creation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <utility>

#include "milter/command/key/key_file.h"

namespace signet {
namespace {

/// Where the key goes and whose it will be; without an owner it is the caller's.
struct Place {
  std::string directory;
  std::optional<Account> owner;
  std::string missing_user;  ///< the user that should own it, if it does not exist yet
};

OrFailure<Place> find_place(const NewKeyArguments& arguments, const Config& config) {
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
OrFailure<std::shared_ptr<const SigningKey>> make_key(const NewKey& wanted) {
  if (const auto name = dkim_record_name(wanted.selector, wanted.domain); !name) {
    return Failure{EX_USAGE, {"--selector: " + name.error()}};
  }
  auto generated = generate_key(wanted.type, wanted.bits);
  if (!generated) return Failure{EX_SOFTWARE, {generated.error()}};
  const SecretText pem(*std::move(generated));
  auto key = SigningKey::parse(pem.text(), wanted.domain, wanted.selector);
  if (!key) return Failure{EX_SOFTWARE, {key.error()}};
  return *std::move(key);
}

std::string file_comment(const SigningKey& key, const std::string& path, const Place& place) {
  std::string owner;
  if (place.owner) owner = fmt::format(", owner {}", place.owner->user);
  if (!place.missing_user.empty()) {
    owner = fmt::format("\n; There is no user {0} yet. Make it, then: chown -R {0} {1}",
                        place.missing_user, place.directory);
  }
  return fmt::format("; {}: {}, {} bits, mode 0600{}\n", path, to_string(key.type()), key.bits(),
                     owner);
}

}  // namespace

void add_new_key_options(CLI::App& command, NewKeyArguments& arguments,
                         const std::string& default_type, const std::string& default_bits) {
  command.add_option("DOMAIN", arguments.domain, "The domain to sign for")->required();
  command.add_option("--selector", arguments.selector,
                     "Name of the key [today, such as s20261123]");
  command.add_option("--type", arguments.type, fmt::format("rsa or ed25519 [{}]", default_type))
      ->check(CLI::IsMember({"rsa", "ed25519"}));
  command
      .add_option("--bits", arguments.bits,
                  fmt::format("Size of an RSA key, 1024 to 4096 [{}]", default_bits))
      ->check(CLI::Range(1024, 4096));
  command.add_option("--directory", arguments.directory, "Key directory [KeyDirectory]");
  command.add_option("--owner", arguments.owner, "Owner of the file, USER or USER:GROUP [UserID]");
}

std::string default_selector(std::chrono::sys_seconds now, DkimKeyType type, int number) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(now));
  return fmt::format("s{:04}{:02}{:02}{}{}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     number > 1 ? fmt::format("-{}", number) : "",
                     type == DkimKeyType::ed25519 ? "-ed25519" : "");
}

OrFailure<Name> domain_argument(const std::string& text) {
  auto domain = parse_domain(text);
  if (!domain) return Failure{EX_USAGE, {"DOMAIN: " + domain.error()}};
  return *std::move(domain);
}

OrFailure<int> choose_bits(const NewKeyArguments& arguments, DkimKeyType type, int default_bits) {
  if (type == DkimKeyType::ed25519 && arguments.bits) {
    return Failure{EX_USAGE, {"--bits: an ed25519 key has always 256"}};
  }
  return arguments.bits.value_or(default_bits);
}

OrFailure<CreatedKey> create_key(const NewKey& wanted, const NewKeyArguments& arguments,
                                 const Config& config) {
  auto place = find_place(arguments, config);
  if (auto* failure = std::get_if<Failure>(&place)) return std::move(*failure);
  auto made = make_key(wanted);
  if (auto* failure = std::get_if<Failure>(&made)) return std::move(*failure);
  const auto& to = std::get<Place>(place);
  auto& key = std::get<std::shared_ptr<const SigningKey>>(made);
  const auto path = write_key_file(to.directory, *key, to.owner);
  if (!path) return Failure{EX_CANTCREAT, {path.error()}};
  std::string comment = file_comment(*key, *path, to);
  return CreatedKey{std::move(key), *path, std::move(comment)};
}

std::string record_to_publish(const SigningKey& key) {
  return fmt::format(
      "{record}\n"
      ";    or, in a web form, a TXT record with this name and this value:\n"
      ";    {selector}._domainkey.{domain}\n"
      ";    {value}\n",
      fmt::arg("record", zone_file_record(key)), fmt::arg("selector", key.selector()),
      fmt::arg("domain", key.domain().text()), fmt::arg("value", key.record()));
}

}  // namespace signet
