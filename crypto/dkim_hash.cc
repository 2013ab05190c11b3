// SPDX-License-Identifier: BSD-2-Clause
//
// Selection of signed fields from the bottom up, and SHA-256 fed by the canonicalizers.

#include "crypto/dkim_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <new>
#include <utility>

#include "dns/name.h"

namespace signet {
namespace {

/// EVP_sha256() is a name that each use looks up again; this is the algorithm itself. It is there
/// from the first use to the end of the process.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kAlgorithm != nullptr ? kAlgorithm : EVP_sha256();
}

}  // namespace

void Sha256::Free::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), sha256_algorithm(), nullptr) != 1) {
    throw std::bad_alloc();
  }
}

Sha256::Sha256(const Sha256& other) : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()) != 1) {
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

namespace {

/// The fields of one name: the one to take next. The one above each is in a list beside.
struct FieldsOfName {
  std::string_view name;
  size_t next;
};

constexpr size_t kNoField = SIZE_MAX;

/// Any total order would do; this one seldom has to look at letters.
bool comes_before(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

/// One entry per different name, in the order of comes_before().
std::vector<FieldsOfName> distinct(const std::vector<std::string>& names) {
  std::vector<FieldsOfName> entries;
  entries.reserve(names.size());
  for (const std::string& name : names) entries.push_back({name, kNoField});
  std::sort(entries.begin(), entries.end(), [](const FieldsOfName& a, const FieldsOfName& b) {
    return comes_before(a.name, b.name);
  });
  const auto end =
      std::unique(entries.begin(), entries.end(),
                  [](const FieldsOfName& a, const FieldsOfName& b) { return a.name == b.name; });
  entries.erase(end, entries.end());
  return entries;
}

FieldsOfName* find_name(std::vector<FieldsOfName>& entries, std::string_view name) {
  const auto entry = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const FieldsOfName& e, std::string_view n) { return comes_before(e.name, n); });
  return entry != entries.end() && entry->name == name ? &*entry : nullptr;
}

}  // namespace

std::vector<const HeaderField*> select_signed_fields(const std::vector<HeaderField>& fields,
                                                     const std::vector<std::string>& names) {
  std::vector<FieldsOfName> entries = distinct(names);
  std::vector<size_t> above(fields.size(), kNoField);  // the field before it of the same name
  for (size_t i = 0; i < fields.size(); ++i) {
    FieldsOfName* const entry = find_name(entries, comparable_name(fields[i]));
    if (entry != nullptr) above[i] = std::exchange(entry->next, i);
  }
  std::vector<const HeaderField*> selected;
  selected.reserve(std::min(names.size(), fields.size()));
  for (const std::string& name : names) {
    FieldsOfName* const entry = find_name(entries, name);
    if (entry->next == kNoField) continue;
    selected.push_back(&fields[entry->next]);
    entry->next = above[entry->next];
  }
  return selected;
}

HeaderHash::HeaderHash(const std::vector<HeaderField>& fields,
                       const std::vector<std::string>& names, Canonicalization canonicalization)
    : canonicalization_(canonicalization) {
  std::string octets;
  for (const HeaderField* field : select_signed_fields(fields, names)) {
    octets += canonical_field(*field, canonicalization_) + "\r\n";
  }
  signed_fields_.update(octets);
}

std::string HeaderHash::with(const HeaderField& signature_field) const {
  Sha256 sha256 = signed_fields_;
  // RFC 6376 3.7: last the signature field itself, without a CRLF.
  const HeaderField unsigned_field{signature_field.name,
                                   without_signature_value(signature_field.value)};
  sha256.update(canonical_field(unsigned_field, canonicalization_));
  return sha256.finish();
}

std::string header_hash(const std::vector<HeaderField>& fields, const DkimSignature& signature,
                        const HeaderField& signature_field) {
  return HeaderHash(fields, signature.signed_fields, signature.header_canonicalization)
      .with(signature_field);
}

}  // namespace signet
