// SPDX-License-Identifier: BSD-2-Clause
//
// The policy table. Whatever the text is, parsing comes to an end with rules or with errors that
// are printable lines, and looking a message up is safe.

#include <cstdint>
#include <string>

#include "milter/policy/policy_table.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

void check_errors(const std::string& errors) {
  require(errors.starts_with("fuzz:"));
  for (const char c : errors) {
    require(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  }
}

signet::PolicySubject subject() {
  signet::PolicySubject subject;
  subject.author = *signet::parse_domain("a.example.com");
  subject.mail_from = *signet::parse_domain("example.net");
  subject.client = *signet::parse_ip_address("192.0.2.1");
  subject.dkim = {*signet::parse_domain("example.org")};
  subject.list_id = "l.example.org";
  return subject;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto table = signet::PolicyTable::parse(text, "fuzz");
  if (!table) {
    check_errors(table.error());
    return 0;
  }
  const signet::PolicyRule* rule = table->find(subject());
  require(rule == nullptr || rule->line > 0);
  const signet::PolicyRule* for_nobody = table->find({});
  require(for_nobody == nullptr || (for_nobody->from.empty() && for_nobody->dkim.empty()));
  return 0;
}
