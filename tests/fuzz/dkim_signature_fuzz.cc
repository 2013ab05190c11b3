// SPDX-License-Identifier: BSD-2-Clause
//
// Feeds any octets to parse_dkim_signature(). What it accepts must keep every promise of the
// struct, since other code builds DNS names and calls libraries with it; what it refuses must say
// why in printable ASCII.

#include <algorithm>
#include <cstdint>

#include "crypto/dkim_signature.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

constexpr int kMaxFields = 50;

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void check_accepted(const signet::DkimSignature& signature) {
  require(signature.domain.label_count() >= 2);
  require(signature.key_name.is_at_or_below(signature.domain));
  require(signature.key_name.label_count() >= signature.domain.label_count() + 2);
  require(signature.identity_domain.is_at_or_below(signature.domain));
  require(signature.identity.find('@') != std::string::npos ||
          signature.identity.find("=40") != std::string::npos);
  require(signature.body_hash.size() == 32);
  require(!signature.signature.empty());
  require(signature.signature_start.size() <= 16 && is_printable(signature.signature_start));
  require(signature.signs("from"));
  require(signature.signed_fields.size() <= kMaxFields);
  for (const std::string& name : signature.signed_fields) {
    require(!name.empty() && is_printable(name));
    require(name.find_first_of(" :;") == std::string::npos);
  }
  if (signature.signed_at && signature.expires_at) {
    require(*signature.signed_at < *signature.expires_at);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto signature = signet::parse_dkim_signature(text, kMaxFields);
  if (signature.refusal) {
    require(signature.refusal->result != signet::DkimResult::pass);
    require(!signature.refusal->reason.empty() && is_printable(signature.refusal->reason));
  } else {
    check_accepted(signature);
  }
  require(is_printable(signature.algorithm));
  const std::string without = signet::without_signature_value(text);
  require(without.size() <= text.size());
  require(signet::without_signature_value(without) == without);
  const auto now = std::chrono::sys_seconds(std::chrono::seconds(1'750'000'000));
  signet::check_signature_time(signature, now, std::chrono::seconds(300));
  return 0;
}
