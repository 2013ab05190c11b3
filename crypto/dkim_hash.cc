// SPDX-License-Identifier: BSD-2-Clause
//
// Selection of signed fields from the bottom up, and SHA-256 fed by the canonicalizers.

#include "crypto/dkim_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>
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
  hashes_.push_back(Hash{canonicalization, length, {}});
  if (length == 0) hashes_.back().value = Sha256().finish();
  Stream& s = stream(canonicalization);
  if (!s.canonicalizer) {
    s.running.emplace();
    s.canonicalizer = std::make_unique<BodyCanonicalizer>(
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
  for (const Canonicalization form : {Canonicalization::simple, Canonicalization::relaxed}) {
    Stream& s = stream(form);
    if (!s.canonicalizer) continue;
    s.canonicalizer->finish();
    const std::string whole = s.running->finish();
    for (Hash& hash : hashes_) {
      if (hash.canonicalization == form && hash.value.empty()) hash.value = whole;
    }
  }
}

uint64_t BodyHashes::canonical_octets(size_t index) const {
  return streams_[hashes_[index].canonicalization == Canonicalization::relaxed ? 1 : 0].octets;
}

void BodyHashes::add_canonical(Canonicalization canonicalization, std::string_view octets) {
  Stream& s = stream(canonicalization);
  while (!octets.empty()) {
    const std::optional<uint64_t> end = next_end(canonicalization);
    const size_t taken = end ? std::min<uint64_t>(*end - s.octets, octets.size()) : octets.size();
    if (end) s.running->update(octets.substr(0, taken));
    s.octets += taken;
    octets.remove_prefix(taken);
    if (s.octets == end) complete(canonicalization);
  }
}

/// After how many octets the next hash is complete; nothing if all are, so that what follows need
/// only be counted.
std::optional<uint64_t> BodyHashes::next_end(Canonicalization canonicalization) const {
  std::optional<uint64_t> end;
  for (const Hash& hash : hashes_) {
    if (hash.canonicalization != canonicalization || !hash.value.empty()) continue;
    end = std::min(end.value_or(UINT64_MAX), hash.length.value_or(UINT64_MAX));
  }
  return end;
}

/// The hash of so many octets as have come has its value; the running one goes on.
void BodyHashes::complete(Canonicalization canonicalization) {
  const Stream& s = stream(canonicalization);
  for (Hash& hash : hashes_) {
    if (hash.canonicalization == canonicalization && hash.length == s.octets) {
      hash.value = Sha256(*s.running).finish();
    }
  }
}

std::string comparable_name(const HeaderField& field) { return ascii_lower(bare_name(field)); }

namespace {

constexpr size_t kNoField = SIZE_MAX;

/// Any total order would do; this one seldom has to look at letters.
bool comes_before(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace

FieldsByName::FieldsByName(const std::vector<HeaderField>& fields,
                           const std::vector<std::string_view>& names)
    : fields_(fields), above_(fields.size(), kNoField) {
  entries_.reserve(names.size());
  for (const std::string_view name : names) entries_.push_back({name, kNoField});
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return comes_before(a.name, b.name); });
  const auto end = std::unique(entries_.begin(), entries_.end(),
                               [](const Entry& a, const Entry& b) { return a.name == b.name; });
  entries_.erase(end, entries_.end());
  for (size_t i = 0; i < fields.size(); ++i) {
    const size_t entry = find(comparable_name(fields[i]));
    if (entry < entries_.size()) above_[i] = std::exchange(entries_[entry].last, i);
  }
}

/// Its place among the entries, or their number if it is none of the names.
size_t FieldsByName::find(std::string_view name) const {
  const auto entry =
      std::lower_bound(entries_.begin(), entries_.end(), name,
                       [](const Entry& e, std::string_view n) { return comes_before(e.name, n); });
  if (entry == entries_.end() || entry->name != name) return entries_.size();
  return static_cast<size_t>(entry - entries_.begin());
}

std::vector<const HeaderField*> FieldsByName::select(const std::vector<std::string>& h_names,
                                                     const HeaderField* except) const {
  std::vector<size_t> next;  // by entry: the field to take
  next.reserve(entries_.size());
  for (const Entry& entry : entries_) next.push_back(entry.last);
  std::vector<const HeaderField*> selected;
  selected.reserve(std::min(h_names.size(), fields_.size()));
  for (const std::string& name : h_names) {
    const size_t entry = find(name);
    assert(entry < next.size());
    size_t& field = next[entry];
    if (field != kNoField && &fields_[field] == except) field = above_[field];
    if (field == kNoField) continue;
    selected.push_back(&fields_[field]);
    field = above_[field];
  }
  return selected;
}

std::vector<const HeaderField*> select_signed_fields(const std::vector<HeaderField>& fields,
                                                     const std::vector<std::string>& names) {
  return FieldsByName(fields, {names.begin(), names.end()}).select(names);
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
