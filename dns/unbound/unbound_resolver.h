// SPDX-License-Identifier: BSD-2-Clause
//
// UnboundResolver: the real DNS, through libunbound's event API. One pump thread owns the
// libunbound context and a libevent base; other threads post questions to it. In front stands a
// sharded cache of bounded size that keeps answers (negative ones too) for their TTL, so a cached
// answer costs no thread switch; identical questions in flight are asked once.
//
// A waiter's time ends at the message's deadline or after `timeout`, whichever is first: it then
// has timed_out, and the question stays in flight until libunbound gives it up (some seconds more).
// An answer that comes late still goes into the cache. libunbound repeats a question that got no
// reply; if it gives up before the waiter does, that is server_failure. Datagrams with the wrong
// id, and some that do not parse, are ignored as somebody else's, so they end as timed_out.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dns/resolver.h"
#include "dns/result.h"
#include "dns/zone_data.h"

namespace signet {

struct UnboundOptions {
  /// Forwarders, `192.0.2.1`, `2001:db8::1` or `127.0.0.1@5353`. Empty: /etc/resolv.conf.
  std::vector<std::string> nameservers;
  /// A file of DS or DNSKEY records; turns DNSSEC validation on. Empty: off.
  std::string trust_anchor_file;
  /// Longest wait for one question, on the monotonic clock.
  std::chrono::milliseconds timeout{5000};
  /// Answers kept at most; they take 1 KiB each at most on average. 0: none is kept.
  size_t cache_entries = 50'000;
  /// Local data that is asked first; may be null.
  std::shared_ptr<const ZoneData> local_data;
  /// What the pump thread does first; must not throw. Empty: nothing.
  std::function<void()> at_thread_start;
};

/// What became of the questions so far. Each question is in one of the first five.
struct ResolverCounters {
  uint64_t local = 0;     ///< answered from local data
  uint64_t cached = 0;    ///< answered from the cache
  uint64_t merged = 0;    ///< joined an identical question in flight
  uint64_t sent = 0;      ///< handed to libunbound
  uint64_t refused = 0;   ///< too many in flight, or no time left
  uint64_t failures = 0;  ///< answers of libunbound that were server_failure
  uint64_t contexts = 0;  ///< libunbound contexts made: 1, and one more after each spell of silence
};

class UnboundResolver final : public Resolver {
 public:
  /// Distinct questions in flight at most; one more is server_failure at once.
  static constexpr size_t kMostInFlight = 4096;

  /// Starts the pump thread; call it after the last fork(). An Error says which option libunbound
  /// did not take.
  static Result<std::unique_ptr<UnboundResolver>> create(const UnboundOptions& options);
  /// Stops the pump; questions in flight end as timed_out at once. Lookups may outlive the
  /// resolver.
  ~UnboundResolver() override;

  /// Questions handed to libunbound so far (neither cached, nor merged, nor local).
  uint64_t questions_sent() const { return counters().sent; }
  /// For logs and tests; any thread.
  ResolverCounters counters() const;

 private:
  class Pump;
  explicit UnboundResolver(std::unique_ptr<Pump> pump);
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override;

  std::unique_ptr<Pump> pump_;
};

/// libunbound's version, for `signet-milter -V`.
std::string unbound_library_version();

}  // namespace signet
