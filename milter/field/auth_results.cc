// SPDX-License-Identifier: BSD-2-Clause
//
// RFC 8601 2.2, written and read. The writer is the one encoder between what attackers send and
// what mail programs believe: each value is first cleaned (no control octet, no malformed UTF-8, a
// bounded length), then put in the narrowest form the grammar has for it. The parser is the
// writer's judge in the tests, and tells a foreign field from wreckage in auth_results_claim.cc.

#include "milter/field/auth_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "dns/name.h"
#include "dns/utf8.h"
#include "milter/field/field_lexer.h"

namespace signet {
namespace {

constexpr size_t kMaxValueOctets = 255;
constexpr size_t kMaxKeywordOctets = 63;

// RFC 5322 2.1.1: a line has at most 998 octets. No piece is longer than 2 * 255 octets of escaped
// text, four keywords and a few marks, so a line that is full can always be folded in time.
constexpr size_t kMaxLineOctets = 800;

bool is_ldh(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

bool is_eight_bit(char c) { return static_cast<unsigned char>(c) >= 0x80; }

bool is_printable_ascii(char c) { return c >= 0x20 && c < 0x7f; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// RFC 2045 5.1: printable ASCII but tspecials.
bool is_token_char(char c) {
  constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?=";
  return c > 0x20 && c < 0x7f &&  // Unreached: whoever asks has no DEL
         kSpecials.find(c) == std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

/// True if `text` is pieces joined by dots and each `fits`.
template <class Predicate>
bool is_dotted(std::string_view text, Predicate fits) {
  for (;;) {
    const size_t dot = text.find('.');
    if (!fits(text.substr(0, dot))) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// RFC 6376 3.5: domain-name = sub-domain 1*("." sub-domain), each as in RFC 5321 4.1.2; RFC 8616 3
// lets U-labels stand there.
bool is_domain_name(std::string_view text) {
  const auto is_sub_domain = [](std::string_view label) {
    return !label.empty() && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_ldh(c) || is_eight_bit(c); });
  };
  return text.find('.') != text.npos && is_dotted(text, is_sub_domain);
}

// RFC 5322 3.4.1: local-part = dot-atom / quoted-string, here without the CFWS around it.
bool is_local_part(std::string_view text) {
  if (text.starts_with('"')) {
    FieldLexer lexer(text);
    return text.find('\n') == text.npos && lexer.quoted_string() && lexer.at_end();
  }
  return is_dotted(text, [](std::string_view atom) {
    return !atom.empty() && std::ranges::all_of(atom, is_atext);
  });
}

/// [ [ local-part ] "@" ] domain-name
bool is_address(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == text.npos) return is_domain_name(text);
  return is_domain_name(text.substr(at + 1)) && (at == 0 || is_local_part(text.substr(0, at)));
}

/// `text` with "?" for each octet that no header field may hold (C1 controls too: terminals and
/// log viewers obey them), cut between characters.
std::string cleaned(std::string_view text) {
  const std::string_view start = text.substr(0, kMaxValueOctets);
  if (std::ranges::all_of(start, is_printable_ascii)) return std::string(start);
  std::string clean;
  while (!text.empty() && clean.size() < kMaxValueOctets) {
    const size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<size_t>(length, 1));
    const auto octet = static_cast<unsigned char>(character[0]);
    const bool is_c1 = octet == 0xc2 && length == 2 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (clean.size() + character.size() > kMaxValueOctets) break;
    clean += length == 0 || octet < 0x20 || octet == 0x7f || is_c1 ? "?" : character;
    text.remove_prefix(character.size());
  }
  return clean;
}

/// `text` with a backslash before each octet of `specials`.
std::string escaped(std::string_view text, std::string_view specials) {
  std::string result;
  for (const char c : text) {
    if (specials.find(c) != specials.npos) result += '\\';
    result += c;
  }
  return result;
}

std::string quoted(std::string_view text) { return '"' + escaped(text, "\"\\") + '"'; }

std::string encode_value(std::string_view raw) {
  std::string text = cleaned(raw);
  return is_token(text) ? text : quoted(text);
}

// RFC 8601 2.2: an email identity MUST be written as one, not as a quoted-string.
std::string encode_pvalue(std::string_view raw) {
  std::string text = cleaned(raw);
  return is_token(text) || is_address(text) ? text : quoted(text);
}

// RFC 5321 4.1.2: Keyword = Ldh-str. These words are ours; whoever passes another string loses
// what does not fit, so that not even a mistake of ours can break the field.
std::string encode_keyword(std::string_view raw) {
  std::string word;
  std::ranges::copy_if(raw.substr(0, kMaxKeywordOctets), std::back_inserter(word), is_ldh);
  while (word.ends_with('-')) word.pop_back();
  return word.empty() ? "unknown" : word;
}

/// The field body as it grows; knows how long its last line is.
class FoldedText {
 public:
  explicit FoldedText(std::string_view first) { put(' ', first); }

  /// Appends what belongs to the last piece.
  void append(std::string_view text) {
    text_ += text;
    line_octets_ += text.size();
  }

  /// Adds a piece after a space, or on a new line if the line is full.
  void add(std::string_view piece) {
    if (line_octets_ + piece.size() > kMaxLineOctets) {
      add_line(piece);
    } else {
      put(' ', piece);
    }
  }

  void add_line(std::string_view piece) {
    text_ += "\r\n";
    line_octets_ = 0;
    put('\t', piece);
  }

  std::string take() && { return std::move(text_); }

 private:
  void put(char space, std::string_view piece) {
    append(std::string_view(&space, 1));
    append(piece);
  }

  std::string text_;
  // The field name and its colon stand before the first piece.
  size_t line_octets_ = std::string_view("Authentication-Results:").size();
};

void write_method(FoldedText& text, const AuthMethod& method) {
  text.append(";");
  text.add_line(encode_keyword(method.method) + '=' + encode_keyword(method.result));
  if (!method.comment.empty()) text.add(field_comment(method.comment));
  if (!method.reason.empty()) text.add("reason=" + field_quoted_string(method.reason));
  for (const AuthProperty& property : method.properties) {
    text.add(encode_keyword(property.ptype) + '.' + encode_keyword(property.property) + '=' +
             encode_pvalue(property.value));
  }
}

/// Reads one field body. Methods that return bool step over what they are named for, or set the
/// error and return false.
class AuthResultsParser {
 public:
  AuthResultsParser(std::string_view body, bool is_lenient)
      : body_(body), lexer_(body), is_lenient_(is_lenient) {}

  Result<AuthResults> parse();

 private:
  bool payload();
  bool authserv_id();
  bool version(std::string_view what);
  bool methods();
  bool method();
  bool statement(AuthMethod& method);
  bool reason(AuthMethod& method);
  std::optional<std::string> pvalue();
  std::optional<std::string> quoted_string();
  bool equals_sign();
  std::string keyword();
  bool skip_cfws();
  bool fail(std::string_view what);

  std::string_view body_;
  FieldLexer lexer_;
  bool is_lenient_;
  AuthResults results_;
  std::string error_;
};

Result<AuthResults> AuthResultsParser::parse() {
  const size_t illegal = find_illegal_octet(body_);
  if (illegal != body_.npos) {
    return Error{
        fmt::format("octet {}: no control octet, broken fold or malformed UTF-8 wanted", illegal)};
  }
  if (!payload()) return Error{error_};
  return std::move(results_);
}

// authres-payload = [CFWS] authserv-id [ CFWS authres-version ] ( no-result / 1*resinfo ) [CFWS]
bool AuthResultsParser::payload() {
  return skip_cfws() && authserv_id() && skip_cfws() && version("version") && methods();
}

// RFC 8601 2.5: machine-readable, a value. Lenient: in UTF-8 without quotes, or with a "/job".
bool AuthResultsParser::authserv_id() {
  if (lexer_.peek() == '"') {
    std::optional<std::string> id = quoted_string();
    if (!id) return false;
    results_.authserv_id = *std::move(id);
    return true;
  }
  results_.authserv_id = lexer_.take_while([this](char c) {
    return is_token_char(c) || (is_lenient_ && (is_eight_bit(c) || c == '/'));
  });
  if (results_.authserv_id.empty()) return fail("expected an authserv-id");
  return true;
}

// RFC 8601 2.6: whoever does not know a version must not read on; there is only "1".
bool AuthResultsParser::version(std::string_view what) {
  const std::string_view digits = lexer_.take_while(is_digit);
  if (!digits.empty() && digits != "1" && !is_lenient_)
    return fail(fmt::format("unknown {}", what));
  return skip_cfws();
}

bool AuthResultsParser::methods() {
  do {
    if (!lexer_.accept(';')) return fail("expected \";\"");
    if (!skip_cfws()) return false;
    if (is_lenient_ && lexer_.at_end()) return true;
    if (!method()) return false;
  } while (!lexer_.at_end());
  return true;
}

// resinfo = [CFWS] ";" methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ]; or no-result, if that is
// all there is.
bool AuthResultsParser::method() {
  AuthMethod method;
  method.method = keyword();
  if (method.method.empty()) return fail("expected a method");
  if (!skip_cfws()) return false;
  const bool is_alone = results_.methods.empty() && lexer_.at_end();
  if (is_alone && equals_ignoring_case(method.method, "none")) return true;
  if (lexer_.accept('/') && !(skip_cfws() && version("method version"))) return false;
  if (!equals_sign()) return false;
  method.result = keyword();
  if (method.result.empty()) return fail("expected a result");
  lexer_.skip_fws();
  if (lexer_.peek() == '(') {
    std::optional<std::string> comment = lexer_.comment();
    if (!comment) return fail("comment without end");
    method.comment = *std::move(comment);
  }
  if (!skip_cfws()) return false;
  while (!lexer_.at_end() && lexer_.peek() != ';') {
    if (!statement(method)) return false;
  }
  results_.methods.push_back(std::move(method));
  return true;
}

// propspec = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue; or the reasonspec before them.
// Lenient: a property without ptype, as in "action=none".
bool AuthResultsParser::statement(AuthMethod& method) {
  AuthProperty property;
  property.ptype = keyword();
  if (property.ptype.empty()) return fail("expected a property");
  if (!skip_cfws()) return false;
  if (lexer_.peek() == '=' && equals_ignoring_case(property.ptype, "reason")) return reason(method);
  if (lexer_.accept('.')) {
    if (!skip_cfws()) return false;
    property.property = keyword();
    if (property.property.empty()) return fail("expected a property");
    if (!skip_cfws()) return false;
  } else if (!is_lenient_) {
    return fail("expected \".\"");
  }
  if (!equals_sign()) return false;
  std::optional<std::string> value = pvalue();
  if (!value) return false;
  property.value = *std::move(value);
  method.properties.push_back(std::move(property));
  return skip_cfws();
}

// reasonspec = "reason" [CFWS] "=" [CFWS] value
bool AuthResultsParser::reason(AuthMethod& method) {
  const bool is_first = method.reason.empty() && method.properties.empty();
  if (!is_first && !is_lenient_) return fail("reason out of place");
  if (!equals_sign()) return false;
  if (lexer_.peek() == '"') {
    std::optional<std::string> text = quoted_string();
    if (!text) return false;
    method.reason = *std::move(text);
  } else {
    method.reason = lexer_.take_while(is_token_char);
    if (method.reason.empty()) return fail("expected a reason");
  }
  return skip_cfws();
}

// pvalue = [CFWS] ( value / [ [ local-part ] "@" ] domain-name ) [CFWS]. Lenient: whatever is in
// one piece, such as the "/" of unquoted base64.
std::optional<std::string> AuthResultsParser::pvalue() {
  const size_t start = lexer_.position();
  std::optional<std::string> text;
  if (lexer_.peek() == '"') {
    text = quoted_string();
    if (!text || lexer_.peek() != '@') return text;
  }
  lexer_.take_while([this](char c) {
    if (is_lenient_)
      return c > 0x20 ? std::string_view(";()\"\\").find(c) == std::string_view::npos
                      : is_eight_bit(c);
    return is_atext(c) || c == '.' || c == '@';
  });
  const std::string_view raw = lexer_.since(start);
  if (is_lenient_ ? !raw.empty() : is_token(raw) || is_address(raw)) return std::string(raw);
  fail("expected a value");
  return std::nullopt;
}

std::optional<std::string> AuthResultsParser::quoted_string() {
  std::optional<std::string> text = lexer_.quoted_string();
  if (!text) fail("quoted string without end");
  return text;
}

/// "=" [CFWS]
bool AuthResultsParser::equals_sign() {
  if (!lexer_.accept('=')) return fail("expected \"=\"");
  return skip_cfws();
}

// RFC 5321 4.1.2: Keyword = Ldh-str = *( ALPHA / DIGIT / "-" ) Let-dig. Lenient: "_" too.
std::string AuthResultsParser::keyword() {
  std::string word(
      lexer_.take_while([this](char c) { return is_ldh(c) || (is_lenient_ && c == '_'); }));
  return word.ends_with('-') ? "" : word;
}

bool AuthResultsParser::skip_cfws() {
  if (!lexer_.skip_cfws()) return fail("comment without end");
  return true;
}

bool AuthResultsParser::fail(std::string_view what) {
  error_ = fmt::format("octet {}: {}", lexer_.position(), what);
  return false;
}

}  // namespace

std::string field_comment(std::string_view raw) {
  return '(' + escaped(cleaned(raw), "()\\") + ')';
}

std::string field_quoted_string(std::string_view raw) { return quoted(cleaned(raw)); }

std::string to_string(const AuthResults& results) {
  FoldedText text(encode_value(results.authserv_id));
  for (const AuthMethod& method : results.methods) write_method(text, method);
  if (results.methods.empty()) text.append("; none");
  return std::move(text).take();
}

Result<AuthResults> parse_auth_results(std::string_view field_body) {
  return AuthResultsParser(field_body, false).parse();
}

bool reads_as_auth_results(std::string_view field_body) {
  return AuthResultsParser(field_body, true).parse().ok();
}

}  // namespace signet
