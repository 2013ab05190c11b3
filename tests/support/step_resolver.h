// SPDX-License-Identifier: BSD-2-Clause
//
// StepResolver: the answers of another resolver, of which none comes before the test says so. With
// it time is counted in steps, one for each delay of a DNS that answers everything after the same
// time: what takes n steps has asked n questions one after the other, each because of an answer.
// As with the real one an answer is kept, and nothing is asked twice.

#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "dns/resolver.h"

namespace signet {

class StepResolver final : public Resolver {
 public:
  /// `inner` must outlive it, and answer at once.
  explicit StepResolver(Resolver& inner) : inner_(inner) {}

  /// Different questions asked so far.
  int asked() const;
  /// Of these, not answered yet.
  size_t waiting() const;
  /// One step: everything asked so far is answered. Returns how many that were.
  size_t answer_all();
  /// Answers one of those that wait, 0 being the oldest.
  void answer(size_t index);

 private:
  struct Held {
    std::shared_ptr<PendingAnswer> pending;
    std::shared_ptr<const Answer> answer;
  };
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override;

  Resolver& inner_;
  mutable std::mutex mutex_;
  std::map<std::pair<Name, RecordType>, std::shared_ptr<PendingAnswer>>
      asked_;               // guarded by mutex_
  std::vector<Held> held_;  // guarded by mutex_
};

}  // namespace signet
