// SPDX-License-Identifier: BSD-2-Clause
//
// LineResolver: a DNS that a fuzz target's input describes, a line for each record. A zone file's
// syntax would only stand in the fuzzer's way: here no line spoils another, and any octets may
// stand in a text.
//
//   -name        fails           name=text     a TXT record
//   +name        exists          name@192.0.2.1  an address
//                                name>host     an MX or PTR record

#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "dns/resolver.h"

namespace signet {

class LineResolver final : public Resolver {
 public:
  void read(std::string_view line) {
    if (line.starts_with('-') || line.starts_with('+')) {
      const auto name = parse_query_name(line.substr(1));
      if (name) names_[*name].failing = line.starts_with('-');
      return;
    }
    const size_t mark = line.find_first_of("=@>");
    const auto name = parse_query_name(line.substr(0, mark));
    if (name && mark != std::string_view::npos) {
      add(names_[*name], line[mark], line.substr(mark + 1));
    }
  }

  int questions() const { return questions_; }

 private:
  struct Entry {
    bool failing = false;
    Answer records;  ///< of all types
  };

  static void add(Entry& entry, char mark, std::string_view data) {
    Answer& records = entry.records;
    if (mark == '=') records.texts.emplace_back(data);
    if (mark == '@') {
      if (const auto address = parse_ip_address(data)) records.addresses.push_back(*address);
    }
    if (mark == '>') {
      if (const auto host = parse_query_name(data)) {
        records.names.push_back(*host);
        records.exchanges.push_back({static_cast<uint16_t>(records.exchanges.size()), *host});
      }
    }
  }

  Lookup ask(const Name& name, RecordType type, Deadline) override {
    ++questions_;
    return Lookup(std::make_shared<Answer>(answer(name, type)));
  }

  Answer answer(const Name& name, RecordType type) const {
    Answer answer;
    const auto known = names_.find(name);
    answer.status = known == names_.end() ? DnsStatus::no_domain : DnsStatus::no_data;
    if (known == names_.end()) return answer;
    const Answer& records = known->second.records;
    if (known->second.failing) {
      answer.status = DnsStatus::timed_out;
      return answer;
    }
    if (type == RecordType::txt) answer.texts = records.texts;
    if (type == RecordType::ptr) answer.names = records.names;
    if (type == RecordType::mx) answer.exchanges = records.exchanges;
    for (const IpAddress& address : records.addresses) {
      if (type == (address.is_v4() ? RecordType::a : RecordType::aaaa)) {
        answer.addresses.push_back(address);
      }
    }
    const bool any = !answer.texts.empty() || !answer.names.empty() || !answer.exchanges.empty() ||
                     !answer.addresses.empty();
    if (any) answer.status = DnsStatus::answered;
    return answer;
  }

  std::map<Name, Entry> names_;
  int questions_ = 0;
};

}  // namespace signet
