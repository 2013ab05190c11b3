// SPDX-License-Identifier: BSD-2-Clause

#include "milter/signing/signing_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "milter/config/config_values.h"
#include "milter/log.h"
#include "milter/signing/table_file.h"

namespace signet {
namespace {

/// Whether `text` is `pattern`, in which `*` stands for any text. Only the last `*` is tried
/// again, so the time is at most the product of the lengths.
bool matches(std::string_view pattern, std::string_view text) {
  // Most patterns are *@DOMAIN; what follows the last star tells them apart at once.
  if (!text.ends_with(pattern.substr(pattern.rfind('*') + 1))) return false;
  size_t p = 0;
  size_t t = 0;
  size_t star = pattern.npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// A host as in a Name, as far as it is one: `.example.com` and `*.example.com` stay what they are.
std::string comparable_host(std::string_view host) {
  std::string labels;
  while (!host.empty()) {
    const size_t end = std::min(host.find('.'), host.size());
    const std::string_view label = host.substr(0, end);
    const auto name = is_ascii(label) ? Result<Name>(Error{}) : parse_domain(label);
    labels += name ? name->text() : ascii_lower(label);
    if (end < host.size()) labels += '.';
    host.remove_prefix(std::min(end + 1, host.size()));
  }
  return labels;
}

struct SplitPattern {
  std::string_view user;  ///< with the "@"; empty if there is none
  std::string_view host;
};

SplitPattern split(std::string_view pattern) {
  const size_t host = pattern.rfind('@') + 1;  // npos + 1 is 0
  return {pattern.substr(0, host), pattern.substr(host)};
}

std::string comparable(std::string_view pattern) {
  const SplitPattern parts = split(pattern);
  return ascii_lower(parts.user) + comparable_host(parts.host);
}

/// A local-part in lower case, without what quotes it (RFC 5322 3.2.4: "joe" is joe).
std::string comparable_user(std::string_view local_part) {
  if (local_part.size() < 2 || local_part.front() != '"' || local_part.back() != '"') {
    return ascii_lower(local_part);
  }
  local_part = local_part.substr(1, local_part.size() - 2);
  std::string user;
  for (size_t i = 0; i < local_part.size(); ++i) {
    if (local_part[i] == '\\' && i + 1 < local_part.size()) ++i;
    user += local_part[i];
  }
  return ascii_lower(user);
}

/// Why no address ever gets to that line; empty if one can.
std::string_view why_dead(std::string_view pattern, SigningTable::Kind kind) {
  const SplitPattern parts = split(pattern);
  const bool has_star = pattern.find('*') != pattern.npos;
  if (kind == SigningTable::Kind::patterns) {
    if (!has_star && parts.user.size() < 2) {
      return "is no address and holds no *; for all of a domain write *@DOMAIN";
    }
    return {};
  }
  if (parts.user == "@") return "has nothing before its @; for all of a domain write DOMAIN";
  const bool lone_star = parts.host == "*" && parts.user.find('*') == parts.user.npos;
  if (has_star && !lone_star) {
    return "holds a * that only means something if the table is given as refile:FILE";
  }
  return {};
}

/// RFC 6376 3.5 (i=): [ Local-part ] "@" domain-name.
Result<bool> check_auid(std::string_view auid) {
  const bool printable =
      std::ranges::all_of(auid, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  const std::string_view host = split(auid).host;
  if (printable && auid.find('@') != auid.npos &&
      parse_domain(replace_percent(host, "example.com"))) {
    return true;
  }
  return unwanted("an AUID such as joe@% or @% after the name of the key", auid);
}

Result<SigningTableLine> parse_line(const TableLine& table_line) {
  SigningTableLine line{table_line.number, std::string(table_line.word), {}, {}};
  const std::string_view value = table_line.value;
  const size_t end = std::min(value.find_first_of(": \t"), value.size());
  line.key_name = value.substr(0, end);
  if (line.key_name.empty()) return Error{"want PATTERN KEY or PATTERN KEY:AUID, got no KEY"};
  if (end < value.size()) line.auid = trimmed(value.substr(end + 1));
  if (!line.auid.empty()) {
    if (const Result<bool> good = check_auid(line.auid); !good) return Error{good.error()};
  }
  return line;
}

}  // namespace

Result<SigningTable> SigningTable::parse(std::string_view text, const std::string& source,
                                         Kind kind) {
  SigningTable table;
  table.kind_ = kind;
  TableErrors errors(source);
  for_each_table_line(text, errors, [&](const TableLine& table_line) {
    Result<SigningTableLine> line = parse_line(table_line);
    if (!line) return errors.add(table_line.number, line.error());
    if (const std::string_view why = why_dead(line->pattern, kind); !why.empty()) {
      table.warnings_.push_back(
          fmt::format("{}:{}: {} {}", source, line->number, log_quoted(line->pattern), why));
    }
    table.comparable_.push_back(comparable(line->pattern));
    if (kind == Kind::plain) table.index_.emplace(table.comparable_.back(), table.lines_.size());
    table.lines_.push_back(*std::move(line));
  });
  if (!errors.empty()) return errors.error();
  return table;
}

const SigningTableLine* SigningTable::find(std::string_view address, const Name& domain) const {
  if (address.size() > kMaxAddress) return nullptr;
  const std::string user = comparable_user(address.substr(0, address.rfind('@')));
  return kind_ == Kind::plain ? find_plain(user, domain) : find_pattern(user, domain);
}

const SigningTableLine* SigningTable::at(const std::string& key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &lines_[found->second];
}

const SigningTableLine* SigningTable::find_plain(const std::string& user,
                                                 const Name& domain) const {
  if (const auto* line = at(user + "@" + domain.text())) return line;
  if (const auto* line = at(domain.text())) return line;
  for (const std::string& who : {user + "@.", std::string(".")}) {
    for (Name above = domain.parent(); !above.is_root(); above = above.parent()) {
      if (const auto* line = at(who + above.text())) return line;
    }
  }
  if (const auto* line = at(user + "@*")) return line;
  return at("*");
}

const SigningTableLine* SigningTable::find_pattern(const std::string& user,
                                                   const Name& domain) const {
  const std::string address = user + "@" + domain.text();
  const auto found = std::ranges::find_if(
      comparable_, [&](const std::string& pattern) { return matches(pattern, address); });
  return found == comparable_.end() ? nullptr : &lines_[found - comparable_.begin()];
}

Name host_of_pattern(std::string_view pattern) {
  const Result<Name> host = parse_domain(split(pattern).host);
  return host ? *host : Name();
}

}  // namespace signet
