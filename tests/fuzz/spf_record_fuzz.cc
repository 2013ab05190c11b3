// SPDX-License-Identifier: BSD-2-Clause
//
// Any text as an SPF record. What parses is visible ASCII, keeps its promises about what a
// directive holds, and parses to as many directives again when it is written down from its terms.

#include <algorithm>
#include <cstdint>
#include <string>

#include "dns/spf/spf_record.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

bool is_visible(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

void check_directive(const signet::SpfDirective& directive) {
  using signet::SpfMechanism;
  require(is_visible(directive.text) && !directive.text.empty());
  require(directive.ip4_prefix >= 0 && directive.ip4_prefix <= 32);
  require(directive.ip6_prefix >= 0 && directive.ip6_prefix <= 128);
  const bool needs_domain =
      directive.mechanism == SpfMechanism::include || directive.mechanism == SpfMechanism::exists;
  require(!needs_domain || directive.domain);
  if (directive.mechanism == SpfMechanism::ip4) require(directive.network->address.is_v4());
  if (directive.network) {
    require(directive.network->prefix <= directive.network->address.bits());
    require(directive.network->contains(directive.network->address));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto record = signet::parse_spf_record(text);
  if (!record) {
    require(!record.error().empty() && record.error().size() < 300);
    return 0;
  }
  require(signet::is_spf_record(text));
  std::string again = "v=spf1";
  for (const auto& directive : record->directives) {
    check_directive(directive);
    again += " " + directive.text;
  }
  if (record->redirect) again += " " + record->redirect->text;
  if (record->explanation) again += " " + record->explanation->text;
  const auto second = signet::parse_spf_record(again);
  require(second.ok());
  require(second->directives.size() == record->directives.size());
  require(second->redirect.has_value() == record->redirect.has_value());
  return 0;
}
