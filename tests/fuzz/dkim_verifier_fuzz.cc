// SPDX-License-Identifier: BSD-2-Clause
//
// A whole message, header and body, through the verifier on libopendkim. The zone holds the keys of
// RFC 8463 A.2 at two selectors of example.com, so only what these keys signed may pass; the corpus
// holds a few such messages. The body goes in twice, cut differently: the verdicts must agree.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "tests/support/dkim_message.h"

namespace {

using namespace std::string_view_literals;

constexpr size_t kMaxMessageOctets = 64 * 1024;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Fields split as an MTA does it; no field without a name.
signet::DkimTestMessage split_message(std::string_view text) {
  signet::DkimTestMessage message;
  while (!text.empty() && !text.starts_with("\r\n"sv)) {
    size_t end = text.find("\r\n"sv);
    while (end != std::string_view::npos && end + 2 < text.size() &&
           (text[end + 2] == ' ' || text[end + 2] == '\t')) {
      end = text.find("\r\n"sv, end + 2);
    }
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    const size_t colon = field.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    message.fields.push_back(
        {std::string(field.substr(0, colon)), std::string(field.substr(colon + 1))});
  }
  if (text.starts_with("\r\n"sv)) message.body = text.substr(2);
  return message;
}

signet::ZoneResolver& resolver() {
  static signet::ZoneResolver instance(
      signet::txt_record("rsa._domainkey.example.com", signet::rsa_test_key().record()) +
      signet::txt_record("ed._domainkey.example.com", signet::ed25519_test_key().record()) +
      signet::txt_record("revoked._domainkey.example.com", "v=DKIM1; p=") +
      "servfail slow._domainkey.example.com\n");
  instance.forget_questions();
  return instance;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data),
                              std::min(size, kMaxMessageOctets));
  const auto message = split_message(text);
  const auto author = signet::test_name("example.com");
  const auto whole = signet::verify_message(message, resolver(), author);
  const auto cut =
      signet::verify_message(message, resolver(), author, {}, signet::kTestNow, 1 + size % 13);
  require(whole.size() == cut.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    require(whole[i].result == cut[i].result && whole[i].reason == cut[i].reason);
    require(whole[i].result != signet::DkimResult::none);
    const bool pass = whole[i].result == signet::DkimResult::pass;
    require(pass == whole[i].reason.empty());
    require(!pass || (whole[i].domain.text() == "example.com" && whole[i].key_bits >= 256));
    const std::string& reason = whole[i].reason;
    require(std::all_of(reason.begin(), reason.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  }
  return 0;
}
