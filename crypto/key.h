// SPDX-License-Identifier: BSD-2-Clause
//
// SigningKey: one private DKIM key with the names it signs under, parsed once and shared by all
// messages. A SigningKey that exists has signed a probe whose signature the public key of its own
// record() verifies. Key octets never reach a log, an error text or a core file, and are
// overwritten when a buffer that held them goes away.

#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/public_key.h"
#include "dns/dkim_record.h"
#include "dns/name.h"
#include "dns/result.h"

namespace signet {

/// Octets a key file may have; a larger one is not read.
inline constexpr size_t kMaxKeyFileOctets = 65'536;

/// Text that is overwritten before its memory is given back. Build it in one go: a copy made by a
/// std::string that grows is not seen.
class SecretText {
 public:
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  ~SecretText();
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class SigningKey {
  struct Token {};  // keeps the constructor private where std::make_shared must reach it

 public:
  using Time = std::chrono::system_clock::time_point;

  /// Parses PEM text (PKCS#8 or PKCS#1, unencrypted): RSA of 1024 to 4096 bits with an odd public
  /// exponent from 3 to 2^64 - 1, or Ed25519. The Error says what was found instead and what to do,
  /// never what the text holds. The root as `domain` stands for one that is known only with the
  /// message; such a key signs nothing before for_domain().
  static Result<std::shared_ptr<const SigningKey>> parse(std::string_view pem, const Name& domain,
                                                         const std::string& selector,
                                                         Time made_at = {});

  /// Reads a file, then parse(). It must be a regular file and no symbolic link, of at most
  /// kMaxKeyFileOctets, and nobody but its owner may have any access to it (0600 or 0400), with
  /// one exception: a file owned by root may be readable by its group (0640 root:signet, a custom
  /// among Debian's packages), because then root chose who is in that group. The owner is root or
  /// the calling user; root itself may read anyone's. Errors begin with the path.
  static Result<std::shared_ptr<const SigningKey>> load(const std::string& path, const Name& domain,
                                                        const std::string& selector);
  explicit SigningKey(Token) {}
  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;

  /// The same key to sign with under other names; cheap, nothing is parsed again. The Error says
  /// that SELECTOR._domainkey.DOMAIN is no name.
  Result<std::shared_ptr<const SigningKey>> under(const Name& domain,
                                                  const std::string& selector) const;
  Result<std::shared_ptr<const SigningKey>> for_domain(const Name& domain) const {
    return under(domain, selector_);
  }

  const Name& domain() const { return domain_; }
  /// Lower case, A-labels.
  const std::string& selector() const { return selector_; }
  DkimKeyType type() const { return key_->type; }
  /// Of the RSA modulus; 256 for Ed25519.
  int bits() const { return key_->bits; }
  /// The key alone as PKCS#8 PEM, whatever else the file held, as libopendkim wants it.
  const std::string& pem() const { return key_->pem; }
  EVP_PKEY* evp() const { return key_->evp.get(); }
  /// The signature over a SHA-256 hash; empty if OpenSSL fails. Any thread, also several at once.
  std::string sign(std::string_view hash) const { return key_->signer->sign(hash); }
  /// What record() publishes, to verify with.
  const PublicKey& public_key() const { return *key_->published; }

  /// The path it was loaded from; empty for a key that came from no file.
  const std::string& file() const { return key_->origin.file; }
  /// When its file was last written; the epoch of a key that came from no file. Tells which of two
  /// keys is the newer one.
  Time made_at() const { return key_->origin.made_at; }

  /// The TXT record to publish: `v=DKIM1; k=rsa; p=...`, unsplit.
  const std::string& record() const { return key_->record; }

 private:
  struct FreeKey {
    void operator()(EVP_PKEY* key) const;
  };
  struct Origin {
    Time made_at;
    std::string file;
  };
  /// What was parsed; the same for all names it signs under.
  struct Material {
    ~Material();
    DkimKeyType type = DkimKeyType::rsa;
    int bits = 0;
    std::string pem;
    std::string record;
    Origin origin;
    std::unique_ptr<EVP_PKEY, FreeKey> evp;
    std::optional<HashSigner> signer;
    std::optional<PublicKey> published;
  };
  static Result<std::shared_ptr<const Material>> parse_material(std::string_view pem,
                                                                Origin origin);
  static Result<std::shared_ptr<const SigningKey>> parse_from(Origin origin, std::string_view pem,
                                                              const Name& domain,
                                                              const std::string& selector);
  static Result<std::shared_ptr<const SigningKey>> make(std::shared_ptr<const Material> key,
                                                        const Name& domain,
                                                        const std::string& selector);

  Name domain_;
  std::string selector_;
  std::shared_ptr<const Material> key_;
};

/// Whether a key file lies there, though perhaps not for us to read.
bool key_file_may_exist(const std::string& path);

/// A new private key as PEM (PKCS#8). `bits` is for RSA, 1024 to 4096. Put it into a SecretText.
Result<std::string> generate_key(DkimKeyType type, int bits);

/// `text` cut into strings of at most 255 octets, as one TXT record holds them (RFC 1035 3.3).
std::vector<std::string> split_txt(std::string_view text);

/// `SELECTOR._domainkey.DOMAIN. IN TXT ( "..." "..." )`, ready for a zone file; a line for each of
/// the strings, no line break at the end.
std::string zone_file_record(const SigningKey& key);

}  // namespace signet
