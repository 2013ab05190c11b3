// SPDX-License-Identifier: BSD-2-Clause
//
// The check_host() function of RFC 7208 4 for a sender whose domain is known to be a proper one;
// spf_check.h is the way in for everybody else.

#pragma once

#include <string>

#include "dns/spf/spf_check.h"

namespace signet {

/// The <sender> of RFC 7208 4.1.
struct SpfSender {
  std::string local_part;  ///< never empty
  Name domain;             ///< of at least two labels
};

/// Octets of SpfVerdict::problem and of an outcome in the trace.
inline constexpr size_t kMaxSpfProblemOctets = 300;

/// Evaluates the record of sender.domain. Everything of the verdict but `identity` is filled.
SpfVerdict evaluate_spf(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                        const SpfLimits& limits, const SpfSender& sender);

}  // namespace signet
