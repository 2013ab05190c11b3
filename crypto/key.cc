// SPDX-License-Identifier: BSD-2-Clause
//
// From a PEM text to a key that is proven to work, and back to the record that publishes it. What
// OpenSSL makes of the text is written out again as PKCS#8, so that nothing else of the file lives
// on; its error queue is cleared, since it may quote what it read.

#include "crypto/key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "dns/base64.h"

namespace signet {
namespace {

constexpr int kMinRsaBits = 1024;  // RFC 8301 3.2: signers MUST use at least 1024 bits
constexpr int kMaxRsaBits = 4096;  // RFC 8301 3.2: what every verifier must be able to take
constexpr int kEd25519Bits = 256;
constexpr size_t kMaxTxtStringOctets = 255;  // RFC 1035 3.3
constexpr size_t kSha256Octets = 32;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
};
using BioPointer = std::unique_ptr<BIO, Free>;
using NumberPointer = std::unique_ptr<BIGNUM, Free>;

/// Called by OpenSSL when the PEM is encrypted: notes that, and gives no passphrase.
int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Error no_key_error(std::string_view pem, bool encrypted) {
  if (encrypted) {
    return Error{"the key is encrypted; remove its passphrase: openssl pkey -in OLD -out NEW"};
  }
  if (pem.find("-----BEGIN PUBLIC KEY-----") != std::string_view::npos) {
    return Error{"this is a public key; the private key belongs here"};
  }
  if (pem.find("-----BEGIN OPENSSH PRIVATE KEY-----") != std::string_view::npos) {
    return Error{"this is an OpenSSH key; make one with: signet key generate DOMAIN"};
  }
  return Error{"no private key in PEM form; make one with: signet key generate DOMAIN"};
}

Result<DkimKeyType> type_of(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return DkimKeyType::rsa;
    case EVP_PKEY_ED25519:
      return DkimKeyType::ed25519;
    default: {
      const char* name = EVP_PKEY_get0_type_name(key);
      return Error{fmt::format("a key of type {}; DKIM signs with RSA or Ed25519",
                               name == nullptr ? "unknown" : name)};
    }
  }
}

/// The private exponent decides what one signature costs; a sane one is no longer than the modulus.
bool has_sane_private_exponent(const EVP_PKEY* key) {
  BIGNUM* exponent = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_D, &exponent) != 1) return false;
  const NumberPointer owner(exponent);
  return BN_num_bits(exponent) <= EVP_PKEY_get_bits(key);
}

std::optional<Error> check_size(const EVP_PKEY* key, DkimKeyType type) {
  if (type == DkimKeyType::ed25519) return std::nullopt;
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return Error{
        fmt::format("an RSA key of {} bits; want {} to {}", bits, kMinRsaBits, kMaxRsaBits)};
  }
  if (!has_sane_private_exponent(key)) return Error{"a broken RSA key; make a new one"};
  return std::nullopt;
}

/// What p= holds. RSA: RFC 6376 appendix C and everybody publish SubjectPublicKeyInfo, although
/// 3.6.1 says RSAPublicKey. Ed25519: RFC 8463 4.2. Empty if OpenSSL fails.
std::string public_octets(const EVP_PKEY* key, DkimKeyType type) {
  if (type == DkimKeyType::ed25519) {
    std::string raw(kEd25519Bits / 8, '\0');
    size_t size = raw.size();
    const int done =
        EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size);
    return done == 1 ? raw : std::string();
  }
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return {};
  std::string octets(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return octets;
}

/// Signs a probe and verifies it with the public key as published, which came through the
/// verifier's parser.
std::optional<Error> prove(const HashSigner& signer, const PublicKey& published) {
  const std::string probe(kSha256Octets, 'p');
  const std::string signature = signer.sign(probe);
  if (!signature.empty() && published.verify(probe, signature)) return std::nullopt;
  return Error{"a broken key: its own public half does not verify what it signs; make a new one"};
}

/// PKCS#8 without a passphrase; empty if OpenSSL fails. A memory BIO overwrites what it frees.
std::string to_pem(const EVP_PKEY* key) {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return {};
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

/// A file descriptor that closes itself.
class File {
 public:
  explicit File(const std::string& path)
      // O_NONBLOCK: opening a FIFO must not wait for somebody to write into it.
      : fd_(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// The rules of SigningKey::load() for the file behind a descriptor.
std::optional<Error> check_file(const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return Error{"no regular file"};
  if (status.st_size > static_cast<off_t>(kMaxKeyFileOctets)) {
    return Error{fmt::format("a file of {} octets is no key", status.st_size)};
  }
  const uid_t caller = geteuid();
  if (caller != 0 && status.st_uid != 0 && status.st_uid != caller) {
    return Error{"belongs to another user; make its owner the user that signs"};
  }
  const mode_t allowed = status.st_uid == 0 ? 0640 : 0600;
  const mode_t mode = status.st_mode & 07777;
  if ((mode & ~allowed & 0077) != 0) {
    return Error{
        fmt::format("others than its owner have access (mode {:04o}); chmod 0600 it, and "
                    "if they could read it, make a new key",
                    mode)};
  }
  return std::nullopt;
}

SigningKey::Time time_of(const timespec& time) {
  return SigningKey::Time(std::chrono::duration_cast<SigningKey::Time::duration>(
      std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
}

/// Reads to the end, or kMaxKeyFileOctets + 1 octets; -1 in case of an error.
ssize_t read_whole(int fd, char* buffer, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = read(fd, buffer + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

/// What follows the selector in the name of a record (RFC 6376 3.6.2.1).
std::string record_suffix(const Name& domain) {
  return domain.is_root() ? "._domainkey" : "._domainkey." + domain.text();
}

Result<Name> record_name(const std::string& selector, const Name& domain) {
  if (!domain.is_root()) return dkim_record_name(selector, domain);
  return parse_domain(selector + record_suffix(domain));
}

}  // namespace

SecretText::~SecretText() { OPENSSL_cleanse(text_.data(), text_.size()); }

void SigningKey::FreeKey::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

SigningKey::Material::~Material() { OPENSSL_cleanse(pem.data(), pem.size()); }

Result<std::shared_ptr<const SigningKey::Material>> SigningKey::parse_material(std::string_view pem,
                                                                               Origin origin) {
  if (pem.size() > kMaxKeyFileOctets) return Error{"the text is too long for a key"};
  auto key = std::make_shared<Material>();
  const BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bool encrypted = false;
  key->evp.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &encrypted));
  ERR_clear_error();
  if (!key->evp) return no_key_error(pem, encrypted);

  const auto type = type_of(key->evp.get());
  if (!type) return Error{type.error()};
  if (auto error = check_size(key->evp.get(), *type)) return *std::move(error);
  const std::string published = public_octets(key->evp.get(), *type);
  auto public_key = PublicKey::parse(*type, published);
  if (!public_key) return Error{fmt::format("nobody could verify: {}", public_key.error())};
  key->published = *std::move(public_key);
  key->signer.emplace(key->evp.get(), *type);
  if (auto error = prove(*key->signer, *key->published)) return *std::move(error);

  key->origin = std::move(origin);
  key->type = *type;
  key->bits = *type == DkimKeyType::rsa ? EVP_PKEY_get_bits(key->evp.get()) : kEd25519Bits;
  key->pem = to_pem(key->evp.get());
  key->record = fmt::format("v=DKIM1; k={}; p={}", to_string(*type), encode_base64(published));
  ERR_clear_error();
  if (key->pem.empty()) return Error{"OpenSSL cannot write the key as PEM"};
  return std::shared_ptr<const Material>(std::move(key));
}

Result<std::shared_ptr<const SigningKey>> SigningKey::make(std::shared_ptr<const Material> key,
                                                           const Name& domain,
                                                           const std::string& selector) {
  const auto name = record_name(selector, domain);
  if (!name) return Error{name.error()};
  auto named = std::make_shared<SigningKey>(Token{});
  named->domain_ = domain;
  // What stands before ._domainkey, every label of it an A-label by now.
  named->selector_ = name->text().substr(0, name->text().size() - record_suffix(domain).size());
  named->key_ = std::move(key);
  return std::shared_ptr<const SigningKey>(std::move(named));
}

Result<std::shared_ptr<const SigningKey>> SigningKey::under(const Name& domain,
                                                            const std::string& selector) const {
  return make(key_, domain, selector);
}

Result<std::shared_ptr<const SigningKey>> SigningKey::parse_from(Origin origin,
                                                                 std::string_view pem,
                                                                 const Name& domain,
                                                                 const std::string& selector) {
  // Names are cheap to check, keys are not.
  if (const auto name = record_name(selector, domain); !name) return Error{name.error()};
  auto key = parse_material(pem, std::move(origin));
  if (!key) return Error{key.error()};
  return make(*std::move(key), domain, selector);
}

Result<std::shared_ptr<const SigningKey>> SigningKey::parse(std::string_view pem,
                                                            const Name& domain,
                                                            const std::string& selector,
                                                            Time made_at) {
  return parse_from({made_at, {}}, pem, domain, selector);
}

Result<std::shared_ptr<const SigningKey>> SigningKey::load(const std::string& path,
                                                           const Name& domain,
                                                           const std::string& selector) {
  const auto failed = [&](std::string_view why) { return Error{fmt::format("{}: {}", path, why)}; };
  const File file(path);
  if (file.fd() < 0) {
    // open(2): O_NOFOLLOW makes a symbolic link at the end of the path ELOOP.
    if (errno == ELOOP) return failed("a symbolic link; put the key file itself here");
    return failed(std::strerror(errno));
  }
  struct stat status {};
  if (fstat(file.fd(), &status) != 0) return failed(std::strerror(errno));
  if (const auto error = check_file(status)) return failed(error->text);

  std::string buffer(kMaxKeyFileOctets + 1, '\0');
  const ssize_t size = read_whole(file.fd(), buffer.data(), buffer.size());
  const SecretText pem(std::move(buffer));
  if (size < 0) return failed(std::strerror(errno));
  auto key = parse_from({time_of(status.st_mtim), path},
                        std::string_view(pem.text()).substr(0, static_cast<size_t>(size)), domain,
                        selector);
  if (!key) return failed(key.error());
  return key;
}

Result<std::string> generate_key(DkimKeyType type, int bits) {
  if (type == DkimKeyType::rsa && (bits < kMinRsaBits || bits > kMaxRsaBits)) {
    return Error{fmt::format("want {} to {} bits, got {}", kMinRsaBits, kMaxRsaBits, bits)};
  }
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      type == DkimKeyType::ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                   : EVP_RSA_gen(static_cast<unsigned int>(bits)),
      &EVP_PKEY_free);
  std::string pem = key ? to_pem(key.get()) : std::string();
  ERR_clear_error();
  if (pem.empty()) return Error{"OpenSSL cannot make a key"};
  return pem;
}

bool key_file_may_exist(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

std::vector<std::string> split_txt(std::string_view text) {
  std::vector<std::string> strings;
  do {
    strings.emplace_back(text.substr(0, kMaxTxtStringOctets));
    text.remove_prefix(strings.back().size());
  } while (!text.empty());
  return strings;
}

std::string zone_file_record(const SigningKey& key) {
  // Base64, names and tags hold no character that a quoted string would have to escape.
  std::string strings;
  for (const std::string& part : split_txt(key.record()))
    strings += fmt::format("\n\t\"{}\"", part);
  return fmt::format("{}._domainkey.{}. IN TXT ({} )", key.selector(), key.domain().text(),
                     strings);
}

}  // namespace signet
