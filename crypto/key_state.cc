// SPDX-License-Identifier: BSD-2-Clause
//
// First the verifier's own check of a key record, as a recipient makes it, then libopendkim's. Only
// if one of them refuses, the rest begins: finding the words for what a person did wrong when the
// record was published. The usual mistakes are a record that went through a web form (quotation
// marks or backslashes in its text, only the first of its strings) and the key of another selector.

#include "crypto/key_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/dkim_key_check.h"
#include "crypto/public_key.h"
#include "crypto/second_opinion.h"
#include "dns/base64.h"
#include "dns/dkim_record.h"
#include "dns/spf/spf_macro.h"
#include "dns/tag_list.h"

namespace signet {
namespace {

constexpr size_t kTextOctetsInDetails = 60;
constexpr size_t kErrorOctetsInDetails = 200;
constexpr size_t kTxtStringOctets = 255;  // RFC 1035 3.3
/// Records of a name that are looked at; the verifier reads no more either.
constexpr size_t kMaxRecords = 16;
/// 2023-11-14. A signature without x= is as good at any time since.
constexpr std::chrono::sys_seconds kProbeTime{std::chrono::seconds(1'700'000'000)};

/// What is wrong; nothing if all is well.
using Problem = std::optional<std::string>;

std::string quoted(std::string_view text) {
  const bool cut = text.size() > kTextOctetsInDetails;
  return fmt::format("\"{}{}\"", printable_ascii(text, kTextOctetsInDetails), cut ? "..." : "");
}

std::string without(std::string_view text, std::string_view unwanted) {
  std::string left;
  std::copy_if(text.begin(), text.end(), std::back_inserter(left),
               [&](char c) { return unwanted.find(c) == std::string_view::npos; });
  return left;
}

/// The value of p= in a record that need not parse, up to the next `;`, without white space.
std::string loose_public_key(std::string_view text) {
  for (size_t at = text.find("p="); at != std::string_view::npos; at = text.find("p=", at + 1)) {
    const bool is_tag = at == 0 || std::string_view("; \t\"").find(text[at - 1]) != text.npos;
    if (!is_tag) continue;
    const std::string_view value = text.substr(at + 2);
    return without(value.substr(0, value.find(';')), " \t\r\n");
  }
  return {};
}

std::string own_public_key(const SigningKey& key) { return loose_public_key(key.record()); }

// ---- The records at the name ----

/// Which of the TXT records are key records, read as a verifier reads them.
struct Records {
  std::vector<std::string_view> keys;
  std::vector<std::string_view> others;
};

Records sort_records(const Answer& answer) {
  Records records;
  for (size_t i = 0; i < std::min(answer.texts.size(), kMaxRecords); ++i) {
    const std::string& text = answer.texts[i];
    (parse_dkim_record(text) ? records.keys : records.others).push_back(text);
  }
  return records;
}

/// A signature by the key, as far as the check of its record wants to know.
DkimSignature signature_of(const SigningKey& key) {
  DkimSignature signature;
  signature.domain = key.domain();
  signature.identity_domain = key.domain();
  signature.selector = key.selector();
  signature.key_name = key_record_name(key);
  signature.key_type = key.type();
  return signature;
}

// ---- Words for a record that does not parse ----

/// A record that holds the front part of our key and no more.
Problem explain_cut_key(const SigningKey& key, std::string_view text) {
  const std::string ours = own_public_key(key);
  const std::string theirs = loose_public_key(text);
  if (theirs.empty() || theirs.size() >= ours.size() || !ours.starts_with(theirs)) {
    return std::nullopt;
  }
  if (text.size() == kTxtStringOctets) {
    return "the record ends after 255 octets: the second string is missing";
  }
  return fmt::format("p= is cut: {} of {} characters are there", theirs.size(), ours.size());
}

/// True if this text, published, would be a record for the key.
bool would_match(const SigningKey& key, const std::string& text) {
  const auto record = parse_dkim_record(text);
  if (!record || record->type != key.type()) return false;
  return encode_base64(record->public_key) == own_public_key(key);
}

/// What zone files and web forms want around a text, inside of it.
Problem explain_stray_characters(const SigningKey& key, std::string_view text) {
  const bool quotes = text.find('"') != std::string_view::npos;
  const bool backslashes = text.find('\\') != std::string_view::npos;
  if (!quotes && !backslashes) return std::nullopt;
  const std::string_view what = quotes && backslashes ? "quotation marks and backslashes"
                                : quotes              ? "quotation marks"
                                                      : "backslashes";
  const bool ours = would_match(key, without(text, "\"\\"));
  return fmt::format("there are {} inside the record's text{}: {}", what,
                     ours ? ", which is right without them" : "", quoted(text));
}

std::string explain_other_text(std::string_view text) {
  if (text.starts_with("v=spf1")) return "an SPF record, perhaps of a wildcard: " + quoted(text);
  if (text.starts_with("v=DMARC1")) return "a DMARC record: " + quoted(text);
  return quoted(text);
}

/// DMARC records have a p= too.
bool looks_like_key(std::string_view text) {
  if (text.starts_with("v=DMARC1") || text.starts_with("v=spf1")) return false;
  return text.find("DKIM1") != text.npos || text.find("-----BEGIN") != text.npos ||
         !loose_public_key(text).empty();
}

/// A text that is meant as a key record, to judge by its looks, and is none.
std::string explain_broken_record(const SigningKey& key, std::string_view text) {
  if (text.find("-----BEGIN") != text.npos) {
    return "the record holds the lines of a PEM file; p= wants what is between them";
  }
  if (auto problem = explain_stray_characters(key, text)) return *std::move(problem);
  if (auto problem = explain_cut_key(key, text)) return *std::move(problem);
  const auto record = parse_dkim_record(text);
  return "the record is broken: " + printable_ascii(record.error(), kErrorOctetsInDetails);
}

std::string explain_no_key_record(const SigningKey& key, const std::vector<std::string_view>& all) {
  const auto broken = std::find_if(all.begin(), all.end(), looks_like_key);
  if (broken != all.end()) return explain_broken_record(key, *broken);
  const std::string first = explain_other_text(all.front());
  if (all.size() == 1) return "the TXT record is no key record but " + first;
  return fmt::format("none of the {} TXT records is a key record; the first is {}", all.size(),
                     first);
}

// ---- Words for a record that is of another key, or forbids ours ----

std::string explain_type(const SigningKey& key, const TagList& tags) {
  const std::string* type = tags.find("k");
  if (type == nullptr) {
    return fmt::format("k= is missing, which means rsa, but the key is {}", to_string(key.type()));
  }
  return fmt::format("k={}, but the key is {}", *type, to_string(key.type()));
}

/// Where the keys part, counted from 1, in octets of p= as decoded.
std::string explain_other_key(const SigningKey& key, const std::string& theirs) {
  // Our own record decodes.
  const std::string ours = *decode_base64(own_public_key(key));
  const auto parted = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
  std::string text = fmt::format("p= differs from octet {} on (published {} octets, the key {})",
                                 parted.first - ours.begin() + 1, theirs.size(), ours.size());
  const auto published = PublicKey::parse(key.type(), theirs);
  if (!published) {
    text += ": " + published.error();
  } else if (published->bits() != key.bits()) {
    text += fmt::format(": a key of {} bits, ours has {}", published->bits(), key.bits());
  }
  return text;
}

/// In the order in which RFC 6376 6.1.2 has a verifier look.
Problem explain_record(const SigningKey& key, std::string_view text) {
  const auto record = parse_dkim_record(text);
  const auto tags = parse_tag_list(text);
  if (!record || !tags) return "the record is broken";
  if (!record->for_email) {
    return fmt::format("s={} does not allow email", quoted(*tags->find("s")));
  }
  const auto& hashes = record->hashes;
  if (!hashes.empty() && std::find(hashes.begin(), hashes.end(), "sha256") == hashes.end()) {
    return fmt::format("h={} does not allow sha256", quoted(*tags->find("h")));
  }
  if (record->public_key.empty()) return "the key is revoked: p= is empty";
  if (record->type != key.type()) return explain_type(key, *tags);
  if (encode_base64(record->public_key) == own_public_key(key)) return std::nullopt;
  if (auto problem = explain_cut_key(key, text)) return problem;
  return explain_other_key(key, record->public_key);
}

/// What verifiers make do with, but a postmaster may not have meant.
std::vector<std::string> find_oddities(const Records& records) {
  std::vector<std::string> odd;
  const std::string_view text = records.keys.front();
  const auto record = parse_dkim_record(text);
  if (record->testing) odd.push_back("t=y: verifiers are told that this is a test");
  if (record->strict_identity) odd.push_back("t=s: signatures with i= below d= do not verify");
  if (parse_tag_list(text)->find("v") == nullptr) odd.push_back("v=DKIM1 is missing");
  if (!can_ask_for_second_opinion(text)) {
    odd.push_back(fmt::format("libopendkim, and filters that use it, may not read these {} octets",
                              text.size()));
  }
  if (!records.others.empty()) {
    odd.push_back(fmt::format("{} other TXT records beside it, the first is {}",
                              records.others.size(), explain_other_text(records.others.front())));
  }
  return odd;
}

// ---- The two judges ----

/// Our verifier's: the key that it would use is ours.
Problem first_opinion(const SigningKey& key, const Answer& answer) {
  const DkimKeyCheck check = check_dkim_key(answer, signature_of(key), DkimVerifyOptions());
  if (check.refusal) return check.refusal->reason;
  if (encode_base64(check.key->encoded()) != own_public_key(key)) return "p= is of another key";
  return std::nullopt;
}

/// libopendkim's, on a message that the key has signed. It has none on records it cannot read.
Problem probe(const SigningKey& key, std::string_view record) {
  if (!can_ask_for_second_opinion(record)) return std::nullopt;
  const std::string_view body = "This message was never sent.\r\n";
  std::vector<HeaderField> fields = {{"From", " postmaster@" + key.domain().text()},
                                     {"Subject", " probe of a signing key"}};
  DkimSignOptions options;
  options.signature_ttl = std::chrono::seconds(0);
  // The signer shares its keys; this one lives as long as the call.
  const std::shared_ptr<const SigningKey> shared(std::shared_ptr<void>(), &key);
  const auto signer = make_dkim_signer(DkimEngine::native, options, {{shared, {}}});
  for (const HeaderField& field : fields) signer->header(field);
  signer->end_of_headers();
  signer->body(body);
  auto signatures = signer->finish(kProbeTime);
  if (!signatures) return "the key cannot sign: " + signatures.error();
  fields.insert(fields.begin(), signatures->front());
  const SecondOpinion opinion = second_opinion(fields, body, record);
  if (opinion.pass) return std::nullopt;
  return opinion.reason;
}

KeyCheck mismatch(std::string detail) { return {KeyState::mismatch, std::move(detail)}; }

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

/// There is exactly one key record at the name.
KeyCheck judge_record(const SigningKey& key, const Answer& answer, const Records& records) {
  const std::string_view text = records.keys.front();
  const Problem ours = first_opinion(key, answer);
  const Problem theirs = probe(key, text);
  if (!ours && !theirs) return {KeyState::published, joined(find_oddities(records))};
  if (!ours) {
    return mismatch(
        fmt::format("our verifier accepts the record, libopendkim does not: {}", *theirs));
  }
  const std::string detail = explain_record(key, text).value_or(*ours);
  const bool disputed = !theirs && can_ask_for_second_opinion(text);
  return mismatch(disputed ? detail + "; libopendkim accepts the record nevertheless" : detail);
}

}  // namespace

std::string_view to_string(KeyState state) {
  switch (state) {
    case KeyState::published:
      return "published";
    case KeyState::unpublished:
      return "unpublished";
    case KeyState::mismatch:
      return "mismatch";
    case KeyState::unknown:
      return "unknown";
  }
  return "unknown";
}

Name key_record_name(const SigningKey& key) {
  const auto name = dkim_record_name(key.selector(), key.domain());
  assert(name);  // or there would be no SigningKey
  return *name;
}

KeyCheck compare_with_record(const SigningKey& key, const Answer& answer) {
  const std::string name = key_record_name(key).text();
  switch (answer.status) {
    case DnsStatus::answered:
      break;
    case DnsStatus::no_data:
      return {KeyState::unpublished, "no TXT record at " + name};
    case DnsStatus::no_domain:
      return {KeyState::unpublished, fmt::format("no TXT record at {}: no such name", name)};
    case DnsStatus::server_failure:
    case DnsStatus::timed_out:
      return {KeyState::unknown, fmt::format("DNS {} for {}{}{}", to_string(answer.status), name,
                                             answer.error.empty() ? "" : ": ",
                                             printable_ascii(answer.error, kErrorOctetsInDetails))};
  }
  if (answer.texts.empty()) return {KeyState::unpublished, "no TXT record at " + name};
  if (answer.texts.size() > kMaxRecords) {
    return mismatch(fmt::format("{} TXT records at {}", answer.texts.size(), name));
  }
  const Records records = sort_records(answer);
  if (records.keys.empty()) return mismatch(explain_no_key_record(key, records.others));
  if (records.keys.size() == 1) return judge_record(key, answer, records);
  const bool one_is_ours = std::any_of(records.keys.begin(), records.keys.end(),
                                       [&](auto text) { return !explain_record(key, text); });
  return mismatch(fmt::format("{} key records where one is allowed, {}", records.keys.size(),
                              one_is_ours ? "one of them this key's" : "none of them this key's"));
}

}  // namespace signet
