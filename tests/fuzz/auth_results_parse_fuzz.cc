// SPDX-License-Identifier: BSD-2-Clause
//
// Any Authentication-Results body. What the strict parser accepts, the lenient one accepts, the
// writer writes so that it reads the same again, and claims_authserv_id() finds its id.

#include <cstdint>

#include "milter/field/auth_results.h"
#include "tests/fuzz/require.h"

using signet::require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  signet::has_unknown_version(body);
  const bool is_ours = signet::claims_authserv_id(body, "example.com");
  const auto parsed = signet::parse_auth_results(body);
  if (!parsed) return 0;
  require(signet::reads_as_auth_results(body));
  require(signet::claims_authserv_id(body, parsed->authserv_id) || parsed->authserv_id.empty());
  require(is_ours || parsed->authserv_id != "example.com");

  const std::string text = signet::to_string(*parsed);
  const auto again = signet::parse_auth_results(text);
  require(again.ok());
  require(again->methods.size() == parsed->methods.size());
  for (size_t i = 0; i < again->methods.size(); ++i) {
    require(again->methods[i].properties.size() == parsed->methods[i].properties.size());
  }
  require(signet::to_string(*again) == text);
  return 0;
}
