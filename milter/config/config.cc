// SPDX-License-Identifier: BSD-2-Clause
//
// Reading a configuration file: lines, then the checks that need more than one option. All that is
// wrong is collected, so that one look at the messages is enough to mend the file.

#include "milter/config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <utility>

#include "dns/text_file.h"
#include "milter/config/config_options.h"
#include "milter/config/config_values.h"
#include "milter/log.h"

namespace signet {
namespace {

/// A file with more errors is something else than a configuration.
constexpr size_t kMaxConfigErrors = 100;

class ConfigParser {
 public:
  explicit ConfigParser(std::string_view source) : source_(source) {}

  void read_line(int number, std::string_view line);
  void check_combinations();
  std::variant<Config, ConfigErrors> result() &&;

 private:
  void set(std::string_view keyword, std::string_view value);
  void complain_of_unknown(std::string_view keyword);
  void check_together(std::initializer_list<std::string_view> keywords);
  void check_order(std::string_view lesser, std::string_view greater, bool in_order);
  void complain(int line, std::string_view keyword, std::string_view text);
  /// The line on which an option was set, or 0.
  int line_of(std::string_view keyword) const;

  std::string source_;
  int line_ = 0;
  Config config_;
  std::map<std::string_view, int> line_of_;  // by keyword as the table writes it
  ConfigErrors errors_;
  size_t unlisted_errors_ = 0;
};

void ConfigParser::read_line(int number, std::string_view line) {
  line_ = number;
  if (line.size() > kMaxConfigLine) {
    return complain(line_, "", fmt::format("want lines of at most {} octets", kMaxConfigLine));
  }
  if (is_unreadable_line(line)) return complain(line_, "", "want text, got a control octet");
  const std::string_view text = without_comment(line);
  if (text.empty()) return;
  const size_t end = std::min(text.find_first_of(" \t"), text.size());
  set(text.substr(0, end), without_comment(text.substr(end)));
}

void ConfigParser::set(std::string_view keyword, std::string_view value) {
  const ConfigOption* row = find_option(keyword);
  if (row == nullptr) return complain_of_unknown(keyword);
  const auto [first, is_new] = line_of_.emplace(row->keyword, line_);
  if (!is_new) {
    return complain(line_, row->keyword, fmt::format("given before on line {}", first->second));
  }
  if (value.empty()) {
    return complain(line_, row->keyword, fmt::format("want {}, got nothing", row->value));
  }
  const Result<bool> taken = row->set(config_, value);
  if (!taken) complain(line_, row->keyword, taken.error());
  config_.places.emplace(row->keyword, fmt::format("{}:{}", source_, line_));
}

void ConfigParser::complain_of_unknown(std::string_view keyword) {
  const std::string_view hint = hint_for_foreign_keyword(keyword);
  if (!hint.empty()) {
    return complain(line_, keyword, fmt::format("not an option of Signet; {}", hint));
  }
  const std::string_view nearest = nearest_keyword(keyword);
  if (!nearest.empty()) {
    return complain(line_, keyword, fmt::format("no such option; did you mean {}?", nearest));
  }
  complain(line_, keyword, "no such option; see signet.conf(5)");
}

void ConfigParser::check_combinations() {
  check_together({"Domain", "Selector", "KeyFile"});
  check_together({"KeyTable", "SigningTable"});
  check_order("MinimumKeyBits", "MaximumKeyBits",
              config_.dkim_verify.minimum_key_bits <= config_.dkim_verify.maximum_key_bits);
  check_order(
      "MaximumSignatures", "MaximumSignaturesPresent",
      config_.dkim_verify.maximum_signatures <= config_.dkim_verify.maximum_signatures_present);
  check_order("DNSTimeout", "MessageTimeout", config_.dns_timeout <= config_.message_timeout);
  for (const std::string& name : config_.verifying_listeners) {
    if (std::ranges::count(config_.signing_listeners, name) == 0) continue;
    complain(line_of("VerifyingListeners"), "VerifyingListeners",
             fmt::format("want other names than SigningListeners, got {}", log_quoted(name)));
  }
}

/// Options that mean something only together.
void ConfigParser::check_together(std::initializer_list<std::string_view> keywords) {
  for (const std::string_view given : keywords) {
    for (const std::string_view other : keywords) {
      if (line_of(given) == 0 || line_of(other) != 0) continue;
      complain(line_of(given), given, fmt::format("want {} too", other));
    }
  }
}

void ConfigParser::check_order(std::string_view lesser, std::string_view greater, bool in_order) {
  if (in_order) return;
  const std::string_view later = line_of(lesser) > line_of(greater) ? lesser : greater;
  const auto value = [&](std::string_view keyword) { return find_option(keyword)->get(config_); };
  complain(line_of(later), later,
           fmt::format("want {} to be at most {}, got {} and {}", lesser, greater, value(lesser),
                       value(greater)));
}

void ConfigParser::complain(int line, std::string_view keyword, std::string_view text) {
  if (errors_.lines.size() >= kMaxConfigErrors) {
    ++unlisted_errors_;
    return;
  }
  const std::string who = keyword.empty() ? std::string{} : log_value(keyword) + ": ";
  errors_.lines.push_back(fmt::format("{}:{}: {}{}", source_, line, who, text));
}

int ConfigParser::line_of(std::string_view keyword) const {
  const auto found = line_of_.find(keyword);
  return found == line_of_.end() ? 0 : found->second;
}

std::variant<Config, ConfigErrors> ConfigParser::result() && {
  if (errors_.lines.empty()) return std::move(config_);
  if (unlisted_errors_ > 0) {
    errors_.lines.push_back(fmt::format("{}: and {} more errors", source_, unlisted_errors_));
  }
  return std::move(errors_);
}

}  // namespace

std::string Config::place_of(std::string_view keyword) const {
  const auto place = places.find(keyword);
  return place == places.end() ? std::string(keyword)
                               : fmt::format("{}: {}", place->second, keyword);
}

std::variant<Config, ConfigErrors> parse_config(std::string_view text, std::string_view source) {
  ConfigParser parser{source};
  for_each_line(text, [&](int number, std::string_view line) { parser.read_line(number, line); });
  parser.check_combinations();
  return std::move(parser).result();
}

std::variant<Config, ConfigErrors> load_config(const std::string& path) {
  const Result<std::string> text = read_text_file(path, kMaxConfigFile);
  if (!text) return ConfigErrors{{text.error()}};
  return parse_config(*text, path);
}

}  // namespace signet
