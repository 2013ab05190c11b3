// SPDX-License-Identifier: BSD-2-Clause
//
// What every resolver shares: the words for statuses and record types, a message's allowance of
// questions, and the meeting point of one who waits for an answer and one who brings it.

#include "dns/resolver.h"

#include <cassert>
#include <utility>

namespace signet {
namespace {

std::shared_ptr<const Answer> make_failure(DnsStatus status, std::string error,
                                           std::optional<Limit> limit) {
  auto answer = std::make_shared<Answer>();
  answer->status = status;
  answer->error = std::move(error);
  answer->limit = limit;
  return answer;
}

}  // namespace

std::string_view to_string(DnsStatus status) {
  switch (status) {
    case DnsStatus::answered:
      return "answered";
    case DnsStatus::no_data:
      return "no_data";
    case DnsStatus::no_domain:
      return "no_domain";
    case DnsStatus::server_failure:
      return "server_failure";
    case DnsStatus::timed_out:
      return "timed_out";
  }
  assert(false);
  return "server_failure";
}

std::string_view to_string(RecordType type) {
  switch (type) {
    case RecordType::a:
      return "A";
    case RecordType::cname:
      return "CNAME";
    case RecordType::ptr:
      return "PTR";
    case RecordType::mx:
      return "MX";
    case RecordType::txt:
      return "TXT";
    case RecordType::aaaa:
      return "AAAA";
  }
  assert(false);
  return "TYPE0";
}

bool LookupBudget::take() {
  if (cancelled()) return false;
  // The count never goes below zero, so any number of refused calls cannot wrap it around.
  int left = left_.load(std::memory_order_relaxed);
  do {
    if (left <= 0) return false;
  } while (!left_.compare_exchange_weak(left, left - 1, std::memory_order_relaxed));
  used_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void AnswerBell::answer_arrived() noexcept {
  {
    const std::lock_guard lock(mutex_);
    rung_ = true;
  }
  arrived_.notify_all();
}

void AnswerBell::wait_until(Deadline deadline) {
  std::unique_lock lock(mutex_);
  arrived_.wait_until(lock, deadline, [this] { return rung_; });
  rung_ = false;
}

void PendingAnswer::set(std::shared_ptr<const Answer> answer) {
  std::vector<std::weak_ptr<AnswerListener>> listeners;
  {
    const std::lock_guard lock(mutex_);
    if (answer_) return;
    answer_ = std::move(answer);
    listeners.swap(listeners_);
  }
  arrived_.notify_all();
  for (const auto& listener : listeners) {
    if (const auto present = listener.lock()) present->answer_arrived();
  }
}

std::shared_ptr<const Answer> PendingAnswer::wait_until(Deadline deadline) {
  std::unique_lock lock(mutex_);
  arrived_.wait_until(lock, deadline, [this] { return answer_ != nullptr; });
  return answer_;
}

std::shared_ptr<const Answer> PendingAnswer::peek() {
  const std::lock_guard lock(mutex_);
  return answer_;
}

bool PendingAnswer::listen(std::weak_ptr<AnswerListener> listener) {
  const std::lock_guard lock(mutex_);
  if (answer_) return false;
  // Those of messages that are gone leave before the list grows: a silent name gathers no more
  // than twice as many as there are messages. Twice, so that they are not counted each time.
  if (listeners_.size() == listeners_.capacity()) {
    std::erase_if(listeners_, [](const auto& each) { return each.expired(); });
    listeners_.reserve(2 * listeners_.size() + 1);
  }
  listeners_.push_back(std::move(listener));
  return true;
}

const Answer& Lookup::get() {
  return answer_ ? *answer_ : settle(pending_ ? pending_->wait_until(deadline_) : nullptr);
}

const Answer* Lookup::peek() {
  if (answer_) return answer_.get();
  auto answer = pending_ ? pending_->peek() : nullptr;
  if (!answer && pending_ && std::chrono::steady_clock::now() < deadline_) return nullptr;
  return &settle(std::move(answer));
}

bool Lookup::listen(const std::shared_ptr<AnswerListener>& listener) {
  return peek() == nullptr && pending_->listen(listener);
}

const Answer& Lookup::settle(std::shared_ptr<const Answer> answer) {
  if (!answer) answer = make_failure(DnsStatus::timed_out, "no answer before the deadline", limit_);
  answer_ = std::move(answer);
  // A late answer must not change what this handle said before, nor be kept alive by it.
  pending_.reset();
  return *answer_;
}

Lookup Resolver::start(const Name& name, RecordType type, LookupBudget& budget) {
  if (!budget.take()) {
    if (budget.cancelled()) {
      return Lookup(make_failure(DnsStatus::server_failure, "the message is gone", std::nullopt));
    }
    return Lookup(make_failure(DnsStatus::server_failure,
                               "the message's limit of DNS questions is used up",
                               Limit::dns_questions));
  }
  const Deadline deadline = budget.deadline();
  Lookup lookup = ask(name, type, deadline);
  // A resolver's own patience may end before the message's.
  if (lookup.deadline() >= deadline) lookup.limit_ = Limit::message_time;
  if (lookup.peek() == nullptr) budget.answered_at_once_.store(false, std::memory_order_relaxed);
  return lookup;
}

}  // namespace signet
