// SPDX-License-Identifier: BSD-2-Clause
//
// ZoneResolver: ZoneData with a SOA put at the root, so that the text is the whole DNS, and a list
// of names that fail.

#include "tests/support/zone_resolver.h"

#include <deque>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace signet {
namespace {

constexpr std::string_view kRootSoa = "\n. 300 IN SOA . . 1 3600 3600 3600 300\n";

struct Directive {
  DnsStatus status;
  std::string name;
};

/// A line of exactly two words, `servfail NAME` or `timeout NAME`: no record has only two.
std::optional<Directive> parse_directive(const std::string& line) {
  std::istringstream words(line.substr(0, line.find(';')));
  std::string keyword;
  std::string name;
  std::string rest;
  if (!(words >> keyword >> name) || words >> rest) return std::nullopt;
  if (keyword == "servfail") return Directive{DnsStatus::server_failure, name};
  if (keyword == "timeout") return Directive{DnsStatus::timed_out, name};
  return std::nullopt;
}

struct Zone {
  ZoneData data;
  std::map<Name, DnsStatus> failing;
};

/// Throws std::invalid_argument: a test whose zone is wrong has no sense in going on.
Zone parse_zone(std::string_view zone_text) {
  Zone zone;
  std::istringstream lines{std::string(zone_text)};
  std::string records;
  for (std::string line; std::getline(lines, line); records += '\n') {
    const auto directive = parse_directive(line);
    if (!directive) {
      records += line;
      continue;
    }
    const auto name = parse_query_name(directive->name);
    if (!name) throw std::invalid_argument(directive->name + ": " + name.error());
    zone.failing[*name] = directive->status;
  }
  auto data = ZoneData::parse(records.append(kRootSoa), "zone");
  if (!data) throw std::invalid_argument(data.error());
  zone.data = *std::move(data);
  return zone;
}

}  // namespace

ZoneResolver::ZoneResolver(std::string_view zone_text) { replace(zone_text); }

void ZoneResolver::replace(std::string_view zone_text) {
  Zone zone = parse_zone(zone_text);
  const std::lock_guard lock(mutex_);
  data_ = std::move(zone.data);
  failing_ = std::move(zone.failing);
}

std::vector<std::string> ZoneResolver::questions() const {
  const std::lock_guard lock(mutex_);
  return questions_;
}

int ZoneResolver::question_count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(questions_.size());
}

void ZoneResolver::forget_questions() {
  const std::lock_guard lock(mutex_);
  questions_.clear();
}

Lookup ZoneResolver::ask(const Name& name, RecordType type, Deadline /*deadline*/) {
  const std::lock_guard lock(mutex_);
  questions_.push_back(std::string(to_string(type)) + ' ' + name.text());
  const auto failing = failing_.find(name);
  if (failing == failing_.end()) {
    return Lookup(std::make_shared<Answer>(data_.find(name, type).value()));
  }
  auto answer = std::make_shared<Answer>();
  answer->status = failing->second;
  answer->error = "the zone text says so";
  return Lookup(std::move(answer));
}

LookupBudget& test_budget() {
  // Enough of the latest ones stay alive for any one test; a fuzzer may ask a million times.
  constexpr size_t kKept = 256;
  static std::mutex mutex;
  static std::deque<LookupBudget> budgets;
  const std::lock_guard lock(mutex);
  if (budgets.size() == kKept) budgets.pop_front();
  return budgets.emplace_back(std::chrono::steady_clock::now() + std::chrono::seconds(10), 1000);
}

}  // namespace signet
