// SPDX-License-Identifier: BSD-2-Clause

#include "tests/support/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sstream>
#include <variant>

namespace signet {
namespace {

using Lines = std::vector<std::string>;
using Sections = std::map<std::string, Lines, std::less<>>;

constexpr std::array<std::string_view, 6> kSections = {"config",  "keys",    "zone",
                                                       "session", "message", "expect"};
constexpr std::array<std::string_view, 8> kExpectKeys = {
    "reply", "top", "header", "no-header", "count", "signature", "held", "log"};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

constexpr std::string_view kFile = "file ";

bool is_section_line(std::string_view line) {
  if (line.size() <= 2 || line.front() != '[' || line.back() != ']') return false;
  const std::string_view name = line.substr(1, line.size() - 2);
  return name.starts_with(kFile) || std::ranges::find(kSections, name) != kSections.end();
}

Result<Sections> split_sections(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{path + ": cannot be read"};
  Sections sections;
  Lines* current = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (is_section_line(line)) {
      current = &sections[line.substr(1, line.size() - 2)];
    } else if (current != nullptr) {
      current->push_back(line);
    } else if (!line.empty() && line.front() != '#') {
      return Error{fmt::format("{}: \"{}\" stands before the first section", path, line)};
    }
  }
  return sections;
}

/// `key: value` lines; comments and empty lines are left out.
Result<std::vector<std::pair<std::string, std::string>>> read_pairs(const Lines& lines) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& line : lines) {
    if (line.empty() || line.front() == '#') continue;
    const size_t colon = line.find(':');
    if (colon == line.npos) return Error{fmt::format("\"{}\": expected key: value", line)};
    pairs.emplace_back(line.substr(0, colon), trimmed(std::string_view(line).substr(colon + 1)));
  }
  return pairs;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

Result<bool> read_session(const Lines& lines, Scenario& scenario) {
  const std::map<std::string_view, std::string Scenario::*> members = {
      {"client", &Scenario::client},     {"helo", &Scenario::helo},
      {"from", &Scenario::from},         {"login", &Scenario::login},
      {"listener", &Scenario::listener}, {"append", &Scenario::append}};
  const auto pairs = read_pairs(lines);
  if (!pairs) return Error{pairs.error()};
  for (const auto& [key, value] : *pairs) {
    if (const auto member = members.find(key); member != members.end()) {
      scenario.*member->second = value;
    } else if (key == "sign-with") {
      const Result<ScenarioKey> signer = parse_scenario_key(value);
      if (!signer) return Error{signer.error()};
      scenario.signers.push_back(*signer);
    } else if (key != "to") {  // a session does not look at recipients
      return Error{fmt::format("[session] knows no \"{}\"", key)};
    }
  }
  scenario.client = scenario.client.substr(0, scenario.client.find(' '));
  return true;
}

/// RFC 5322 2.2: a field begins in column one and goes on over lines that begin with white space.
Result<Mail> read_message(Lines lines) {
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  Mail mail;
  size_t i = 0;
  for (; i < lines.size() && !lines[i].empty(); ++i) {
    const std::string& line = lines[i];
    if (line.front() == ' ' || line.front() == '\t') {
      if (mail.fields.empty()) return Error{"[message] begins with white space"};
      mail.fields.back().value += "\r\n" + line;
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == line.npos) return Error{fmt::format("[message] \"{}\": no field", line)};
    mail.fields.push_back({line.substr(0, colon), line.substr(colon + 1)});
  }
  for (++i; i < lines.size(); ++i) mail.body += lines[i] + "\r\n";
  return mail;
}

Result<Scenario> read_scenario(Sections sections) {
  Scenario scenario;
  scenario.config = joined(sections["config"]);
  scenario.zone = joined(sections["zone"]);
  for (const auto& [name, lines] : sections) {
    if (!name.starts_with(kFile)) continue;
    scenario.files.emplace_back(name.substr(kFile.size()), joined(lines));
  }
  for (const std::string& line : sections["keys"]) {
    if (line.empty()) continue;
    const Result<ScenarioKey> key = parse_scenario_key(line);
    if (!key) return Error{key.error()};
    scenario.keys.push_back(*key);
  }
  if (const Result<bool> session = read_session(sections["session"], scenario); !session) {
    return Error{session.error()};
  }
  Result<Mail> message = read_message(sections["message"]);
  if (!message) return Error{message.error()};
  scenario.message = *std::move(message);
  auto expect = read_pairs(sections["expect"]);
  if (!expect) return Error{expect.error()};
  if (expect->empty()) return Error{"[expect] is empty"};
  for (const auto& [key, value] : *expect) {
    if (std::ranges::find(kExpectKeys, key) == kExpectKeys.end()) {
      return Error{fmt::format("[expect] knows no \"{}\"", key)};
    }
  }
  scenario.expect = *std::move(expect);
  return scenario;
}

}  // namespace

Result<ScenarioKey> parse_scenario_key(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::string domain;
  std::string selector;
  std::string type = "rsa";
  words >> domain >> selector >> type;
  const Result<Name> name = parse_domain(domain);
  if (!name || selector.empty()) return Error{fmt::format("\"{}\" names no key", text)};
  return ScenarioKey{*name, selector, type == "ed25519" ? DkimKeyType::ed25519 : DkimKeyType::rsa};
}

Result<Scenario> load_scenario(const std::string& path) {
  Result<Sections> sections = split_sections(path);
  if (!sections) return Error{sections.error()};
  Result<Scenario> scenario = read_scenario(*std::move(sections));
  if (!scenario) return Error{path + ": " + scenario.error()};
  return scenario;
}

bool matches(std::string_view pattern, std::string_view text) {
  // Where to try again: after the last "*", one octet of text further each time.
  size_t star = pattern.npos;
  size_t resume = 0;
  size_t p = 0;
  size_t t = 0;
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
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string unfolded(const HeaderField& field) {
  std::string line = field.name + ':';
  for (const char c : field.value) {
    const bool is_space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!is_space) {
      line += c;
    } else if (line.back() != ' ') {
      line += ' ';
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

void apply(const Action& action, Mail& mail) {
  if (const auto* insert = std::get_if<InsertHeader>(&action)) {
    mail.fields.insert(mail.fields.begin(), {insert->name, insert->value});
  } else if (const auto* removal = std::get_if<DeleteHeader>(&action)) {
    int left = removal->occurrence;
    const auto field = std::ranges::find_if(mail.fields, [&](const HeaderField& candidate) {
      return equals_ignoring_case(candidate.name, removal->name) && --left == 0;
    });
    if (field != mail.fields.end()) mail.fields.erase(field);
  }
}

}  // namespace signet
