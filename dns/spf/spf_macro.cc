// SPDX-License-Identifier: BSD-2-Clause
//
// The parser goes through the text once and knows one thing beyond the pieces: where the last macro
// ended, because the end of a domain-spec is judged by what was written after it. A domain is
// expanded from the right, since 7.3 keeps the right end; an explanation from the left.

#include "dns/spf/spf_macro.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace signet {
namespace {

constexpr size_t kMaxNameOctets = 253;  // RFC 1035 2.3.4, as text

// RFC 7208 7.2: c, r and t are allowed only in explanations.
constexpr std::string_view kTermLetters = "slodipvh";
constexpr std::string_view kExplanationLetters = "slodipvhcrt";
constexpr std::string_view kDelimiters = ".-+,/_=";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alphanum(char c) { return is_digit(c) || is_alpha(c); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char to_lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

/// RFC 7208 7.1: macro-string, with what differs inside an explanation.
class Parser {
 public:
  Parser(std::string_view text, bool explanation) : text_(text), explanation_(explanation) {}

  Result<SpfMacroString> parse();
  /// The literal text after the last macro, as written. Only after parse().
  std::string_view tail() const { return text_.substr(tail_start_); }

 private:
  std::optional<Error> parse_percent();
  std::optional<Error> parse_macro();
  int parse_kept_parts();
  void add_literal(std::string_view text);
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::string_view text_;
  bool explanation_;
  size_t at_ = 0;
  size_t tail_start_ = 0;
  std::vector<SpfMacroPiece> pieces_;
};

Result<SpfMacroString> Parser::parse() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '%') {
      if (auto error = parse_percent()) return *std::move(error);
      tail_start_ = at_;
      continue;
    }
    // RFC 7208 7.1: macro-literal is visible ASCII; explain-string adds the space.
    const bool visible = c > 0x20 && c < 0x7f;
    if (!visible && !(explanation_ && c == ' ')) {
      return Error{fmt::format("octet 0x{:02x} is not allowed", static_cast<unsigned char>(c))};
    }
    add_literal(text_.substr(at_, 1));
    ++at_;
  }
  return SpfMacroString(std::move(pieces_));
}

std::optional<Error> Parser::parse_percent() {
  ++at_;
  const char c = peek();
  ++at_;
  switch (c) {
    case '%':
      add_literal("%");
      return std::nullopt;
    case '_':
      add_literal(" ");
      return std::nullopt;
    case '-':
      add_literal("%20");
      return std::nullopt;
    case '{':
      return parse_macro();
    default:
      // RFC 7208 7.3: a '%' followed by anything else is a syntax error.
      return Error{"% is not followed by {, %, _ or -"};
  }
}

std::optional<Error> Parser::parse_macro() {
  SpfMacroPiece piece;
  const char letter = peek();
  piece.letter = to_lower(letter);
  piece.url_escaped = is_upper(letter);
  const std::string_view allowed = explanation_ ? kExplanationLetters : kTermLetters;
  if (letter == '\0' || allowed.find(piece.letter) == std::string_view::npos) {
    return Error{"%{ is not followed by a macro letter that is allowed here"};
  }
  ++at_;
  if (is_digit(peek())) {
    piece.kept_parts = parse_kept_parts();
    // RFC 7208 7.3: if a DIGIT is specified, the value MUST be nonzero.
    if (piece.kept_parts == 0) return Error{"a macro keeps 0 parts"};
  }
  if (to_lower(peek()) == 'r') {
    piece.reversed = true;
    ++at_;
  }
  const size_t start = at_;
  while (peek() != '\0' && kDelimiters.find(peek()) != std::string_view::npos) ++at_;
  if (at_ > start) piece.delimiters = text_.substr(start, at_ - start);
  if (peek() != '}') return Error{"a macro is not closed by }"};
  ++at_;
  pieces_.push_back(std::move(piece));
  return std::nullopt;
}

/// RFC 7208 7.3: at least 127 must be supported, and more than there are means all: any number
/// above the longest value is as good as any other.
int Parser::parse_kept_parts() {
  constexpr int kEnough = 1'000'000;
  int number = 0;
  for (; is_digit(peek()); ++at_) number = std::min(number * 10 + (peek() - '0'), kEnough);
  return number;
}

void Parser::add_literal(std::string_view text) {
  if (pieces_.empty() || pieces_.back().letter != 0) pieces_.emplace_back();
  pieces_.back().literal += text;
}

/// RFC 7208 7.1: both forms of toplabel together are letters, digits and inner hyphens, but not
/// digits alone.
bool is_toplabel(std::string_view label) {
  return !label.empty() && is_alphanum(label.front()) && is_alphanum(label.back()) &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return is_alphanum(c) || c == '-'; }) &&
         !std::all_of(label.begin(), label.end(), is_digit);
}

/// RFC 7208 7.1: `"." toplabel [ "." ]`
bool ends_in_toplabel(std::string_view literal) {
  if (literal.ends_with('.')) literal.remove_suffix(1);
  const size_t dot = literal.rfind('.');
  return dot != std::string_view::npos && is_toplabel(literal.substr(dot + 1));
}

/// RFC 7208 7.3: "i" is the dotted quad, or the nibbles of an IPv6 address with dots between.
std::string dotted(const IpAddress& address) {
  if (address.is_v4()) return to_string(address);
  std::string text;
  for (const uint8_t octet : address.octets()) {
    if (!text.empty()) text += '.';
    text += fmt::format("{:x}.{:x}", octet >> 4, octet & 0xf);
  }
  return text;
}

std::string_view rightmost(std::string_view text, size_t octets) {
  return text.size() > octets ? text.substr(text.size() - octets) : text;
}

/// RFC 7208 7.2
std::string value_of(char letter, const SpfMacroValues& values) {
  const std::string_view local_part = rightmost(values.local_part, kMaxSpfMacroValueOctets);
  switch (letter) {
    case 's':
      return fmt::format("{}@{}", local_part, values.sender_domain);
    case 'l':
      return std::string(local_part);
    case 'o':
      return values.sender_domain;
    case 'd':
      return values.domain;
    case 'i':
      return dotted(values.client);
    case 'p':
      return values.validated_name;
    case 'v':
      return values.client.is_v4() ? "in-addr" : "ip6";
    case 'h':
      return std::string(rightmost(values.helo, kMaxSpfMacroValueOctets));
    case 'c':
      return to_string(values.client);
    case 'r':
      // RFC 7208 7.3: the word "unknown" if there is no name.
      return values.receiver.empty() ? "unknown" : values.receiver;
    default:
      return fmt::format("{}", values.now.time_since_epoch().count());  // t
  }
}

/// RFC 7208 7.3: split, reverse, keep the right-hand parts, join with dots. Leading, trailing and
/// consecutive delimiters make empty parts.
std::string transform(const SpfMacroPiece& piece, std::string_view value) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  for (size_t end; (end = value.find_first_of(piece.delimiters, start)) != std::string_view::npos;
       start = end + 1) {
    parts.push_back(value.substr(start, end - start));
  }
  parts.push_back(value.substr(start));
  if (piece.reversed) std::reverse(parts.begin(), parts.end());
  const size_t kept =
      piece.kept_parts == 0 ? parts.size() : std::min(parts.size(), size_t(piece.kept_parts));
  return fmt::format("{}", fmt::join(parts.end() - static_cast<ptrdiff_t>(kept), parts.end(), "."));
}

/// RFC 7208 7.3: everything but RFC 3986's unreserved characters.
std::string url_escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (is_alphanum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string expand(const SpfMacroPiece& piece, const SpfMacroValues& values) {
  if (piece.letter == 0) return piece.literal;
  const std::string text = transform(piece, value_of(piece.letter, values));
  return piece.url_escaped ? url_escape(text) : text;
}

/// The right end of the expansion: the whole of it if it fits a name and a final dot, else at
/// least one octet more than that.
std::string expand_right_end(const SpfMacroString& spec, const SpfMacroValues& values) {
  std::vector<std::string> texts;
  size_t octets = 0;
  const auto& pieces = spec.pieces();
  for (auto piece = pieces.rbegin(); piece != pieces.rend() && octets <= kMaxNameOctets + 1;
       ++piece) {
    texts.push_back(expand(*piece, values));
    octets += texts.back().size();
  }
  return fmt::format("{}", fmt::join(texts.rbegin(), texts.rend(), ""));
}

}  // namespace

bool SpfMacroString::uses_any_of(std::string_view letters) const {
  return std::any_of(pieces_.begin(), pieces_.end(), [letters](const SpfMacroPiece& piece) {
    return piece.letter != 0 && letters.find(piece.letter) != std::string_view::npos;
  });
}

bool SpfMacroString::is_constant() const {
  return std::all_of(pieces_.begin(), pieces_.end(),
                     [](const SpfMacroPiece& piece) { return piece.letter == 0; });
}

Result<SpfMacroString> parse_spf_macro_string(std::string_view text) {
  return Parser(text, false).parse();
}

Result<SpfMacroString> parse_spf_domain_spec(std::string_view text) {
  if (text.empty()) return Error{"a domain is missing"};
  Parser parser(text, false);
  auto spec = parser.parse();
  if (!spec) return spec;
  // RFC 7208 7.1: domain-end is a toplabel with a dot before it, or a macro.
  if (!parser.tail().empty() && !ends_in_toplabel(parser.tail())) {
    return Error{"a domain ends neither in a macro nor in a dot and a top-level label"};
  }
  return spec;
}

Result<SpfMacroString> parse_spf_explain_string(std::string_view text) {
  return Parser(text, true).parse();
}

Result<Name> expand_spf_domain_spec(const SpfMacroString& spec, const SpfMacroValues& values) {
  std::string text = expand_right_end(spec, values);
  if (text.ends_with('.')) text.pop_back();
  if (text.size() > kMaxNameOctets) {
    // RFC 7208 7.3: labels and their dots go from the left until 253 octets are left.
    const size_t dot = text.find('.', text.size() - kMaxNameOctets - 1);
    if (dot == std::string::npos) return Error{"a label is longer than 253 octets"};
    text.erase(0, dot + 1);
  }
  auto name = parse_query_name(text);
  if (name && name->is_root()) return Error{"the name is empty"};
  return name;
}

std::string expand_spf_explain_string(const SpfMacroString& text, const SpfMacroValues& values) {
  std::string expanded;
  for (const SpfMacroPiece& piece : text.pieces()) {
    if (expanded.size() >= kMaxSpfExplanationOctets) break;
    expanded += expand(piece, values);
  }
  // RFC 7208 6.2: limited to US-ASCII, whatever the sender's local-part and HELO put in.
  return printable_ascii(expanded, kMaxSpfExplanationOctets);
}

std::string printable_ascii(std::string_view text, size_t max_octets) {
  std::string printable(text.substr(0, max_octets));
  std::replace_if(
      printable.begin(), printable.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return printable;
}

}  // namespace signet
