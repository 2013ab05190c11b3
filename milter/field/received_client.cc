// SPDX-License-Identifier: BSD-2-Clause

#include "milter/field/received_client.h"

#include "dns/name.h"
#include "milter/field/field_lexer.h"

namespace signet {
namespace {

bool is_word(char c) {
  return c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '(' && c != ')' && c != ';';
}

// `192.0.2.1` or `IPv6:2001:db8::1` (RFC 5321 4.1.3).
std::optional<IpAddress> parse_literal(std::string_view text) {
  constexpr std::string_view kTag = "IPv6:";
  if (equals_ignoring_case(text.substr(0, kTag.size()), kTag)) text.remove_prefix(kTag.size());
  const Result<IpAddress> address = parse_ip_address(text);
  return address ? std::optional(*address) : std::nullopt;
}

// RFC 5321 4.4: TCP-info is the address literal inside the comment. The client chooses its HELO and
// may control its host name, which stand before it, so the last brackets count.
std::optional<IpAddress> last_literal(std::string_view comment) {
  const size_t open = comment.rfind('[');
  if (open == std::string_view::npos) return std::nullopt;
  const size_t close = comment.find(']', open);
  if (close == std::string_view::npos) return std::nullopt;
  return parse_literal(comment.substr(open + 1, close - open - 1));
}

}  // namespace

std::optional<ReceivedClient> parse_received_client(std::string_view body) {
  FieldLexer lexer(body);
  lexer.skip_fws();
  if (!equals_ignoring_case(lexer.take_while(is_word), "from")) return std::nullopt;
  lexer.skip_fws();
  ReceivedClient client;
  client.helo = lexer.take_while(is_word);
  lexer.skip_fws();
  const std::optional<std::string> comment = lexer.comment();
  if (client.helo.empty() || !comment) return std::nullopt;
  const std::optional<IpAddress> address = last_literal(*comment);
  if (!address) return std::nullopt;
  client.address = *address;
  return client;
}

}  // namespace signet
