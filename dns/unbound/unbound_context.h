// SPDX-License-Identifier: BSD-2-Clause
//
// A libunbound context that resolves for UnboundResolver: bound to a libevent base, configured from
// UnboundOptions, finalized. The context belongs to one thread: the one that runs the base.

#pragma once

#include <event2/event.h>
#include <unbound-event.h>
#include <unbound.h>

#include <chrono>
#include <memory>

#include "dns/result.h"
#include "dns/unbound/unbound_resolver.h"

namespace signet {

struct UnboundFree {
  void operator()(event_base* base) const { event_base_free(base); }
  void operator()(event* watched) const { event_free(watched); }
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using EventBase = std::unique_ptr<event_base, UnboundFree>;
using WatchedEvent = std::unique_ptr<event, UnboundFree>;
using UnboundContext = std::unique_ptr<ub_ctx, UnboundFree>;

/// How long libunbound waits for the first reply of a name server it knows nothing about.
std::chrono::milliseconds first_wait(const UnboundOptions& options);

/// The base must outlive the context. An Error names the option that libunbound did not take.
Result<UnboundContext> make_unbound_context(event_base* base, const UnboundOptions& options);

}  // namespace signet
