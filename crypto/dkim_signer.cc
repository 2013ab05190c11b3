// SPDX-License-Identifier: BSD-2-Clause
//
// The signer of a message: chooses what is signed, has libopendkim sign with RSA keys and signs
// with Ed25519 keys itself, and lets nothing out that does not verify. The fields and hashes of
// both ways are the same, so a recipient sees two signatures that differ in a=, s= and b= only.

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "crypto/dkim.h"
#include "crypto/dkim_hash.h"
#include "crypto/dkim_opendkim_signer.h"
#include "crypto/dkim_signature.h"
#include "crypto/opendkim_library.h"
#include "crypto/public_key.h"
#include "dns/base64.h"

namespace signet {
namespace {

/// libopendkim loses names beyond 4 KiB of h=; this leaves room for those signed in addition.
constexpr size_t kMaxSignedNameOctets = 3500;
constexpr size_t kLineColumns = 78;  // RFC 5322 2.1.1
constexpr std::string_view kFieldName = "DKIM-Signature";

std::set<std::string> lower_names(const char* const* names) {
  std::set<std::string> lowered;
  for (; *names != nullptr; ++names) lowered.insert(ascii_lower(*names));
  return lowered;
}

Canonicalization canonicalization(bool relaxed) {
  return relaxed ? Canonicalization::relaxed : Canonicalization::simple;
}

/// A field value that grows by tokens and folds before a token that would not fit on the line.
class FoldedValue {
 public:
  explicit FoldedValue(size_t name_columns) : column_(name_columns) {}

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
  const std::string& text() const { return text_; }

 private:
  void fold() {
    text_ += "\r\n\t";
    column_ = 8;
  }
  void append(std::string_view octets) {
    text_ += octets;
    column_ += octets.size();
  }

  std::string text_;
  size_t column_;
};

/// RFC 6376 2.10: FWS may stand anywhere in base64.
void add_base64(FoldedValue& value, std::string_view text) {
  constexpr size_t kPiece = 16;
  for (size_t i = 0; i < text.size(); i += kPiece) value.add_part(text.substr(i, kPiece));
}

class Signer final : public DkimSigner {
 public:
  Signer(const DkimSignOptions& options, std::vector<std::shared_ptr<const SigningKey>> keys)
      : options_(options), keys_(std::move(keys)) {}

  void header(const HeaderField& field) override { fields_.push_back(field); }
  void end_of_headers() override;
  const std::string& refusal() const override { return refusal_; }
  void body(std::string_view octets) override;
  Result<std::vector<HeaderField>> finish(std::chrono::sys_seconds now) override;

 private:
  std::string select_fields();
  Result<HeaderField> sign(size_t index, std::chrono::sys_seconds now);
  Result<HeaderField> sign_here(const SigningKey& key, std::chrono::sys_seconds now) const;
  std::string unsigned_value(const SigningKey& key, std::chrono::sys_seconds now) const;
  std::string check(const HeaderField& field, const SigningKey& key) const;

  const DkimSignOptions options_;
  const std::vector<std::shared_ptr<const SigningKey>> keys_;
  std::vector<HeaderField> fields_;        ///< after end_of_headers() only those to sign
  std::vector<std::string> signed_names_;  ///< h=, as written
  std::string refusal_;
  BodyHashes body_hashes_;
  size_t body_hash_ = 0;
  std::vector<std::unique_ptr<OpendkimRsaSigner>> rsa_signers_;  ///< by key; null for Ed25519
};

void Signer::end_of_headers() {
  refusal_ = select_fields();
  if (!refusal_.empty()) return;
  body_hash_ = body_hashes_.add(canonicalization(options_.relaxed_body), std::nullopt);
  for (const auto& key : keys_) {
    auto& signer = rsa_signers_.emplace_back();
    if (key->type() != DkimKeyType::rsa) continue;
    signer = std::make_unique<OpendkimRsaSigner>(options_, key);
    signer->start(fields_);
  }
}

/// Fills fields_ and signed_names_. Returns why the message can't be signed, or nothing.
std::string Signer::select_fields() {
  static const std::set<std::string> kWanted = lower_names(signed_field_names());
  std::erase_if(fields_,
                [](const HeaderField& f) { return !kWanted.contains(comparable_name(f)); });
  const auto from_fields = std::count_if(fields_.begin(), fields_.end(), [](const HeaderField& f) {
    return comparable_name(f) == "from";
  });
  // RFC 5322 3.6: exactly one. With more, each reader shows another author.
  if (from_fields != 1) return fmt::format("the message has {} From fields", from_fields);
  size_t octets = 0;
  for (const HeaderField& field : fields_) {
    if (field.value.find('\0') != std::string::npos) return "a header field holds a NUL";
    signed_names_.push_back(field.name.substr(0, field.name.find_last_not_of(" \t") + 1));
    octets += signed_names_.back().size() + 1;
  }
  if (octets > kMaxSignedNameOctets) return "too many header fields to sign";
  // RFC 6376 5.4: one entry more than there are fields denies any that is added.
  for (const char* const* name = oversigned_field_names(); *name != nullptr; ++name) {
    signed_names_.emplace_back(*name);
  }
  return {};
}

void Signer::body(std::string_view octets) {
  if (!refusal_.empty()) return;
  body_hashes_.update(octets);
  for (const auto& signer : rsa_signers_) {
    if (signer) signer->body(octets);
  }
}

Result<std::vector<HeaderField>> Signer::finish(std::chrono::sys_seconds now) {
  if (!refusal_.empty()) return Error{refusal_};
  body_hashes_.finish();
  std::vector<HeaderField> signatures;
  for (size_t i = 0; i < keys_.size(); ++i) {
    auto field = sign(i, now);
    if (!field) {
      return Error{fmt::format("signing as {} with selector {}: {}", keys_[i]->domain().text(),
                               keys_[i]->selector(), field.error())};
    }
    signatures.push_back(*std::move(field));
  }
  return signatures;
}

/// A signature that has been checked.
Result<HeaderField> Signer::sign(size_t index, std::chrono::sys_seconds now) {
  const SigningKey& key = *keys_[index];
  if (rsa_signers_[index]) {
    // Some messages (a bare CR in the body, a word of 64 KiB) the library refuses, or canonicalizes
    // otherwise than RFC 6376 3.4 has it. It would do so at every other try, so such a message is
    // signed here.
    auto field = rsa_signers_[index]->finish();
    if (field && check(*field, key).empty()) return field;
  }
  auto field = sign_here(key, now);
  if (!field) return field;
  if (std::string problem = check(*field, key); !problem.empty()) return Error{std::move(problem)};
  return field;
}

Result<HeaderField> Signer::sign_here(const SigningKey& key, std::chrono::sys_seconds now) const {
  HeaderField field{std::string(kFieldName), unsigned_value(key, now)};
  DkimSignature signature;
  signature.header_canonicalization = canonicalization(options_.relaxed_header);
  for (const std::string& name : signed_names_) {
    signature.signed_fields.push_back(ascii_lower(name));
  }
  const std::string hash = header_hash(fields_, signature, field);
  const std::string octets = sign_hash(key.evp(), key.type(), hash);
  if (octets.empty()) return Error{"OpenSSL could not sign"};
  // The last line of the unsigned value is "\tb=".
  FoldedValue rest(8 + 2);
  add_base64(rest, encode_base64(octets));
  field.value += rest.text();
  return field;
}

/// Everything up to and with "b=", which begins a line.
std::string Signer::unsigned_value(const SigningKey& key, std::chrono::sys_seconds now) const {
  FoldedValue value(kFieldName.size() + 1);
  const auto seconds = now.time_since_epoch();
  value.add_word("v=1;");
  value.add_word(fmt::format("a={}-sha256;", to_string(key.type())));
  value.add_word(fmt::format("c={}/{};", to_string(canonicalization(options_.relaxed_header)),
                             to_string(canonicalization(options_.relaxed_body))));
  value.add_word(fmt::format("d={};", key.domain().text()));
  value.add_word(fmt::format("s={};", key.selector()));
  value.add_word(fmt::format("t={};", seconds.count()));
  if (options_.signature_ttl.count() > 0) {
    value.add_word(fmt::format("x={};", (seconds + options_.signature_ttl).count()));
  }
  value.add_word(fmt::format("bh={};", encode_base64(body_hashes_.hash(body_hash_))));
  for (size_t i = 0; i < signed_names_.size(); ++i) {
    const bool last = i + 1 == signed_names_.size();
    const std::string token =
        fmt::format("{}{}{}", i == 0 ? "h=" : "", signed_names_[i], last ? ";" : ":");
    if (i == 0) {
      value.add_word(token);
    } else {
      value.add_part(token);
    }
  }
  return value.text() + "\r\n\tb=";
}

/// What a recipient will check, with the public half of the key. Returns the problem, or nothing.
std::string Signer::check(const HeaderField& field, const SigningKey& key) const {
  const DkimSignature signature = parse_dkim_signature(field.value, INT32_MAX);
  if (signature.refusal) return signature.refusal->reason;
  if (!signature.signs("from")) return "From is not in h=";
  if (signature.domain != key.domain() || signature.selector != key.selector()) {
    return "the signature names another key";
  }
  if (signature.body_length) return "the signature has an l=";
  if (signature.body_hash != body_hashes_.hash(body_hash_)) return "the body hash differs";
  const std::string hash = header_hash(fields_, signature, field);
  const bool good = verify_hash(key.evp(), key.type(), hash, signature.signature);
  return good ? "" : "the signature does not verify";
}

}  // namespace

std::unique_ptr<DkimSigner> make_dkim_signer(DkimEngine /*engine*/, const DkimSignOptions& options,
                                             std::vector<SignatureSpec> wanted) {
  std::vector<std::shared_ptr<const SigningKey>> keys;
  for (SignatureSpec& spec : wanted) keys.push_back(std::move(spec.key));
  return std::make_unique<Signer>(options, std::move(keys));
}

}  // namespace signet
