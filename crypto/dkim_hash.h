// SPDX-License-Identifier: BSD-2-Clause
//
// The two hashes of a DKIM signature (RFC 6376 3.7), both SHA-256: over the body, streamed, and
// over the signed header fields. Shared by signer and verifier.

#pragma once

#include <openssl/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/canonical.h"
#include "crypto/dkim_signature.h"
#include "crypto/message.h"

namespace signet {

/// SHA-256 of octets that arrive in pieces. A copy goes on from the same octets. Any thread, one at
/// a time.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256& other);
  Sha256(Sha256&&) = default;
  Sha256& operator=(Sha256&&) = default;
  ~Sha256() = default;
  void update(std::string_view octets);
  /// The 32 octets; once.
  std::string finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const;
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// The body hashes that the signatures of one message ask for. A body is canonicalized and hashed
/// at most twice, once per algorithm, however many hashes there are: what l= asks for is the
/// running hash after so many octets. Call add() for all of them first, then update() any number of
/// times, then finish() once.
class BodyHashes {
 public:
  BodyHashes() = default;
  BodyHashes(const BodyHashes&) = delete;
  BodyHashes& operator=(const BodyHashes&) = delete;

  /// `length`: l=, the canonical octets that count; without it all do. Asking for the same again
  /// gives the same index.
  size_t add(Canonicalization canonicalization, std::optional<uint64_t> length);
  void update(std::string_view octets);
  void finish();

  /// How many different hashes were asked for.
  size_t size() const { return hashes_.size(); }
  /// Valid after finish(): 32 octets.
  const std::string& hash(size_t index) const { return hashes_[index].value; }
  /// Valid after finish(): octets of the whole canonical body, whatever l= says.
  uint64_t canonical_octets(size_t index) const;

 private:
  struct Hash {
    Canonicalization canonicalization;
    std::optional<uint64_t> length;
    std::string value;  // empty until all its octets are there
  };
  struct Stream {
    std::unique_ptr<BodyCanonicalizer> canonicalizer;  // null if no hash wants it
    std::optional<Sha256> running;                     // the same
    uint64_t octets = 0;
  };

  Stream& stream(Canonicalization canonicalization);
  void add_canonical(Canonicalization canonicalization, std::string_view octets);
  std::optional<uint64_t> next_end(Canonicalization canonicalization) const;
  void complete(Canonicalization canonicalization);

  std::vector<Hash> hashes_;
  std::array<Stream, 2> streams_;  // by Canonicalization
};

/// A field's name as it is compared with h=: bare, in lower case.
std::string comparable_name(const HeaderField& field);

/// The header fields of a message by their names, for any number of signatures over them.
class FieldsByName {
 public:
  /// `names`: those in any h=, in lower case; a name may come twice. Both must stay as they are
  /// while this is in use.
  FieldsByName(const std::vector<HeaderField>& fields, const std::vector<std::string_view>& names);

  /// The fields that h= selects, in its order: for each name (one of those above) the last one not
  /// yet taken, and nothing where there is none left (RFC 6376 5.4.2). `except`, one of the fields,
  /// is not taken. Linear in the names.
  std::vector<const HeaderField*> select(const std::vector<std::string>& h_names,
                                         const HeaderField* except = nullptr) const;

 private:
  /// The last field of one name; the one above each is in above_.
  struct Entry {
    std::string_view name;
    size_t last;
  };
  size_t find(std::string_view name) const;

  const std::vector<HeaderField>& fields_;
  std::vector<Entry> entries_;  ///< one for each name, sorted
  std::vector<size_t> above_;   ///< by field: the one before it of the same name
};

/// FieldsByName for a single signature.
std::vector<const HeaderField*> select_signed_fields(const std::vector<HeaderField>& fields,
                                                     const std::vector<std::string>& names);

/// RFC 6376 3.7, hash step 2: the hash that a signature is made over. The signed fields are
/// canonicalized once, for any number of signatures over them.
class HeaderHash {
 public:
  /// `fields`: those that h= selects.
  HeaderHash(const std::vector<const HeaderField*>& fields, Canonicalization canonicalization);
  /// The 32 octets for this DKIM-Signature field; its b= is left out.
  std::string with(const HeaderField& signature_field) const;

 private:
  const Canonicalization canonicalization_;
  Sha256 signed_fields_;
};

/// HeaderHash for a single signature.
std::string header_hash(const std::vector<HeaderField>& fields, const DkimSignature& signature,
                        const HeaderField& signature_field);

}  // namespace signet
