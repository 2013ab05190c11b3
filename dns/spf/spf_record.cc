// SPDX-License-Identifier: BSD-2-Clause
//
// One pass over the terms, split at spaces; each term is a modifier if a name and "=" begin it and
// a directive otherwise (RFC 7208 4.6.1). The grammar is unambiguous only from the right where a
// domain-spec meets a CIDR length, because "/" may stand in both: the length is cut off first.

#include "dns/spf/spf_record.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace signet {
namespace {

constexpr std::string_view kVersion = "v=spf1";
constexpr size_t kQuotedOctets = 80;  // of a bad term in an Error

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_char(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; }

struct MechanismName {
  std::string_view name;
  SpfMechanism mechanism;
};

constexpr std::array kMechanismNames{
    MechanismName{"all", SpfMechanism::all}, MechanismName{"include", SpfMechanism::include},
    MechanismName{"a", SpfMechanism::a},     MechanismName{"mx", SpfMechanism::mx},
    MechanismName{"ptr", SpfMechanism::ptr}, MechanismName{"ip4", SpfMechanism::ip4},
    MechanismName{"ip6", SpfMechanism::ip6}, MechanismName{"exists", SpfMechanism::exists},
};

std::optional<SpfMechanism> find_mechanism(std::string_view name) {
  // RFC 7208 4.6.1: mechanism and modifier names are case-insensitive.
  const auto found =
      std::find_if(kMechanismNames.begin(), kMechanismNames.end(),
                   [name](const auto& row) { return equals_ignoring_case(row.name, name); });
  if (found == kMechanismNames.end()) return std::nullopt;
  return found->mechanism;
}

std::optional<SpfQualifier> find_qualifier(char c) {
  switch (c) {
    case '+':
      return SpfQualifier::pass;
    case '-':
      return SpfQualifier::fail;
    case '~':
      return SpfQualifier::softfail;
    case '?':
      return SpfQualifier::neutral;
    default:
      return std::nullopt;
  }
}

/// RFC 7208 5.6: decimal without leading zeros, at most `limit`.
std::optional<int> parse_prefix(std::string_view digits, int limit) {
  if (digits.empty() || digits.size() > 3 || !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return std::nullopt;
  }
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value <= limit ? std::optional(value) : std::nullopt;
}

/// A text and the number that `separator` joined to its end, if one did.
struct Suffix {
  std::string_view rest;
  std::optional<std::string_view> digits;
};

Suffix cut_suffix(std::string_view text, std::string_view separator) {
  size_t start = text.size();
  while (start > 0 && is_digit(text[start - 1])) --start;
  const std::string_view before = text.substr(0, start);
  if (start == text.size() || !before.ends_with(separator)) return {text, std::nullopt};
  return {before.substr(0, before.size() - separator.size()), text.substr(start)};
}

/// RFC 7208 5.6: `ip4-network [ ip4-cidr-length ]`
Result<IpNetwork> parse_ip4_network(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = parse_ip_address(text.substr(0, slash));
  // A colon means that an IPv4-mapped address was written, which is no ip4-network.
  if (!address || !address->is_v4() || text.find(':') != std::string_view::npos) {
    return Error{"want an IPv4 address of four parts"};
  }
  if (slash == std::string_view::npos) return IpNetwork{*address, 32};
  const auto prefix = parse_prefix(text.substr(slash + 1), 32);
  if (!prefix) return Error{"want a prefix length from 0 to 32"};
  return IpNetwork{*address, *prefix};
}

std::array<uint8_t, 16> clear_host_bits(std::array<uint8_t, 16> octets, int prefix) {
  for (int bit = prefix; bit < 128; ++bit) {
    octets[static_cast<size_t>(bit / 8)] &= static_cast<uint8_t>(~(0x80 >> (bit % 8)));
  }
  return octets;
}

/// RFC 7208 5.6: `ip6-network [ ip6-cidr-length ]`. No network if it holds nothing but IPv4-mapped
/// addresses: such a client counts as IPv4 (RFC 7208 5) and is matched by ip4 alone.
Result<std::optional<IpNetwork>> parse_ip6_network(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  std::array<uint8_t, 16> octets{};
  if (inet_pton(AF_INET6, address.c_str(), octets.data()) != 1) {
    return Error{"want an IPv6 address"};
  }
  int bits = 128;
  if (slash != std::string_view::npos) {
    const auto prefix = parse_prefix(text.substr(slash + 1), 128);
    if (!prefix) return Error{"want a prefix length from 0 to 128"};
    bits = *prefix;
  }
  const IpAddress network = IpAddress::v6(clear_host_bits(octets, bits));
  if (network.is_v4()) return std::optional<IpNetwork>();
  return std::optional(IpNetwork{network, bits});
}

/// What follows the name of a mechanism, read into the directive; an Error if the grammar of that
/// mechanism does not allow it.
class DirectiveParser {
 public:
  DirectiveParser(SpfDirective directive, std::string_view rest)
      : directive_(std::move(directive)), rest_(rest) {}

  Result<SpfDirective> parse();

 private:
  std::optional<Error> parse_arguments();
  std::optional<Error> parse_network();
  std::optional<Error> parse_dual_cidr();
  std::optional<Error> parse_domain(bool required);

  SpfDirective directive_;
  std::string_view rest_;
};

Result<SpfDirective> DirectiveParser::parse() {
  if (auto error = parse_arguments()) return *std::move(error);
  return std::move(directive_);
}

std::optional<Error> DirectiveParser::parse_arguments() {
  switch (directive_.mechanism) {
    case SpfMechanism::all:  // RFC 7208 5.1
      if (!rest_.empty()) return Error{"\"all\" takes no argument"};
      return std::nullopt;
    case SpfMechanism::include:  // RFC 7208 5.2
    case SpfMechanism::exists:   // RFC 7208 5.7
      return parse_domain(true);
    case SpfMechanism::ptr:  // RFC 7208 5.5
      return parse_domain(false);
    case SpfMechanism::ip4:
    case SpfMechanism::ip6:
      return parse_network();
    case SpfMechanism::a:   // RFC 7208 5.3
    case SpfMechanism::mx:  // RFC 7208 5.4
      if (auto error = parse_dual_cidr()) return error;
      return parse_domain(false);
  }
  return Error{"unknown mechanism"};
}

std::optional<Error> DirectiveParser::parse_network() {
  if (!rest_.starts_with(':')) return Error{"want \":\" and a network"};
  rest_.remove_prefix(1);
  if (directive_.mechanism == SpfMechanism::ip4) {
    const auto network = parse_ip4_network(rest_);
    if (!network) return Error{network.error()};
    directive_.network = *network;
    return std::nullopt;
  }
  const auto network = parse_ip6_network(rest_);
  if (!network) return Error{network.error()};
  directive_.network = *network;
  return std::nullopt;
}

/// RFC 7208 5.6: `[ ip4-cidr-length ] [ "/" ip6-cidr-length ]`, taken off the end.
std::optional<Error> DirectiveParser::parse_dual_cidr() {
  const Suffix ip6 = cut_suffix(rest_, "//");
  const Suffix ip4 = cut_suffix(ip6.rest, "/");
  rest_ = ip4.rest;
  const auto ip4_prefix = parse_prefix(ip4.digits.value_or("32"), 32);
  const auto ip6_prefix = parse_prefix(ip6.digits.value_or("128"), 128);
  if (!ip4_prefix) return Error{"want a prefix length from 0 to 32"};
  if (!ip6_prefix) return Error{"want a prefix length from 0 to 128"};
  directive_.ip4_prefix = *ip4_prefix;
  directive_.ip6_prefix = *ip6_prefix;
  return std::nullopt;
}

std::optional<Error> DirectiveParser::parse_domain(bool required) {
  if (rest_.empty() && !required) return std::nullopt;
  if (!rest_.starts_with(':')) return Error{"want \":\" and a domain"};
  auto spec = parse_spf_domain_spec(rest_.substr(1));
  if (!spec) return Error{spec.error()};
  directive_.domain = *std::move(spec);
  return std::nullopt;
}

Result<SpfDirective> parse_directive(std::string_view term) {
  SpfDirective directive;
  directive.text = term;
  if (const auto qualifier = find_qualifier(term.front())) {
    directive.qualifier = *qualifier;
    term.remove_prefix(1);
  }
  const size_t name_end = std::min(term.find_first_of(":/"), term.size());
  const auto mechanism = find_mechanism(term.substr(0, name_end));
  if (!mechanism) return Error{"unknown mechanism"};
  directive.mechanism = *mechanism;
  return DirectiveParser(std::move(directive), term.substr(name_end)).parse();
}

/// RFC 7208 4.6.1: where the "=" of a modifier stands; nothing if the term is none.
std::optional<size_t> find_modifier_equals(std::string_view term) {
  if (!is_alpha(term.front())) return std::nullopt;
  const auto end = std::find_if_not(term.begin(), term.end(), is_name_char);
  if (end == term.end() || *end != '=') return std::nullopt;
  return static_cast<size_t>(end - term.begin());
}

class RecordParser {
 public:
  Result<SpfRecord> parse(std::string_view text);

 private:
  std::optional<Error> parse_term(std::string_view term);
  std::optional<Error> parse_modifier(std::string_view term, size_t equals);
  void add_directive(SpfDirective directive);

  SpfRecord record_;
  bool has_all_ = false;
  int querying_ = 0;
};

Result<SpfRecord> RecordParser::parse(std::string_view text) {
  if (!is_spf_record(text)) return Error{"not an SPF record"};
  text.remove_prefix(kVersion.size());
  // RFC 7208 4.6.1: terms are separated by one or more SP, and by nothing else.
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) break;
    const std::string_view term = text.substr(0, text.find(' '));
    if (const auto error = parse_term(term)) {
      return Error{fmt::format("{}: {}", printable_ascii(term, kQuotedOctets), error->text)};
    }
    text.remove_prefix(term.size());
  }
  // RFC 7208 5.1, 6.1: a redirect MUST be ignored if there is an "all" anywhere in the record.
  if (has_all_) record_.redirect.reset();
  return std::move(record_);
}

std::optional<Error> RecordParser::parse_term(std::string_view term) {
  // RFC 7208 12: every production of a term is made of visible ASCII.
  if (!std::all_of(term.begin(), term.end(), [](char c) { return c > 0x20 && c < 0x7f; })) {
    return Error{"holds an octet that is not visible ASCII"};
  }
  if (const auto equals = find_modifier_equals(term)) return parse_modifier(term, *equals);
  auto directive = parse_directive(term);
  if (!directive) return Error{directive.error()};
  add_directive(*std::move(directive));
  return std::nullopt;
}

std::optional<Error> RecordParser::parse_modifier(std::string_view term, size_t equals) {
  const std::string_view name = term.substr(0, equals);
  const std::string_view value = term.substr(equals + 1);
  const bool redirect = equals_ignoring_case(name, "redirect");
  if (!redirect && !equals_ignoring_case(name, "exp")) {
    // RFC 7208 6: unrecognized modifiers are ignored, but theirs must be a macro-string.
    const auto ignored = parse_spf_macro_string(value);
    return ignored ? std::nullopt : std::optional(Error{ignored.error()});
  }
  auto& modifier = redirect ? record_.redirect : record_.explanation;
  // RFC 7208 6: these two MUST NOT appear more than once each.
  if (modifier) return Error{"appears twice"};
  // RFC 7208 4.6.1: unknown-modifier does not cover the known names, so a redirect or exp without
  // a proper domain-spec is a syntax error, not something to ignore.
  auto spec = parse_spf_domain_spec(value);
  if (!spec) return Error{spec.error()};
  modifier = SpfModifier{std::string(term), *std::move(spec)};
  return std::nullopt;
}

void RecordParser::add_directive(SpfDirective directive) {
  if (has_all_) return;
  has_all_ = directive.mechanism == SpfMechanism::all;
  if (queries_dns(directive.mechanism) && ++querying_ > kMaxSpfQueryingDirectives) return;
  record_.directives.push_back(std::move(directive));
}

}  // namespace

bool queries_dns(SpfMechanism mechanism) {
  switch (mechanism) {
    case SpfMechanism::all:
    case SpfMechanism::ip4:
    case SpfMechanism::ip6:
      return false;
    case SpfMechanism::include:
    case SpfMechanism::a:
    case SpfMechanism::mx:
    case SpfMechanism::ptr:
    case SpfMechanism::exists:
      return true;
  }
  return true;
}

bool is_spf_record(std::string_view text) {
  // RFC 7208 4.5: terminated by a SP or the end; "v=spf1" is ABNF, hence of either case.
  return equals_ignoring_case(text.substr(0, kVersion.size()), kVersion) &&
         (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

Result<SpfRecord> parse_spf_record(std::string_view text) { return RecordParser().parse(text); }

}  // namespace signet
