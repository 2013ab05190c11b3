// SPDX-License-Identifier: BSD-2-Clause
//
// OpenSSL does the parsing and the arithmetic; the checks around it are ours. Its error queue is
// left empty: it belongs to the thread, not to the message.

#include "crypto/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <utility>

namespace signet {
namespace {

constexpr size_t kEd25519Octets = 32;
/// More than the DER of a 16,384 bit key with a 64 bit exponent; longer ones are not looked at.
constexpr size_t kMaxRsaOctets = 2200;

struct FreeNumber {
  void operator()(BIGNUM* number) const { BN_free(number); }
};
struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

const unsigned char* octets_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// DER of either form; null if it is neither or something follows it.
EVP_PKEY* decode_rsa(std::string_view octets) {
  const auto size = static_cast<long>(octets.size());
  const unsigned char* end = octets_of(octets);
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &end, size);
  if (key == nullptr) {
    end = octets_of(octets);
    key = d2i_PublicKey(EVP_PKEY_RSA, nullptr, &end, size);
  }
  ERR_clear_error();
  if (key != nullptr && end != octets_of(octets) + size) {
    EVP_PKEY_free(key);
    return nullptr;
  }
  return key;
}

Number key_number(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) ERR_clear_error();
  return Number(number);
}

}  // namespace

void PublicKey::Free::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

Result<PublicKey> PublicKey::parse(DkimKeyType type, std::string_view octets) {
  return type == DkimKeyType::ed25519 ? parse_ed25519(octets) : parse_rsa(octets);
}

Result<PublicKey> PublicKey::parse_rsa(std::string_view octets) {
  if (octets.size() > kMaxRsaOctets) return Error{"the RSA key is too large"};
  PublicKey key(DkimKeyType::rsa, decode_rsa(octets));
  if (!key.key_) return Error{"p= holds no RSA key"};
  if (EVP_PKEY_get_base_id(key.evp()) != EVP_PKEY_RSA)
    return Error{"p= holds a key that is not RSA"};
  const Number modulus = key_number(key.evp(), OSSL_PKEY_PARAM_RSA_N);
  const Number exponent = key_number(key.evp(), OSSL_PKEY_PARAM_RSA_E);
  if (!modulus || !exponent) return Error{"p= holds no RSA key"};
  // RFC 8017 3.1: e is odd, from 3 on. Over 64 bits it only burns CPU; a negative one has no word
  // of its own and an even modulus is no product of odd primes.
  const bool exponent_fits = BN_is_odd(exponent.get()) && BN_num_bits(exponent.get()) <= 64 &&
                             !BN_is_one(exponent.get()) && !BN_is_negative(exponent.get());
  if (!exponent_fits) return Error{"the RSA key's exponent is not allowed"};
  if (!BN_is_odd(modulus.get()) || BN_is_negative(modulus.get())) {
    return Error{"the RSA key's modulus is not allowed"};
  }
  key.bits_ = BN_num_bits(modulus.get());
  return key;
}

Result<PublicKey> PublicKey::parse_ed25519(std::string_view octets) {
  if (octets.size() != kEd25519Octets) return Error{"p= does not hold the 32 octets of Ed25519"};
  PublicKey key(
      DkimKeyType::ed25519,
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets_of(octets), octets.size()));
  ERR_clear_error();
  if (!key.key_) return Error{"p= holds no Ed25519 key"};
  key.bits_ = 256;
  return key;
}

std::string PublicKey::encoded() const {
  if (type_ == DkimKeyType::ed25519) {
    std::string raw(kEd25519Octets, '\0');
    size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(evp(), reinterpret_cast<unsigned char*>(raw.data()), &size);
    return raw;
  }
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(evp(), &der);
  if (size <= 0) {
    ERR_clear_error();
    return {};
  }
  std::string text(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return text;
}

bool verify_hash(EVP_PKEY* key, DkimKeyType type, std::string_view hash,
                 std::string_view signature) {
  bool good = false;
  if (type == DkimKeyType::ed25519) {
    const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    good = context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestVerify(context.get(), octets_of(signature), signature.size(), octets_of(hash),
                            hash.size()) == 1;
  } else {
    const std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(EVP_PKEY_CTX_new(key, nullptr));
    good = context && EVP_PKEY_verify_init(context.get()) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
           EVP_PKEY_verify(context.get(), octets_of(signature), signature.size(), octets_of(hash),
                           hash.size()) == 1;
  }
  ERR_clear_error();
  return good;
}

std::string sign_hash(EVP_PKEY* key, DkimKeyType type, std::string_view hash) {
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  size_t size = signature.size();
  bool good = false;
  if (type == DkimKeyType::ed25519) {
    const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    good = context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestSign(context.get(), out, &size, octets_of(hash), hash.size()) == 1;
  } else {
    const std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(EVP_PKEY_CTX_new(key, nullptr));
    good = context && EVP_PKEY_sign_init(context.get()) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
           EVP_PKEY_sign(context.get(), out, &size, octets_of(hash), hash.size()) == 1;
  }
  ERR_clear_error();
  signature.resize(good ? size : 0);
  return signature;
}

}  // namespace signet
