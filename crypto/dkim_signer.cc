// SPDX-License-Identifier: BSD-2-Clause
//
// The signer of a message. Header and body are canonicalized and hashed once, whatever the number
// of keys; each key then adds its own DKIM-Signature field to the hash of the header. Where
// libopendkim is asked to sign with an RSA key, it gets the same fields and the same body, and
// what it writes has to stand up to the same check as what is written here, and to verify.

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "crypto/dkim.h"
#include "crypto/dkim_hash.h"
#include "crypto/dkim_opendkim_signer.h"
#include "crypto/dkim_signature.h"
#include "crypto/dkim_signature_writer.h"
#include "crypto/signed_fields.h"

namespace signet {
namespace {

/// What the names of the signed fields may take in h=: some 1,000 names. The whole tag list is
/// read back, and by others too; what else is in it has room in the rest of kMaxTagListOctets.
constexpr size_t kMaxNameOctets = 12'000;
/// libopendkim loses names beyond 4 KiB of h=; this leaves room for what it puts around them.
constexpr size_t kMaxOpendkimNameOctets = 3500;

Canonicalization canonicalization(bool relaxed) {
  return relaxed ? Canonicalization::relaxed : Canonicalization::simple;
}

/// One signature to make: a key, what i= says, and the library's signer if it is to try first.
struct Job {
  std::shared_ptr<const SigningKey> key;
  std::string identity;
  std::unique_ptr<OpendkimRsaSigner> library;
};

/// A signature of OpenSSL's, and the hash that it is over.
struct SignedHere {
  HeaderField field;
  std::string hash;
};

class Signer final : public DkimSigner {
 public:
  Signer(DkimEngine engine, const DkimSignOptions& options, std::vector<SignatureSpec> wanted);

  void header(const HeaderField& field) override { fields_.add(field); }
  void end_of_headers() override;
  const std::string& refusal() const override { return refusal_; }
  void body(std::string_view octets) override;
  Result<std::vector<HeaderField>> finish(std::chrono::sys_seconds now) override;

 private:
  Result<HeaderField> sign(Job& job, std::chrono::sys_seconds now) const;
  Result<SignedHere> sign_here(const Job& job, std::chrono::sys_seconds now) const;
  std::string check_tags(const HeaderField& field, const Job& job) const;
  bool verifies(const HeaderField& field, const SigningKey& key) const;

  const Canonicalization header_canonicalization_;
  const Canonicalization body_canonicalization_;
  const std::chrono::seconds signature_ttl_;
  std::vector<Job> jobs_;
  SignedFields fields_;
  std::vector<std::string> names_;         ///< h= in lower case
  std::optional<HeaderHash> header_hash_;  ///< of the fields that names_ selects
  std::string refusal_;
  BodyHashes body_hashes_;
  size_t body_hash_ = 0;
};

Signer::Signer(DkimEngine engine, const DkimSignOptions& options, std::vector<SignatureSpec> wanted)
    : header_canonicalization_(canonicalization(options.relaxed_header)),
      body_canonicalization_(canonicalization(options.relaxed_body)),
      signature_ttl_(options.signature_ttl),
      fields_(options, engine == DkimEngine::native ? kMaxNameOctets : kMaxOpendkimNameOctets) {
  jobs_.reserve(wanted.size());
  for (SignatureSpec& spec : wanted) {
    Job& job = jobs_.emplace_back();
    job.key = std::move(spec.key);
    job.identity = write_identity(spec.auid, job.key->domain());
    if (engine == DkimEngine::libopendkim && job.key->type() == DkimKeyType::rsa) {
      job.library = std::make_unique<OpendkimRsaSigner>(options, job.key, job.identity);
    }
  }
}

void Signer::end_of_headers() {
  refusal_ = fields_.finish();
  if (!refusal_.empty()) return;
  names_ = fields_.comparable_names();
  header_hash_.emplace(select_signed_fields(fields_.fields(), names_), header_canonicalization_);
  body_hash_ = body_hashes_.add(body_canonicalization_, std::nullopt);
  for (Job& job : jobs_) {
    if (job.library) job.library->start(fields_.fields());
  }
  fields_.drop_fields();
}

void Signer::body(std::string_view octets) {
  if (!refusal_.empty()) return;
  body_hashes_.update(octets);
  for (Job& job : jobs_) {
    if (job.library) job.library->body(octets);
  }
}

Result<std::vector<HeaderField>> Signer::finish(std::chrono::sys_seconds now) {
  if (!refusal_.empty()) return Error{refusal_};
  body_hashes_.finish();
  std::vector<HeaderField> signatures;
  signatures.reserve(jobs_.size());
  for (Job& job : jobs_) {
    auto field = sign(job, now);
    if (!field) {
      return Error{fmt::format("signing as {} with selector {}: {}", job.key->domain().text(),
                               job.key->selector(), field.error())};
    }
    signatures.push_back(*std::move(field));
  }
  return signatures;
}

/// A signature that has been checked.
Result<HeaderField> Signer::sign(Job& job, std::chrono::sys_seconds now) const {
  if (job.library) {
    // Some messages (a bare CR in the body, a word of 64 KiB) the library refuses, or canonicalizes
    // otherwise than RFC 6376 3.4 has it. It would do so at every other try, so such a message is
    // signed here.
    auto field = job.library->finish();
    if (field && check_tags(*field, job).empty() && verifies(*field, *job.key)) return field;
  }
  auto made = sign_here(job, now);
  if (!made) return Error{made.error()};
  std::string problem = check_tags(made->field, job);
  // OpenSSL checks an RSA signature with the public half before it gives it away (a fault in its
  // computation would tell the key). What is left is that a recipient hashes what was signed.
  if (problem.empty() && header_hash_->with(made->field) != made->hash) {
    problem = "a recipient would hash something else than what was signed";
  }
  if (!problem.empty()) return Error{std::move(problem)};
  return std::move(made->field);
}

Result<SignedHere> Signer::sign_here(const Job& job, std::chrono::sys_seconds now) const {
  const SigningKey& key = *job.key;
  SignatureTags tags;
  tags.key_type = key.type();
  tags.header_canonicalization = header_canonicalization_;
  tags.body_canonicalization = body_canonicalization_;
  tags.domain = key.domain().text();
  tags.selector = key.selector();
  tags.identity = job.identity;
  tags.signed_at = now;
  if (signature_ttl_.count() > 0) tags.expires_at = now + signature_ttl_;
  tags.body_hash = body_hashes_.hash(body_hash_);
  tags.signed_fields = fields_.names();
  HeaderField field{"DKIM-Signature", write_unsigned_value(tags)};
  std::string hash = header_hash_->with(field);
  const std::string octets = key.sign(hash);
  if (octets.empty()) return Error{"OpenSSL could not sign"};
  append_signature(field.value, octets);
  return SignedHere{std::move(field), std::move(hash)};
}

/// Reads the field as a recipient will. Returns what is not as it was meant, or nothing.
std::string Signer::check_tags(const HeaderField& field, const Job& job) const {
  const SigningKey& key = *job.key;
  const DkimSignature signature = parse_dkim_signature(field.value, INT32_MAX);
  if (signature.refusal) return signature.refusal->reason;
  if (!signature.signs("from")) return "From is not in h=";
  if (signature.signed_fields != names_) return "h= differs";
  if (signature.domain != key.domain() || signature.selector != key.selector()) {
    return "the signature names another key";
  }
  const std::string& identity = job.identity;
  if (signature.identity != (identity.empty() ? "@" + key.domain().text() : identity)) {
    return "i= differs";
  }
  if (signature.body_length) return "the signature has an l=";
  if (signature.header_canonicalization != header_canonicalization_ ||
      signature.body_canonicalization != body_canonicalization_) {
    return "c= differs";
  }
  if (signature.body_hash != body_hashes_.hash(body_hash_)) return "the body hash differs";
  return {};
}

bool Signer::verifies(const HeaderField& field, const SigningKey& key) const {
  const DkimSignature signature = parse_dkim_signature(field.value, INT32_MAX);
  return key.public_key().verify(header_hash_->with(field), signature.signature);
}

}  // namespace

std::unique_ptr<DkimSigner> make_dkim_signer(DkimEngine engine, const DkimSignOptions& options,
                                             std::vector<SignatureSpec> wanted) {
  return std::make_unique<Signer>(engine, options, std::move(wanted));
}

}  // namespace signet
