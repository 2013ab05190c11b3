// SPDX-License-Identifier: BSD-2-Clause
//
// OpenSSL does the parsing and the arithmetic; the checks around it are ours. Its error queue is
// left empty: it belongs to the thread, not to the message.

#include "crypto/public_key.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
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
struct FreeAsn1 {
  void operator()(X509_ALGOR* algorithm) const { X509_ALGOR_free(algorithm); }
  void operator()(ASN1_BIT_STRING* bits) const { ASN1_BIT_STRING_free(bits); }
};
struct FreeParameters {
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeContext>;
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

const unsigned char* octets_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// RFC 5280 4.1 SubjectPublicKeyInfo, taken apart.
struct KeyInfo {
  bool is_rsa = false;
  std::string key;  ///< what its BIT STRING holds
};

/// What is in a DER value of that type (ASN1_get_object()'s `form` says whether it is made of
/// others), and what follows it.
struct Value {
  std::string_view octets;
  std::string_view rest;
};

std::optional<Value> decode_value(std::string_view octets, int type, int form) {
  const unsigned char* at = octets_of(octets);
  long size = 0;
  int tag = 0;
  int tag_class = 0;
  const int found = ASN1_get_object(&at, &size, &tag, &tag_class, static_cast<long>(octets.size()));
  if (found != form || tag != type || tag_class != V_ASN1_UNIVERSAL) return std::nullopt;
  const auto start = static_cast<size_t>(at - octets_of(octets));
  const auto length = static_cast<size_t>(size);
  return Value{octets.substr(start, length), octets.substr(start + length)};
}

/// Nothing if the DER is no SubjectPublicKeyInfo or if something follows it. d2i_PUBKEY() would do
/// the same and decode the key as well, in twenty times the time.
std::optional<KeyInfo> decode_key_info(std::string_view octets) {
  const auto info = decode_value(octets, V_ASN1_SEQUENCE, V_ASN1_CONSTRUCTED);
  if (!info || !info->rest.empty()) return std::nullopt;
  const unsigned char* at = octets_of(info->octets);
  const unsigned char* const end = at + info->octets.size();
  const std::unique_ptr<X509_ALGOR, FreeAsn1> algorithm(d2i_X509_ALGOR(nullptr, &at, end - at));
  if (!algorithm) return std::nullopt;
  const std::unique_ptr<ASN1_BIT_STRING, FreeAsn1> bits(
      d2i_ASN1_BIT_STRING(nullptr, &at, end - at));
  if (!bits || at != end) return std::nullopt;
  const ASN1_OBJECT* name = nullptr;
  X509_ALGOR_get0(&name, nullptr, nullptr, algorithm.get());
  return KeyInfo{OBJ_obj2nid(name) == NID_rsaEncryption,
                 std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(bits.get())),
                             static_cast<size_t>(ASN1_STRING_length(bits.get())))};
}

struct RsaNumbers {
  Number modulus;
  Number exponent;
};

/// RFC 8017 A.1.1 RSAPublicKey in DER; nothing if it is not that or if something follows it. Like
/// OpenSSL, takes a number whose leading zero was forgotten for what was meant.
std::optional<RsaNumbers> decode_pkcs1(std::string_view octets) {
  constexpr int kPrimitive = 0;
  const auto number = [](std::string_view text) {
    return Number(BN_bin2bn(octets_of(text), static_cast<int>(text.size()), nullptr));
  };
  const auto key = decode_value(octets, V_ASN1_SEQUENCE, V_ASN1_CONSTRUCTED);
  if (!key || !key->rest.empty()) return std::nullopt;
  const auto modulus = decode_value(key->octets, V_ASN1_INTEGER, kPrimitive);
  if (!modulus) return std::nullopt;
  const auto exponent = decode_value(modulus->rest, V_ASN1_INTEGER, kPrimitive);
  if (!exponent || !exponent->rest.empty()) return std::nullopt;
  return RsaNumbers{number(modulus->octets), number(exponent->octets)};
}

/// A key that OpenSSL computes with; null if it does not take the numbers. d2i_PublicKey() takes
/// three times as long and leaves a second copy of them in memory.
EVP_PKEY* make_rsa_key(const RsaNumbers& numbers) {
  const std::unique_ptr<OSSL_PARAM_BLD, FreeParameters> builder(OSSL_PARAM_BLD_new());
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  if (!builder || !context ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, numbers.modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, numbers.exponent.get()) != 1) {
    return nullptr;
  }
  const std::unique_ptr<OSSL_PARAM, FreeParameters> parameters(
      OSSL_PARAM_BLD_to_param(builder.get()));
  EVP_PKEY* key = nullptr;
  if (parameters && EVP_PKEY_fromdata_init(context.get()) == 1) {
    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get());
  }
  return key;
}

/// RFC 6376 3.3.2: RSASSA-PKCS1-v1_5 with SHA-256, to sign or to verify as `init` says. Null if
/// OpenSSL does not take the key.
EVP_PKEY_CTX* rsa_context(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*)) {
  KeyContext context(EVP_PKEY_CTX_new(key, nullptr));
  const bool good = context && init(context.get()) == 1 &&
                    EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1;
  ERR_clear_error();
  return good ? context.release() : nullptr;
}

/// RFC 8032 5.1.2, 5.1.3: the y coordinates of the points whose order divides 8, little end first,
/// the last two written with p added, as decoders take them too.
constexpr std::array<std::array<unsigned char, kEd25519Octets>, 7> kSmallOrderPoints = {{
    {0x00},
    {0x01},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
}};

/// By such a key anyone can make a signature that verifies, for one in eight messages at least and
/// for all of them with the neutral point.
bool is_small_order_point(std::string_view octets) {
  return std::ranges::any_of(kSmallOrderPoints, [&](const auto& point) {
    // The highest bit is the sign of x.
    return std::ranges::equal(octets.substr(0, kEd25519Octets - 1),
                              std::span(point).first(kEd25519Octets - 1), {},
                              [](char c) { return static_cast<unsigned char>(c); }) &&
           (static_cast<unsigned char>(octets.back()) & 0x7f) == point.back();
  });
}

/// A context serves one thread at a time; copying it costs a fraction of setting one up.
KeyContext copy_of(const EVP_PKEY_CTX* context) { return KeyContext(EVP_PKEY_CTX_dup(context)); }

bool verify_rsa(EVP_PKEY_CTX* context, std::string_view hash, std::string_view signature) {
  const bool good =
      context != nullptr && EVP_PKEY_verify(context, octets_of(signature), signature.size(),
                                            octets_of(hash), hash.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace

void PublicKey::Free::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
void PublicKey::Free::operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }

Result<PublicKey> PublicKey::parse(DkimKeyType type, std::string_view octets) {
  return type == DkimKeyType::ed25519 ? parse_ed25519(octets) : parse_rsa(octets);
}

Result<PublicKey> PublicKey::parse_rsa(std::string_view octets) {
  if (octets.size() > kMaxRsaOctets) return Error{"the RSA key is too large"};
  const auto info = decode_key_info(octets);
  ERR_clear_error();
  if (info && !info->is_rsa) return Error{"p= holds a key that is not RSA"};
  const auto numbers = decode_pkcs1(info ? info->key : octets);
  ERR_clear_error();
  if (!numbers || !numbers->modulus || !numbers->exponent) return Error{"p= holds no RSA key"};
  const BIGNUM* modulus = numbers->modulus.get();
  const BIGNUM* exponent = numbers->exponent.get();
  // RFC 8017 3.1: e is odd, from 3 on. Over 64 bits it only burns CPU; an even modulus is no
  // product of odd primes.
  if (!BN_is_odd(exponent) || BN_num_bits(exponent) > 64 || BN_is_one(exponent)) {
    return Error{"the RSA key's exponent is not allowed"};
  }
  if (!BN_is_odd(modulus)) return Error{"the RSA key's modulus is not allowed"};
  PublicKey key(DkimKeyType::rsa, make_rsa_key(*numbers));
  ERR_clear_error();
  if (!key.key_) return Error{"p= holds no RSA key"};
  key.bits_ = BN_num_bits(modulus);
  key.verifying_.reset(rsa_context(key.evp(), EVP_PKEY_verify_init));
  return key;
}

Result<PublicKey> PublicKey::parse_ed25519(std::string_view octets) {
  if (octets.size() != kEd25519Octets) return Error{"p= does not hold the 32 octets of Ed25519"};
  if (is_small_order_point(octets)) return Error{"by this Ed25519 key anyone could sign"};
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

bool PublicKey::verify(std::string_view hash, std::string_view signature) const {
  if (!verifying_) return verify_hash(evp(), type_, hash, signature);
  return verify_rsa(copy_of(verifying_.get()).get(), hash, signature);
}

bool verify_hash(EVP_PKEY* key, DkimKeyType type, std::string_view hash,
                 std::string_view signature) {
  if (type == DkimKeyType::rsa) {
    return verify_rsa(KeyContext(rsa_context(key, EVP_PKEY_verify_init)).get(), hash, signature);
  }
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  const bool good = context &&
                    EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), octets_of(signature), signature.size(),
                                     octets_of(hash), hash.size()) == 1;
  ERR_clear_error();
  return good;
}

void HashSigner::Free::operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }

HashSigner::HashSigner(EVP_PKEY* key, DkimKeyType type) : key_(key), type_(type) {
  if (type == DkimKeyType::rsa) signing_.reset(rsa_context(key, EVP_PKEY_sign_init));
}

std::string HashSigner::sign(std::string_view hash) const {
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key_)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  size_t size = signature.size();
  bool good = false;
  if (type_ == DkimKeyType::rsa) {
    const KeyContext context = signing_ ? copy_of(signing_.get()) : nullptr;
    good = context && EVP_PKEY_sign(context.get(), out, &size, octets_of(hash), hash.size()) == 1;
  } else {
    const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    good = context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_) == 1 &&
           EVP_DigestSign(context.get(), out, &size, octets_of(hash), hash.size()) == 1;
  }
  ERR_clear_error();
  signature.resize(good ? size : 0);
  return signature;
}

std::string sign_hash(EVP_PKEY* key, DkimKeyType type, std::string_view hash) {
  return HashSigner(key, type).sign(hash);
}

}  // namespace signet
