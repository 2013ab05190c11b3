// SPDX-License-Identifier: BSD-2-Clause
//
// Feeds zone text to ZoneData and asks it a few names. The text is an operator's, so this is about
// typing errors rather than attacks; answers must fit their status and type all the same.

#include <cstdint>
#include <string>
#include <string_view>

#include "dns/name.h"
#include "dns/zone_data.h"
#include "tests/fuzz/require.h"

namespace {

using signet::DnsStatus;
using signet::RecordType;
using signet::require;

// libldns 1.8.3 loses two octets for each CERT record of type 0 (`a. CERT 0 .`), whoever reads it.
bool has_cert_record(std::string_view text) {
  const std::string lower = signet::ascii_lower(text);
  return lower.find("cert") != std::string::npos || lower.find("type37") != std::string::npos;
}

void check_answer(const signet::Answer& answer, RecordType type) {
  const bool addresses = type == RecordType::a || type == RecordType::aaaa;
  const bool names = type == RecordType::ptr || type == RecordType::cname;
  const bool answered = answer.status == DnsStatus::answered;
  require(answer.addresses.empty() == !(answered && addresses));
  require(answer.texts.empty() == !(answered && type == RecordType::txt));
  require(answer.exchanges.empty() == !(answered && type == RecordType::mx));
  require(answer.names.empty() == !(answered && names));
  require(answer.error.empty() == (answer.status != DnsStatus::server_failure));
  require(answer.status != DnsStatus::timed_out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Past a few records there is nothing new to find, and ldns reads byte by byte.
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (has_cert_record(text)) return 0;
  const auto zone = signet::ZoneData::parse(text, "fuzz");
  if (!zone) {
    require(zone.error().starts_with("fuzz:"));
    return 0;
  }
  for (const char* owner : {".", "a", "example.com", "x.y.example.com", "_dmarc.example.com"}) {
    for (const RecordType type : {RecordType::a, RecordType::aaaa, RecordType::mx, RecordType::txt,
                                  RecordType::ptr, RecordType::cname}) {
      const auto answer = zone->find(*signet::parse_query_name(owner), type);
      if (answer) check_answer(*answer, type);
    }
  }
  return 0;
}
