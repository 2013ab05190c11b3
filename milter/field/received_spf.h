// SPDX-License-Identifier: BSD-2-Clause
//
// The Received-SPF field (RFC 7208 9.1): the SPF result of MAIL FROM for those who still read it.

#pragma once

#include <string>

#include "dns/ip.h"
#include "dns/spf/spf_check.h"

namespace signet {

/// What the field tells besides the verdict.
struct ReceivedSpf {
  SpfVerdict verdict;
  IpAddress client;
  std::string helo;
  std::string mail_from;  ///< empty: null reverse-path
  std::string receiver;   ///< our host name
};

/// The field body for insertion: leading space, folded with CRLF and a tab, no final line end.
std::string to_string(const ReceivedSpf& field);

}  // namespace signet
