// SPDX-License-Identifier: BSD-2-Clause
//
// SigningKey: one private DKIM key with the names it signs under, parsed once and shared by all
// messages. Key octets never reach a log, an error text or a core file.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/types.h>

#include "dns/dkim_record.h"
#include "dns/name.h"
#include "dns/result.h"

namespace signet {

class SigningKey {
 public:
  /// Parses PEM text (PKCS#8 or PKCS#1, unencrypted): RSA of 1024 to 4096 bits, or Ed25519. The
  /// Error says what is wrong, never what the text holds.
  static Result<std::shared_ptr<const SigningKey>> parse(std::string_view pem, const Name& domain,
                                                         std::string selector);

  /// Reads a file: regular, no symlink, at most 64 KiB, not readable by others, owned by root or
  /// by the calling user; then parse().
  static Result<std::shared_ptr<const SigningKey>> load(const std::string& path, const Name& domain,
                                                        std::string selector);
  ~SigningKey();
  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;

  const Name& domain() const { return domain_; }
  const std::string& selector() const { return selector_; }
  DkimKeyType type() const { return type_; }
  int bits() const { return bits_; }
  /// PEM as libopendkim wants it.
  const std::string& pem() const { return pem_; }
  EVP_PKEY* evp() const { return key_.get(); }

  /// The TXT record to publish: `v=DKIM1; k=rsa; p=...`, unsplit.
  std::string record() const;

 private:
  struct FreeKey {
    void operator()(EVP_PKEY* key) const;
  };
  SigningKey() = default;

  Name domain_;
  std::string selector_;
  DkimKeyType type_ = DkimKeyType::rsa;
  int bits_ = 0;
  std::string pem_;
  std::unique_ptr<EVP_PKEY, FreeKey> key_;
};

/// A new private key as PEM (PKCS#8). `bits` is for RSA, 1024 to 4096.
Result<std::string> generate_key(DkimKeyType type, int bits);

/// `text` cut into strings of at most 255 octets, as one TXT record holds them.
std::vector<std::string> split_txt(std::string_view text);

/// `SELECTOR._domainkey.DOMAIN. IN TXT ( "..." "..." )`, ready for a zone file.
std::string zone_file_record(const SigningKey& key);

}  // namespace signet
