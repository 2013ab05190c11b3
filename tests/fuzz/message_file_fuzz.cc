// SPDX-License-Identifier: BSD-2-Clause
//
// Any file. What is read of it, written down as it would go over the wire, must read the same
// again, and no line end may be left that the wire has not.

#include <cstdint>
#include <string>
#include <utility>

#include "milter/command/message_file.h"
#include "tests/fuzz/require.h"

namespace {

using signet::HeaderField;
using signet::MessageFile;
using signet::require;

std::string body_of(const MessageFile& message) {
  std::string body;
  message.read_body([&](std::string_view piece) {
    require(!piece.empty() && piece.size() <= 128 * 1024);
    body += piece;
  });
  return body;
}

/// Every LF has its CR.
bool has_wire_line_ends(std::string_view text) {
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string octets(reinterpret_cast<const char*>(data), size);
  const auto message = MessageFile::parse(octets);
  if (!message) return 0;
  require(octets.ends_with(message->octets()));
  const std::string body = body_of(*message);
  if (message->line_end() == "\n") require(has_wire_line_ends(body));

  std::string wire;
  for (const HeaderField& field : message->fields()) {
    require(!field.name.empty() && field.name.find_first_of("\r\n:") == std::string::npos);
    require(has_wire_line_ends(field.value));
    wire += field.name + ":" + field.value + "\r\n";
  }
  const auto again = MessageFile::parse(wire + "\r\n" + body);
  require(again && again->fields() == message->fields());
  require(again->line_end() == "\r\n" && body_of(*again) == body);
  return 0;
}
