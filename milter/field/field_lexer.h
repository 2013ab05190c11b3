// SPDX-License-Identifier: BSD-2-Clause
//
// FieldLexer: the lexical tokens of a structured header field body (RFC 5322 3.2, RFC 6532) for
// those who parse one: atoms, quoted strings, comments nested to any depth, folding white space.
// It is a cursor over text that somebody else keeps; it goes forward only, so that every parser
// built on it is linear. Comments are counted, not recursed into.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace signet {

/// atext (RFC 5322 3.2.3); octets above 0x7f belong to it (RFC 6532 3.2).
bool is_atext(char c);

/// Where a field body first breaks a rule that holds in every token: NUL or another control octet,
/// malformed UTF-8, CR without LF, a line end that white space does not follow. npos if nowhere.
/// Folds may be LF, as a milter gets them, or CRLF.
size_t find_illegal_octet(std::string_view body);

/// A cursor. Text in which find_illegal_octet() finds something is safe to walk, but the tokens
/// are then not those of the RFC.
class FieldLexer {
 public:
  /// `body` must outlive the lexer.
  explicit FieldLexer(std::string_view body) : body_(body) {}

  bool at_end() const { return position_ == body_.size(); }
  size_t position() const { return position_; }

  /// The octet at the cursor; NUL at the end.
  char peek() const { return at_end() ? '\0' : body_[position_]; }

  /// The text between an earlier position and the cursor.
  std::string_view since(size_t start) const { return body_.substr(start, position_ - start); }

  /// Steps over `c` if it is at the cursor.
  bool accept(char c);

  /// The longest run of octets that `belongs` to; may be empty.
  template <class Predicate>
  std::string_view take_while(Predicate belongs) {
    const size_t start = position_;
    while (!at_end() && belongs(body_[position_])) ++position_;
    return since(start);
  }

  /// [FWS]
  void skip_fws();

  /// [CFWS]. False if a comment does not end; the cursor is then at the end.
  bool skip_cfws();

  /// The comment at the cursor without its outer parentheses, quoted pairs resolved, unfolded.
  /// Nothing if the cursor is not at "(" or the comment does not end.
  std::optional<std::string> comment();

  /// The quoted-string at the cursor without its quotes, quoted pairs resolved, unfolded. Nothing
  /// if the cursor is not at a quote or the string does not end.
  std::optional<std::string> quoted_string();

 private:
  std::optional<char> quoted_pair();

  std::string_view body_;
  size_t position_ = 0;
};

}  // namespace signet
