// SPDX-License-Identifier: BSD-2-Clause
//
// The inner resolver is asked at once, so that it counts questions when they are asked; what it
// answers is held.

#include "tests/support/step_resolver.h"

#include <limits>

namespace signet {

int StepResolver::asked() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(asked_.size());
}

size_t StepResolver::waiting() const {
  const std::lock_guard lock(mutex_);
  return held_.size();
}

size_t StepResolver::answer_all() {
  std::vector<Held> answered;
  {
    const std::lock_guard lock(mutex_);
    answered.swap(held_);
  }
  for (const auto& [pending, answer] : answered) pending->set(answer);
  return answered.size();
}

void StepResolver::answer(size_t index) {
  Held answered;
  {
    const std::lock_guard lock(mutex_);
    answered = held_.at(index);
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  answered.pending->set(answered.answer);
}

Lookup StepResolver::ask(const Name& name, RecordType type, Deadline deadline) {
  const std::lock_guard lock(mutex_);
  auto& pending = asked_[{name, type}];
  if (!pending) {
    // The budget has been asked already.
    LookupBudget unlimited(deadline, std::numeric_limits<int>::max());
    Lookup lookup = inner_.start(name, type, unlimited);
    pending = std::make_shared<PendingAnswer>();
    held_.push_back({pending, std::make_shared<const Answer>(lookup.get())});
  }
  return {pending, deadline};
}

}  // namespace signet
