// SPDX-License-Identifier: BSD-2-Clause
//
// Any octets as a DMARC Policy Record. Whatever comes back must hold what its header promises, and
// must come back unchanged from its own spelling.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "dns/dmarc_record.h"
#include "tests/fuzz/require.h"

namespace {

using signet::DmarcRecord;
using signet::require;

/// Nothing that could break out of a report address, a header field or a log line.
bool is_plain_uri(const std::string& uri) {
  return uri.find(':') != std::string::npos && std::all_of(uri.begin(), uri.end(), [](char c) {
           return c > ' ' && c < '\x7f' && c != ',' && c != ';' && c != '!' && c != '"' && c != '<';
         });
}

void check_limits(const DmarcRecord& record) {
  require(record.rua.size() <= signet::kMaxDmarcUris);
  require(record.ruf.size() <= signet::kMaxDmarcUris);
  require(std::all_of(record.rua.begin(), record.rua.end(), is_plain_uri));
  require(std::all_of(record.ruf.begin(), record.ruf.end(), is_plain_uri));
  require(!record.fo.empty() && record.fo.size() <= 5);
  require(record.fo == "0" || !record.ruf.empty());
  // RFC 9989 4.10.1: what cannot be applied has no place for reports either.
  require(record.p.has_value() || record.rua.empty());
  require(record.defect.empty() || !record.p || *record.p == signet::DmarcPolicy::none);
}

std::string join(const std::vector<std::string>& uris) {
  std::string text;
  for (const auto& uri : uris) text += (text.empty() ? "" : ",") + uri;
  return text;
}

std::string spell(const DmarcRecord& record) {
  std::string text = "v=DMARC1";
  const auto add = [&](const std::string& name, std::string_view value) {
    text += "; " + name + "=" + std::string(value);
  };
  if (record.p) add("p", to_string(*record.p));
  if (record.sp) add("sp", to_string(*record.sp));
  if (record.np) add("np", to_string(*record.np));
  add("psd", to_string(record.psd));
  add("t", record.testing ? "y" : "n");
  add("adkim", record.strict_dkim ? "s" : "r");
  add("aspf", record.strict_spf ? "s" : "r");
  if (!record.rua.empty()) add("rua", join(record.rua));
  if (!record.ruf.empty()) add("ruf", join(record.ruf));
  add("fo", record.fo);
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto record = signet::parse_dmarc_record(text);
  if (!record) return 0;
  require(text.find("DMARC1") != std::string_view::npos);
  check_limits(*record);
  record->defect.clear();
  record->limit.reset();
  const auto again = signet::parse_dmarc_record(spell(*record));
  require(again == record);
  return 0;
}
