// SPDX-License-Identifier: BSD-2-Clause
//
// A DMARC Policy Record (RFC 9989 4.7, 4.8): the TXT record at `_dmarc.` + domain.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"

namespace signet {

/// p=, sp=, np=: what the Domain Owner prefers for mail that fails.
enum class DmarcPolicy { none, quarantine, reject };
std::string_view to_string(DmarcPolicy policy);

/// psd=: whether the domain is a Public Suffix Domain.
enum class DmarcPsd { y, n, u };

struct DmarcRecord {
  std::optional<DmarcPolicy> p;   ///< absent: RFC 9989 4.10.1 (none if rua is usable)
  std::optional<DmarcPolicy> sp;
  std::optional<DmarcPolicy> np;
  DmarcPsd psd = DmarcPsd::u;
  bool testing = false;           ///< t=y
  bool strict_dkim = false;       ///< adkim=s
  bool strict_spf = false;        ///< aspf=s
  std::vector<std::string> rua;   ///< URIs, any `!size` removed
  std::vector<std::string> ruf;
  std::string fo = "0";
  friend bool operator==(const DmarcRecord&, const DmarcRecord&) = default;
};

/// The record in a TXT text, or nothing if it is not a DMARC Policy Record or must be treated as
/// none (bad or missing p, sp or np without a valid rua, RFC 9989 4.7 and 4.10.1). With a valid
/// rua such a record comes back with p=none.
std::optional<DmarcRecord> parse_dmarc_record(std::string_view text);

}  // namespace signet
