// SPDX-License-Identifier: BSD-2-Clause
//
// `signet key publish DOMAIN [SELECTOR]`: the TXT record in the form that a DNS server or provider
// wants. A record holds base64, names and tags alone: there is nothing in it to escape.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>

#include "milter/command/key/held_keys.h"
#include "milter/command/key/key_commands.h"

namespace signet {
namespace {

constexpr int kDefaultTtl = 3600;  // seconds
constexpr int kMaxTtl = 604'800;   // a week

/// The command line.
struct PublishArguments {
  KeyChoice choice;
  std::string selector;
  std::string format = "zone";
  std::optional<int> ttl;
};

/// `"v=DKIM1; ..." "..."`, each string short enough for the wire (RFC 1035 3.3).
std::string quoted_strings(const std::string& record) {
  std::string strings;
  for (const std::string& part : split_txt(record)) strings += fmt::format(" \"{}\"", part);
  return strings.substr(1);
}

/// What to enter as host differs with the zone that the form is for; which one that is, nobody
/// here knows. Zones of one label are left out, unless the domain is one.
std::string host_lines(const SigningKey& key) {
  const Name& domain = key.domain();
  const std::string name = key_record_name(key).text();
  const int labels = domain.label_count();
  const int fewest = std::min(labels, 2);
  const size_t width = name.size() - domain.last_labels(fewest).text().size() - 1;
  std::string lines;
  for (int count = labels; count >= fewest; --count) {
    const std::string zone = domain.last_labels(count).text();
    lines += fmt::format("{:<6} {:<{}}  in the zone {}\n", lines.empty() ? "Host" : "or",
                         name.substr(0, name.size() - zone.size() - 1), width, zone);
  }
  return lines;
}

std::string as_text(const SigningKey& key) {
  return fmt::format("Type   TXT\n{}Name   {}\nValue  {}\n", host_lines(key),
                     key_record_name(key).text(), key.record());
}

/// Takes away what TXT is at the name, so that there is never a second record beside ours.
std::string as_update(const SigningKey& key, int ttl) {
  const std::string name = key_record_name(key).text();
  return fmt::format("update delete {0}. TXT\nupdate add {0}. {1} TXT {2}\n", name, ttl,
                     quoted_strings(key.record()));
}

std::string to_format(const SigningKey& key, const PublishArguments& arguments) {
  if (arguments.format == "text") return as_text(key);
  if (arguments.format == "nsupdate") {
    return as_update(key, arguments.ttl.value_or(kDefaultTtl));
  }
  return zone_file_record(key) + "\n";
}

OrFailure<std::string> publish(const PublishArguments& arguments, const CommandContext& context) {
  const bool nsupdate = arguments.format == "nsupdate";
  if (arguments.ttl && !nsupdate) {
    return Failure{EX_USAGE, {"--ttl: only with --format nsupdate"}};
  }
  auto found = find_held_keys(arguments.choice, context);
  if (auto* failure = std::get_if<Failure>(&found)) return std::move(*failure);
  auto& held = std::get<HeldKeys>(found);
  if (!arguments.selector.empty()) {
    const auto place = find_selector(held, arguments.selector);
    if (const auto* failure = std::get_if<Failure>(&place)) return *failure;
    held.keys = {held.keys[std::get<size_t>(place)]};
  }
  std::string text;
  for (const HeldKey& key : held.keys) {
    const bool blank_line = !text.empty() && arguments.format == "text";
    text += (blank_line ? "\n" : "") + to_format(*key.key, arguments);
  }
  return nsupdate ? text + "send\n" : text;
}

}  // namespace

void add_key_publish(CLI::App& key, CommandContext& context) {
  CLI::App* command = key.add_subcommand("publish", "Print the TXT records of a domain's keys");
  const auto arguments = std::make_shared<PublishArguments>();
  command->add_option("DOMAIN", arguments->choice.domain, "Whose keys")->required();
  command->add_option("SELECTOR", arguments->selector, "This key alone");
  command
      ->add_option("--format", arguments->format,
                   "zone for a zone file, text for a web form, nsupdate for nsupdate(1)")
      ->check(CLI::IsMember({"zone", "text", "nsupdate"}))
      ->capture_default_str();
  command
      ->add_option("--ttl", arguments->ttl,
                   fmt::format("Seconds that nsupdate's record may be cached [{}]", kDefaultTtl))
      ->check(CLI::Range(0, kMaxTtl));
  add_directory_option(*command, arguments->choice);
  command->callback([arguments, &context] { print(publish(*arguments, context), context); });
}

}  // namespace signet
