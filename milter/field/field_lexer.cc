// SPDX-License-Identifier: BSD-2-Clause
//
// The tokens of RFC 5322 3.2, one function each. Of the obsolete syntax only what is harmless is
// taken: folds of white space alone (obs-FWS), but no control octets (obs-ctext, obs-qtext,
// obs-qp), which nobody sends in good faith and programs show differently.

#include "milter/field/field_lexer.h"

#include <array>

namespace signet {
namespace {

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

bool is_wsp(char c) { return c == ' ' || c == '\t'; }

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// What a UTF-8 character that begins with `lead` looks like: how long it is, and between which
/// values its second octet lies. Length 0: no character begins so.
struct Utf8Form {
  size_t length;
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xbf;
};

// RFC 3629 4, the rule UTF8-octets.
Utf8Form utf8_form(unsigned char lead) {
  if (lead < 0x80) return {1};
  if (lead < 0xc2) return {0};
  if (lead < 0xe0) return {2};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (lead < 0xf0) return {3};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead < 0xf4) return {4};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  return {0};
}

/// Octets of the fold that `text` begins with, its first WSP included; 0 if it is no fold.
size_t fold_length(std::string_view text) {
  const size_t line_end = text.starts_with("\r\n") ? 2 : text.starts_with("\n") ? 1 : 0;
  const bool folds = line_end > 0 && line_end < text.size() && is_wsp(text[line_end]);
  return folds ? line_end + 1 : 0;
}

}  // namespace

bool is_atext(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~";
  return is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
         kMarks.find(c) != std::string_view::npos;
}

size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const Utf8Form form = utf8_form(static_cast<unsigned char>(text[0]));
  if (form.length > text.size()) return 0;
  for (size_t i = 1; i < form.length; ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const auto [low, high] = i == 1 ? std::array{form.second_min, form.second_max}
                                    : std::array<unsigned char, 2>{0x80, 0xbf};
    if (octet < low || octet > high) return 0;
  }
  return form.length;
}

size_t find_illegal_octet(std::string_view body) {
  for (size_t i = 0; i < body.size();) {
    const auto octet = static_cast<unsigned char>(body[i]);
    size_t length = 1;
    if (is_line_end(body[i])) {
      length = fold_length(body.substr(i));
    } else if (octet >= 0x80) {
      length = utf8_length(body.substr(i));
    } else if ((octet < 0x20 && octet != '\t') || octet == 0x7f) {
      length = 0;
    }
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

bool FieldLexer::accept(char c) {
  if (at_end() || body_[position_] != c) return false;
  ++position_;
  return true;
}

void FieldLexer::skip_fws() {
  take_while([](char c) { return is_wsp(c) || is_line_end(c); });
}

bool FieldLexer::skip_cfws() {
  for (;;) {
    skip_fws();
    if (peek() != '(') return true;
    if (!comment()) return false;
  }
}

std::optional<std::string> FieldLexer::comment() {
  if (!accept('(')) return std::nullopt;
  std::string text;
  size_t depth = 1;
  while (!at_end()) {
    if (peek() == '\\') {
      const std::optional<char> quoted = quoted_pair();
      if (!quoted) return std::nullopt;
      text += *quoted;
      continue;
    }
    const char c = body_[position_++];
    if (c == '(') ++depth;
    if (c == ')' && --depth == 0) return text;
    if (!is_line_end(c)) text += c;
  }
  return std::nullopt;
}

std::optional<std::string> FieldLexer::quoted_string() {
  if (!accept('"')) return std::nullopt;
  std::string text;
  while (!at_end()) {
    if (peek() == '\\') {
      const std::optional<char> quoted = quoted_pair();
      if (!quoted) return std::nullopt;
      text += *quoted;
      continue;
    }
    const char c = body_[position_++];
    if (c == '"') return text;
    if (!is_line_end(c)) text += c;
  }
  return std::nullopt;
}

// RFC 5322 3.2.1: "\" (VCHAR / WSP). The rest of a UTF-8 character follows as ordinary text. A
// backslash before a fold quotes nothing: the token is broken, and so is all that follows.
std::optional<char> FieldLexer::quoted_pair() {
  ++position_;
  if (at_end() || is_line_end(body_[position_])) {
    position_ = body_.size();
    return std::nullopt;
  }
  return body_[position_++];
}

}  // namespace signet
