// SPDX-License-Identifier: BSD-2-Clause
//
// An SPF record (RFC 7208 4.5, 4.6, 12): text to terms, nothing evaluated. A record that parses is
// free of syntax errors to its last octet; one that does not is permerror before any mechanism is
// looked at.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/ip.h"
#include "dns/result.h"
#include "dns/spf/spf_macro.h"

namespace signet {

/// RFC 7208 4.6.2: what a match means: `+`, `-`, `~`, `?`.
enum class SpfQualifier { pass, fail, softfail, neutral };

/// RFC 7208 5
enum class SpfMechanism { all, include, a, mx, ptr, ip4, ip6, exists };

/// RFC 7208 4.6.4: whether the mechanism is one of those of which there may be ten.
bool queries_dns(SpfMechanism mechanism);

struct SpfDirective {
  std::string text;  ///< as written, visible ASCII
  SpfQualifier qualifier = SpfQualifier::pass;
  SpfMechanism mechanism = SpfMechanism::all;
  /// The domain-spec; absent in `a`, `mx` and `ptr` means the domain being checked.
  std::optional<SpfMacroString> domain;
  /// For ip4 and ip6. Absent if no client can be in it: an ip6 network of IPv4-mapped addresses.
  std::optional<IpNetwork> network;
  int ip4_prefix = 32;   ///< for a and mx, bits
  int ip6_prefix = 128;  ///< for a and mx, bits
};

/// `redirect=` or `exp=`.
struct SpfModifier {
  std::string text;  ///< as written, visible ASCII
  SpfMacroString domain;
};

/// Directives in the order written. What follows `all` has been checked and left out, as has a
/// redirect beside `all` (RFC 7208 5.1: both MUST be ignored).
struct SpfRecord {
  std::vector<SpfDirective> directives;
  std::optional<SpfModifier> redirect;
  std::optional<SpfModifier> explanation;
};

/// Directives that query DNS which a record keeps. The rest is checked and left out: evaluation
/// ends at the limit of RFC 7208 4.6.4, which must be lower, and a TXT record of 64 KiB full of
/// "a a a" need not cost megabytes.
inline constexpr int kMaxSpfQueryingDirectives = 100;

/// RFC 7208 4.5: the text begins with the version section "v=spf1".
bool is_spf_record(std::string_view text);

/// A record for which is_spf_record() holds. The Error names the term and what is wrong with it.
Result<SpfRecord> parse_spf_record(std::string_view text);

}  // namespace signet
