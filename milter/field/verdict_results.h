// SPDX-License-Identifier: BSD-2-Clause
//
// From findings to the methods of an Authentication-Results field: which result, which properties,
// in which order (RFC 8601 2.7, RFC 9989 9.1, RFC 6008 for header.b).

#pragma once

#include <string>
#include <vector>

#include "milter/field/auth_results.h"
#include "milter/inbound.h"
#include "milter/role.h"

namespace signet {

/// Which signatures are worth a line: all that passed or failed, and a few of the others.
struct ShownSignatures {
  std::vector<const DkimVerdict*> shown;  ///< into the argument, in its order
  int omitted = 0;
};
ShownSignatures choose_signatures_shown(const std::vector<DkimVerdict>& verdicts);

/// spf for MAIL FROM and HELO, one dkim per signature, dmarc.
std::vector<AuthMethod> methods_of(const InboundResults& results);

/// auth=pass with the SASL mechanism and login of an authenticated client (RFC 8601 2.7.4).
AuthMethod auth_method(const Client& client);

}  // namespace signet
