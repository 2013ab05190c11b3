// SPDX-License-Identifier: BSD-2-Clause
//
// Is this received Authentication-Results field one that pretends to be ours (RFC 8601 5)? A
// reader that follows the RFC takes the first token for the authserv-id. But forgers write for
// readers that do not: that strip comments with a regular expression, split at the first ";" they
// see, trim quotes, join folded lines or decode encoded-words. So the front of the field, up to
// where the last of those readers would stop, is read in each of their ways, and one that finds
// our id is enough. What comes behind the front matters only if the field is wreckage.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dns/name.h"
#include "dns/utf8.h"
#include "milter/field/auth_results.h"
#include "milter/field/field_lexer.h"

namespace signet {
namespace {

// No authserv-id with its comments needs more; a front that does hides something.
constexpr size_t kMaxFrontOctets = 1024;

// Words to be compared as U-labels; an id is one word.
constexpr size_t kMaxInternationalWords = 4;

bool is_eight_bit(char c) { return static_cast<unsigned char>(c) >= 0x80; }

/// What host names in lower case are made of: next to one of these our id is part of another name.
bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
         is_eight_bit(c);
}

/// The code point of the character `text`, well-formed and above ASCII.
char32_t code_point(std::string_view text) {
  constexpr std::array<unsigned char, 5> kLeadBits = {0, 0, 0x1f, 0x0f, 0x07};
  char32_t point = static_cast<unsigned char>(text[0]) & kLeadBits[text.size()];
  for (const char c : text.substr(1)) point = point << 6 | (static_cast<unsigned char>(c) & 0x3f);
  return point;
}

/// Above ASCII, controls, spaces and what is not drawn at all: readers trim or ignore them.
bool is_invisible(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  constexpr std::array<Range, 11> kInvisible = {{{0x80, 0xa0},
                                                 {0xad, 0xad},
                                                 {0x34f, 0x34f},
                                                 {0x61c, 0x61c},
                                                 {0x1680, 0x1680},
                                                 {0x180b, 0x180e},
                                                 {0x2000, 0x200f},
                                                 {0x2028, 0x202f},
                                                 {0x205f, 0x206f},
                                                 {0x3000, 0x3000},
                                                 {0xfe00, 0xfe0f}}};
  return c == 0xfeff ||
         std::ranges::any_of(kInvisible, [c](Range r) { return r.first <= c && c <= r.last; });
}

/// `text` without what a sloppy reader drops: white space, quotes, backslashes, invisible
/// characters, octets that are no UTF-8.
std::string squeezed(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (!is_eight_bit(c)) {
      if (c > 0x20 && c != 0x7f && c != '"' && c != '\\') result += c;
      ++i;
      continue;
    }
    const size_t length = utf8_length(text.substr(i));
    const std::string_view character = text.substr(i, length);
    if (length > 0 && !is_invisible(code_point(character))) result += character;
    i += std::max<size_t>(length, 1);
  }
  return result;
}

/// The words of `text`, which is in lower case, that hold U-labels or A-labels, without final
/// dots; one more than kMaxInternationalWords at most.
std::vector<std::string> international_words(std::string_view text) {
  std::vector<std::string> words;
  FieldLexer lexer(text);
  while (!lexer.at_end() && words.size() <= kMaxInternationalWords) {
    lexer.take_while([](char c) { return !is_word(c); });
    std::string word(lexer.take_while([](char c) { return is_word(c) || c == '.'; }));
    while (word.ends_with('.')) word.pop_back();
    const bool is_international =
        std::ranges::any_of(word, is_eight_bit) || word.find("xn--") != word.npos;
    if (is_international) words.push_back(std::move(word));
  }
  return words;
}

/// What a reader knows of RFC 5322.
struct Reader {
  bool knows_quotes;
  bool knows_quoted_pairs;
  bool knows_nesting;
};

/// What it takes for the part before the first ";".
struct Front {
  size_t length;     ///< in octets of the field
  std::string text;  ///< without comments
  friend bool operator==(const Front& a, const Front& b) {
    return a.length == b.length && a.text == b.text;
  }
};

Front read_front(std::string_view body, Reader reader) {
  Front front{0, ""};
  front.text.reserve(body.size());
  int depth = 0;
  bool in_quotes = false;
  for (size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    const bool is_pair = c == '\\' && reader.knows_quoted_pairs && (depth > 0 || in_quotes);
    if (is_pair && i + 1 < body.size()) {
      if (depth == 0) front.text += body.substr(i, 2);
      ++i;
    } else if (depth > 0) {
      if (c == ')') --depth;
      if (c == '(' && reader.knows_nesting) ++depth;
    } else if (c == '(' && !in_quotes) {
      depth = 1;
    } else if (c == ';' && !in_quotes) {
      front.length = i;
      return front;
    } else {
      if (c == '"' && reader.knows_quotes) in_quotes = !in_quotes;
      front.text += c;
    }
  }
  front.length = body.size();
  return front;
}

/// Every front of `start` that a reader may see; one if there is nothing to disagree on.
std::vector<Front> read_fronts(std::string_view start) {
  const size_t mark = start.find_first_of("(\"\\;");
  if (mark == start.npos || start[mark] == ';') {
    const std::string_view text = start.substr(0, mark);
    return {{text.size(), std::string(text)}};
  }
  std::vector<Front> fronts;
  for (const bool quotes : {true, false}) {
    for (const bool pairs : {true, false}) {
      for (const bool nesting : {true, false}) {
        Front front = read_front(start, {quotes, pairs, nesting});
        if (std::ranges::find(fronts, front) == fronts.end()) fronts.push_back(std::move(front));
      }
    }
  }
  return fronts;
}

/// Our authserv-id in the forms in which it is looked for.
class OurId {
 public:
  explicit OurId(std::string_view id)
      : lowered_(ascii_lower(id)),
        squeezed_(squeezed(lowered_)),
        domain_(parse_domain(id)),
        is_international_(domain_ && domain_->text().find("xn--") != std::string::npos) {}

  /// True if the id stands in `lowered`, which is in lower case, as it is or squeezed, and is not
  /// part of a longer name.
  bool is_in(std::string_view lowered) const {
    return stands_in(lowered, lowered_) || stands_in(squeezed(lowered), squeezed_);
  }

  /// RFC 8601 5: for internationalized mail the ids are compared as U-labels, which is to say
  /// that both are brought to one form first. True if a word of `text` is our id then, or if
  /// there are too many words to tell.
  bool is_international_in(std::string_view text) const {
    return is_international_ &&
           (is_among(international_words(text)) || is_among(international_words(squeezed(text))));
  }

 private:
  static bool stands_in(std::string_view text, std::string_view id);
  bool is_among(const std::vector<std::string>& words) const;

  std::string lowered_;
  std::string squeezed_;
  Result<Name> domain_;
  bool is_international_;
};

// A dot before or behind the id makes another name of it only if a label follows.
bool OurId::stands_in(std::string_view text, std::string_view id) {
  if (id.empty()) return false;
  for (size_t at = text.find(id); at != text.npos; at = text.find(id, at + 1)) {
    size_t before = at;
    while (before > 0 && text[before - 1] == '.') --before;
    size_t behind = at + id.size();
    while (behind < text.size() && text[behind] == '.') ++behind;
    const bool begins = before == 0 || !is_word(text[before - 1]);
    const bool ends = behind == text.size() || !is_word(text[behind]);
    if (begins && ends) return true;
  }
  return false;
}

bool OurId::is_among(const std::vector<std::string>& words) const {
  return words.size() > kMaxInternationalWords ||
         std::ranges::any_of(words, [this](const std::string& word) {
           const Result<Name> domain = parse_domain(word);
           return domain && *domain == *domain_;
         });
}

/// True if a word of `text` has octets above 0x7f and is no domain name: no honest id, but a reader
/// may turn it into one (fullwidth letters, ideographic full stops).
bool has_impossible_word(std::string_view text) {
  const std::vector<std::string> words = international_words(text);
  return words.size() > kMaxInternationalWords ||
         std::ranges::any_of(words, [](const std::string& word) { return !parse_domain(word); });
}

/// RFC 8601 2.2: what a quoted authserv-id says, whatever stands behind it; empty if it is a token.
std::string quoted_id(std::string_view lowered) {
  FieldLexer lexer(lowered);
  if (!lexer.skip_cfws()) return "";
  return lexer.quoted_string().value_or("");
}

bool front_claims(std::string_view lowered, const OurId& id) {
  if (id.is_in(quoted_id(lowered))) return true;
  // The reader that follows the RFC comes first.
  const std::vector<Front> fronts = read_fronts(lowered.substr(0, kMaxFrontOctets + 1));
  size_t longest = 0;
  for (const Front& front : fronts) {
    if (id.is_in(front.text)) return true;
    longest = std::max(longest, front.length);
  }
  if (longest > kMaxFrontOctets) return true;
  const std::string_view raw = lowered.substr(0, longest);
  // RFC 2047: some readers decode encoded-words in any field before they look at its tokens.
  return id.is_in(raw) || raw.find("=?") != raw.npos || id.is_international_in(raw) ||
         has_impossible_word(fronts[0].text);
}

}  // namespace

bool claims_authserv_id(std::string_view field_body, std::string_view authserv_id) {
  if (authserv_id.empty()) return false;
  const OurId id(authserv_id);
  const std::string lowered = ascii_lower(field_body);
  if (front_claims(lowered, id)) return true;
  if (reads_as_auth_results(field_body)) return false;
  return id.is_in(lowered) || id.is_international_in(lowered);
}

bool has_unknown_version(std::string_view field_body) {
  FieldLexer lexer(field_body);
  if (!lexer.skip_cfws()) return false;
  if (lexer.peek() == '"') {
    if (!lexer.quoted_string()) return false;
  } else {
    static constexpr std::string_view kEnds = " \t\r\n();";
    lexer.take_while([](char c) { return kEnds.find(c) == std::string_view::npos; });
  }
  if (!lexer.skip_cfws()) return false;
  const std::string_view version = lexer.take_while([](char c) { return c >= '0' && c <= '9'; });
  if (version.empty() || version == "1" || !lexer.skip_cfws()) return false;
  return lexer.at_end() || lexer.peek() == ';';
}

}  // namespace signet
