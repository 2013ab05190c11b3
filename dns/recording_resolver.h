// SPDX-License-Identifier: BSD-2-Clause
//
// RecordingResolver: passes every question on to another resolver and remembers what it answered,
// so that an evaluation can be shown answer by answer, and replayed without the DNS: zone_text() is
// a zone file for ZoneData (DNSData) with which the same questions get the same answers.

#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dns/resolver.h"

namespace signet {

/// One question and what came of it.
struct RecordedAnswer {
  Name name;
  RecordType type = RecordType::txt;
  Answer answer;
};

class RecordingResolver final : public Resolver {
 public:
  explicit RecordingResolver(std::shared_ptr<Resolver> inner) : inner_(std::move(inner)) {}

  /// Every different question so far, in the order in which they were first asked. Waits for those
  /// still open, until their deadlines.
  std::vector<RecordedAnswer> answers() const;

 private:
  struct Question {
    Name name;
    RecordType type;
    Lookup lookup;
  };
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override;

  const std::shared_ptr<Resolver> inner_;
  mutable std::mutex mutex_;
  std::vector<Question> questions_;  // guarded by mutex_
};

/// The records of one answer in zone-file form, a line each; none for an answer without records.
std::vector<std::string> zone_lines(const RecordedAnswer& recorded);

/// A zone file in which what was answered stands and nothing else exists. What zone files have no
/// word for is put in others: a name without records of the type asked for has a HINFO record, and
/// one whose question failed has one of kFailureRecordType.
std::string zone_text(const std::vector<RecordedAnswer>& answers);

}  // namespace signet
