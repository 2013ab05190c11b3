// SPDX-License-Identifier: BSD-2-Clause
//
// A Runtime is built as the daemon builds its own, so that what is shown is what it signs with.

#include "milter/command/key/held_keys.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace signet {
namespace {

/// Two ways to write a path can lead to one file.
std::string real_path(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  return error ? path : real.native();
}

/// The option to change if a key is no longer wanted: one that names its file goes first.
class Options {
 public:
  explicit Options(const Runtime& runtime) {
    if (runtime.config.domain) by_file_[real_path(runtime.config.key_file)] = "KeyFile";
    for (const auto& key : runtime.rules.key_table().keys()) {
      by_file_[real_path(key->file())] = "KeyTable";
    }
  }

  std::string of(const SigningKey& key) const {
    const auto found = by_file_.find(real_path(key.file()));
    return found == by_file_.end() ? "KeyDirectory" : found->second;
  }

 private:
  std::map<std::string, std::string> by_file_;
};

bool is_before(const HeldKey& a, const HeldKey& b) {
  const auto rank = [](const HeldKey& held) {
    const SigningKey& key = *held.key;
    return std::tuple(key.domain(), key.type() == DkimKeyType::rsa ? 0 : 1,
                      std::string_view(key.selector()));
  };
  return rank(a) < rank(b);
}

HeldKeys read_keys(std::shared_ptr<const Runtime> runtime) {
  HeldKeys held;
  const Options options(*runtime);
  for (const auto& key : runtime->all_signing_keys()) {
    held.keys.push_back({key, options.of(*key)});
  }
  std::sort(held.keys.begin(), held.keys.end(), is_before);
  held.problems = runtime->key_problems();
  held.runtime = std::move(runtime);
  return held;
}

Failure no_keys(const std::optional<Name>& domain, HeldKeys held) {
  held.problems.push_back(fmt::format("no key{} in {}; make one with: signet key generate {}",
                                      domain ? " for " + domain->text() : "",
                                      held.config().key_directory,
                                      domain ? domain->text() : "DOMAIN"));
  return {EX_NOINPUT, std::move(held.problems)};
}

/// Whether a line of KeyStore or KeyTable may be about the domain. Only in the key directory the
/// path tells.
bool may_concern(const std::string& problem, const Name& domain, const std::string& directory) {
  const std::string prefix = (std::filesystem::path(directory) / "").native();
  if (!problem.starts_with(prefix)) return true;
  const std::string rest = problem.substr(prefix.size());
  const auto named = parse_domain(rest.substr(0, rest.find_first_of("/:")));
  return named && *named == domain;
}

/// Leaves out what is of other domains.
void choose(const Name& domain, HeldKeys& held) {
  std::erase_if(held.keys, [&](const HeldKey& key) { return key.key->domain() != domain; });
  std::erase_if(held.problems, [&](const std::string& problem) {
    return !may_concern(problem, domain, held.config().key_directory);
  });
}

}  // namespace

void add_directory_option(CLI::App& command, KeyChoice& choice) {
  command.add_option("--directory", choice.directory, "Key directory [KeyDirectory]");
}

OrFailure<HeldKeys> find_held_keys(const KeyChoice& choice, const CommandContext& context) {
  std::optional<Name> domain;
  if (!choice.domain.empty()) {
    const auto parsed = parse_domain(choice.domain);
    if (!parsed) return Failure{EX_USAGE, {"DOMAIN: " + parsed.error()}};
    domain = *parsed;
  }
  auto config = daemon_config(context);
  if (auto* failure = std::get_if<Failure>(&config)) return std::move(*failure);
  config = with_dns(std::get<Config>(std::move(config)), choice.dns);
  if (auto* failure = std::get_if<Failure>(&config)) return std::move(*failure);
  auto& chosen = std::get<Config>(config);
  if (!choice.directory.empty()) chosen.key_directory = choice.directory;
  auto runtime = build_runtime(std::move(chosen));
  if (!runtime) return Failure{EX_CONFIG, {runtime.error()}};
  HeldKeys held = read_keys(*std::move(runtime));
  if (domain) choose(*domain, held);
  if (held.keys.empty()) return no_keys(domain, std::move(held));
  return held;
}

OrFailure<size_t> find_selector(const HeldKeys& held, const std::string& selector) {
  const Name& domain = held.keys.front().key->domain();
  const auto record = dkim_record_name(selector, domain);
  if (!record) return Failure{EX_USAGE, {"SELECTOR: " + record.error()}};
  const auto found = std::find_if(held.keys.begin(), held.keys.end(), [&](const HeldKey& key) {
    return key_record_name(*key.key) == *record;
  });
  if (found != held.keys.end()) return static_cast<size_t>(found - held.keys.begin());
  std::vector<std::string> lines = held.problems;
  lines.push_back(fmt::format("no key of {}; those that exist: signet key list {}", record->text(),
                              domain.text()));
  return Failure{EX_NOINPUT, std::move(lines)};
}

std::vector<KeyCheck> check_held_keys(const HeldKeys& held) {
  const auto count = static_cast<int>(held.keys.size());
  LookupBudget budget(std::chrono::steady_clock::now() + held.config().message_timeout, count);
  std::vector<Lookup> lookups;
  for (const HeldKey& key : held.keys) {
    lookups.push_back(
        held.runtime->resolver->start(key_record_name(*key.key), RecordType::txt, budget));
  }
  std::vector<KeyCheck> checks;
  std::transform(held.keys.begin(), held.keys.end(), lookups.begin(), std::back_inserter(checks),
                 [](const HeldKey& key, Lookup& lookup) {
                   return compare_with_record(*key.key, lookup.get());
                 });
  return checks;
}

std::string describe(const SigningKey& key) {
  return fmt::format("{}, {} bits", to_string(key.type()), key.bits());
}

}  // namespace signet
