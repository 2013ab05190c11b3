// SPDX-License-Identifier: BSD-2-Clause
//
// Three forms of one clause, told apart by how the comment begins: with a bracket (the address),
// with a name (the address is behind it), or with `port=` or `helo=` (the address is before the
// comment). Whatever does not fit to the last octet is refused: a client that chooses its HELO or
// its PTR record must not be able to move the place where the address is looked for.

#include "milter/field/received_client.h"

#include <algorithm>

#include "dns/name.h"
#include "milter/field/field_lexer.h"

namespace signet {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_word(char c) { return !is_space(c) && c != '(' && c != ')' && c != ';'; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A host name, behind `USER@` if the server asks for that (RFC 1413). No bracket, no `=`.
bool is_name(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("-._:@").find(c) != std::string_view::npos;
}

bool holds_bracket(std::string_view text) {
  return text.find_first_of("[]") != std::string_view::npos;
}

// RFC 5321 4.1.3: `[192.0.2.1]`, `[IPv6:2001:db8::1]`. Exim leaves the tag away.
std::optional<IpAddress> parse_literal(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  constexpr std::string_view kTag = "IPv6:";
  if (equals_ignoring_case(text.substr(0, kTag.size()), kTag)) text.remove_prefix(kTag.size());
  const Result<IpAddress> address = parse_ip_address(text);
  return address ? std::optional(*address) : std::nullopt;
}

std::optional<IpAddress> take_literal(FieldLexer& lexer) {
  const size_t start = lexer.position();
  lexer.take_while([](char c) { return is_word(c) && c != ']'; });
  if (!lexer.accept(']')) return std::nullopt;
  return parse_literal(lexer.since(start));
}

// `(may be forged)`, `(authenticated ...)` and then the end.
bool take_remark_and_end(FieldLexer& lexer) {
  lexer.skip_fws();
  if (lexer.at_end()) return true;
  const std::optional<std::string> remark = lexer.comment();
  if (!remark || holds_bracket(*remark)) return false;
  if (!remark->starts_with("may be forged") && !remark->starts_with("authenticated")) return false;
  lexer.skip_fws();
  return lexer.at_end();
}

// Exim's `port=PORT helo=HELO ident=USER`, in this order, each of them or not, and then the end.
struct Parameters {
  std::string_view helo;
};

std::optional<Parameters> take_parameters_and_end(FieldLexer& lexer) {
  Parameters parameters;
  int last = 0;
  for (lexer.skip_fws(); !lexer.at_end(); lexer.skip_fws()) {
    const std::string_view key = lexer.take_while([](char c) { return is_word(c) && c != '='; });
    if (!lexer.accept('=')) return std::nullopt;
    const std::string_view value = lexer.take_while(is_word);
    const int rank = key == "port" ? 1 : key == "helo" ? 2 : key == "ident" ? 3 : 0;
    if (rank <= last || value.empty()) return std::nullopt;
    if (rank == 1 && !std::ranges::all_of(value, is_digit)) return std::nullopt;
    if (rank == 3 && holds_bracket(value)) return std::nullopt;
    if (rank == 2) parameters.helo = value;
    last = rank;
  }
  return parameters;
}

// `[ADDRESS]`, which stands where no client can put anything before it.
std::optional<ReceivedClient> read_address_first(FieldLexer lexer, std::string_view word) {
  const std::optional<IpAddress> address = take_literal(lexer);
  if (!address) return std::nullopt;
  if (lexer.accept(':') && lexer.take_while(is_digit).empty()) return std::nullopt;
  if (!lexer.at_end() && !is_space(lexer.peek())) return std::nullopt;
  FieldLexer rest = lexer;
  if (take_remark_and_end(rest)) return ReceivedClient{std::string(word), *address};
  const std::optional<Parameters> parameters = take_parameters_and_end(lexer);
  if (!parameters) return std::nullopt;
  const std::string_view helo = parameters->helo.empty() ? word : parameters->helo;
  if (holds_bracket(helo) && !parse_literal(helo)) return std::nullopt;
  return ReceivedClient{std::string(helo), *address};
}

// `NAME [ADDRESS]`
std::optional<ReceivedClient> read_name_first(FieldLexer lexer, std::string_view word) {
  if (lexer.take_while(is_name).empty() || !is_space(lexer.peek())) return std::nullopt;
  lexer.skip_fws();
  const std::optional<IpAddress> address = take_literal(lexer);
  if (!address || !take_remark_and_end(lexer)) return std::nullopt;
  return ReceivedClient{std::string(word), *address};
}

// `from [ADDRESS] (helo=HELO)`. Elsewhere the word behind "from" is the HELO name, which may be a
// literal too: so there must be no second one that could be the address instead.
std::optional<ReceivedClient> read_parameters(FieldLexer lexer, std::string_view word) {
  const std::optional<IpAddress> address = parse_literal(word);
  const std::optional<Parameters> parameters = take_parameters_and_end(lexer);
  if (!address || !parameters || parameters->helo.empty()) return std::nullopt;
  if (holds_bracket(parameters->helo)) return std::nullopt;
  return ReceivedClient{std::string(parameters->helo), *address};
}

// RFC 5321 4.4: Received has a by-clause. A name with parentheses in it could have ended the first
// comment, so what follows it must be comments without brackets, then "by".
bool continues_with_by(FieldLexer lexer) {
  for (lexer.skip_fws(); lexer.peek() == '('; lexer.skip_fws()) {
    const std::optional<std::string> comment = lexer.comment();
    if (!comment || holds_bracket(*comment)) return false;
  }
  return equals_ignoring_case(lexer.take_while(is_word), "by");
}

}  // namespace

std::optional<ReceivedClient> parse_received_client(std::string_view body) {
  FieldLexer lexer(body);
  lexer.skip_fws();
  if (!equals_ignoring_case(lexer.take_while(is_word), "from")) return std::nullopt;
  lexer.skip_fws();
  const std::string_view word = lexer.take_while(is_word);
  lexer.skip_fws();
  const size_t start = lexer.position();
  if (word.empty() || !lexer.comment() || !continues_with_by(lexer)) return std::nullopt;
  std::string_view comment = lexer.since(start);
  // No server has a reason to write a quoted pair here.
  if (comment.find('\\') != std::string_view::npos) return std::nullopt;
  comment = comment.substr(1, comment.size() - 2);
  const FieldLexer inside(comment);
  if (inside.peek() == '[') return read_address_first(inside, word);
  if (const auto client = read_name_first(inside, word)) return client;
  return read_parameters(inside, word);
}

}  // namespace signet
