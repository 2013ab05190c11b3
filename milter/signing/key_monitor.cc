// SPDX-License-Identifier: BSD-2-Clause
//
// A round asks in batches: all questions of a batch first, then the answers in turn, so that ten
// thousand keys neither take ten thousand waits nor flood the resolver.

#include "milter/signing/key_monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace signet {
namespace {

using TimePoint = KeyMonitor::TimePoint;
using KeyPointer = std::shared_ptr<const SigningKey>;

/// With nothing to do the thread looks up this often.
constexpr std::chrono::hours kIdle{1};
/// Failures after which the wait does not grow any more.
constexpr int kMostDoublings = 6;

std::chrono::seconds wait_after(const KnownKey& known, std::chrono::seconds interval) {
  if (known.failures > 0) {
    const int doublings = std::min(known.failures - 1, kMostDoublings);
    return std::min(interval, KeyMonitor::kFailureInterval * (1 << doublings));
  }
  if (known.check.state == KeyState::published) return interval;
  return std::min(interval, KeyMonitor::kUnpublishedInterval);
}

TimePoint due_at(const KnownKey& known, std::chrono::seconds interval) {
  const bool never_asked = known.check.state == KeyState::unknown && known.failures == 0;
  if (never_asked) return TimePoint::min();
  return known.asked + wait_after(known, interval);
}

std::string name_of(const SigningKey& key) { return key.domain().text() + "/" + key.selector(); }

std::string age(std::chrono::steady_clock::duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < 120) return fmt::format("{} seconds", seconds);
  if (seconds < 2 * 3600) return fmt::format("{} minutes", seconds / 60);
  return fmt::format("{} hours", seconds / 3600);
}

/// "3 published, 1 unpublished, 0 mismatch, 0 unknown"
std::string summary(const KeyStates& states, const std::vector<KeyPointer>& keys) {
  constexpr std::array kStates = {KeyState::published, KeyState::unpublished, KeyState::mismatch,
                                  KeyState::unknown};
  std::array<size_t, kStates.size()> counts{};
  for (const KeyPointer& key : keys) ++counts[static_cast<size_t>(states.get(*key).check.state)];
  std::string text;
  for (const KeyState state : kStates) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[static_cast<size_t>(state)],
                        to_string(state));
  }
  return text;
}

/// One batch, asked at once. The time that the messages have for a question is enough for a key.
std::vector<Lookup> ask(const Runtime& runtime, std::span<const KeyPointer> keys) {
  LookupBudget budget(std::chrono::steady_clock::now() + runtime.config.dns_timeout,
                      static_cast<int>(keys.size()));
  std::vector<Lookup> lookups;
  for (const KeyPointer& key : keys) {
    lookups.push_back(runtime.resolver->start(key_record_name(*key), RecordType::txt, budget));
  }
  return lookups;
}

}  // namespace

KeyMonitor::~KeyMonitor() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void KeyMonitor::start() {
  thread_ = std::thread([this] { run(); });
}

void KeyMonitor::runtime_changed() {
  const std::lock_guard lock(mutex_);
  all_ = true;
  interrupted_ = true;
  woken_.notify_all();
}

bool KeyMonitor::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    interrupted_ = true;
    woken_.notify_all();
    if (working_) return false;
  }
  if (thread_.joinable()) thread_.join();
  return true;
}

void KeyMonitor::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Extent extent = all_ ? Extent::all : Extent::due;
    all_ = false;
    interrupted_ = false;
    working_ = true;
    lock.unlock();
    const TimePoint now = std::chrono::steady_clock::now();
    TimePoint next = now + kFailureInterval;
    try {
      next = check_now(now, extent);
    } catch (const std::exception& error) {
      // Out of memory, for one. The mail goes on with what is known of the keys.
      log_->error("keys not compared with the DNS: {}", error.what());
    }
    lock.lock();
    working_ = false;
    woken_.wait_until(lock, std::min(next, now + kIdle), [this] { return stopping_ || all_; });
  }
}

TimePoint KeyMonitor::check_now(TimePoint now, Extent extent) {
  const std::shared_ptr<const Runtime> runtime = runtimes_.get();
  const std::chrono::seconds interval = runtime->config.key_check_interval;
  if (interval == std::chrono::seconds(0) || !runtime->config.sign) return TimePoint::max();
  KeyStates& states = *runtime->key_states;
  const std::vector<KeyPointer> keys = runtime->all_signing_keys();
  states.keep_only(keys);

  std::vector<KeyPointer> due;
  for (const KeyPointer& key : keys) {
    if (extent == Extent::all || due_at(states.get(*key), interval) <= now) due.push_back(key);
  }
  bool changed = extent == Extent::all;
  for (size_t first = 0; first < due.size() && !interrupted(); first += kBatch) {
    const auto batch = std::span(due).subspan(first, std::min(kBatch, due.size() - first));
    std::vector<Lookup> lookups = ask(*runtime, batch);
    for (size_t i = 0; i < batch.size() && !interrupted(); ++i) {
      const KeyCheck check = compare_with_record(*batch[i], lookups[i].get());
      changed |= record(states, *batch[i], check, now);
    }
  }
  if (changed && !keys.empty() && !interrupted()) log_->info("keys: {}", summary(states, keys));

  TimePoint next = TimePoint::max();
  for (const KeyPointer& key : keys) next = std::min(next, due_at(states.get(*key), interval));
  return next;
}

/// Returns whether anything is different from before. Each difference is logged once.
bool KeyMonitor::record(KeyStates& states, const SigningKey& key, const KeyCheck& check,
                        TimePoint now) {
  const KnownKey before = states.set(key, check, now);
  if (check.state == KeyState::unknown) {
    if (before.failures > 0) return false;
    if (before.check.state == KeyState::unknown) {
      log_->warn("key {}: unknown: {}", name_of(key), check.detail);
    } else {
      log_->warn("key {}: {}; it stays {}, as seen {} ago", name_of(key), check.detail,
                 to_string(before.check.state), age(now - before.answered));
    }
    return true;
  }
  const bool recovered = before.failures > 0 && before.check == check;
  if (before.check == check && !recovered) return false;
  log_->log(check.state == KeyState::published ? spdlog::level::info : spdlog::level::warn,
            "key {}: {}{}{}{}", name_of(key), recovered ? "the DNS answers again: " : "",
            to_string(check.state), check.detail.empty() ? "" : ": ", check.detail);
  return true;
}

}  // namespace signet
