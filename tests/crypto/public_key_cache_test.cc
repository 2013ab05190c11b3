// SPDX-License-Identifier: BSD-2-Clause
//
// What the cache keeps, what it forgets first, and that it may be asked by several threads at once.

#include "crypto/public_key_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "dns/dkim_record.h"
#include "tests/support/dkim_message.h"

namespace signet {
namespace {

/// The octets of p=.
std::string published(const DkimTestKey& key) {
  return parse_dkim_record(key.record())->public_key;
}

std::string ed25519_octets(char c) { return std::string(32, c); }

TEST(PublicKeyCache, GivesTheSameKeyForTheSameOctets) {
  PublicKeyCache cache;
  const std::string octets = published(rsa_test_key());
  const auto first = cache.get(DkimKeyType::rsa, octets);
  const auto second = cache.get(DkimKeyType::rsa, octets);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->get(), second->get());
  EXPECT_EQ((*first)->bits(), 1024);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(PublicKeyCache, ErrorsAreThoseOfParsingAndAreNotKept) {
  PublicKeyCache cache;
  const auto garbage = cache.get(DkimKeyType::rsa, "garbage");
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error(), "p= holds no RSA key");
  EXPECT_EQ(cache.size(), 0U);
}

TEST(PublicKeyCache, TheSameOctetsAreAnotherKeyUnderAnotherType) {
  PublicKeyCache cache;
  ASSERT_TRUE(cache.get(DkimKeyType::ed25519, ed25519_octets('x')));
  EXPECT_FALSE(cache.get(DkimKeyType::rsa, ed25519_octets('x')));
}

TEST(PublicKeyCache, TheKeyNotUsedForTheLongestMakesRoom) {
  PublicKeyCache cache(2);
  const auto a = *cache.get(DkimKeyType::ed25519, ed25519_octets('a'));
  const auto b = *cache.get(DkimKeyType::ed25519, ed25519_octets('b'));
  EXPECT_EQ(*cache.get(DkimKeyType::ed25519, ed25519_octets('a')), a);
  ASSERT_TRUE(cache.get(DkimKeyType::ed25519, ed25519_octets('c')));
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(*cache.get(DkimKeyType::ed25519, ed25519_octets('a')), a);
  EXPECT_NE(*cache.get(DkimKeyType::ed25519, ed25519_octets('b')), b);  // parsed anew
  EXPECT_EQ(b->bits(), 256);  // and the old one lives while it is held
}

TEST(PublicKeyCache, KeysTooLargeForAnybodyAreNotKept) {
  PublicKeyCache cache;
  const auto key = make_test_key(EVP_RSA_gen(4608), DkimKeyType::rsa);
  const auto parsed = cache.get(DkimKeyType::rsa, published(key));
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed)->bits(), 4608);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(PublicKeyCache, WithoutRoomNothingIsKept) {
  PublicKeyCache cache(0);
  ASSERT_TRUE(cache.get(DkimKeyType::ed25519, ed25519_octets('a')));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(PublicKeyCache, ThreadsShareKeysAndVerifyWithThemAtOnce) {
  const auto key = rsa_test_key();
  const std::string octets = published(key);
  const std::string hash(32, 'h');
  const std::string signature = sign_hash(key.key.get(), key.type, hash);
  PublicKeyCache cache(3);
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const auto name = static_cast<char>('a' + (i + t) % 7);
        const auto other = cache.get(DkimKeyType::ed25519, ed25519_octets(name));
        const auto parsed = cache.get(DkimKeyType::rsa, octets);
        if (other && parsed && (*parsed)->verify(hash, signature)) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 800);
  EXPECT_LE(cache.size(), 3U);
}

}  // namespace
}  // namespace signet
