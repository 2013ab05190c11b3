// SPDX-License-Identifier: BSD-2-Clause
//
// Public keys as the DNS may hold them: both RSA encodings, odd sizes and exponents, other
// algorithms, and octets cut anywhere.

#include "crypto/public_key.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <functional>

#include "tests/support/dkim_message.h"

namespace signet {
namespace {

std::string der(int (*encode)(const EVP_PKEY*, unsigned char**), EVP_PKEY* key) {
  unsigned char* out = nullptr;
  const int size = encode(key, &out);
  std::string octets(reinterpret_cast<char*>(out), static_cast<size_t>(size));
  OPENSSL_free(out);
  return octets;
}

/// SubjectPublicKeyInfo of an RSA key with any numbers in it.
std::string rsa_with(const std::function<void(BIGNUM* modulus, BIGNUM* exponent)>& change) {
  const auto key = rsa_test_key();
  BIGNUM* n = nullptr;
  BIGNUM* e = nullptr;
  EVP_PKEY_get_bn_param(key.key.get(), OSSL_PKEY_PARAM_RSA_N, &n);
  EVP_PKEY_get_bn_param(key.key.get(), OSSL_PKEY_PARAM_RSA_E, &e);
  change(n, e);
  OSSL_PARAM_BLD* build = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
  OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(build);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  EVP_PKEY* made = nullptr;
  EVP_PKEY_fromdata_init(context);
  EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, params);
  const std::string octets = der(i2d_PUBKEY, made);
  EVP_PKEY_free(made);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(build);
  BN_free(n);
  BN_free(e);
  return octets;
}

std::string error_of(DkimKeyType type, std::string_view octets) {
  const auto key = PublicKey::parse(type, octets);
  return key ? "" : key.error();
}

TEST(PublicKey, RsaInBothEncodingsIsTheSameKey) {  // RFC 6376 3.6.1 and appendix C
  const auto key = rsa_test_key();
  const std::string spki = der(i2d_PUBKEY, key.key.get());
  const auto from_spki = PublicKey::parse(DkimKeyType::rsa, spki);
  const auto from_pkcs1 = PublicKey::parse(DkimKeyType::rsa, der(i2d_PublicKey, key.key.get()));
  ASSERT_TRUE(from_spki && from_pkcs1);
  EXPECT_EQ(from_spki->encoded(), spki);
  EXPECT_EQ(from_pkcs1->encoded(), spki);
  EXPECT_EQ(from_pkcs1->bits(), 1024);
}

TEST(PublicKey, BitsAreThoseOfTheModulus) {  // RFC 8301 3.2
  const auto shorter = rsa_with([](BIGNUM* n, BIGNUM*) {
    BN_clear_bit(n, 1023);
    BN_set_bit(n, 1022);
  });
  EXPECT_EQ(PublicKey::parse(DkimKeyType::rsa, shorter)->bits(), 1023);
}

TEST(PublicKey, ExponentsAreChecked) {  // RFC 8017 3.1
  const auto with_exponent = [](const char* hex) {
    return rsa_with([&](BIGNUM*, BIGNUM* e) { BN_hex2bn(&e, hex); });
  };
  constexpr const char* kRefused = "the RSA key's exponent is not allowed";
  EXPECT_EQ(error_of(DkimKeyType::rsa, with_exponent("1")), kRefused);
  EXPECT_EQ(error_of(DkimKeyType::rsa, with_exponent("2")), kRefused);
  EXPECT_EQ(error_of(DkimKeyType::rsa, with_exponent("10000")), kRefused);
  EXPECT_EQ(error_of(DkimKeyType::rsa, with_exponent("10000000000000001")), kRefused);
  EXPECT_EQ(error_of(DkimKeyType::rsa, with_exponent("3")), "");
  EXPECT_EQ(error_of(DkimKeyType::rsa, with_exponent("FFFFFFFFFFFFFFFF")), "");
}

TEST(PublicKey, EvenModulusIsRefused) {
  EXPECT_EQ(error_of(DkimKeyType::rsa, rsa_with([](BIGNUM* n, BIGNUM*) { BN_clear_bit(n, 0); })),
            "the RSA key's modulus is not allowed");
}

TEST(PublicKey, OtherAlgorithmsAreNotRsa) {
  EVP_PKEY* ec = EVP_EC_gen("P-256");
  const std::string octets = der(i2d_PUBKEY, ec);
  EVP_PKEY_free(ec);
  EXPECT_EQ(error_of(DkimKeyType::rsa, octets), "p= holds a key that is not RSA");
  EXPECT_EQ(error_of(DkimKeyType::rsa, der(i2d_PUBKEY, ed25519_test_key().key.get())),
            "p= holds a key that is not RSA");
}

TEST(PublicKey, OctetsCutAnywhereAreNoKey) {
  const std::string good = der(i2d_PUBKEY, rsa_test_key().key.get());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(error_of(DkimKeyType::rsa, std::string_view(good).substr(0, size)), "") << size;
  }
  EXPECT_EQ(error_of(DkimKeyType::rsa, good + "x"), "p= holds no RSA key");
  EXPECT_EQ(error_of(DkimKeyType::rsa, std::string(5000, '\x30')), "the RSA key is too large");
}

TEST(PublicKey, Ed25519HasThirtyTwoOctets) {  // RFC 8463 4.2
  for (const size_t size : {0, 31, 33, 44}) {
    EXPECT_EQ(error_of(DkimKeyType::ed25519, std::string(size, 'x')),
              "p= does not hold the 32 octets of Ed25519");
  }
  const auto key = PublicKey::parse(DkimKeyType::ed25519, std::string(32, 'x'));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->bits(), 256);
  EXPECT_EQ(key->encoded(), std::string(32, 'x'));
}

TEST(PublicKey, Ed25519PointsOfSmallOrderAreNoKeys) {  // RFC 8032 5.1
  const std::string ones(30, '\xff');
  for (const char sign : {'\0', '\x80'}) {
    const auto last = [&](char octet) { return std::string(1, static_cast<char>(octet | sign)); };
    for (const std::string& point :
         {std::string(31, '\0') + last('\0'), '\1' + std::string(30, '\0') + last('\0'),
          '\xec' + ones + last('\x7f'), '\xed' + ones + last('\x7f'),
          '\xee' + ones + last('\x7f')}) {
      EXPECT_EQ(error_of(DkimKeyType::ed25519, point), "by this Ed25519 key anyone could sign");
    }
  }
  // Of order 8.
  for (const char* point : {"JuiVj8KyJ7BFw/SJ8u+Y8NXfrAXTxjM5sTgCiG1T/AU=",
                            "xxdqcD1N2E+6PAt2DRBnDyogU/osOczGTsf9d5KsA/o="}) {
    EXPECT_EQ(error_of(DkimKeyType::ed25519, *decode_base64(point)),
              "by this Ed25519 key anyone could sign");
  }
  EXPECT_TRUE(PublicKey::parse(DkimKeyType::ed25519, '\2' + std::string(31, '\0')));
}

TEST(PublicKey, SignaturesVerifyWithTheirKeyOnly) {
  const std::string hash(32, 'h');
  for (const DkimTestKey& key : {rsa_test_key(), ed25519_test_key()}) {
    std::string signature = sign_hash(key.key.get(), key.type, hash);
    ASSERT_FALSE(signature.empty());
    EXPECT_TRUE(verify_hash(key.key.get(), key.type, hash, signature));
    EXPECT_FALSE(verify_hash(key.key.get(), key.type, std::string(32, 'x'), signature));
    EXPECT_FALSE(verify_hash(key.key.get(), key.type, hash, ""));
    EXPECT_FALSE(verify_hash(key.key.get(), key.type, hash, signature + "x"));
    signature.back() = static_cast<char>(signature.back() ^ 1);
    EXPECT_FALSE(verify_hash(key.key.get(), key.type, hash, signature));
  }
}

}  // namespace
}  // namespace signet
