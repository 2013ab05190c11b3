// SPDX-License-Identifier: BSD-2-Clause
//
// One function per tag, each returning the refusal or nothing, run in one order by
// parse_dkim_signature(): first what names the signature in a verdict (d=, s=, a=, b=), then the
// rest, so that even a refused signature can be told from others in Authentication-Results.

#include "crypto/dkim_signature.h"

#include <fmt/format.h>

#include <algorithm>

#include "dns/base64.h"

namespace signet {
namespace {

using Refusal = std::optional<DkimRefusal>;

constexpr size_t kHashOctets = 32;              // RFC 6376 3.3.2: SHA-256
constexpr size_t kEd25519SignatureOctets = 64;  // RFC 8032 5.1.6
constexpr size_t kSignatureStartOctets = 16;    // RFC 6008 3: eight may not be enough
constexpr size_t kMaxIdentityOctets = 1024;
constexpr size_t kMaxTimeDigits = 12;    // RFC 6376 3.5: t= and x=
constexpr size_t kMaxLengthDigits = 76;  // RFC 6376 3.5: l=

bool is_white(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// RFC 8601 2.7.1: "neutral" is the word for syntax errors.
template <class... Args>
Refusal syntax_error(fmt::format_string<Args...> format, Args&&... args) {
  return refuse(DkimResult::neutral, fmt::format(format, std::forward<Args>(args)...));
}

/// RFC 6376 6.1.1: PERMFAIL for what parses and can't be right.
template <class... Args>
Refusal permanent_error(fmt::format_string<Args...> format, Args&&... args) {
  return refuse(DkimResult::permerror, fmt::format(format, std::forward<Args>(args)...));
}

std::string without_white(std::string_view text) {
  std::string out(text);
  std::erase_if(out, is_white);
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
  return text;
}

/// The parts of `text` between `separator`s, white space around each removed.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  parts.reserve(static_cast<size_t>(std::count(text.begin(), text.end(), separator)) + 1);
  size_t start = 0;
  for (size_t end = text.find(separator); end != std::string_view::npos;
       end = text.find(separator, start)) {
    parts.push_back(trim(text.substr(start, end - start)));
    start = end + 1;
  }
  parts.push_back(trim(text.substr(start)));
  return parts;
}

/// 1*`max_digits`DIGIT, or nothing; what is over 64 bits is 2^64-1.
std::optional<uint64_t> parse_number(std::string_view text, size_t max_digits) {
  if (text.empty() || text.size() > max_digits) return std::nullopt;
  if (!std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  uint64_t number = 0;
  for (const char c : text) {
    const auto digit = static_cast<uint64_t>(c - '0');
    if (number > (UINT64_MAX - digit) / 10) return UINT64_MAX;
    number = number * 10 + digit;
  }
  return number;
}

/// RFC 5322 2.2: printable ASCII without the colon; and no `;`, which would end the tag.
bool is_field_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && c != ':' && c != ';';
  });
}

/// RFC 5321 4.1.2 Local-part, with the UTF-8 that RFC 6531 3.3 adds; it may be absent here.
bool is_local_part(std::string_view text) {
  if (text.starts_with('"')) {
    if (text.size() < 2 || !text.ends_with('"')) return false;
    text = text.substr(1, text.size() - 2);
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') return false;
      if (text[i] == '\\' && ++i == text.size()) return false;
    }
    return true;
  }
  constexpr std::string_view kSpecials = " \"(),:;<>@[\\]";
  const bool plain = text.find_first_of(kSpecials) == std::string_view::npos;
  return plain && !text.starts_with('.') && !text.ends_with('.') &&
         text.find("..") == std::string_view::npos;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// RFC 6376 2.11 dkim-quoted-printable, FWS already removed. Nothing if it is not that, or if it
/// hides a control character.
std::optional<std::string> decode_quoted_printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '=') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

/// RFC 6376 3.5: "v=", "a=", "b=", "bh=", "d=", "h=" and "s=" are REQUIRED.
Refusal check_required(const TagList& tags) {
  for (const std::string_view name : {"v", "a", "b", "bh", "d", "h", "s"}) {
    if (tags.find(name) == nullptr) return syntax_error("{}= is missing", name);
  }
  return std::nullopt;
}

Refusal read_domain(DkimSignature& signature, const TagList& tags) {
  const auto domain = parse_domain(*tags.find("d"));
  if (!domain) return syntax_error("d= is broken: {}", domain.error());
  // RFC 6376 3.5: domain-name = sub-domain 1*("." sub-domain)
  if (domain->label_count() < 2) return syntax_error("d= has a single label");
  signature.domain = *domain;
  // RFC 6376 6.1.1: without i= it is "@" and d=.
  signature.identity_domain = *domain;
  signature.identity = "@" + domain->text();
  return std::nullopt;
}

Refusal read_selector(DkimSignature& signature, const TagList& tags) {
  const std::string& selector = *tags.find("s");
  auto name = dkim_record_name(selector, signature.domain);
  if (!name) return syntax_error("s= is broken: {}", name.error());
  signature.selector = selector;
  signature.key_name = *std::move(name);
  return std::nullopt;
}

Refusal read_version(const TagList& tags) {
  const std::string& version = *tags.find("v");
  if (version == "1") return std::nullopt;
  // RFC 6376 6.1.1: PERMFAIL (incompatible version).
  if (parse_number(version, kMaxTimeDigits)) return permanent_error("v= is not 1");
  return syntax_error("v= is no number");
}

Refusal read_algorithm(DkimSignature& signature, const TagList& tags) {
  const std::string& algorithm = *tags.find("a");
  if (algorithm.size() > 64 || !is_field_name(algorithm)) return syntax_error("a= is broken");
  signature.algorithm = algorithm;
  if (algorithm == "rsa-sha256") {
    signature.key_type = DkimKeyType::rsa;
    return std::nullopt;
  }
  if (algorithm == "ed25519-sha256") {  // RFC 8463 4.1
    signature.key_type = DkimKeyType::ed25519;
    return std::nullopt;
  }
  // RFC 8301 3.1: rsa-sha1 MUST NOT be used for verifying; such signatures "have permanently failed
  // evaluation", which RFC 8601 2.7.1 calls permerror.
  if (algorithm == "rsa-sha1") return permanent_error("rsa-sha1 is obsolete");
  return permanent_error("a= names an unknown algorithm");
}

Refusal read_signature_data(DkimSignature& signature, const TagList& tags) {
  auto octets = decode_base64(*tags.find("b"));
  if (!octets) return syntax_error("b= is broken: {}", octets.error());
  if (octets->empty()) return syntax_error("b= is empty");
  signature.signature = *std::move(octets);
  // What was decoded is written in one way only, so these are the characters that stand there.
  signature.signature_start =
      encode_base64(std::string_view(signature.signature).substr(0, kSignatureStartOctets / 4 * 3));
  return std::nullopt;
}

Refusal read_body_hash(DkimSignature& signature, const TagList& tags) {
  auto octets = decode_base64(*tags.find("bh"));
  if (!octets) return syntax_error("bh= is broken: {}", octets.error());
  if (octets->size() != kHashOctets) {
    return syntax_error("bh= holds {} octets, not the {} of SHA-256", octets->size(), kHashOctets);
  }
  signature.body_hash = *std::move(octets);
  return std::nullopt;
}

/// RFC 6376 3.5 c=: the body's is simple if only one is named.
Refusal read_canonicalization(DkimSignature& signature, const TagList& tags) {
  const std::string* value = tags.find("c");
  if (value == nullptr) return std::nullopt;
  const size_t slash = value->find('/');
  const auto header = parse_canonicalization(std::string_view(*value).substr(0, slash));
  auto body = std::optional(Canonicalization::simple);
  if (slash != std::string::npos) body = parse_canonicalization(value->substr(slash + 1));
  if (!header || !body) return permanent_error("c= names an unknown canonicalization");
  signature.header_canonicalization = *header;
  signature.body_canonicalization = *body;
  return std::nullopt;
}

Refusal read_signed_fields(DkimSignature& signature, const TagList& tags, int maximum) {
  const std::vector<std::string_view> names = split(*tags.find("h"), ':');
  signature.signed_fields.reserve(std::min(names.size(), static_cast<size_t>(maximum)));
  for (const std::string_view name : names) {
    if (!is_field_name(name)) return syntax_error("h= holds something that is no field name");
    if (static_cast<int>(signature.signed_fields.size()) >= maximum) {
      return refuse(DkimResult::policy, fmt::format("h= names more than {} fields", maximum),
                    Limit::signed_fields);
    }
    signature.signed_fields.push_back(ascii_lower(name));
  }
  // RFC 6376 6.1.1: PERMFAIL (From field not signed).
  if (!signature.signs("from")) return permanent_error("From is not signed");
  return std::nullopt;
}

/// RFC 6376 3.5 i=: [ Local-part ] "@" domain-name, the domain at or below d=.
Refusal read_identity(DkimSignature& signature, const TagList& tags) {
  const std::string* value = tags.find("i");
  if (value == nullptr) return std::nullopt;
  if (value->size() > kMaxIdentityOctets) return syntax_error("i= is too long");
  std::string written = without_white(*value);
  const auto address = decode_quoted_printable(written);
  if (!address) return syntax_error("i= is no dkim-quoted-printable");
  const size_t at = address->rfind('@');
  if (at == std::string::npos) return syntax_error("i= holds no @");
  const auto domain = parse_domain(address->substr(at + 1));
  if (!domain || !is_local_part(address->substr(0, at))) return syntax_error("i= is no address");
  signature.identity = std::move(written);
  signature.identity_domain = *domain;
  // RFC 6376 6.1.1: PERMFAIL (domain mismatch).
  if (!domain->is_at_or_below(signature.domain)) return permanent_error("i= is outside d=");
  return std::nullopt;
}

Refusal read_body_length(DkimSignature& signature, const TagList& tags) {
  const std::string* value = tags.find("l");
  if (value == nullptr) return std::nullopt;
  signature.body_length = parse_number(*value, kMaxLengthDigits);
  if (!signature.body_length) return syntax_error("l= is no number");
  return std::nullopt;
}

std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
  const auto seconds = parse_number(text, kMaxTimeDigits);
  if (!seconds) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(static_cast<int64_t>(*seconds)));
}

Refusal read_times(DkimSignature& signature, const TagList& tags) {
  if (const std::string* value = tags.find("t")) {
    signature.signed_at = parse_time(*value);
    if (!signature.signed_at) return syntax_error("t= is no time");
  }
  if (const std::string* value = tags.find("x")) {
    signature.expires_at = parse_time(*value);
    if (!signature.expires_at) return syntax_error("x= is no time");
  }
  // RFC 6376 3.5 x=: MUST be greater than t= if both are present.
  if (signature.signed_at && signature.expires_at &&
      *signature.expires_at <= *signature.signed_at) {
    return permanent_error("x= is not later than t=");
  }
  return std::nullopt;
}

/// "2 days": in the largest unit of which there are two, rounded down.
std::string in_words(std::chrono::seconds time) {
  struct Unit {
    std::string_view name;
    int64_t seconds;
  };
  constexpr Unit kUnits[] = {
      {"years", 365 * 86'400}, {"days", 86'400}, {"hours", 3600}, {"minutes", 60}};
  for (const Unit& unit : kUnits) {
    if (time.count() >= 2 * unit.seconds) {
      return fmt::format("{} {}", time.count() / unit.seconds, unit.name);
    }
  }
  return fmt::format("{} second{}", time.count(), time.count() == 1 ? "" : "s");
}

/// RFC 6376 3.5 q=: unrecognized methods are ignored; dns/txt is the one that is known.
Refusal read_query_methods(const TagList& tags) {
  const std::string* value = tags.find("q");
  if (value == nullptr) return std::nullopt;
  const auto methods = split(*value, ':');
  if (std::find(methods.begin(), methods.end(), "dns/txt") != methods.end()) return std::nullopt;
  return permanent_error("q= names no known method");
}

Refusal check_signature_size(const DkimSignature& signature) {
  if (signature.key_type == DkimKeyType::ed25519 &&
      signature.signature.size() != kEd25519SignatureOctets) {
    return syntax_error("b= holds {} octets, not the {} of Ed25519", signature.signature.size(),
                        kEd25519SignatureOctets);
  }
  return std::nullopt;
}

/// Runs one step after the other until one refuses.
Refusal read_tags(DkimSignature& signature, const TagList& tags, int maximum_signed_fields) {
  Refusal refusal = check_required(tags);
  if (!refusal) refusal = read_domain(signature, tags);
  if (!refusal) refusal = read_selector(signature, tags);
  if (!refusal) refusal = read_signature_data(signature, tags);
  if (!refusal) refusal = read_version(tags);
  if (!refusal) refusal = read_algorithm(signature, tags);
  if (!refusal) refusal = check_signature_size(signature);
  if (!refusal) refusal = read_body_hash(signature, tags);
  if (!refusal) refusal = read_canonicalization(signature, tags);
  if (!refusal) refusal = read_signed_fields(signature, tags, maximum_signed_fields);
  if (!refusal) refusal = read_identity(signature, tags);
  if (!refusal) refusal = read_body_length(signature, tags);
  if (!refusal) refusal = read_times(signature, tags);
  if (!refusal) refusal = read_query_methods(tags);
  return refusal;
}

}  // namespace

bool DkimSignature::signs(std::string_view field_name) const {
  return std::find(signed_fields.begin(), signed_fields.end(), field_name) != signed_fields.end();
}

DkimSignature parse_dkim_signature(std::string_view value, int maximum_signed_fields,
                                   size_t maximum_octets) {
  DkimSignature signature;
  if (value.size() > maximum_octets) {
    signature.refusal = refuse(
        DkimResult::policy,
        fmt::format("a signature of {} octets, over the limit of {}", value.size(), maximum_octets),
        Limit::tag_list_octets);
    return signature;
  }
  const auto tags = parse_tag_list(value, maximum_octets);
  if (tags) {
    signature.refusal = read_tags(signature, *tags, maximum_signed_fields);
  } else {
    signature.refusal = syntax_error("{}", tags.error());
  }
  return signature;
}

std::optional<DkimRefusal> check_signature_time(const DkimSignature& signature,
                                                std::chrono::sys_seconds now,
                                                std::chrono::seconds drift) {
  // RFC 6376 3.5: MAY be considered invalid, so local policy decides: RFC 8601 2.7.1 "policy".
  if (signature.expires_at && now > *signature.expires_at + drift) {
    return refuse(DkimResult::policy,
                  fmt::format("signature expired {} ago", in_words(now - *signature.expires_at)));
  }
  if (signature.signed_at && *signature.signed_at > now + drift) {
    return refuse(DkimResult::policy,
                  fmt::format("signed {} in the future", in_words(*signature.signed_at - now)));
  }
  return std::nullopt;
}

std::string without_signature_value(std::string_view value) {
  size_t start = 0;
  while (start <= value.size()) {
    const size_t end = std::min(value.find(';', start), value.size());
    const std::string_view spec = value.substr(start, end - start);
    const size_t equals = spec.find('=');
    if (equals != std::string_view::npos && trim(spec.substr(0, equals)) == "b") {
      return std::string(value.substr(0, start + equals + 1)) + std::string(value.substr(end));
    }
    start = end + 1;
  }
  return std::string(value);
}

}  // namespace signet
