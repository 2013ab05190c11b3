// SPDX-License-Identifier: BSD-2-Clause
//
// KeyStore: a directory of keys, good and bad ones side by side.

#include "crypto/key_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

namespace fs = std::filesystem;

const std::string& ed25519_pem() {
  static const std::string pem = *generate_key(DkimKeyType::ed25519, 0);
  return pem;
}

const std::string& rsa_pem() {
  static const std::string pem = *generate_key(DkimKeyType::rsa, 1024);
  return pem;
}

Name domain(std::string_view text) { return *parse_domain(text); }

class KeyDirectory : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text, mode_t mode = 0600) {
    const fs::path whole = directory_ + "/" + path;
    fs::create_directories(whole.parent_path());
    std::ofstream(whole, std::ios::binary) << text;
    chmod(whole.c_str(), mode);
  }

  const TemporaryFolder folder_;
  const std::string directory_ = folder_.path();
};

std::vector<std::string> selectors(const KeyStore& store, std::string_view name) {
  std::vector<std::string> found;
  for (const auto& key : store.keys_for(domain(name))) found.push_back(key->selector());
  return found;
}

TEST_F(KeyDirectory, HoldsEachDomainsKeysRsaFirst) {
  put("example.com/a.pem", ed25519_pem());
  put("example.com/z.pem", rsa_pem());
  put("example.com/m.pem", rsa_pem());
  put("example.com/b.pem", ed25519_pem());
  put("Example.NET/2026.pem", ed25519_pem());
  const KeyStore store = KeyStore::load_directory(directory_);
  EXPECT_EQ(store.problems(), std::vector<std::string>{});
  EXPECT_EQ(selectors(store, "example.com"), (std::vector<std::string>{"m", "z", "a", "b"}));
  EXPECT_EQ(selectors(store, "example.net"), (std::vector<std::string>{"2026"}));
  EXPECT_EQ(store.size(), 5U);
  EXPECT_TRUE(store.holds(domain("example.net")));
}

TEST_F(KeyDirectory, KeysAreForExactlyTheirDomain) {
  put("example.com/s.pem", ed25519_pem());
  const KeyStore store = KeyStore::load_directory(directory_);
  EXPECT_FALSE(store.holds(domain("sub.example.com")));
  EXPECT_FALSE(store.holds(domain("com")));
  EXPECT_TRUE(store.keys_for(domain("example.org")).empty());
}

TEST_F(KeyDirectory, AULabelNamesTheSameDomain) {  // RFC 8616
  put("b\u00fccher.example/s.pem", ed25519_pem());
  EXPECT_TRUE(KeyStore::load_directory(directory_).holds(domain("xn--bcher-kva.example")));
}

TEST_F(KeyDirectory, ABadFileStopsThatKeyAndNotTheOthers) {
  put("example.com/bad.pem", "garbage");
  put("example.com/good.pem", ed25519_pem());
  put("example.com/open.pem", ed25519_pem(), 0644);
  fs::create_symlink("good.pem", directory_ + "/example.com/link.pem");
  put("a..b/s.pem", ed25519_pem());
  put("stray.pem", ed25519_pem());
  const KeyStore store = KeyStore::load_directory(directory_);
  EXPECT_EQ(selectors(store, "example.com"), (std::vector<std::string>{"good"}));
  const char* expected[] = {"/a..b: no domain name", "/example.com/bad.pem: no private key",
                            "/example.com/link.pem: a symbolic link",
                            "/example.com/open.pem: others than its owner",
                            "/stray.pem: a key belongs in a directory"};
  ASSERT_EQ(store.problems().size(), std::size(expected));
  for (size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(store.problems()[i].find(directory_ + expected[i]), 0U) << store.problems()[i];
  }
}

TEST_F(KeyDirectory, OtherFilesAreLeftAlone) {
  put("example.com/s.txt", "s._domainkey IN TXT ...");
  put("example.com/.hidden.pem", "garbage");
  put("README", "text");
  put(".git/config.pem", "text");
  const KeyStore store = KeyStore::load_directory(directory_);
  EXPECT_EQ(store.size(), 0U);
  EXPECT_EQ(store.problems(), std::vector<std::string>{});
}

TEST_F(KeyDirectory, AMissingDirectoryHoldsNoKeys) {
  const KeyStore store = KeyStore::load_directory(directory_ + "/none");
  EXPECT_EQ(store.size(), 0U);
  EXPECT_TRUE(store.problems().empty());
}

TEST_F(KeyDirectory, WhatIsNoDirectoryIsAProblem) {
  put("file", "");
  const KeyStore store = KeyStore::load_directory(directory_ + "/file");
  ASSERT_EQ(store.problems().size(), 1U);
  EXPECT_EQ(store.problems()[0].find(directory_ + "/file: "), 0U);
}

}  // namespace
}  // namespace signet
