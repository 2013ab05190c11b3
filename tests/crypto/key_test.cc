// SPDX-License-Identifier: BSD-2-Clause
//
// SigningKey: what is a key, what is a key file, and the record that goes with it. Keys of every
// kind are made on the spot.

#include "crypto/key.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crypto/public_key.h"
#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

namespace fs = std::filesystem;
using KeyPointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using BioPointer = std::unique_ptr<BIO, decltype(&BIO_free)>;

const Name kDomain = *parse_domain("example.com");

Result<std::shared_ptr<const SigningKey>> parse(std::string_view pem) {
  return SigningKey::parse(pem, kDomain, "sel");
}

KeyPointer own(EVP_PKEY* key) { return {key, &EVP_PKEY_free}; }

std::string text_of(const BioPointer& bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

enum class Form { pkcs8, encrypted_pkcs8, pkcs1, encrypted_pkcs1, public_key };

std::string write_pem(EVP_PKEY* key, Form form) {
  const BioPointer bio(BIO_new(BIO_s_mem()), &BIO_free);
  const auto* secret = reinterpret_cast<const unsigned char*>("secret");
  if (form == Form::pkcs8) {
    PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  } else if (form == Form::encrypted_pkcs8) {
    PEM_write_bio_PrivateKey(bio.get(), key, EVP_aes_128_cbc(), secret, 6, nullptr, nullptr);
  } else if (form == Form::pkcs1) {
    PEM_write_bio_PrivateKey_traditional(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  } else if (form == Form::encrypted_pkcs1) {
    PEM_write_bio_PrivateKey_traditional(bio.get(), key, EVP_aes_128_cbc(), secret, 6, nullptr,
                                         nullptr);
  } else {
    PEM_write_bio_PUBKEY(bio.get(), key);
  }
  return text_of(bio);
}

/// RSA keys take a while to make; the tests share this one.
const std::string& rsa_pem() {
  static const std::string pem = *generate_key(DkimKeyType::rsa, 2048);
  return pem;
}

KeyPointer read_pem(const std::string& pem) {
  const BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return own(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

std::string error_of(std::string_view pem) {
  const auto key = parse(pem);
  return key.ok() ? "" : key.error();
}

TEST(SigningKey, RsaSignsWhatItsRecordVerifies) {
  const auto key = parse(rsa_pem());
  ASSERT_TRUE(key.ok()) << key.error();
  EXPECT_EQ((*key)->type(), DkimKeyType::rsa);
  EXPECT_EQ((*key)->bits(), 2048);
  EXPECT_EQ((*key)->domain(), kDomain);
  EXPECT_EQ((*key)->selector(), "sel");
  const auto record = parse_dkim_record((*key)->record());
  ASSERT_TRUE(record.ok()) << record.error();
  const auto published = PublicKey::parse(record->type, record->public_key);
  ASSERT_TRUE(published.ok()) << published.error();
  const std::string hash(32, 'h');
  EXPECT_TRUE(published->verify(hash, (*key)->sign(hash)));
  EXPECT_TRUE((*key)->public_key().verify(hash, (*key)->sign(hash)));
  EXPECT_FALSE((*key)->public_key().verify(std::string(32, 'x'), (*key)->sign(hash)));
}

TEST(SigningKey, Ed25519RecordHoldsThirtyTwoOctets) {  // RFC 8463 4.2
  const auto key = parse(*generate_key(DkimKeyType::ed25519, 0));
  ASSERT_TRUE(key.ok()) << key.error();
  EXPECT_EQ((*key)->type(), DkimKeyType::ed25519);
  EXPECT_EQ((*key)->bits(), 256);
  EXPECT_EQ((*key)->record().find("v=DKIM1; k=ed25519; p="), 0U);
  EXPECT_EQ(parse_dkim_record((*key)->record())->public_key.size(), 32U);
}

TEST(SigningKey, TheRfcsKeyGivesTheRfcsRecord) {  // RFC 8463 A.1 and A.2
  // nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A= inside PKCS#8
  const auto key = parse(
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
      "-----END PRIVATE KEY-----\n");
  ASSERT_TRUE(key.ok()) << key.error();
  EXPECT_EQ((*key)->record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

TEST(SigningKey, Pkcs1IsAKeyTooAndBecomesPkcs8) {
  const auto key = parse(write_pem(read_pem(rsa_pem()).get(), Form::pkcs1));
  ASSERT_TRUE(key.ok()) << key.error();
  EXPECT_EQ((*key)->pem(), rsa_pem());
  EXPECT_EQ((*key)->record(), (*parse(rsa_pem()))->record());
}

TEST(SigningKey, WhatElseAFileHoldsIsNotKept) {
  const auto key = parse("a note\n" + rsa_pem() + rsa_pem());
  ASSERT_TRUE(key.ok()) << key.error();
  EXPECT_EQ((*key)->pem(), rsa_pem());
}

TEST(SigningKey, SaysWhatWasFoundInsteadOfAKey) {
  const KeyPointer rsa = read_pem(rsa_pem());
  const KeyPointer ec = own(EVP_EC_gen("P-256"));
  const KeyPointer x25519 = own(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  const KeyPointer ed448 = own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448"));
  const struct {
    std::string pem;
    const char* says;
  } cases[] = {
      {"", "no private key"},
      {"garbage", "no private key"},
      {std::string(100, '\0'), "no private key"},
      {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"},
      {rsa_pem().substr(0, rsa_pem().size() / 2), "no private key"},
      {write_pem(rsa.get(), Form::public_key), "public key"},
      {write_pem(rsa.get(), Form::encrypted_pkcs8), "encrypted"},
      {write_pem(rsa.get(), Form::encrypted_pkcs1), "encrypted"},
      {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "OpenSSH"},
      {write_pem(ec.get(), Form::pkcs8), "type EC"},
      {write_pem(ec.get(), Form::pkcs1), "type EC"},
      {write_pem(x25519.get(), Form::pkcs8), "type X25519"},
      {write_pem(ed448.get(), Form::pkcs8), "type ED448"},
      {std::string(kMaxKeyFileOctets + 1, 'x'), "too long"},
  };
  for (const auto& c : cases) {
    EXPECT_NE(error_of(c.pem).find(c.says), std::string::npos)
        << c.says << ", but: " << error_of(c.pem);
  }
}

TEST(SigningKey, RsaPssIsNoDkimKey) {  // RFC 6376 3.3: RSASSA-PKCS1-v1_5 alone
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr), &EVP_PKEY_CTX_free);
  EVP_PKEY* made = nullptr;
  ASSERT_EQ(EVP_PKEY_keygen_init(context.get()), 1);
  ASSERT_EQ(EVP_PKEY_generate(context.get(), &made), 1);
  const KeyPointer key = own(made);
  EXPECT_NE(error_of(write_pem(key.get(), Form::pkcs8)).find("type RSA-PSS"), std::string::npos);
}

TEST(SigningKey, RsaHas1024To4096Bits) {  // RFC 8301 3.2
  const KeyPointer small = own(EVP_RSA_gen(1023));
  EXPECT_NE(error_of(write_pem(small.get(), Form::pkcs8)).find("1023 bits"), std::string::npos);
  const auto least = parse(*generate_key(DkimKeyType::rsa, 1024));
  ASSERT_TRUE(least.ok()) << least.error();
  EXPECT_EQ((*least)->bits(), 1024);
  EXPECT_FALSE(generate_key(DkimKeyType::rsa, 1023).ok());
  EXPECT_FALSE(generate_key(DkimKeyType::rsa, 4097).ok());
  EXPECT_FALSE(generate_key(DkimKeyType::rsa, -1).ok());
}

TEST(SigningKey, AKeyWhoseHalvesDoNotMatchIsBroken) {
  // The modulus of one key with the private numbers of another.
  KeyPointer one = read_pem(rsa_pem());
  std::string der(4096, '\0');
  auto* end = reinterpret_cast<unsigned char*>(der.data());
  der.resize(static_cast<size_t>(i2d_PrivateKey(one.get(), &end)));
  der[20] = static_cast<char>(der[20] ^ 0x55);  // inside the modulus
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const KeyPointer broken =
      own(d2i_PrivateKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size())));
  ASSERT_NE(broken, nullptr);
  const std::string error = error_of(write_pem(broken.get(), Form::pkcs8));
  EXPECT_NE(error.find("broken"), std::string::npos) << error;
}

TEST(SigningKey, TheSelectorMustMakeAName) {
  for (const char* good : {"sel", "s20261123", "20261123", "a.b", "Sel"}) {
    const auto key = SigningKey::parse(rsa_pem(), kDomain, good);
    ASSERT_TRUE(key.ok()) << good << ": " << key.error();
    EXPECT_EQ((*key)->selector(), ascii_lower(good));
  }
  for (const char* bad : {"", ".", "a..b", "a.", ".a", "a/../b", "a b", "a\nb", "*"}) {
    EXPECT_FALSE(SigningKey::parse(rsa_pem(), kDomain, bad).ok()) << bad;
  }
  EXPECT_FALSE(SigningKey::parse(rsa_pem(), kDomain, std::string(64, 'a')).ok());
}

class KeyFile : public testing::Test {
 protected:
  void SetUp() override {
    path_ = directory_ + "/sel.pem";
    write(rsa_pem(), 0600);
  }

  void write(const std::string& text, mode_t mode) {
    std::ofstream(path_, std::ios::binary) << text;
    chmod(path_.c_str(), mode);
  }
  std::string load_error(const std::string& path) {
    const auto key = SigningKey::load(path, kDomain, "sel");
    if (key.ok()) return "";
    EXPECT_EQ(key.error().find(path + ": "), 0U) << key.error();
    return key.error();
  }

  const TemporaryFolder folder_;
  const std::string directory_ = folder_.path();
  std::string path_;
};

TEST_F(KeyFile, LoadsWhatOnlyItsOwnerCanRead) {
  EXPECT_EQ(load_error(path_), "");
  chmod(path_.c_str(), 0400);
  EXPECT_EQ(load_error(path_), "");
}

TEST_F(KeyFile, TheAgeOfAKeyIsThatOfItsFile) {
  // Nanoseconds count: a script makes two keys within a second.
  const timespec times[] = {{0, UTIME_OMIT}, {1'700'000'000, 5000}};
  ASSERT_EQ(utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  const auto key = SigningKey::load(path_, kDomain, "sel");
  ASSERT_TRUE(key) << key.error();
  EXPECT_EQ((*key)->made_at().time_since_epoch(),
            std::chrono::seconds(1'700'000'000) + std::chrono::microseconds(5));
  EXPECT_EQ((*(*key)->under(kDomain, "other"))->made_at(), (*key)->made_at());
  EXPECT_EQ((*parse(rsa_pem()))->made_at(), SigningKey::Time());
}

TEST_F(KeyFile, AKeyKnowsItsFile) {
  const auto key = SigningKey::load(path_, kDomain, "sel");
  ASSERT_TRUE(key) << key.error();
  EXPECT_EQ((*key)->file(), path_);
  EXPECT_EQ((*(*key)->under(kDomain, "other"))->file(), path_);
  EXPECT_EQ((*parse(rsa_pem()))->file(), "");
}

TEST_F(KeyFile, AccessOfOthersIsRefused) {
  for (const mode_t mode : {0644, 0604, 0602, 0601, 0660, 0620, 0610, 0666, 0777, 02640 | 0004}) {
    chmod(path_.c_str(), mode);
    EXPECT_NE(load_error(path_).find("others than its owner"), std::string::npos) << mode;
  }
}

TEST_F(KeyFile, TheGroupMayReadAKeyOfRootOnly) {
  chmod(path_.c_str(), 0640);
  if (geteuid() == 0) {
    EXPECT_EQ(load_error(path_), "");
    ASSERT_EQ(chown(path_.c_str(), 12345, 0), 0);
    EXPECT_NE(load_error(path_).find("others than its owner"), std::string::npos);
  } else {
    EXPECT_NE(load_error(path_).find("others than its owner"), std::string::npos);
  }
}

TEST_F(KeyFile, SymbolicLinksAreRefused) {
  const std::string link = directory_ + "/link.pem";
  fs::create_symlink(path_, link);
  EXPECT_NE(load_error(link).find("symbolic link"), std::string::npos);
}

TEST_F(KeyFile, WhatIsNoRegularFileIsRefused) {
  const std::string fifo = directory_ + "/fifo.pem";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(load_error(fifo).find("no regular file"), std::string::npos);
  EXPECT_NE(load_error(directory_).find("no regular file"), std::string::npos);
  EXPECT_NE(load_error("/dev/zero").find("no regular file"), std::string::npos);
}

TEST_F(KeyFile, AMissingFileIsNamed) {
  EXPECT_NE(load_error(directory_ + "/none.pem").find("No such file"), std::string::npos);
}

TEST_F(KeyFile, SixtyFourKibioctetsAreTheLimit) {
  write(rsa_pem() + std::string(kMaxKeyFileOctets - rsa_pem().size(), '\n'), 0600);
  EXPECT_EQ(load_error(path_), "");
  write(rsa_pem() + std::string(kMaxKeyFileOctets + 1 - rsa_pem().size(), '\n'), 0600);
  EXPECT_NE(load_error(path_).find("65537 octets"), std::string::npos);
}

TEST_F(KeyFile, ErrorsNeverHoldWhatTheFileHolds) {
  std::string text = rsa_pem();
  text[100] = '!';
  write(text, 0600);
  const std::string error = load_error(path_);
  EXPECT_NE(error, "");
  EXPECT_LT(error.size(), path_.size() + 120);
  for (size_t start = 30; start + 12 < text.size(); start += 12) {
    EXPECT_EQ(error.find(text.substr(start, 12)), std::string::npos);
  }
}

TEST(SigningKey, TheSameKeySignsUnderOtherNames) {
  const auto key = parse(rsa_pem());
  ASSERT_TRUE(key.ok());
  const auto other = (*key)->under(*parse_domain("b\xc3\xbc"
                                                 "cher.example"),
                                   "S2.Mail");
  ASSERT_TRUE(other.ok()) << other.error();
  EXPECT_EQ((*other)->domain().text(), "xn--bcher-kva.example");
  EXPECT_EQ((*other)->selector(), "s2.mail");
  EXPECT_EQ((*other)->evp(), (*key)->evp());
  EXPECT_EQ((*other)->record(), (*key)->record());
  EXPECT_EQ((*key)->domain().text(), "example.com") << "the first one keeps its names";

  const auto third = (*other)->for_domain(*parse_domain("example.net"));
  ASSERT_TRUE(third.ok());
  EXPECT_EQ((*third)->selector(), "s2.mail");
  EXPECT_FALSE((*key)->under(*parse_domain("example.net"), "a b").ok());
  const std::string label(63, 'a');
  EXPECT_FALSE(
      (*key)
          ->for_domain(*parse_domain(label + "." + label + "." + label + "." + label.substr(0, 61)))
          .ok())
      << "with its selector the name has more than 253 octets";
}

TEST(SigningKey, MayWaitForTheDomainOfTheMessage) {
  const auto key = SigningKey::parse(rsa_pem(), Name(), "Mail");
  ASSERT_TRUE(key.ok()) << key.error();
  EXPECT_TRUE((*key)->domain().is_root());
  EXPECT_EQ((*key)->selector(), "mail");
  const auto named = (*key)->for_domain(*parse_domain("example.net"));
  ASSERT_TRUE(named.ok());
  EXPECT_EQ((*named)->domain().text(), "example.net");
  EXPECT_EQ((*named)->selector(), "mail");
  EXPECT_FALSE(SigningKey::parse(rsa_pem(), Name(), "a..b").ok());
}

TEST(SplitTxt, StringsHaveAtMost255Octets) {  // RFC 1035 3.3
  EXPECT_EQ(split_txt(""), (std::vector<std::string>{""}));
  EXPECT_EQ(split_txt(std::string(255, 'a')).size(), 1U);
  EXPECT_EQ(split_txt(std::string(255, 'a') + "b"),
            (std::vector<std::string>{std::string(255, 'a'), "b"}));
  EXPECT_EQ(split_txt(std::string(600, 'a')).size(), 3U);
}

TEST(ZoneFileRecord, IsOneRecordWithItsStringsInParentheses) {
  const auto key = parse(rsa_pem());
  ASSERT_TRUE(key.ok());
  const std::string record = zone_file_record(**key);
  const auto strings = split_txt((*key)->record());
  ASSERT_EQ(strings.size(), 2U);
  EXPECT_EQ(record, "sel._domainkey.example.com. IN TXT (\n\t\"" + strings[0] + "\"\n\t\"" +
                        strings[1] + "\" )");
}

}  // namespace
}  // namespace signet
