// SPDX-License-Identifier: BSD-2-Clause
//
// KeyMonitor: compares the signing keys with their records in the DNS, and logs what it finds: at
// start, at reload and every KeyCheckInterval. A key that is not published yet is looked for more
// often, so that a new selector takes over soon after its record is visible; after a DNS error a
// key is asked about again within a minute, and more and more seldom as long as errors go on.
//
// Nothing waits for it. Until the first answer keys are `unknown`, and unknown keys sign. What it
// sees is as old as the DNS allows: a record is asked for again when its TTL is over, and a name
// that did not exist when its zone's negative TTL is (RFC 2308 5), whatever the interval is.

#pragma once

#include <spdlog/logger.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "milter/runtime.h"
#include "milter/signing/key_states.h"

namespace signet {

class KeyMonitor {
 public:
  using TimePoint = KnownKey::TimePoint;
  enum class Extent { due, all };

  /// A key that is not published is asked about at least this often.
  static constexpr std::chrono::seconds kUnpublishedInterval{600};
  /// After one DNS error; twice as long after each further one, up to 64 times.
  static constexpr std::chrono::seconds kFailureInterval{60};
  /// Questions on their way at the same time.
  static constexpr size_t kBatch = 64;

  /// Works on whatever Runtime is current; `runtimes` must outlive it.
  KeyMonitor(const RuntimeSlot& runtimes, std::shared_ptr<spdlog::logger> log)
      : runtimes_(runtimes), log_(std::move(log)) {}
  /// Waits for the thread, if there is one: at most DNSTimeout.
  ~KeyMonitor();
  KeyMonitor(const KeyMonitor&) = delete;
  KeyMonitor& operator=(const KeyMonitor&) = delete;

  /// Starts the thread that checks all keys now, and each one again when it is due. Call it after
  /// the last fork().
  void start();

  /// There is a new Runtime: all of its keys are to be checked, and what is left of a round that is
  /// under way concerns nobody any more.
  void runtime_changed();

  /// Ends the thread. True once it has ended; false if it waits for the DNS, which no signal can
  /// shorten: it ends by itself then, soon, and this object must stay until it has.
  bool stop();

  /// What the thread does: asks about all keys of the current Runtime, or those that are due at
  /// `now`, takes the answers over into its KeyStates and logs what changed. Returns when the next
  /// key is due. Without an interval it does nothing. One thread at a time.
  TimePoint check_now(TimePoint now, Extent extent);

 private:
  void run();
  bool interrupted() const { return interrupted_.load(std::memory_order_relaxed); }
  bool record(KeyStates& states, const SigningKey& key, const KeyCheck& check, TimePoint now);

  const RuntimeSlot& runtimes_;
  const std::shared_ptr<spdlog::logger> log_;
  std::atomic<bool> interrupted_{false};  ///< the round under way is to end
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable woken_;
  bool all_ = true;        // guarded by mutex_; the next round is about all keys
  bool working_ = false;   // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
};

}  // namespace signet
