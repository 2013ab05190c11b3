// SPDX-License-Identifier: BSD-2-Clause
//
// The tokens of RFC 5322 3.2, one function each. Of the obsolete syntax only what is harmless is
// taken: folds of white space alone (obs-FWS), but no control octets (obs-ctext, obs-qtext,
// obs-qp), which nobody sends in good faith and programs show differently.

#include "milter/field/field_lexer.h"

#include "dns/utf8.h"

namespace signet {
namespace {

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

bool is_wsp(char c) { return c == ' ' || c == '\t'; }

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
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
