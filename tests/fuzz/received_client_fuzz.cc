// SPDX-License-Identifier: BSD-2-Clause
//
// The body of any Received field. What is read must have stood in it, and a clause rewritten the
// way Postfix writes it must read the same; one more address in the clause, and nothing is read.

#include <cstdint>

#include "milter/field/received_client.h"
#include "tests/fuzz/require.h"

using signet::require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto client = signet::parse_received_client(body);
  if (!client) return 0;
  require(!client->helo.empty() && body.find(client->helo) != std::string_view::npos);
  const std::string from = " from " + client->helo;
  const std::string literal = "[" + to_string(client->address) + "]";
  require(signet::parse_received_client(from + " (unknown " + literal + ") by x") == client);
  for (const std::string& comment :
       {"(unknown [10.0.0.1] " + literal + ")", "(unknown " + literal + " [10.0.0.1])"}) {
    require(!signet::parse_received_client(from + " " + comment + " by x"));
  }
  return 0;
}
