// SPDX-License-Identifier: BSD-2-Clause
//
// Parsers and printers of single configuration values. The administrator writes these, so the
// point is messages that say what to write instead; ranges are there so that a slip (MessageTimeout
// 20m) is found at the start and not by lost mail.

#include "milter/config/config_values.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <climits>
#include <optional>
#include <utility>

#include "dns/name.h"
#include "dns/text_file.h"
#include "milter/log.h"

namespace signet {
namespace {

using std::chrono::milliseconds;

/// A list with more errors than this is broken in the same way all over.
constexpr size_t kMaxListErrors = 10;

constexpr std::array<std::pair<std::string_view, int64_t>, 6> kTimeUnits = {{
    {"d", 24 * 3600 * 1000},
    {"h", 3600 * 1000},
    {"m", 60 * 1000},
    {"s", 1000},
    {"ms", 1},
    {"", 1000},
}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Digits only, no sign; nothing if there are others or the number is over nine digits.
std::optional<int> parse_digits(std::string_view text, int base = 10) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool is_port(std::string_view text) {
  const std::optional<int> port = parse_digits(text);
  return port && *port >= 1 && *port <= 65535;
}

/// RFC 2045 5.1: a token is any CHAR but space, control octets and tspecials.
bool is_mime_token(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f) return false;
    if (std::string_view{"()<>@,;:\\\"/[]?="}.find(c) != std::string_view::npos) return false;
  }
  return !text.empty();
}

/// Printable ASCII without what separates the entries of a list.
bool is_list_word(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f || c == ',') return false;
  }
  return !text.empty();
}

/// A user or group name as adduser makes them, or a number.
bool is_account(std::string_view name) {
  if (name.empty() || name.size() > 32 || name.front() == '-') return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !is_digit(c) && c != '_' && c != '-' && c != '.') return false;
  }
  return true;
}

bool is_host_for(std::string_view family, std::string_view host) {
  if (const Result<IpAddress> address = parse_ip_address(host)) {
    return address->is_v4() == (family == "inet");
  }
  return parse_domain(host).ok();
}

/// Collects the errors of a list.
class ListErrors {
 public:
  void add(std::string text) {
    if (count_++ < kMaxListErrors) text_ += (text_.empty() ? "" : "; ") + std::move(text);
  }
  Result<bool> result() const {
    if (count_ == 0) return true;
    if (count_ <= kMaxListErrors) return Error{text_};
    return Error{fmt::format("{}; and {} more errors", text_, count_ - kMaxListErrors)};
  }

 private:
  std::string text_;
  size_t count_ = 0;
};

void take_entries_of_file(const std::string& path, ListErrors& errors,
                          const std::function<Result<bool>(std::string_view)>& take) {
  const Result<std::string> text = read_text_file(path, kMaxConfigFile);
  if (!text) return errors.add(text.error());
  for_each_line(*text, [&](int number, std::string_view line) {
    if (is_unreadable_line(line)) {
      return errors.add(fmt::format("{}:{}: control octet or over-long line", path, number));
    }
    const std::string_view entry = without_comment(line);
    if (entry.empty()) return;
    const Result<bool> taken = take(entry);
    if (!taken) errors.add(fmt::format("{}:{}: {}", path, number, taken.error()));
  });
}

}  // namespace

Error unwanted(std::string_view what, std::string_view got) {
  return Error{fmt::format("want {}, got {}", what, log_quoted(got))};
}

Result<milliseconds> parse_duration(std::string_view text, Range<milliseconds> range) {
  size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  const std::optional<int> number = parse_digits(text.substr(0, digits));
  for (const auto& [unit, length] : kTimeUnits) {
    if (!number || text.substr(digits) != unit) continue;
    const milliseconds time{*number * length};
    if (time >= range.least && time <= range.most) return time;
    return unwanted(fmt::format("a time from {} to {}", print_duration(range.least),
                                print_duration(range.most)),
                    text);
  }
  return unwanted("seconds such as 5s (or 500ms, 2m, 1h, 7d)", text);
}

Result<std::chrono::seconds> parse_seconds(std::string_view text, Range<milliseconds> range) {
  const Result<milliseconds> time = parse_duration(text, range);
  if (!time) return Error{time.error()};
  const auto whole = std::chrono::floor<std::chrono::seconds>(*time);
  if (whole != *time) return unwanted("whole seconds", text);
  return whole;
}

std::string print_duration(milliseconds time) {
  if (time.count() == 0) return "0";
  for (const auto& [unit, length] : kTimeUnits) {
    if (time.count() % length == 0) return fmt::format("{}{}", time.count() / length, unit);
  }
  return {};  // not reached: one unit is 1 ms
}

Result<int> parse_integer(std::string_view text, Range<int> range) {
  const std::optional<int> number = parse_digits(text);
  if (number && *number >= range.least && *number <= range.most) return *number;
  return unwanted(fmt::format("a number from {} to {}", range.least, range.most), text);
}

Result<int> parse_mode(std::string_view text) {
  const std::optional<int> mode = parse_digits(text, 8);
  if (text.size() >= 3 && mode && *mode <= 0777) return *mode;
  return unwanted("permissions in octal such as 0660", text);
}

std::string print_mode(int mode) { return fmt::format("{:04o}", mode); }

Result<std::string> parse_path(std::string_view text) {
  if (text.empty() || text.front() != '/') return unwanted("an absolute path", text);
  if (text.size() >= PATH_MAX) return unwanted("a shorter path", text);
  return std::string{text};
}

Result<std::string> parse_socket(std::string_view text) {
  constexpr std::string_view kShape = "local:/PATH or inet:PORT@HOST";
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return unwanted(kShape, text);
  const std::string family = ascii_lower(text.substr(0, colon));
  const std::string_view rest = text.substr(colon + 1);
  if (family == "local" || family == "unix") {
    if (!rest.starts_with('/')) return unwanted("local: with an absolute path", text);
    constexpr size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
    if (rest.size() > kLongest) {
      return unwanted(fmt::format("a socket path of at most {} octets", kLongest), text);
    }
    return fmt::format("local:{}", rest);
  }
  if (family != "inet" && family != "inet6") return unwanted(kShape, text);
  const size_t at = rest.find('@');
  if (at == std::string_view::npos)
    return unwanted("inet:PORT@HOST, such as inet:8891@127.0.0.1", text);
  if (!is_port(rest.substr(0, at))) return unwanted("a port from 1 to 65535", text);
  if (!is_host_for(family, rest.substr(at + 1))) {
    return unwanted("a host name, an IPv4 address after inet: or an IPv6 address after inet6:",
                    text);
  }
  return fmt::format("{}:{}", family, rest);
}

Result<std::string> parse_user(std::string_view text) {
  const size_t colon = text.find(':');
  const bool group_fits = colon == std::string_view::npos || is_account(text.substr(colon + 1));
  if (!is_account(text.substr(0, colon)) || !group_fits) {
    return unwanted("USER or USER:GROUP", text);
  }
  return std::string{text};
}

Result<std::string> parse_facility(std::string_view text) {
  if (!parse_syslog_facility(text)) {
    return unwanted("a syslog facility such as mail, daemon or local0 to local7", text);
  }
  return ascii_lower(text);
}

Result<std::string> parse_authserv_id(std::string_view text) {
  if (text == "HOSTNAME") return std::string{};
  const Result<Name> domain = parse_domain(text);
  if (domain && !is_mime_token(text)) return domain->text();
  // RFC 8601 2.5: "any token or domain"; 253 is what a domain can have.
  if (is_mime_token(text) && text.size() <= 253) return std::string{text};
  return unwanted("a domain, a word without spaces and special characters, or HOSTNAME", text);
}

Result<std::string> parse_selector(std::string_view text) {
  const Result<Name> name = parse_domain(text);
  if (!name) return unwanted("a selector such as 2026a", text);
  return name->text();
}

Result<std::string> parse_listener(std::string_view text) {
  if (text.size() > 255 || !is_list_word(text)) {
    return unwanted("the {daemon_name} of a listener", text);
  }
  return std::string{text};
}

Result<std::string> parse_nameserver(std::string_view text) {
  const size_t at = text.find('@');
  const bool port_fits = at == std::string_view::npos || is_port(text.substr(at + 1));
  if (!port_fits || !parse_ip_address(text.substr(0, at))) {
    return unwanted("IP or IP@PORT such as 127.0.0.1@5353", text);
  }
  return std::string{text};
}

Result<std::string> parse_signing_table(std::string_view text) {
  constexpr std::string_view kPatterns = "refile:";
  constexpr std::string_view kPlain = "file:";
  if (text.starts_with(kPlain)) text.remove_prefix(kPlain.size());
  const bool patterns = text.starts_with(kPatterns);
  Result<std::string> path = parse_path(patterns ? text.substr(kPatterns.size()) : text);
  if (!path) return unwanted("an absolute path, or refile: and an absolute path", text);
  return (patterns ? std::string{kPatterns} : std::string{}) + *path;
}

Result<std::string> parse_table_path(std::string_view text) {
  constexpr std::string_view kPlain = "file:";
  if (text.starts_with(kPlain)) text.remove_prefix(kPlain.size());
  return parse_path(text);
}

Result<std::string> parse_reject_text(std::string_view text) {
  constexpr size_t kMaxOctets = 200;
  std::string rest{text};
  for (const std::string_view word : {"{domain}", "{reason}"}) {
    for (size_t at = rest.find(word); at != std::string::npos; at = rest.find(word, at)) {
      rest.erase(at, word.size());
    }
  }
  const bool printable =
      std::all_of(rest.begin(), rest.end(), [](char c) { return c >= ' ' && c < 127; });
  if (!printable || text.size() > kMaxOctets || rest.find_first_of("{}") != std::string::npos) {
    return unwanted("at most 200 octets of ASCII, with {domain} and {reason} where they belong",
                    text);
  }
  return std::string{text};
}

Result<std::string> parse_field_name(std::string_view text) {
  const bool good = std::all_of(text.begin(), text.end(),
                                [](char c) { return c > ' ' && c < 127 && c != ':' && c != ';'; });
  if (text.empty() || !good) return unwanted("a header field name such as List-Id", text);
  return std::string{text};
}

std::string print_network(const IpNetwork& network) {
  return network.prefix == network.address.bits() ? to_string(network.address) : to_string(network);
}

Result<bool> for_each_entry(std::string_view text,
                            const std::function<Result<bool>(std::string_view)>& take) {
  ListErrors errors;
  if (text.find_first_not_of(", \t") == std::string_view::npos) return unwanted("a list", text);
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(", \t"), text.size());
    std::string_view entry = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (entry.empty()) continue;
    if (entry.starts_with("file:"))
      entry.remove_prefix(5);
    else if (!entry.starts_with('/')) {
      const Result<bool> taken = take(entry);
      if (!taken) errors.add(taken.error());
      continue;
    }
    take_entries_of_file(std::string{entry}, errors, take);
  }
  return errors.result();
}

std::string_view without_comment(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || is_blank(line[i - 1]))) line = line.substr(0, i);
  }
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  return line;
}

bool is_unreadable_line(std::string_view line) {
  if (line.size() > kMaxConfigLine) return true;
  for (const char c : line) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet < 0x20 && c != '\t') || octet == 0x7f) return true;
  }
  return false;
}

void for_each_line(std::string_view text, const std::function<void(int, std::string_view)>& line) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    if (one.ends_with('\r')) one.remove_suffix(1);
    line(number, one);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace signet
