// SPDX-License-Identifier: BSD-2-Clause
//
// PublicKey: what the p= tag of a DKIM key record holds, parsed, measured and ready to verify. The
// octets come from the DNS, so they are anybody's: size, type, modulus and exponent are checked
// before OpenSSL computes with them.

#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "dns/dkim_record.h"
#include "dns/result.h"

namespace signet {

class PublicKey {
 public:
  /// RSA: a SubjectPublicKeyInfo, as everybody publishes and RFC 6376 appendix C shows, or the bare
  /// RSAPublicKey that RFC 6376 3.6.1 names. Ed25519: 32 octets (RFC 8463 4.2). The Error says what
  /// is wrong with it. The size of an RSA modulus is for the caller to judge, see bits().
  static Result<PublicKey> parse(DkimKeyType type, std::string_view octets);

  DkimKeyType type() const { return type_; }
  /// Bits of the RSA modulus, exactly: 1023 for one whose highest bit is not set. 256 for Ed25519.
  int bits() const { return bits_; }
  /// verify_hash() with this key, prepared when it was parsed. Any thread, also several at once.
  bool verify(std::string_view hash, std::string_view signature) const;
  /// As p= should hold it: SubjectPublicKeyInfo (DER) or the 32 octets.
  std::string encoded() const;
  EVP_PKEY* evp() const { return key_.get(); }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const;
    void operator()(EVP_PKEY_CTX* context) const;
  };
  PublicKey(DkimKeyType type, EVP_PKEY* key) : type_(type), key_(key) {}
  static Result<PublicKey> parse_rsa(std::string_view octets);
  static Result<PublicKey> parse_ed25519(std::string_view octets);

  DkimKeyType type_;
  int bits_ = 0;
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<EVP_PKEY_CTX, Free> verifying_;  ///< RSA: set up to verify; only copies are used
};

/// True if `signature` over the 32 octets of a SHA-256 hash is by the owner of `key` (its public
/// half counts): RSASSA-PKCS1-v1_5 (RFC 6376 3.3.2) or Ed25519 over the hash (RFC 8463 3).
bool verify_hash(EVP_PKEY* key, DkimKeyType type, std::string_view hash,
                 std::string_view signature);

/// Signs SHA-256 hashes with one private key, as verify_hash() verifies them. OpenSSL is set up for
/// it once, since that takes a while too. Any thread, also several at once.
class HashSigner {
 public:
  /// `key` must outlive it.
  HashSigner(EVP_PKEY* key, DkimKeyType type);
  /// Empty if OpenSSL fails.
  std::string sign(std::string_view hash) const;

 private:
  struct Free {
    void operator()(EVP_PKEY_CTX* context) const;
  };
  EVP_PKEY* key_;
  DkimKeyType type_;
  std::unique_ptr<EVP_PKEY_CTX, Free> signing_;  ///< RSA: set up to sign; only copies are used
};

/// HashSigner for a single hash.
std::string sign_hash(EVP_PKEY* key, DkimKeyType type, std::string_view hash);

}  // namespace signet
