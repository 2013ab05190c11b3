// SPDX-License-Identifier: BSD-2-Clause
//
// Feeds any octets to SigningKey::parse(). What it takes must have a size and a record within the
// rules and parse again from its own PEM; what it refuses gets one short line of a reason.
// The keys of the corpus were made for it and sign for nobody.

#include <cstdint>

#include "crypto/key.h"
#include "tests/fuzz/require.h"

using signet::require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using signet::DkimKeyType;
  using signet::SigningKey;
  const std::string_view pem(reinterpret_cast<const char*>(data), size);
  const auto domain = signet::parse_domain("example.com");
  const auto key = SigningKey::parse(pem, *domain, "sel");
  if (!key) {
    require(!key.error().empty() && key.error().size() < 200);
    require(key.error().find('\n') == std::string::npos);
    return 0;
  }
  const bool rsa = (*key)->type() == DkimKeyType::rsa;
  require(rsa ? (*key)->bits() >= 1024 && (*key)->bits() <= 4096 : (*key)->bits() == 256);
  const auto record = signet::parse_dkim_record((*key)->record());
  require(record.ok() && record->type == (*key)->type());
  const auto again = SigningKey::parse((*key)->pem(), *domain, "sel");
  require(again.ok() && (*again)->pem() == (*key)->pem());
  require((*again)->record() == (*key)->record());
  return 0;
}
