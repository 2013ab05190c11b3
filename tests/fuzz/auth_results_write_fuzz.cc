// SPDX-License-Identifier: BSD-2-Clause
//
// Any values, 0x1e-separated, put into every place that an Authentication-Results field has.
// Nothing may break out: the strict parser finds as many methods and properties as were given, no
// line is over the limit of RFC 5322 2.1.1, no octet is a control, and the field says that it is
// ours.

#include <algorithm>
#include <cstdint>

#include "milter/field/auth_results.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

/// Hands out the pieces of the input, in turn; empty ones at the end.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : rest_(text) {}

  bool empty() const { return rest_.empty(); }

  std::string next() {
    const size_t end = std::min(rest_.find('\x1e'), rest_.size());
    std::string piece(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return piece;
  }

 private:
  std::string_view rest_;
};

/// An id, then for each method its four texts and two properties.
signet::AuthResults results_from(Pieces pieces) {
  signet::AuthResults results;
  results.authserv_id = pieces.next();
  while (!pieces.empty()) {
    signet::AuthMethod method;
    method.method = pieces.next();
    method.result = pieces.next();
    method.comment = pieces.next();
    method.reason = pieces.next();
    for (int i = 0; i < 2; ++i) {
      std::string ptype = pieces.next();
      std::string property = pieces.next();
      method.properties.push_back({std::move(ptype), std::move(property), pieces.next()});
    }
    results.methods.push_back(std::move(method));
  }
  return results;
}

void require_legal_lines(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find("\r\n"), text.size());
    require(end <= 998 && (text[0] == ' ' || text[0] == '\t'));
    require(std::ranges::all_of(text.substr(1, end - 1), [](char c) {
      const auto octet = static_cast<unsigned char>(c);
      return octet >= 0x20 && octet != 0x7f;
    }));
    text.remove_prefix(std::min(end + 2, text.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const signet::AuthResults results = results_from(Pieces(input));
  const std::string text = signet::to_string(results);
  require_legal_lines(text);
  const auto parsed = signet::parse_auth_results(text);
  require(parsed.ok());
  require(parsed->methods.size() == results.methods.size());
  for (size_t i = 0; i < parsed->methods.size(); ++i) {
    require(parsed->methods[i].properties.size() == 2);
    require(parsed->methods[i].comment.empty() == results.methods[i].comment.empty());
    require(parsed->methods[i].reason.empty() == results.methods[i].reason.empty());
  }
  require(signet::to_string(*parsed) == text);
  return 0;
}
