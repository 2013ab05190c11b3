// SPDX-License-Identifier: BSD-2-Clause
//
// What every resolver shares: the words for statuses and record types, a message's allowance of
// questions, and the meeting point of one who waits for an answer and one who brings it.

#include "dns/resolver.h"

#include <cassert>

namespace signet {
namespace {

std::shared_ptr<const Answer> make_failure(DnsStatus status, std::string error) {
  auto answer = std::make_shared<Answer>();
  answer->status = status;
  answer->error = std::move(error);
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

void PendingAnswer::set(std::shared_ptr<const Answer> answer) {
  {
    const std::lock_guard lock(mutex_);
    if (answer_) return;
    answer_ = std::move(answer);
  }
  arrived_.notify_all();
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

const Answer& Lookup::get() {
  if (!answer_ && pending_) answer_ = pending_->wait_until(deadline_);
  if (!answer_) answer_ = make_failure(DnsStatus::timed_out, "no answer before the deadline");
  // A late answer must not change what this handle said before, nor be kept alive by it.
  pending_.reset();
  return *answer_;
}

Lookup Resolver::start(const Name& name, RecordType type, LookupBudget& budget) {
  if (!budget.take()) {
    return Lookup(make_failure(DnsStatus::server_failure,
                               budget.cancelled()
                                   ? "the message is gone"
                                   : "the message's limit of DNS questions is used up"));
  }
  return ask(name, type, budget.deadline());
}

}  // namespace signet
