// SPDX-License-Identifier: BSD-2-Clause
//
// ZoneData: DNS records read from zone-file text (RFC 1035 5) and answered from memory. Behind
// the DNSData option: tests, demos, and trying records out before they are published.
//
// A name that lies under a SOA record of the text is answered from the text alone: what is not
// there does not exist. Other names are answered only if the text has records for exactly them.
// Under a SOA wildcards work (RFC 4592) and empty non-terminals exist. CNAMEs are followed inside
// the data, 16 in a row at most; one that leads out of it is a server_failure that says so.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dns/resolver.h"
#include "dns/result.h"

namespace signet {

/// A record of this type (one for private use, RFC 6895 3.1) makes questions fail, which zone files
/// have no word for: `NAME IN TYPE65280 \# 3 TTTTSS`, where TTTT is the type whose question fails
/// and SS the DnsStatus it ends with: 03 server_failure, 04 timed_out (in hexadecimal, RFC 3597 5).
inline constexpr uint16_t kFailureRecordType = 65280;

class ZoneData {
 public:
  ZoneData();
  ~ZoneData();
  ZoneData(ZoneData&&) noexcept;
  ZoneData& operator=(ZoneData&&) noexcept;

  /// Parses zone text with ldns ($ORIGIN, $TTL, parentheses, quoted strings). Relative names are
  /// taken under the root until an $ORIGIN says otherwise; a TTL that no line gives is 300 s.
  /// Errors read `source:line: ...`. ldns limits a record to 10,230 octets of text.
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
