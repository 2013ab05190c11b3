// SPDX-License-Identifier: BSD-2-Clause
//
// A whole check against a DNS made from the input. Input: a line for the sender, a line for the
// HELO, and lines that are the SPF records (or explanations) of the world. Every name there could
// be exists or not, and has this or that, as a hash of the name and the input says. Whatever
// happens: at most 111 questions, ten terms, no more voids than one too many, printable words, and
// the same verdict if asked again, or if the answers come one by one, the newest first.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "dns/spf/spf_check.h"
#include "tests/fuzz/require.h"
#include "tests/support/step_resolver.h"

namespace {

using signet::Answer;
using signet::DnsStatus;
using signet::RecordType;
using signet::require;

uint64_t hash_of(const std::string& text, uint64_t seed) {
  uint64_t hash = 14695981039346656037ULL ^ seed;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash ^ (hash >> 29);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

class HashedResolver final : public signet::Resolver {
 public:
  HashedResolver(std::vector<std::string> records, signet::IpAddress client, uint64_t seed)
      : records_(std::move(records)), client_(client), seed_(seed) {}

  int asked() const { return asked_; }

 private:
  signet::Lookup ask(const signet::Name& name, RecordType type, signet::Deadline) override {
    ++asked_;
    return signet::Lookup(std::make_shared<Answer>(answer(name, type)));
  }

  Answer answer(const signet::Name& name, RecordType type) const {
    const uint64_t hash = hash_of(name.text(), seed_ + static_cast<uint64_t>(type));
    Answer answer;
    switch (hash % 16) {
      case 0:
        answer.status = DnsStatus::no_domain;
        return answer;
      case 1:
        answer.status = DnsStatus::no_data;
        return answer;
      case 2:
        answer.status = hash & 256 ? DnsStatus::server_failure : DnsStatus::timed_out;
        return answer;
      default:
        answer.status = DnsStatus::answered;
    }
    fill(answer, type, hash >> 8);
    return answer;
  }

  void fill(Answer& answer, RecordType type, uint64_t hash) const {
    if (type == RecordType::txt) {
      answer.texts.push_back(records_[hash % records_.size()]);
      return;
    }
    const uint64_t count = 1 + hash % 12;
    for (uint64_t i = 0; i < count; ++i) {
      const auto name =
          signet::parse_query_name("h" + std::to_string((hash + i) % 40) + ".example");
      if (type == RecordType::mx) {
        answer.exchanges.push_back({static_cast<uint16_t>((hash >> i) % 3), *name});
      } else if (type == RecordType::ptr) {
        answer.names.push_back(*name);
      } else {
        const bool mine = (hash >> i) % 16 == 0;
        answer.addresses.push_back(mine ? client_ : signet::IpAddress());
      }
    }
  }

  std::vector<std::string> records_;
  signet::IpAddress client_;
  uint64_t seed_;
  int asked_ = 0;
};

bool is_printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

void check_promises(const signet::SpfVerdict& verdict) {
  require(verdict.questions <= 111);
  require(verdict.terms <= 10);
  require(verdict.void_lookups <= 3);
  require(verdict.void_lookups <= 2 || verdict.result == signet::SpfResult::permerror);
  require(is_printable(verdict.problem) && is_printable(verdict.mechanism));
  require(is_printable(verdict.explanation) && verdict.explanation.size() <= 400);
  require(verdict.explanation.empty() || verdict.result == signet::SpfResult::fail);
  for (const auto& step : verdict.trace) require(step.depth <= 10 && is_printable(step.outcome));
}

signet::SpfVerdict check_backwards(signet::Resolver& world, signet::LookupBudget& budget,
                                   const signet::SpfRequest& request) {
  signet::StepResolver resolver(world);
  signet::SpfCheck check(resolver, budget, request, signet::SpfIdentity::mail_from);
  while (true) {
    if (auto verdict = check.read()) return *std::move(verdict);
    require(resolver.waiting() > 0);
    resolver.answer(resolver.waiting() - 1);
  }
}

void require_same(const signet::SpfVerdict& verdict, const signet::SpfVerdict& other) {
  require(verdict.result == other.result && verdict.problem == other.problem);
  require(verdict.terms == other.terms && verdict.void_lookups == other.void_lookups);
  require(verdict.trace.size() == other.trace.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> lines = lines_of(input);
  lines.resize(std::max<size_t>(lines.size(), 3));
  signet::SpfRequest request;
  request.mail_from = lines[0];
  request.helo = lines[1];
  request.client = *signet::parse_ip_address(size % 2 == 0 ? "192.0.2.1" : "2001:db8::1");
  request.receiver = "receiver.example";
  request.want_explanation = true;
  request.want_trace = true;
  lines.erase(lines.begin(), lines.begin() + 2);

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
  const uint64_t seed = hash_of(input, 0);
  std::vector<signet::SpfVerdict> verdicts;
  for (int run = 0; run < 3; ++run) {
    HashedResolver resolver(lines, request.client, seed);
    signet::LookupBudget budget(deadline, 111);
    verdicts.push_back(run < 2 ? check_spf_mail_from(resolver, budget, request)
                               : check_backwards(resolver, budget, request));
    require(resolver.asked() == verdicts.back().questions);
    check_promises(verdicts.back());
    require_same(verdicts.back(), verdicts.front());
  }
  HashedResolver resolver(lines, request.client, seed);
  signet::LookupBudget budget(deadline, 204);
  check_promises(check_spf_helo(resolver, budget, request));
  return 0;
}
