// SPDX-License-Identifier: BSD-2-Clause
//
// How every evaluator asks the DNS. Resolver::start() puts a question on its way and returns a
// Lookup at once; Lookup::get() waits until the answer is there or its time is up. Evaluators are
// therefore plain sequential code; whoever knows a name early starts its Lookup early. Who has
// better things to do than to wait looks with peek() and has himself told by listen().
//
// A LookupBudget belongs to one message and goes with every question, so the message's deadline
// and its limit on questions hold by construction. Status words: an answer that did not come is
// never "does not exist".

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dns/ip.h"
#include "dns/limit.h"
#include "dns/name.h"

namespace signet {

enum class DnsStatus {
  answered,        ///< at least one record of the type asked for
  no_data,         ///< the name exists, without a record of this type
  no_domain,       ///< NXDOMAIN: neither the name nor anything below it exists
  server_failure,  ///< SERVFAIL, REFUSED, bogus DNSSEC, garbage, or the message's budget is used up
  timed_out,       ///< nothing came before the deadline
};
/// The enumerator's own spelling, as used in logs.
std::string_view to_string(DnsStatus status);

enum class RecordType : uint16_t { a = 1, cname = 5, ptr = 12, mx = 15, txt = 16, aaaa = 28 };
/// "A", "TXT" and so on.
std::string_view to_string(RecordType type);

struct MxRecord {
  uint16_t preference = 0;
  Name exchange;  ///< the root for a null MX (RFC 7505)
  friend bool operator==(const MxRecord&, const MxRecord&) = default;
};

/// What came back for one question; CNAMEs have been followed. Only the vector of the type asked
/// for is filled, in the order of the answer.
struct Answer {
  DnsStatus status = DnsStatus::server_failure;
  bool authenticated = false;        ///< DNSSEC validated; only with a trust anchor
  std::vector<IpAddress> addresses;  ///< a, aaaa
  std::vector<std::string> texts;    ///< txt: one per record, its strings joined without spaces
  std::vector<MxRecord> exchanges;   ///< mx
  std::vector<Name> names;           ///< ptr, cname
  std::string error;                 ///< for server_failure: what happened, one line
  std::optional<Limit> limit;        ///< of the message, if it is why there is no answer
  std::chrono::seconds ttl{0};       ///< how long the answer may be kept

  bool failed() const {
    return status == DnsStatus::server_failure || status == DnsStatus::timed_out;
  }
};

/// The point in monotonic time at which waiting ends.
using Deadline = std::chrono::steady_clock::time_point;

/// An allowance for DNS: of a whole message, or of one method for one message. Share it with
/// std::shared_ptr between the session and what runs beside it; every member may be called from any
/// thread.
class LookupBudget {
 public:
  /// `deadline` bounds every get(); `questions` is the number that may be asked (a cached answer
  /// counts as one). The default of 204 is the sum of what SPF, DKIM and DMARC can need.
  explicit LookupBudget(Deadline deadline, int questions = 204)
      : deadline_(deadline), left_(questions) {}

  Deadline deadline() const { return deadline_.load(std::memory_order_relaxed); }
  /// Moves the deadline for questions asked from now on: a message may take minutes to arrive, and
  /// what is asked at its end has its own time.
  void set_deadline(Deadline deadline) { deadline_.store(deadline, std::memory_order_relaxed); }
  /// Takes one question from the allowance; false if none is left or cancel() was called.
  bool take();
  /// True if take() would be false.
  bool exhausted() const { return cancelled() || left_.load(std::memory_order_relaxed) <= 0; }
  int left() const { return left_.load(std::memory_order_relaxed); }
  /// Questions taken so far.
  int used() const { return used_.load(std::memory_order_relaxed); }
  /// Whether all of them were answered at once, from a cache or local data.
  bool answered_at_once() const { return answered_at_once_.load(std::memory_order_relaxed); }
  /// The message is gone: no further question is asked.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<Deadline> deadline_;
  std::atomic<int> left_;
  std::atomic<int> used_{0};
  std::atomic<bool> answered_at_once_{true};
  std::atomic<bool> cancelled_{false};

  friend class Resolver;
};

/// Somebody who goes on when an answer has come.
class AnswerListener {
 public:
  virtual ~AnswerListener() = default;
  /// Called by whoever brings the answer, so it must be quick; and what it owns must be nothing
  /// that minds being destroyed there, a resolver least of all.
  virtual void answer_arrived() noexcept = 0;
};

/// A listener that a thread can wait for: for the first of any number of answers.
class AnswerBell final : public AnswerListener {
 public:
  void answer_arrived() noexcept override;
  /// Until an answer has come since the last call, or the deadline has passed.
  void wait_until(Deadline deadline);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  bool rung_ = false;  // guarded by mutex_
};

/// Where an answer will appear: set once by the resolver, read by any number of Lookups.
class PendingAnswer {
 public:
  /// First call wins; later ones are ignored. Wakes everyone who waits, tells everyone who listens.
  void set(std::shared_ptr<const Answer> answer);
  /// The answer, or nullptr if it is not there at `deadline`.
  std::shared_ptr<const Answer> wait_until(Deadline deadline);
  /// The answer if it is there now, else nullptr.
  std::shared_ptr<const Answer> peek();
  /// `listener` is told once, when the answer is set; false, and it is not, if that has happened.
  bool listen(std::weak_ptr<AnswerListener> listener);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::shared_ptr<const Answer> answer_;                  // guarded by mutex_
  std::vector<std::weak_ptr<AnswerListener>> listeners_;  // guarded by mutex_
};

/// A handle on one question that is already on its way. Copyable; one thread at a time.
class Lookup {
 public:
  /// A question that needs no waiting: cached, local, or over budget.
  explicit Lookup(std::shared_ptr<const Answer> answer) : answer_(std::move(answer)) {}
  Lookup(std::shared_ptr<PendingAnswer> pending, Deadline deadline)
      : pending_(std::move(pending)), deadline_(deadline) {}

  /// Waits until the answer is there or the deadline has passed (then status timed_out). Calling
  /// it again returns the same answer. The reference lives as long as this handle.
  const Answer& get();
  /// What get() would return without waiting; nullptr if it would wait.
  const Answer* peek();
  /// PendingAnswer::listen(); false if peek() has an answer.
  bool listen(const std::shared_ptr<AnswerListener>& listener);
  /// When get() stops waiting.
  Deadline deadline() const { return deadline_; }

 private:
  const Answer& settle(std::shared_ptr<const Answer> answer);

  std::shared_ptr<PendingAnswer> pending_;
  std::shared_ptr<const Answer> answer_;
  Deadline deadline_{};
  std::optional<Limit> limit_;  ///< of the message, if deadline_ is

  friend class Resolver;
};

/// Somebody who answers questions. Implementations: UnboundResolver (the DNS), ZoneResolver
/// (tests, replay). Any thread may call start().
class Resolver {
 public:
  virtual ~Resolver() = default;

  /// Puts the question on its way. If the budget has none left the Lookup is answered already,
  /// with server_failure and an error that says so.
  Lookup start(const Name& name, RecordType type, LookupBudget& budget);

 private:
  /// The question itself; `deadline` is the message's.
  virtual Lookup ask(const Name& name, RecordType type, Deadline deadline) = 0;
};

}  // namespace signet
