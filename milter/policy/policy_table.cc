// SPDX-License-Identifier: BSD-2-Clause
//
// A line is words with white space between them: first the action, then KEY=VALUE. A value may be
// in quotation marks; lists have commas. Each key is one row of a table that knows how to read it.

#include "milter/policy/policy_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "milter/config/config_values.h"
#include "milter/log.h"
#include "milter/signing/table_file.h"

namespace signet {
namespace {

constexpr size_t kMaxRules = 10'000;
constexpr size_t kMaxReasonOctets = 100;
constexpr size_t kMaxErrors = 100;

constexpr std::array<Choice<PolicyAction>, 6> kActions = {{{"accept", PolicyAction::accept},
                                                           {"reject", PolicyAction::reject},
                                                           {"quarantine", PolicyAction::quarantine},
                                                           {"tempfail", PolicyAction::tempfail},
                                                           {"strict", PolicyAction::strict},
                                                           {"ignore", PolicyAction::ignore}}};

constexpr std::array<Choice<PolicyOverride>, 3> kOverrides = {
    {{"trusted_forwarder", PolicyOverride::trusted_forwarder},
     {"mailing_list", PolicyOverride::mailing_list},
     {"local_policy", PolicyOverride::local_policy}}};

template <class T, size_t N>
Result<T> choose(const std::array<Choice<T>, N>& choices, std::string_view word) {
  for (const Choice<T>& choice : choices) {
    if (equals_ignoring_case(choice.word, word)) return choice.value;
  }
  return unwanted(words_of(std::span<const Choice<T>>{choices}), word);
}

template <class T, size_t N>
std::string_view word_for(const std::array<Choice<T>, N>& choices, T value) {
  for (const Choice<T>& choice : choices) {  // Unreached: the end, as each value has a word
    if (choice.value == value) return choice.word;
  }
  return {};
}

bool is_white(char c) { return c == ' ' || c == '\t'; }

/// Takes the next word off the front of `rest`; quotation marks keep white space in it. Empty at
/// the end of the line.
Result<std::string> take_word(std::string_view& rest) {
  while (!rest.empty() && is_white(rest.front())) rest.remove_prefix(1);
  std::string word;
  bool quoted = false;
  while (!rest.empty() && (quoted || !is_white(rest.front()))) {
    if (rest.front() == '"') {
      quoted = !quoted;
    } else {
      word += rest.front();
    }
    rest.remove_prefix(1);
  }
  if (quoted) return Error{"want a closing quotation mark, got the end of the line"};
  return word;
}

Result<DomainPattern> parse_pattern(std::string_view text) {
  DomainPattern pattern;
  if (text == "*") {
    pattern.below = true;
    return pattern;
  }
  pattern.below = text.starts_with('.');
  const Result<Name> domain = parse_domain(pattern.below ? text.substr(1) : text);
  if (!domain) return unwanted("a domain such as example.com, .example.com or *", text);
  pattern.domain = *domain;
  return pattern;
}

/// RFC 2919 2: a list-id is like a domain name, and compared without regard to case.
Result<std::string> parse_list_id(std::string_view text) {
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 127 && c != '<' && c != '>';  // Unreached: no DEL gets here
  });
  if (!good) return unwanted("a list id such as dev.lists.example.com", text);
  return ascii_lower(text);
}

Result<std::string> parse_reason(std::string_view text) {
  const bool good =
      text.size() <= kMaxReasonOctets && std::all_of(text.begin(), text.end(), [](char c) {
        return c >= ' ' && c < 127;  // Unreached: no DEL gets here
      });
  if (!good) return unwanted(fmt::format("at most {} octets of ASCII", kMaxReasonOctets), text);
  return std::string(text);
}

/// Reads the entries of a list with commas into `list`.
template <class T, class Parse>
Result<bool> read_list(std::vector<T>& list, std::string_view text, Parse parse) {
  for (;;) {
    const size_t comma = std::min(text.find(','), text.size());
    auto entry = parse(text.substr(0, comma));
    if (!entry) return Error{entry.error()};
    list.push_back(*std::move(entry));
    if (comma == text.size()) return true;
    text.remove_prefix(comma + 1);
  }
}

Result<bool> read_mail_from(PolicyRule& rule, std::string_view text) {
  if (text == "<>") {
    rule.null_mail_from = true;
    return true;
  }
  return read_list(rule.mail_from, text, parse_pattern);
}

struct Key {
  std::string_view word;
  Result<bool> (*read)(PolicyRule&, std::string_view);
};

constexpr std::array<Key, 7> kKeys = {{
    {"from", [](PolicyRule& rule,
                std::string_view text) { return read_list(rule.from, text, parse_pattern); }},
    {"mail_from", read_mail_from},
    {"client",
     [](PolicyRule& rule, std::string_view text) {
       return read_list(rule.clients, text, parse_ip_network);
     }},
    {"dkim", [](PolicyRule& rule,
                std::string_view text) { return read_list(rule.dkim, text, parse_pattern); }},
    {"list_id",
     [](PolicyRule& rule, std::string_view text) {
       return read_list(rule.list_ids, text, parse_list_id);
     }},
    {"as",
     [](PolicyRule& rule, std::string_view text) -> Result<bool> {
       const auto kind = choose(kOverrides, text);
       if (!kind) return Error{kind.error()};
       rule.kind = *kind;
       return true;
     }},
    {"reason",
     [](PolicyRule& rule, std::string_view text) -> Result<bool> {
       auto reason = parse_reason(text);
       if (!reason) return Error{reason.error()};
       rule.reason = *std::move(reason);
       return true;
     }},
}};

constexpr std::string_view kKeyWords = "from, mail_from, client, dkim, list_id, as or reason";

Result<bool> read_pair(PolicyRule& rule, std::vector<std::string_view>& seen,
                       std::string_view word) {
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos) return unwanted("KEY=VALUE", word);
  const std::string key = ascii_lower(word.substr(0, equals));
  const auto row = std::find_if(kKeys.begin(), kKeys.end(),
                                [&](const Key& candidate) { return candidate.word == key; });
  if (row == kKeys.end()) return unwanted(kKeyWords, word.substr(0, equals));
  if (std::find(seen.begin(), seen.end(), row->word) != seen.end()) {
    return Error{fmt::format("{}: given twice in one line", row->word)};
  }
  seen.push_back(row->word);
  const Result<bool> read = row->read(rule, word.substr(equals + 1));
  if (!read) return Error{fmt::format("{}: {}", row->word, read.error())};
  return true;
}

bool has_condition(const PolicyRule& rule) {
  return rule.null_mail_from || !rule.from.empty() || !rule.mail_from.empty() ||
         !rule.clients.empty() || !rule.dkim.empty() || !rule.list_ids.empty();
}

Result<PolicyRule> parse_rule(std::string_view line, int number) {
  PolicyRule rule;
  rule.line = number;
  const auto word = take_word(line);
  if (!word) return Error{word.error()};
  const auto action = choose(kActions, *word);
  if (!action) return Error{action.error()};
  rule.action = *action;
  std::vector<std::string_view> seen;
  for (;;) {
    const auto pair = take_word(line);
    if (!pair) return Error{pair.error()};
    if (pair->empty()) break;
    const Result<bool> read = read_pair(rule, seen, *pair);
    if (!read) return Error{read.error()};
  }
  // A line for all mail is written `from=*`, so that nobody writes it by accident.
  if (!has_condition(rule)) return Error{"want a condition such as from=example.com, got none"};
  return rule;
}

bool matches_any(const std::vector<DomainPattern>& patterns, const Name& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const DomainPattern& pattern) { return pattern.matches(name); });
}

/// Without a single author no `from` fits, or a second one would borrow the rights of the first.
bool fits_from(const PolicyRule& rule, const PolicySubject& subject) {
  return rule.from.empty() || (subject.author && matches_any(rule.from, *subject.author));
}

bool fits_mail_from(const PolicyRule& rule, const PolicySubject& subject) {
  if (rule.null_mail_from) return subject.null_mail_from;
  if (rule.mail_from.empty()) return true;
  return subject.mail_from && matches_any(rule.mail_from, *subject.mail_from);
}

bool fits_client(const PolicyRule& rule, const PolicySubject& subject) {
  if (rule.clients.empty()) return true;
  return subject.client &&
         std::any_of(rule.clients.begin(), rule.clients.end(),
                     [&](const IpNetwork& network) { return network.contains(*subject.client); });
}

bool fits_dkim(const PolicyRule& rule, const PolicySubject& subject) {
  return rule.dkim.empty() ||
         std::any_of(subject.dkim.begin(), subject.dkim.end(),
                     [&](const Name& domain) { return matches_any(rule.dkim, domain); });
}

bool fits_list(const PolicyRule& rule, const PolicySubject& subject) {
  if (rule.list_ids.empty()) return true;
  const std::string id = ascii_lower(subject.list_id);
  return !id.empty() &&
         std::any_of(rule.list_ids.begin(), rule.list_ids.end(), [&](const std::string& wanted) {
           return wanted.starts_with('.') ? id.ends_with(wanted) : id == wanted;
         });
}

}  // namespace

std::string_view to_string(PolicyAction action) { return word_for(kActions, action); }
std::string_view to_string(PolicyOverride kind) { return word_for(kOverrides, kind); }

bool DomainPattern::matches(const Name& name) const {
  if (!below) return name == domain;
  return domain.is_root() || (name != domain && name.is_at_or_below(domain));
}

Result<PolicyTable> PolicyTable::parse(std::string_view text, std::string_view source) {
  PolicyTable table;
  std::vector<std::string> errors;
  const auto complain = [&](int number, std::string_view what) {
    if (errors.size() == kMaxErrors) return;
    errors.push_back(fmt::format("{}:{}: {}", source, number, what));
  };
  for_each_line(text, [&](int number, std::string_view line) {
    if (line.size() > kMaxConfigLine || is_unreadable_line(line)) {
      return complain(number, fmt::format("want text of at most {} octets", kMaxConfigLine));
    }
    const std::string_view content = without_comment(line);
    if (content.empty()) return;
    Result<PolicyRule> rule = parse_rule(content, number);
    if (!rule) return complain(number, rule.error());
    if (table.rules_.size() == kMaxRules) {
      return complain(number, fmt::format("want at most {} lines", kMaxRules));
    }
    table.rules_.push_back(*std::move(rule));
  });
  if (!errors.empty()) return Error{fmt::format("{}", fmt::join(errors, "\n"))};
  return table;
}

Result<PolicyTable> PolicyTable::load(const Config& config) {
  if (config.policy_table.empty()) return PolicyTable();
  const Result<std::string> text = read_table(config, "PolicyTable", config.policy_table);
  if (!text) return Error{text.error()};
  return parse(*text, config.policy_table);
}

const PolicyRule* PolicyTable::find(const PolicySubject& subject) const {
  const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const PolicyRule& candidate) {
    return fits_from(candidate, subject) && fits_mail_from(candidate, subject) &&
           fits_client(candidate, subject) && fits_dkim(candidate, subject) &&
           fits_list(candidate, subject);
  });
  return rule == rules_.end() ? nullptr : &*rule;
}

}  // namespace signet
