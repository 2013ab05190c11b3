// SPDX-License-Identifier: BSD-2-Clause
//
// TXT records of a key's name, a NUL between two of them, against an RSA and an Ed25519 key: the
// verdict needs what it claims, and what is said about the records can stand in one line of a log.

#include <algorithm>
#include <cstdint>
#include <string>

#include "crypto/key_state.h"
#include "tests/fuzz/require.h"
#include "tests/support/dkim_message.h"

namespace signet {
namespace {

using KeyPointer = std::shared_ptr<const SigningKey>;
using signet::require;

constexpr size_t kMaxDetailOctets = 1000;

KeyPointer signing_key(const DkimTestKey& key) {
  return *SigningKey::parse(pem_of(key), *parse_domain("example.com"), "s1");
}

Answer answer_of(std::string_view data) {
  Answer answer;
  answer.status = DnsStatus::answered;
  while (!data.empty()) {
    const size_t end = std::min(data.find('\0'), data.size());
    answer.texts.emplace_back(data.substr(0, end));
    data.remove_prefix(std::min(end + 1, data.size()));
  }
  return answer;
}

void check(const SigningKey& key, const Answer& answer) {
  const KeyCheck found = compare_with_record(key, answer);
  require(found.state != KeyState::unknown);
  require((found.state == KeyState::unpublished) == answer.texts.empty());
  require(found.state == KeyState::published || !found.detail.empty());
  require(found.detail.size() <= kMaxDetailOctets);
  require(std::all_of(found.detail.begin(), found.detail.end(),
                      [](char c) { return c >= ' ' && c <= '~'; }));
  // Nobody is told that a key is published whose public half is not there.
  const std::string half = key.record().substr(key.record().rfind("p=") + 2, 8);
  if (found.state != KeyState::published) return;
  require(std::any_of(answer.texts.begin(), answer.texts.end(), [&](const std::string& text) {
    std::string packed = text;
    std::erase_if(packed, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    return packed.find(half) != std::string::npos;
  }));
}

}  // namespace
}  // namespace signet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const signet::KeyPointer rsa = signet::signing_key(signet::rsa_test_key());
  static const signet::KeyPointer ed25519 = signet::signing_key(signet::ed25519_test_key());
  const signet::Answer answer = signet::answer_of({reinterpret_cast<const char*>(data), size});
  signet::check(*rsa, answer);
  signet::check(*ed25519, answer);
  return 0;
}
