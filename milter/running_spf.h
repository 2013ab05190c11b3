// SPDX-License-Identifier: BSD-2-Clause
//
// RunningSpf: one SPF check that goes on while its message is arriving. It begins on the thread
// that starts it, and if all answers are cached it ends there too. Otherwise it goes on in the
// background whenever an answer has come, a few microseconds each time; in between it occupies no
// thread. Dropping it ends it: nothing more is asked, and nobody waits.

#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>

#include "dns/resolver.h"
#include "dns/spf/spf_check.h"
#include "milter/background.h"

namespace signet {

class RunningSpf : public std::enable_shared_from_this<RunningSpf> {
 public:
  /// `background` must outlive what is returned.
  static std::shared_ptr<RunningSpf> start(std::shared_ptr<Resolver> resolver,
                                           std::shared_ptr<LookupBudget> budget,
                                           Background& background, const SpfRequest& request,
                                           SpfIdentity identity, const SpfLimits& limits = {});
  ~RunningSpf();
  RunningSpf(const RunningSpf&) = delete;
  RunningSpf& operator=(const RunningSpf&) = delete;

  /// The listener that came last is told once, when there is a verdict; false if there is one.
  bool listen(std::weak_ptr<AnswerListener> listener);

  /// Waits until the deadline; nullptr: there is no verdict yet. Throws what the check threw. The
  /// verdict stays as long as this object.
  const SpfVerdict* verdict(Deadline deadline);

 private:
  class Wake;

  RunningSpf(std::shared_ptr<Resolver> resolver, std::shared_ptr<LookupBudget> budget,
             Background& background, const SpfRequest& request, SpfIdentity identity,
             const SpfLimits& limits);
  void go_on() noexcept;
  void read();

  const std::shared_ptr<Resolver> resolver_;
  const std::shared_ptr<LookupBudget> budget_;
  Background& background_;

  std::mutex mutex_;
  std::condition_variable finished_;
  std::optional<SpfCheck> check_;           // guarded by mutex_; gone when finished
  std::shared_ptr<Wake> wake_;              // guarded by mutex_
  Deadline timer_{};                        // guarded by mutex_; when the background looks after it
  std::optional<SpfVerdict> verdict_;       // guarded by mutex_; final
  std::exception_ptr failure_;              // guarded by mutex_
  std::weak_ptr<AnswerListener> listener_;  // guarded by mutex_
};

}  // namespace signet
