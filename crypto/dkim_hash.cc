// SPDX-License-Identifier: BSD-2-Clause
//
// Selection of signed fields from the bottom up, and SHA-256 fed by the canonicalizers.

#include "crypto/dkim_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <map>
#include <new>

#include "dns/name.h"

namespace signet {
void Sha256::Free::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();
  }
}

void Sha256::update(std::string_view octets) {
  EVP_DigestUpdate(context_.get(), octets.data(), octets.size());
}

std::string Sha256::finish() {
  std::string value(32, '\0');
  EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(value.data()), nullptr);
  return value;
}

BodyHashes::Stream& BodyHashes::stream(Canonicalization canonicalization) {
  return streams_[canonicalization == Canonicalization::relaxed ? 1 : 0];
}

size_t BodyHashes::add(Canonicalization canonicalization, std::optional<uint64_t> length) {
  const auto same = std::find_if(hashes_.begin(), hashes_.end(), [&](const Hash& hash) {
    return hash.canonicalization == canonicalization && hash.length == length;
  });
  if (same != hashes_.end()) return static_cast<size_t>(same - hashes_.begin());
  hashes_.push_back(Hash{canonicalization, length, Sha256(), {}});
  auto& canonicalizer = stream(canonicalization).canonicalizer;
  if (!canonicalizer) {
    canonicalizer = std::make_unique<BodyCanonicalizer>(
        canonicalization, [this, canonicalization](std::string_view octets) {
          add_canonical(canonicalization, octets);
        });
  }
  return hashes_.size() - 1;
}

void BodyHashes::update(std::string_view octets) {
  for (Stream& s : streams_) {
    if (s.canonicalizer) s.canonicalizer->update(octets);
  }
}

void BodyHashes::finish() {
  for (Stream& s : streams_) {
    if (s.canonicalizer) s.canonicalizer->finish();
  }
  for (Hash& hash : hashes_) hash.value = hash.sha256.finish();
}

uint64_t BodyHashes::canonical_octets(size_t index) const {
  return streams_[hashes_[index].canonicalization == Canonicalization::relaxed ? 1 : 0].octets;
}

void BodyHashes::add_canonical(Canonicalization canonicalization, std::string_view octets) {
  uint64_t& before = stream(canonicalization).octets;
  for (Hash& hash : hashes_) {
    if (hash.canonicalization != canonicalization) continue;
    const uint64_t left = hash.length ? *hash.length - std::min(*hash.length, before) : UINT64_MAX;
    hash.sha256.update(octets.substr(0, std::min<uint64_t>(left, octets.size())));
  }
  before += octets.size();
}

std::string comparable_name(const HeaderField& field) {
  std::string name = ascii_lower(field.name);
  name.erase(name.find_last_not_of(" \t") + 1);
  return name;
}

std::vector<const HeaderField*> select_signed_fields(const std::vector<HeaderField>& fields,
                                                     const std::vector<std::string>& names) {
  // Of each name, the fields from the top; the last one is taken first.
  std::map<std::string, std::vector<const HeaderField*>> available;
  for (const std::string& name : names) available.try_emplace(name);
  for (const HeaderField& field : fields) {
    const auto entry = available.find(comparable_name(field));
    if (entry != available.end()) entry->second.push_back(&field);
  }
  std::vector<const HeaderField*> selected;
  for (const std::string& name : names) {
    auto& left = available[name];
    if (left.empty()) continue;
    selected.push_back(left.back());
    left.pop_back();
  }
  return selected;
}

std::string header_hash(const std::vector<HeaderField>& fields, const DkimSignature& signature,
                        const HeaderField& signature_field) {
  const auto canonicalization = signature.header_canonicalization;
  Sha256 sha256;
  for (const HeaderField* field : select_signed_fields(fields, signature.signed_fields)) {
    sha256.update(canonical_field(*field, canonicalization));
    sha256.update("\r\n");
  }
  // RFC 6376 3.7: last the signature field itself, without a CRLF.
  const HeaderField unsigned_field{signature_field.name,
                                   without_signature_value(signature_field.value)};
  sha256.update(canonical_field(unsigned_field, canonicalization));
  return sha256.finish();
}

}  // namespace signet
