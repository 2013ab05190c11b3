// SPDX-License-Identifier: BSD-2-Clause
//
// A whole message, header and body, through the verifier on each engine. The zone holds the keys of
// RFC 8463 A.2 at two selectors of example.com, so only what these keys signed may pass; the corpus
// holds a few such messages. Verdicts must not depend on how the body is cut, and the engines must
// agree wherever both have an opinion.

#include <algorithm>
#include <cstdint>

#include "tests/fuzz/require.h"
#include "tests/support/dkim_message.h"

namespace {

using signet::require;

constexpr size_t kMaxMessageOctets = 64 * 1024;

signet::ZoneResolver& resolver() {
  static signet::ZoneResolver instance(
      signet::txt_record("rsa._domainkey.example.com", signet::rsa_test_key().record()) +
      signet::txt_record("ed._domainkey.example.com", signet::ed25519_test_key().record()) +
      signet::txt_record("revoked._domainkey.example.com", "v=DKIM1; p=") +
      "servfail slow._domainkey.example.com\n");
  instance.forget_questions();
  return instance;
}

/// What holds of any verdict of one engine; the body goes in twice, cut differently.
std::vector<signet::DkimVerdict> verify(const signet::DkimTestMessage& message,
                                        signet::DkimEngine engine, size_t piece) {
  const auto author = signet::test_name("example.com");
  const auto verify_in_pieces = [&](size_t octets) {
    return signet::verify_message(message, resolver(), author, {}, signet::kTestNow, octets,
                                  engine);
  };
  auto whole = verify_in_pieces(kMaxMessageOctets);
  const auto cut = verify_in_pieces(piece);
  require(whole.size() == cut.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    const std::string& reason = whole[i].reason;
    require(whole[i].result == cut[i].result && reason == cut[i].reason);
    require(whole[i].result != signet::DkimResult::none);
    const bool pass = whole[i].result == signet::DkimResult::pass;
    require(pass == reason.empty());
    require(!pass || (whole[i].domain.text() == "example.com" && whole[i].key_bits >= 256));
    require(std::all_of(reason.begin(), reason.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  }
  return whole;
}

/// Wherever libopendkim has an opinion it is the native engine's; what it does not take on is
/// `neutral` or `policy`. Errors it may tell in other words. A signature that it does not take on
/// leaves its place among those that are judged, and its body hash, to another, which is over that
/// limit for the native engine.
void compare(const signet::DkimVerdict& native, const signet::DkimVerdict& library) {
  using signet::DkimResult;
  using signet::Limit;
  if (native.limit == Limit::signatures || native.limit == Limit::body_hashes) return;
  if (library.result == DkimResult::neutral || library.result == DkimResult::policy) return;
  require(native.result == library.result);
  require(native.key_bits == library.key_bits && native.testing == library.testing);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data),
                              std::min(size, kMaxMessageOctets));
  const auto message = signet::split_message(text);
  const size_t piece = 1 + size % 13;
  const auto native = verify(message, signet::DkimEngine::native, piece);
  const auto library = verify(message, signet::DkimEngine::libopendkim, piece);
  require(native.size() == library.size());
  for (size_t i = 0; i < native.size(); ++i) compare(native[i], library[i]);
  return 0;
}
