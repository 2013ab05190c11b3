// SPDX-License-Identifier: BSD-2-Clause
//
// Input: a macro-string, a newline, a local-part, a newline, a HELO. Whatever they are, a name that
// comes out is one that can be asked for, and an explanation is one short printable line.

#include <algorithm>
#include <cstdint>
#include <string>

#include "dns/spf/spf_macro.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

std::string cut_line(std::string& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string line = text.substr(0, end);
  text.erase(0, end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string rest(reinterpret_cast<const char*>(data), size);
  const std::string macros = cut_line(rest);
  signet::SpfMacroValues values;
  values.local_part = cut_line(rest);
  values.helo = rest;
  values.sender_domain = "sender.example.com";
  values.domain = "example.com";
  values.client = *signet::parse_ip_address(size % 2 == 0 ? "192.0.2.1" : "2001:db8::1");
  values.validated_name = "client.example.net";

  const auto spec = signet::parse_spf_domain_spec(macros);
  if (spec) {
    // A domain-spec is a macro-string and an explain-string as well.
    require(signet::parse_spf_macro_string(macros).ok());
    require(signet::parse_spf_explain_string(macros).ok());
    const auto name = signet::expand_spf_domain_spec(*spec, values);
    if (name) {
      require(!name->is_root() && name->text().size() <= 253);
      require(*signet::parse_query_name(name->text()) == *name);
    }
  }
  const auto explanation = signet::parse_spf_explain_string(macros);
  if (explanation) {
    const std::string text = signet::expand_spf_explain_string(*explanation, values);
    require(text.size() <= signet::kMaxSpfExplanationOctets);
    require(std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; }));
  }
  return 0;
}
