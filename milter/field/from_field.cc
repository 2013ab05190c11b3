// SPDX-License-Identifier: BSD-2-Clause
//
// From, read twice. First strictly, by the grammar of RFC 5322 3.4 (with RFC 6532 for UTF-8 and
// RFC 6854 for groups): what passes has domains about which no two programs can disagree. What
// does not pass is read again by looking behind every "@", so that policy can at least be asked
// about the domains that some program may show; it stays a problem whatever that finds.

#include "milter/field/from_field.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "milter/field/field_lexer.h"

namespace signet {
namespace {

// RFC 9989 11.5: work on hostile fields must be limited; what is over a limit is a problem, and
// what is behind it stays unread. Each mailbox or candidate may cost a conversion to A-labels.
constexpr size_t kMaxFieldsRead = 5;
constexpr size_t kMaxMailboxes = 50;
constexpr int kMaxCandidates = 50;

// RFC 1035 2.3.4: 255 octets on the wire, 253 in text; a character of a U-label has at most four.
constexpr size_t kMaxDomainText = size_t{253} * 4;

struct Mailbox {
  std::string address;
  Name domain;
};

std::optional<Name> domain_from(std::string_view text) {
  if (text.size() > kMaxDomainText) return std::nullopt;
  Result<Name> name = parse_domain(text);
  if (!name) return std::nullopt;
  return *std::move(name);
}

bool is_domain_text(char c) { return is_atext(c) || c == '.'; }

bool holds_encoded_word(std::string_view text) {
  const size_t start = text.find("=?");
  return start != text.npos && text.find("?=", start + 2) != text.npos;
}

/// One From field body, strictly. Every method that returns bool steps over what it is named for,
/// or sets the problem and returns false.
class FromParser {
 public:
  explicit FromParser(std::string_view body) : body_(body), lexer_(body) {}

  void parse() {
    const size_t illegal = find_illegal_octet(body_);
    if (illegal != body_.npos) {
      fail_at(illegal, "control octet, broken fold or malformed UTF-8");
    } else {
      address_list();
    }
  }

  /// The mailboxes before the first problem.
  const std::vector<Mailbox>& mailboxes() const { return mailboxes_; }

  /// Empty if the field is what the grammar wants.
  const std::string& problem() const { return problem_; }

 private:
  /// word *(word / "."): a display name or a local part; the octet behind it tells which.
  struct Words {
    std::string text;
    bool is_phrase = false;
    bool is_local_part = false;
  };

  bool address_list();
  bool address();
  bool angle_address();
  bool repeated_address();
  bool at_domain(const std::string& local_part);
  std::optional<Words> words();
  std::optional<std::string_view> word();
  bool skip_cfws();
  bool fail(std::string_view what) { return fail_at(lexer_.position(), what); }
  bool fail_at(size_t position, std::string_view what);

  std::string_view body_;
  FieldLexer lexer_;
  bool in_group_ = false;
  bool needs_comma_ = false;
  std::vector<Mailbox> mailboxes_;
  std::string problem_;
};

// RFC 6854 3: From takes an address-list, that is, groups too. RFC 5322 4.4: null members
// (",a@example.com,,") are obsolete, to be accepted, and change nothing.
bool FromParser::address_list() {
  for (;;) {
    if (!skip_cfws()) return false;
    if (lexer_.at_end()) return in_group_ ? fail("group without \";\"") : true;
    if (lexer_.accept(',')) {
      needs_comma_ = false;
    } else if (in_group_ && lexer_.accept(';')) {
      in_group_ = false;
      needs_comma_ = true;
    } else if (needs_comma_) {
      return fail("expected \",\" or the end after an address");
    } else if (!address()) {
      return false;
    }
  }
}

// RFC 5322 3.4: address = mailbox / group. Groups do not nest.
bool FromParser::address() {
  const size_t start = lexer_.position();
  const std::optional<Words> before = words();
  if (!before) return false;
  needs_comma_ = true;
  if (lexer_.accept('@')) {
    if (!before->is_local_part) return fail_at(start, "bad local part");
    if (!at_domain(before->text)) return false;
    return lexer_.peek() != '<' || repeated_address();
  }
  // RFC 5322 4.1: obs-phrase lets dots into a display name, but not at its beginning.
  const bool is_named = before->is_phrase;
  if (lexer_.peek() == '<' && (is_named || before->text.empty())) return angle_address();
  if (is_named && !in_group_ && lexer_.accept(':')) {
    in_group_ = true;
    needs_comma_ = false;
    return true;
  }
  return fail("expected an address");
}

bool FromParser::angle_address() {
  lexer_.accept('<');
  if (!skip_cfws()) return false;
  if (lexer_.peek() == '>') return fail("empty address");
  // Deviates: RFC 5322 4.4 wants an obs-route ignored. Nobody has written one in good faith for
  // decades, and programs disagree on which of its domains is the author's.
  if (lexer_.peek() == '@' || lexer_.peek() == ',') return fail("source route in an address");
  const size_t start = lexer_.position();
  const std::optional<Words> local_part = words();
  if (!local_part) return false;
  if (!local_part->is_local_part) return fail_at(start, "bad local part");
  if (!lexer_.accept('@')) return fail("expected \"@\"");
  if (!at_domain(local_part->text)) return false;
  if (!lexer_.accept('>')) return fail("expected \">\"");
  return true;
}

// Deviates: RFC 5322 3.4 has no `a@example.com <a@example.com>`, the display name would have to be
// quoted. It is sent a lot, and as long as both are the same there is one way to read it.
bool FromParser::repeated_address() {
  const size_t start = lexer_.position();
  if (!angle_address()) return false;
  const std::string angle = std::move(mailboxes_.back().address);
  mailboxes_.pop_back();
  if (!equals_ignoring_case(angle, mailboxes_.back().address)) {
    return fail_at(start, "address differs from the one written before it");
  }
  return true;
}

/// What follows the "@" of an addr-spec, and the mailbox that is complete with it.
bool FromParser::at_domain(const std::string& local_part) {
  if (!skip_cfws()) return false;
  const size_t start = lexer_.position();
  // RFC 9989 3.2.2: an Author Domain is a domain name; an address literal has none.
  if (lexer_.peek() == '[') return fail("address literal in place of a domain");
  const std::string_view text = lexer_.take_while(is_domain_text);
  std::optional<Name> domain = domain_from(text);
  if (!domain) return fail_at(start, "bad domain name");
  // RFC 2047 5 (3): no encoded-word in an addr-spec; programs that decode it there anyway would
  // show another address than the one that was checked.
  if (holds_encoded_word(local_part)) return fail_at(start, "encoded word in an address");
  if (mailboxes_.size() == kMaxMailboxes) {
    return fail_at(start, fmt::format("more than {} addresses", kMaxMailboxes));
  }
  mailboxes_.push_back({fmt::format("{}@{}", local_part, text), *std::move(domain)});
  if (!skip_cfws()) return false;
  // Deviates: RFC 5322 4.4 (obs-domain) has CFWS round the dots of a domain; to a program that
  // does not know this the domain ends there.
  if (lexer_.peek() == '.') return fail("white space or comment inside a domain name");
  return true;
}

// RFC 5322 4.1, 4.4: obs-phrase and obs-local-part, CFWS round the dots included: the domain does
// not depend on it.
std::optional<FromParser::Words> FromParser::words() {
  Words words;
  bool wants_word = true;
  words.is_local_part = true;
  for (;;) {
    if (!skip_cfws()) return std::nullopt;
    const bool is_dot = lexer_.accept('.');
    const std::optional<std::string_view> piece = is_dot ? "." : word();
    if (!piece) return std::nullopt;
    if (piece->empty()) break;
    // RFC 5322 4.4: obs-local-part = word *("." word), so words and dots take turns.
    if (is_dot == wants_word) words.is_local_part = false;
    wants_word = is_dot;
    if (words.text.empty()) words.is_phrase = !is_dot;
    words.text += *piece;
  }
  if (wants_word) words.is_local_part = false;
  return words;
}

/// An atom or quoted-string as written; empty if neither is at the cursor.
std::optional<std::string_view> FromParser::word() {
  if (lexer_.peek() != '"') return lexer_.take_while(is_atext);
  const size_t start = lexer_.position();
  if (!lexer_.quoted_string()) {
    fail_at(start, "quoted string without end");
    return std::nullopt;
  }
  return lexer_.since(start);
}

bool FromParser::skip_cfws() {
  const size_t start = lexer_.position();
  if (!lexer_.skip_cfws()) return fail_at(start, "comment without end");
  return true;
}

// The problem is shown to clients and in headers: it quotes nothing of the field.
bool FromParser::fail_at(size_t position, std::string_view what) {
  problem_ = fmt::format("syntax error at octet {}: {}", position, what);
  return false;
}

/// Gathers what the fields of one message hold.
class AuthorFinder {
 public:
  void read(std::string_view body);
  Author finish(size_t field_count) &&;

 private:
  void add_domain(Name domain);
  void search(std::string_view body);

  Author author_;
  std::string syntax_problem_;
  bool has_more_domains_ = false;
  int candidates_left_ = kMaxCandidates;
};

void AuthorFinder::read(std::string_view body) {
  FromParser parser(body);
  parser.parse();
  for (const Mailbox& mailbox : parser.mailboxes()) {
    add_domain(mailbox.domain);
    if (author_.addresses.size() < kMaxAuthorDomains) author_.addresses.push_back(mailbox.address);
  }
  if (parser.problem().empty()) return;
  if (syntax_problem_.empty()) syntax_problem_ = parser.problem();
  search(body);
}

/// Takes for a domain whatever looks like one behind an "@", in comments and quotes too: some
/// program may show it as the author's.
void AuthorFinder::search(std::string_view body) {
  size_t at = body.find('@');
  for (; at != body.npos && candidates_left_ > 0; at = body.find('@', at + 1)) {
    FieldLexer lexer(body.substr(at + 1));
    lexer.skip_fws();
    std::string_view text = lexer.take_while(is_domain_text);
    while (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty()) continue;
    --candidates_left_;
    if (std::optional<Name> domain = domain_from(text)) add_domain(*std::move(domain));
  }
}

void AuthorFinder::add_domain(Name domain) {
  if (std::ranges::find(author_.domains, domain) != author_.domains.end()) return;
  if (author_.domains.size() == kMaxAuthorDomains) {
    has_more_domains_ = true;
  } else {
    author_.domains.push_back(std::move(domain));
  }
}

// RFC 9989 4.2, 4.4: a message without exactly one well-formed From field has no Author Domain.
// RFC 9989 5.3.1: domains are counted, not mailboxes: two authors at one domain are one.
Author AuthorFinder::finish(size_t field_count) && {
  if (field_count == 0) {
    author_.problem = "no From field";
  } else if (field_count > 1) {
    author_.problem = fmt::format("{} From fields", field_count);
  } else if (!syntax_problem_.empty()) {
    author_.problem = syntax_problem_;
  } else if (author_.domains.empty()) {
    author_.problem = "no address in From";
  } else if (has_more_domains_) {
    author_.problem = fmt::format("more than {} Author Domains", kMaxAuthorDomains);
  } else if (author_.domains.size() > 1) {
    author_.problem = fmt::format("{} Author Domains", author_.domains.size());
  }
  return std::move(author_);
}

}  // namespace

Author find_author(const std::vector<std::string>& values) {
  AuthorFinder finder;
  for (size_t i = 0; i < std::min(values.size(), kMaxFieldsRead); ++i) finder.read(values[i]);
  return std::move(finder).finish(values.size());
}

}  // namespace signet
