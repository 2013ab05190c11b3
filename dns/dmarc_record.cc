// SPDX-License-Identifier: BSD-2-Clause
//
// The tag list becomes a DmarcRecord. Each tag is read by the rule that RFC 9989 4.8 names for it;
// what does not fit the rule is as if it had not been written, but for the three policy tags, whose
// errors RFC 9989 4.10.1 treats apart.

#include "dns/dmarc_record.h"

#include <fmt/format.h>

#include <algorithm>

namespace signet {
namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// RFC 5234 2.3: the literal strings of the ABNF are matched without regard to case.
bool is_word(const std::string* value, std::string_view word) {
  return value != nullptr && equals_ignoring_case(*value, word);
}

/// RFC 9989 4.8: dmarc-request = "none" / "quarantine" / "reject"
std::optional<DmarcPolicy> parse_policy(const std::string* value) {
  for (const auto policy : {DmarcPolicy::none, DmarcPolicy::quarantine, DmarcPolicy::reject}) {
    if (is_word(value, to_string(policy))) return policy;
  }
  return {};
}

/// RFC 9989 4.8: dmarc-psd = "y" / "n" / "u"
DmarcPsd parse_psd(const std::string* value) {
  if (is_word(value, "y")) return DmarcPsd::y;
  if (is_word(value, "n")) return DmarcPsd::n;
  return DmarcPsd::u;
}

/// RFC 3986 2: what a URI is spelled with, but for `!` and `,`, which RFC 9989 4.8 wants encoded.
bool is_uri_character(char c) {
  constexpr std::string_view kMarks = "-._~:/?#[]@$&'()*+;=";
  return is_alpha(c) || is_digit(c) || kMarks.find(c) != std::string_view::npos;
}

/// RFC 3986 2.1: every % begins an octet in two hexadecimal digits.
bool is_uri_text(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !is_hex_digit(text[i + 1]) || !is_hex_digit(text[i + 2])) {
        return false;
      }
      i += 2;
    } else if (!is_uri_character(text[i])) {
      return false;
    }
  }
  return !text.empty();
}

/// RFC 3986 3.1: scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
bool is_uri_scheme(std::string_view text) {
  return !text.empty() && is_alpha(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

/// A URI that a report could go to. Of mailto: more is asked than RFC 6068 does, which allows one
/// without an address.
bool is_report_uri(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || !is_uri_scheme(text.substr(0, colon))) return false;
  const std::string_view rest = text.substr(colon + 1);
  if (!is_uri_text(rest)) return false;
  if (!equals_ignoring_case(text.substr(0, colon), "mailto")) return true;
  const std::string_view address = rest.substr(0, rest.find('?'));
  const size_t at = address.rfind('@');
  return at != std::string_view::npos && at > 0 && at + 1 < address.size();
}

/// RFC 9989 4.8: obs-dmarc-report-size = "!" 1*DIGIT [ "k" / "m" / "g" / "t" ]; ignored if found.
std::string_view without_report_size(std::string_view uri) {
  const size_t mark = uri.rfind('!');
  if (mark == std::string_view::npos) return uri;
  std::string_view size = uri.substr(mark + 1);
  constexpr std::string_view kUnits = "kmgtKMGT";
  if (!size.empty() && kUnits.find(size.back()) != std::string_view::npos) size.remove_suffix(1);
  const bool is_size = !size.empty() && std::all_of(size.begin(), size.end(), is_digit);
  return is_size ? uri.substr(0, mark) : uri;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

/// RFC 9989 4.8: dmarc-urilist. An entry that is no valid URI is left out; the others stay.
std::vector<std::string> parse_uris(const std::string* value) {
  std::vector<std::string> uris;
  if (value == nullptr) return uris;
  std::string_view rest = *value;
  while (!rest.empty() && uris.size() < kMaxDmarcUris) {
    const size_t comma = rest.find(',');
    const std::string_view uri = without_report_size(trim(rest.substr(0, comma)));
    if (is_report_uri(uri)) uris.emplace_back(uri);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return uris;
}

/// RFC 9989 4.7: options of 0, 1, d, s between colons, in any order; 4.8: each at most once; 0 and
/// 1 exclude each other. Anything else is the default.
std::string parse_failure_options(const std::string* value) {
  const std::string options = value == nullptr ? "" : ascii_lower(*value);
  std::string seen;
  for (size_t i = 0; i < options.size(); ++i) {
    const char c = options[i];
    const bool is_option = std::string_view("01ds").find(c) != std::string_view::npos;
    if (i % 2 == 1 ? c != ':' : (!is_option || seen.find(c) != std::string::npos)) return "0";
    if (i % 2 == 0) seen += c;
  }
  const bool ends_in_colon = options.size() % 2 == 0;
  const bool both = seen.find('0') != std::string::npos && seen.find('1') != std::string::npos;
  return ends_in_colon || both ? "0" : options;
}

/// The first of the policy tags that is there but names no policy, said for a person.
std::string find_defect(const TagList& tags) {
  for (const char* name : {"p", "sp", "np"}) {
    const std::string* value = tags.find(name);
    if (value != nullptr && !parse_policy(value)) {
      return fmt::format("the {} tag is not a policy", name);
    }
  }
  return {};
}

/// p, sp and np, once rua is known.
void read_policies(const TagList& tags, DmarcRecord& record) {
  record.defect = find_defect(tags);
  record.p = parse_policy(tags.find("p"));
  record.sp = parse_policy(tags.find("sp"));
  record.np = parse_policy(tags.find("np"));
  if (record.p && record.defect.empty()) return;
  // RFC 9989 4.10.1: no valid p, or an invalid sp or np: with a valid rua act as if a record
  // containing p=none was retrieved (4.7: "as if it included p=none", so a valid sp or np stays);
  // otherwise apply no DMARC processing.
  record.p.reset();
  if (!record.rua.empty()) record.p = DmarcPolicy::none;
}

}  // namespace

std::string_view to_string(DmarcPolicy policy) {
  switch (policy) {
    case DmarcPolicy::none:
      return "none";
    case DmarcPolicy::quarantine:
      return "quarantine";
    case DmarcPolicy::reject:
      return "reject";
  }
  return "none";
}

std::string_view to_string(DmarcPsd psd) {
  switch (psd) {
    case DmarcPsd::y:
      return "y";
    case DmarcPsd::n:
      return "n";
    case DmarcPsd::u:
      return "u";
  }
  return "u";
}

std::optional<DmarcRecord> parse_dmarc_record(std::string_view text, size_t maximum_octets) {
  const TagList tags = parse_lenient_tag_list(text.substr(0, maximum_octets));
  // RFC 9989 4.7: v must be the first tag and its value, case-sensitive, DMARC1; otherwise the
  // entire record must be ignored.
  if (tags.tags().empty() || tags.tags()[0] != Tag{"v", "DMARC1"}) return {};
  DmarcRecord record;
  if (text.size() > maximum_octets) {
    record.defect = fmt::format("there are {} octets; at most {}", text.size(), maximum_octets);
    record.limit = Limit::tag_list_octets;
    return record;
  }
  record.psd = parse_psd(tags.find("psd"));
  record.testing = is_word(tags.find("t"), "y");
  record.strict_dkim = is_word(tags.find("adkim"), "s");
  record.strict_spf = is_word(tags.find("aspf"), "s");
  record.rua = parse_uris(tags.find("rua"));
  record.ruf = parse_uris(tags.find("ruf"));
  // RFC 9989 4.7: fo must be ignored if ruf is not also specified.
  if (!record.ruf.empty()) record.fo = parse_failure_options(tags.find("fo"));
  read_policies(tags, record);
  return record;
}

DmarcRecordSet select_dmarc_record(const std::vector<std::string>& texts, size_t maximum_octets) {
  DmarcRecordSet set;
  for (const std::string& text : texts) {
    auto record = parse_dmarc_record(text, maximum_octets);
    if (!record) continue;
    ++set.found;
    set.record = std::move(record);
  }
  // RFC 9989 4.10 steps 2 and 6: several DMARC Policy Records for a single target are all
  // discarded.
  if (set.found != 1) set.record.reset();
  return set;
}

}  // namespace signet
