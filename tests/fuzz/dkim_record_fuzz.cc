// SPDX-License-Identifier: BSD-2-Clause
//
// Feeds any octets to parse_dkim_record(), and what p= held to PublicKey, as a verifier would. A
// key that comes out must encode to something that parses to the same key.

#include <algorithm>
#include <cstdint>

#include "crypto/public_key.h"
#include "dns/base64.h"
#include "dns/dkim_record.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

void check_key(const signet::DkimRecord& record) {
  const auto key = signet::PublicKey::parse(record.type, record.public_key);
  if (!key) return require(!key.error().empty());
  require(key->bits() > 0);
  const auto again = signet::PublicKey::parse(record.type, key->encoded());
  require(again.ok());
  require(again->bits() == key->bits() && again->encoded() == key->encoded());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto record = signet::parse_dkim_record(text);
  if (!record) {
    const std::string& error = record.error();
    require(!error.empty() && error.size() < 200);
    require(std::all_of(error.begin(), error.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    return 0;
  }
  require(*signet::decode_base64(signet::encode_base64(record->public_key)) == record->public_key);
  check_key(*record);
  return 0;
}
