// SPDX-License-Identifier: BSD-2-Clause
//
// As one writes it with OpenSSL's manual at hand.

#include "tests/bench/bare_openssl.h"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace signet {
namespace {

using Hash = std::array<unsigned char, 32>;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

const unsigned char* octets_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void require(int result) {
  if (result != 1) throw std::runtime_error("OpenSSL failed");
}

Hash sha256(std::string_view text) {
  Hash hash;
  require(EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha256(), nullptr));
  return hash;
}

/// What is signed: the header itself if OpenSSL is to hash it.
std::string_view signed_octets(DkimKeyType type, std::string_view header, const Hash& hash) {
  if (type == DkimKeyType::rsa) return header;
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace

std::string bare_sign(EVP_PKEY* key, DkimKeyType type, std::string_view header,
                      std::string_view body) {
  sha256(body);
  const bool rsa = type == DkimKeyType::rsa;
  const Hash hash = rsa ? Hash{} : sha256(header);
  const std::string_view data = signed_octets(type, header, hash);
  const Context context(EVP_MD_CTX_new());
  require(EVP_DigestSignInit(context.get(), nullptr, rsa ? EVP_sha256() : nullptr, nullptr, key));
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key)), '\0');
  size_t size = signature.size();
  require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         octets_of(data), data.size()));
  return signature;
}

bool bare_verify(EVP_PKEY* key, DkimKeyType type, std::string_view header, std::string_view body,
                 std::string_view signature) {
  sha256(body);
  const bool rsa = type == DkimKeyType::rsa;
  const Hash hash = rsa ? Hash{} : sha256(header);
  const std::string_view data = signed_octets(type, header, hash);
  const Context context(EVP_MD_CTX_new());
  require(EVP_DigestVerifyInit(context.get(), nullptr, rsa ? EVP_sha256() : nullptr, nullptr, key));
  return EVP_DigestVerify(context.get(), octets_of(signature), signature.size(), octets_of(data),
                          data.size()) == 1;
}

void bare_hash(std::string_view header, std::string_view body) {
  sha256(header);
  sha256(body);
}

}  // namespace signet
