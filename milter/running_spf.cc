// SPDX-License-Identifier: BSD-2-Clause
//
// Who keeps whom alive: the message has the check, the check has the resolver, and what waits for
// the check (in the resolver's questions, in the background's line) only knows where it is, if it
// is still there. So the check ends with its message, and the resolver's own thread never finds
// itself the last who holds the resolver.

#include "milter/running_spf.h"

#include <new>
#include <utility>

namespace signet {

/// What the resolver's thread calls: gets the check into the line, once until it is its turn.
class RunningSpf::Wake final : public AnswerListener {
 public:
  Wake(std::weak_ptr<RunningSpf> spf, Background& background)
      : spf_(std::move(spf)), background_(&background) {}

  Background::Work work() const {
    return [spf = spf_] {
      if (const auto running = spf.lock()) running->go_on();
    };
  }

  void answer_arrived() noexcept override {
    const std::lock_guard lock(mutex_);
    if (background_ == nullptr || in_line_) return;
    try {
      background_->start(work());
      in_line_ = true;
    } catch (const std::exception&) {
      // No memory: the check goes on with the next answer, or when its patience ends.
    }
  }

  /// It is the check's turn: from here on an answer is news.
  void left_line() {
    const std::lock_guard lock(mutex_);
    in_line_ = false;
  }

  /// The background may be gone from here on.
  void detach() {
    const std::lock_guard lock(mutex_);
    background_ = nullptr;
  }

 private:
  const std::weak_ptr<RunningSpf> spf_;
  std::mutex mutex_;
  Background* background_;  // guarded by mutex_
  bool in_line_ = false;    // guarded by mutex_
};

RunningSpf::RunningSpf(std::shared_ptr<Resolver> resolver, std::shared_ptr<LookupBudget> budget,
                       Background& background, const SpfRequest& request, SpfIdentity identity,
                       const SpfLimits& limits)
    : resolver_(std::move(resolver)), budget_(std::move(budget)), background_(background) {
  check_.emplace(*resolver_, *budget_, request, identity, limits);
}

RunningSpf::~RunningSpf() {
  if (wake_) wake_->detach();
}

std::shared_ptr<RunningSpf> RunningSpf::start(std::shared_ptr<Resolver> resolver,
                                              std::shared_ptr<LookupBudget> budget,
                                              Background& background, const SpfRequest& request,
                                              SpfIdentity identity, const SpfLimits& limits) {
  std::shared_ptr<RunningSpf> running(new RunningSpf(std::move(resolver), std::move(budget),
                                                     background, request, identity, limits));
  running->go_on();
  return running;
}

void RunningSpf::go_on() noexcept {
  std::unique_lock lock(mutex_);
  if (!check_) return;
  try {
    read();
  } catch (...) {
    failure_ = std::current_exception();
    check_.reset();
  }
  if (check_) return;
  finished_.notify_all();
  const auto listener = listener_.lock();
  lock.unlock();
  if (listener) listener->answer_arrived();
}

bool RunningSpf::listen(std::weak_ptr<AnswerListener> listener) {
  const std::lock_guard lock(mutex_);
  if (!check_) return false;
  listener_ = std::move(listener);
  return true;
}

void RunningSpf::read() {
  if (wake_) wake_->left_line();
  do {
    verdict_ = check_->read();
    if (verdict_) {
      check_.reset();
      return;
    }
    if (!wake_) wake_ = std::make_shared<Wake>(weak_from_this(), background_);
  } while (!check_->listen(wake_));
  // One timer at a time: when it rings there is another reading, and then another timer.
  const Deadline patience = check_->patience();
  if (timer_ <= patience && timer_ > std::chrono::steady_clock::now()) return;
  timer_ = patience;
  background_.start_at(patience, wake_->work());
}

const SpfVerdict* RunningSpf::verdict(Deadline deadline) {
  std::unique_lock lock(mutex_);
  finished_.wait_until(lock, deadline, [this] { return !check_; });
  if (failure_) std::rethrow_exception(failure_);
  return verdict_ ? &*verdict_ : nullptr;
}

}  // namespace signet
