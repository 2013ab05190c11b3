// SPDX-License-Identifier: BSD-2-Clause
//
// A body through the line check: what it finds must not depend on how the body is cut, and must be
// there when one looks at each octet.

#include <algorithm>
#include <cstdint>

#include "crypto/line_check.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

struct Found {
  std::string long_line;
  std::string bare_newline;
  friend bool operator==(const Found&, const Found&) = default;
};

Found check_in_pieces(std::string_view body, size_t piece) {
  signet::LineCheck check;
  for (size_t i = 0; i < body.size(); i += piece) check.body(body.substr(i, piece));
  check.finish();
  return {check.long_line(), check.bare_newline()};
}

bool has_bare_newline(std::string_view body) {
  for (size_t i = 0; i < body.size(); ++i) {
    if (body[i] == '\n') return true;
    if (body[i] == '\r' && (++i == body.size() || body[i] != '\n')) return true;
  }
  return false;
}

size_t longest_line(std::string_view body) {
  size_t longest = 0;
  for (size_t end = body.find("\r\n"); end != std::string_view::npos; end = body.find("\r\n")) {
    longest = std::max(longest, end);
    body.remove_prefix(end + 2);
  }
  return std::max(longest, body.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Found whole = check_in_pieces(text, size + 1);
  require(whole == check_in_pieces(text, 1));
  require(whole == check_in_pieces(text, 2 + size % 1021));
  require(whole.bare_newline.empty() != has_bare_newline(text));
  require(whole.long_line.empty() == (longest_line(text) <= signet::kMaxLineOctets));

  // As a field, with nothing before the first line but the colon.
  signet::LineCheck field;
  field.header({"", std::string(text)});
  field.finish();
  require(field.bare_newline().empty() == whole.bare_newline.empty());
  require(field.long_line().empty() || longest_line(text) >= signet::kMaxLineOctets);
  require(whole.long_line.empty() || !field.long_line().empty());
  return 0;
}
