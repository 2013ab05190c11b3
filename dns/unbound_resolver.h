// SPDX-License-Identifier: BSD-2-Clause
//
// UnboundResolver: the real DNS, through libunbound's event API. One pump thread owns the
// libunbound context and a libevent base; other threads post questions to it. In front stands a
// sharded cache of bounded size that keeps answers (negative ones too) for their TTL, so a cached
// answer costs no thread switch; identical questions in flight are asked once.

#pragma once

#include <chrono>
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
  /// Longest wait for one question, seconds on the monotonic clock.
  std::chrono::milliseconds timeout{5000};
  /// Answers kept at most.
  size_t cache_entries = 50'000;
  /// Local data that is asked first; may be null.
  std::shared_ptr<const ZoneData> local_data;
};

class UnboundResolver final : public Resolver {
 public:
  /// Starts the pump thread. An Error says which option libunbound did not take.
  static Result<std::unique_ptr<UnboundResolver>> create(const UnboundOptions& options);
  /// Stops the pump; questions in flight end as timed_out.
  ~UnboundResolver() override;

  /// Questions sent to libunbound so far (neither cached, nor merged, nor local). For logs, tests.
  uint64_t questions_sent() const;

 private:
  struct Pump;
  explicit UnboundResolver(std::unique_ptr<Pump> pump);
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override;

  std::unique_ptr<Pump> pump_;
};

}  // namespace signet
