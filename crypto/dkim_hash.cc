// SPDX-License-Identifier: BSD-2-Clause
//
// Selection of signed fields from the bottom up, and SHA-256 fed by the canonicalizers.

#include "crypto/dkim_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <new>

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

std::string_view bare_name(const HeaderField& field) {
  return std::string_view(field.name).substr(0, field.name.find_last_not_of(" \t") + 1);
}

std::string comparable_name(const HeaderField& field) { return ascii_lower(bare_name(field)); }

namespace {

/// Any total order would do; this one seldom has to look at letters.
int compare_names(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? (a.size() < b.size() ? -1 : 1) : a.compare(b);
}

}  // namespace

struct FieldsByName::ByName {
  bool operator()(const Entry& entry, std::string_view name) const {
    return compare_names(entry.name, name) < 0;
  }
  bool operator()(std::string_view name, const Entry& entry) const {
    return compare_names(name, entry.name) < 0;
  }
};

FieldsByName::FieldsByName(const std::vector<HeaderField>& fields) {
  entries_.reserve(fields.size());
  for (const HeaderField& field : fields) entries_.push_back({comparable_name(field), &field});
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    const int order = compare_names(a.name, b.name);
    return order != 0 ? order < 0 : a.field < b.field;
  });
}

std::vector<const HeaderField*> FieldsByName::select(const std::vector<std::string>& names,
                                                     const HeaderField* except) const {
  std::vector<const HeaderField*> selected;
  selected.reserve(std::min(names.size(), entries_.size()));
  std::vector<std::ptrdiff_t> taken(entries_.size());  // of each name, where its first field is
  for (const std::string& name : names) {
    const auto [first, last] =
        std::equal_range(entries_.begin(), entries_.end(), std::string_view(name), ByName());
    if (first == last) continue;
    std::ptrdiff_t& count = taken[static_cast<size_t>(first - entries_.begin())];
    auto left = last - count;  // the end of those not yet taken
    if (left != first && (left - 1)->field == except) --left;
    if (left == first) continue;
    --left;
    selected.push_back(left->field);
    count = last - left;
  }
  return selected;
}

std::vector<const HeaderField*> select_signed_fields(const std::vector<HeaderField>& fields,
                                                     const std::vector<std::string>& names) {
  return FieldsByName(fields).select(names);
}

HeaderHash::HeaderHash(const std::vector<const HeaderField*>& fields,
                       Canonicalization canonicalization)
    : canonicalization_(canonicalization) {
  signed_fields_.update(canonical_header(fields, canonicalization_));
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
  return HeaderHash(select_signed_fields(fields, signature.signed_fields),
                    signature.header_canonicalization)
      .with(signature_field);
}

}  // namespace signet
