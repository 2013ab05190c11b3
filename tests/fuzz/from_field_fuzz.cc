// SPDX-License-Identifier: BSD-2-Clause
//
// Any From fields, one to a 0x1e-separated piece of the input. Whatever they hold, the answer must
// be consistent: trusted means exactly one domain, domains are distinct and few, and the problem
// can be printed.

#include <algorithm>
#include <cstdint>
#include <set>

#include "milter/field/from_field.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> pieces(1);
  for (const char c : text) {
    if (c == '\x1e') {
      pieces.emplace_back();
    } else {
      pieces.back() += c;
    }
  }
  return pieces;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<std::string> fields =
      split(std::string_view(reinterpret_cast<const char*>(data), size));
  const signet::Author author = signet::find_author(fields);
  require(author.domains.size() <= signet::kMaxAuthorDomains);
  require(author.addresses.size() <= signet::kMaxAuthorDomains);
  require(std::set(author.domains.begin(), author.domains.end()).size() == author.domains.size());
  require(std::ranges::all_of(author.problem, [](char c) { return c >= 0x20 && c < 0x7f; }));
  for (const signet::Name& domain : author.domains) {
    require(signet::parse_domain(domain.text()).ok());
  }
  if (author.ok()) {
    require(fields.size() == 1 && author.domains.size() == 1 && !author.addresses.empty());
    // The address alone says the same as the whole field did.
    const signet::Author alone = signet::find_author({author.addresses[0]});
    require(alone.ok() && alone.domains == author.domains);
  }
  return 0;
}
