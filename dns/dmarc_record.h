// SPDX-License-Identifier: BSD-2-Clause
//
// A DMARC Policy Record (RFC 9989 4.7, 4.8): the TXT record at `_dmarc.` + domain.
//
// Parsing knows three outcomes, because discovery (4.10) needs all three: the text is no DMARC
// Policy Record at all; it is one and says what is to be done; it is one, so it counts in a tree
// walk and beside another record at the same name, but it says nothing that could be applied.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/limit.h"
#include "dns/name.h"
#include "dns/tag_list.h"

namespace signet {

/// p=, sp=, np=: what the Domain Owner prefers for mail that fails. In order of strictness.
enum class DmarcPolicy { none, quarantine, reject };
std::string_view to_string(DmarcPolicy policy);

/// psd=: whether the domain is a Public Suffix Domain.
enum class DmarcPsd { y, n, u };
std::string_view to_string(DmarcPsd psd);

/// URIs kept of each of rua= and ruf=; later ones are dropped, so that no record makes us write to
/// the whole world (RFC 9989 4.6 sets no limit).
inline constexpr size_t kMaxDmarcUris = 50;

struct DmarcRecord {
  /// What applies to the domain itself. Absent: the record cannot be applied and stands for "no
  /// DMARC processing" (RFC 9989 4.10.1), either because it names no policy and no place for
  /// reports, or because of `defect`.
  std::optional<DmarcPolicy> p;
  std::optional<DmarcPolicy> sp;
  std::optional<DmarcPolicy> np;
  DmarcPsd psd = DmarcPsd::u;
  bool testing = false;          ///< t=y
  bool strict_dkim = false;      ///< adkim=s
  bool strict_spf = false;       ///< aspf=s
  std::vector<std::string> rua;  ///< valid URIs, any `!size` removed, kMaxDmarcUris at most
  std::vector<std::string> ruf;  ///< the same
  std::string fo = "0";          ///< in lower case; "0" without ruf (RFC 9989 4.7)
  std::string defect;            ///< "the sp tag is not a policy" and the like; empty: none
  std::optional<Limit> limit;    ///< that was reached, if that is the defect
  friend bool operator==(const DmarcRecord&, const DmarcRecord&) = default;
};

/// The DMARC Policy Record in a TXT text, or nothing if the text is none: v=DMARC1 is not its first
/// tag. Of one that is longer than `maximum_octets` nothing else is read; it has a defect.
///
/// Unknown and historic tags (pct, rf, ri) are ignored, and so are syntax errors, in favour of the
/// defaults; of a tag given twice the first counts. A record with no p, or with a p, sp or np that
/// is no policy, comes back with p=none if its rua has a valid URI, and without p otherwise.
std::optional<DmarcRecord> parse_dmarc_record(std::string_view text,
                                              size_t maximum_octets = kMaxTagListOctets);

/// What RFC 9989 4.10 steps 2 and 6 leave of the TXT texts at one name.
struct DmarcRecordSet {
  int found = 0;                      ///< DMARC Policy Records among the texts
  std::optional<DmarcRecord> record;  ///< if exactly one was found
};
DmarcRecordSet select_dmarc_record(const std::vector<std::string>& texts,
                                   size_t maximum_octets = kMaxTagListOctets);

}  // namespace signet
