// SPDX-License-Identifier: BSD-2-Clause
//
// One token after the other, with a fold before each that would not fit on the line. Where white
// space may stand is RFC 6376 3.2's matter between tags, and each tag's own inside it.

#include "crypto/dkim_signature_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "dns/base64.h"
#include "dns/utf8.h"

namespace signet {
namespace {

constexpr size_t kLineColumns = 78;  // RFC 5322 2.1.1
constexpr size_t kTabColumns = 8;
constexpr std::string_view kFold = "\r\n\t";
constexpr std::string_view kLastTag = "b=";
constexpr size_t kFieldNameColumns = std::string_view("DKIM-Signature:").size();
constexpr size_t kMaxIdentityOctets = 250;

/// A field value that grows by tokens and folds before a token that would not fit on the line.
class FoldedValue {
 public:
  explicit FoldedValue(size_t columns_before) : column_(columns_before) {}

  /// A token that begins after a space, or on a line of its own.
  void add_word(std::string_view word) {
    if (column_ + 1 + word.size() > kLineColumns) {
      fold();
    } else {
      append(" ");
    }
    append(word);
  }
  /// A token that continues the last one; white space may stand before it only where it folds.
  void add_part(std::string_view part) {
    if (column_ + part.size() > kLineColumns) fold();
    append(part);
  }
  std::string& text() { return text_; }

 private:
  void fold() {
    text_ += kFold;
    column_ = kTabColumns;
  }
  void append(std::string_view octets) {
    text_ += octets;
    column_ += octets.size();
  }

  std::string text_;
  size_t column_;
};

/// RFC 6376 3.5 h=: FWS may stand around each colon.
void add_signed_fields(FoldedValue& value, std::span<const std::string> names) {
  for (size_t i = 0; i < names.size(); ++i) {
    const char* const end = i + 1 == names.size() ? ";" : ":";
    if (i == 0) {
      value.add_word(fmt::format("h={}{}", names[i], end));
    } else {
      value.add_part(names[i] + end);
    }
  }
}

/// RFC 5322 3.2.3 atext, with the UTF-8 that RFC 6532 3.2 adds; the octets of a character at the
/// start of `text`, 0 if it begins with none.
size_t atext_length(std::string_view text) {
  constexpr std::string_view kAtextSpecials = "!#$%&'*+-/=?^_`{|}~";
  const char c = text.front();
  const bool alphanumeric =
      (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  if (alphanumeric || kAtextSpecials.find(c) != std::string_view::npos) return 1;
  const size_t octets = utf8_length(text);
  return octets > 1 ? octets : 0;
}

/// RFC 5322 3.2.3 dot-atom-text. RFC 6376 3.5: the local part of i= may be absent.
bool is_dot_atom_or_absent(std::string_view text) {
  if (text.starts_with('.') || text.ends_with('.')) return false;
  bool after_dot = false;
  while (!text.empty()) {
    const bool dot = text.front() == '.';
    const size_t octets = dot ? 1 : atext_length(text);
    if (octets == 0 || (dot && after_dot)) return false;
    after_dot = dot;
    text.remove_prefix(octets);
  }
  return true;
}

/// RFC 6376 2.11. Of what an atom holds, "=" and octets over 0x7f need it.
std::string to_quoted_printable(std::string_view atoms) {
  std::string out;
  for (const char c : atoms) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '=' || octet > 0x7f) {
      out += fmt::format("={:02X}", octet);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string write_unsigned_value(const SignatureTags& tags) {
  FoldedValue value(kFieldNameColumns);
  const auto add_time = [&value](std::string_view name, std::chrono::sys_seconds time) {
    value.add_word(fmt::format("{}={};", name, time.time_since_epoch().count()));
  };
  value.add_word("v=1;");
  value.add_word(fmt::format("a={}-sha256;", to_string(tags.key_type)));
  value.add_word(fmt::format("c={}/{};", to_string(tags.header_canonicalization),
                             to_string(tags.body_canonicalization)));
  value.add_word(fmt::format("d={};", tags.domain));
  value.add_word(fmt::format("s={};", tags.selector));
  if (!tags.identity.empty()) value.add_word(fmt::format("i={};", tags.identity));
  add_time("t", tags.signed_at);
  if (tags.expires_at) add_time("x", *tags.expires_at);
  value.add_word(fmt::format("bh={};", encode_base64(tags.body_hash)));
  add_signed_fields(value, tags.signed_fields);
  value.text() += kFold;
  value.text() += kLastTag;
  return std::move(value.text());
}

void append_signature(std::string& value, std::string_view octets) {
  constexpr size_t kPiece = 16;
  const std::string base64 = encode_base64(octets);
  FoldedValue folded(kTabColumns + kLastTag.size());
  // RFC 6376 2.10: FWS may stand anywhere in base64.
  for (size_t i = 0; i < base64.size(); i += kPiece) {
    folded.add_part(std::string_view(base64).substr(i, kPiece));
  }
  value += folded.text();
}

std::string write_identity(std::string_view auid, const Name& domain) {
  const size_t at = auid.rfind('@');
  if (at == std::string_view::npos || !is_dot_atom_or_absent(auid.substr(0, at))) return {};
  const auto auid_domain = parse_domain(auid.substr(at + 1));
  // RFC 6376 3.5 i=: the domain MUST be d= or below it.
  if (!auid_domain || !auid_domain->is_at_or_below(domain)) return {};
  std::string text = to_quoted_printable(auid.substr(0, at)) + "@" + auid_domain->text();
  return text.size() <= kMaxIdentityOctets ? text : std::string();
}

}  // namespace signet
