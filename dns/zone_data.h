// SPDX-License-Identifier: BSD-2-Clause
//
// ZoneData: DNS records read from zone-file text (RFC 1035 5) and answered from memory. Behind
// the DNSData option: tests, demos, and trying records out before they are published.
//
// A name that lies under a SOA record of the text is answered from the text alone: what is not
// there does not exist. Other names are answered only if the text has records for exactly them.
// Wildcards work (RFC 4592), CNAMEs are followed inside the data, empty non-terminals exist.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dns/resolver.h"
#include "dns/result.h"

namespace signet {

class ZoneData {
 public:
  ZoneData();
  ~ZoneData();
  ZoneData(ZoneData&&) noexcept;
  ZoneData& operator=(ZoneData&&) noexcept;

  /// Parses zone text with ldns ($ORIGIN, $TTL, parentheses, quoted strings). Relative names are
  /// taken under the root until an $ORIGIN says otherwise. Errors read `source:line: ...`.
  static Result<ZoneData> parse(std::string_view text, std::string_view source);

  /// Reads a file; Errors name it.
  static Result<ZoneData> load(const std::string& path);

  /// The answer, or nothing if this data has no say about the name. Thread-safe: const.
  std::optional<Answer> find(const Name& name, RecordType type) const;

 private:
  struct Records;
  std::unique_ptr<Records> records_;
};

}  // namespace signet
