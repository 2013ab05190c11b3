// SPDX-License-Identifier: BSD-2-Clause
//
// Recording is keeping a copy of each Lookup; writing is RFC 1035 5 with every octet outside of
// printable ASCII as \DDD.

#include "dns/recording_resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <optional>
#include <set>

#include "dns/zone_data.h"

namespace signet {
namespace {

constexpr size_t kMaxStringOctets = 255;  // RFC 1035 3.3
constexpr std::string_view kRootSoa = ". 300 IN SOA localhost. localhost. 1 3600 600 86400 300\n";

/// RFC 1035 5.1: a character string in quotation marks.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c >= ' ' && c < 127) {
      out += c;
    } else {
      out += fmt::format("\\{:03}", static_cast<unsigned char>(c));
    }
  }
  return out + '"';
}

std::string character_strings(std::string_view text) {
  std::string out = quoted(text.substr(0, kMaxStringOctets));
  while (text.size() > kMaxStringOctets) {
    text.remove_prefix(kMaxStringOctets);
    out += ' ' + quoted(text.substr(0, kMaxStringOctets));
  }
  return out;
}

/// RFC 1035 5.1: a name, absolute, in which only letters, digits, hyphens and underscores stand for
/// themselves. SPF macros put a stranger's octets into names (RFC 7208 7.1).
std::string absolute(const Name& name) {
  std::string out;
  for (const char c : name.text()) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (plain || c == '.') {
      out += c;
    } else {
      out += fmt::format("\\{:03}", static_cast<unsigned char>(c));
    }
  }
  return out + '.';
}

std::string zone_line(const Name& name, std::string_view type, std::string_view data) {
  return fmt::format("{} 300 IN {} {}", absolute(name), type, data);
}

/// What a zone file says instead of an answer without records.
std::optional<std::string> stand_in(const RecordedAnswer& recorded) {
  switch (recorded.answer.status) {
    case DnsStatus::answered:
    case DnsStatus::no_domain:
      return std::nullopt;
    case DnsStatus::no_data:
      return zone_line(recorded.name, "HINFO", R"("no records" "of this type")");
    case DnsStatus::server_failure:
    case DnsStatus::timed_out:
      break;
  }
  return zone_line(recorded.name, fmt::format("TYPE{}", kFailureRecordType),
                   fmt::format("\\# 3 {:04x}{:02x}", static_cast<unsigned>(recorded.type),
                               static_cast<unsigned>(recorded.answer.status)));
}

}  // namespace

Lookup RecordingResolver::ask(const Name& name, RecordType type, Deadline deadline) {
  // Questions are counted where they come in.
  LookupBudget budget(deadline, INT_MAX);
  Lookup lookup = inner_->start(name, type, budget);
  const std::lock_guard lock(mutex_);
  const bool known = std::any_of(questions_.begin(), questions_.end(), [&](const Question& asked) {
    return asked.name == name && asked.type == type;
  });
  if (!known) questions_.push_back({name, type, lookup});
  return lookup;
}

std::vector<RecordedAnswer> RecordingResolver::answers() const {
  std::vector<Question> questions;
  {
    const std::lock_guard lock(mutex_);
    questions = questions_;
  }
  std::vector<RecordedAnswer> answers;
  answers.reserve(questions.size());
  for (Question& question : questions) {
    answers.push_back({question.name, question.type, question.lookup.get()});
  }
  return answers;
}

std::vector<std::string> zone_lines(const RecordedAnswer& recorded) {
  const Answer& answer = recorded.answer;
  const std::string_view type = to_string(recorded.type);
  std::vector<std::string> lines;
  const auto add = [&](std::string_view data) {
    lines.push_back(zone_line(recorded.name, type, data));
  };
  for (const std::string& text : answer.texts) add(character_strings(text));
  for (const IpAddress& address : answer.addresses) add(to_string(address));
  for (const Name& name : answer.names) add(absolute(name));
  for (const MxRecord& mx : answer.exchanges) {
    add(fmt::format("{} {}", mx.preference, absolute(mx.exchange)));
  }
  return lines;
}

std::string zone_text(const std::vector<RecordedAnswer>& answers) {
  std::string text(kRootSoa);
  std::set<std::string> written;
  const auto write = [&](const std::string& line) {
    if (written.insert(line).second) text += line + '\n';
  };
  for (const RecordedAnswer& recorded : answers) {
    for (const std::string& line : zone_lines(recorded)) write(line);
    if (const auto line = stand_in(recorded)) write(*line);
  }
  return text;
}

}  // namespace signet
