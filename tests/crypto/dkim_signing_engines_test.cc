// SPDX-License-Identifier: BSD-2-Clause
//
// Where the two engines differ in signing, as a table: what it is about, the RFC that decides, and
// which one follows it. Outside this table they sign the same fields with the same hashes. Most of
// it cannot be seen from outside: what the library refuses or gets wrong is signed natively.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <ostream>
#include <thread>
#include <vector>

#include "crypto/opendkim_library.h"
#include "tests/support/dkim_message.h"

namespace signet {
namespace {

/// Who made the signature, if any.
enum class By { native, library, nobody };

std::ostream& operator<<(std::ostream& out, By by) {
  constexpr const char* kWords[] = {"native", "library", "nobody"};
  return out << kWords[static_cast<int>(by)];
}

/// The library continues b= with a tab and a space.
By who_signed(const Result<std::vector<HeaderField>>& signatures) {
  if (!signatures) return By::nobody;
  return signatures->front().value.find("\r\n\t ") != std::string::npos ? By::library : By::native;
}

struct Difference {
  const char* about;
  const char* rfc;
  By with_native;
  By with_libopendkim;
  const char* follows_the_rfc;
  DkimTestMessage message;
  DkimSignOptions options = {};
  bool ed25519 = false;
};

DkimTestMessage plain_message() {
  return parse_message("From: Joe <joe@example.com>\nSubject: hello\n\nHi.\n");
}

DkimTestMessage with_body(std::string body) {
  DkimTestMessage message = plain_message();
  message.body = std::move(body);
  return message;
}

DkimTestMessage with_field(const HeaderField& field, int count = 1) {
  DkimTestMessage message = plain_message();
  message.fields.insert(message.fields.end(), static_cast<size_t>(count), field);
  return message;
}

DkimSignOptions signing(const std::vector<std::string>& names) {
  DkimSignOptions options;
  options.sign_headers = names;
  return options;
}

std::vector<Difference> differences() {
  using enum By;
  constexpr const char* kBoth = "both";
  constexpr const char* kNative = "native";
  constexpr const char* kNone = "no RFC decides";
  return {
      {"an ordinary message", "RFC 6376 5", native, library, kBoth, plain_message()},
      {"an Ed25519 key: the library leaks memory",
       "RFC 8463 3",
       native,
       native,
       kBoth,
       plain_message(),
       {},
       true},
      {"a bare CR in the body ends a line for the library", "RFC 6376 3.4.3", native, native,
       kNative, with_body("bare\rCR\r\n")},
      {"a bare LF in the body", "RFC 6376 3.4.3", native, library, kBoth,
       with_body("bare\nLF\r\n")},
      {"a megabyte of body without white space is too much for the library", "RFC 6376 3.4.4",
       native, native, kNative, with_body(std::string(3 << 20, 'x') + "\r\n")},
      {"a bare CR in a field", "RFC 6376 3.4.2", native, native, kNative,
       with_field({"Subject", " a\rb"})},
      {"a tab before the colon is part of the name for the library", "RFC 6376 3.4.2", native,
       native, kNative, with_field({"Cc\t", " a"})},
      {"a space before the colon", "RFC 6376 3.4.2", native, library, kBoth,
       with_field({"Cc ", " a"})},
      {"h= of more than 4 KiB loses names in the library", "RFC 6376 3.5 h=", native, nobody,
       kNative, with_field({"Subject", " again"}, 500)},
      {"h= of more than 12,000 octets", "RFC 6376 3.5 h=", nobody, nobody, kNone,
       with_field({"Subject", " again"}, 2000)},
      {"a name that the library takes for a pattern", "RFC 5322 3.6.8", native, native, kNative,
       plain_message(), signing({"X.Y"})},
      {"SignHeaders longer than the library's pattern may be", "RFC 6376 5.4", native, native,
       kNative, plain_message(), signing({std::string(1000, 'x')})},
  };
}

TEST(DkimSigningEngines, DifferOnlyAsListed) {
  const Name domain = *test_name("example.com");
  for (const Difference& d : differences()) {
    const auto key =
        SigningKey::parse(pem_of(d.ed25519 ? ed25519_test_key() : rsa_test_key()), domain, "s");
    ASSERT_TRUE(key) << key.error();
    for (const DkimEngine engine : {DkimEngine::native, DkimEngine::libopendkim}) {
      const auto signer = make_dkim_signer(engine, d.options, {{*key, {}}});
      for (const HeaderField& field : d.message.fields) signer->header(field);
      signer->end_of_headers();
      signer->body(d.message.body);
      EXPECT_EQ(who_signed(signer->finish(kTestNow)),
                engine == DkimEngine::native ? d.with_native : d.with_libopendkim)
          << to_string(engine) << ": " << d.about << " (" << d.rfc << ", followed by "
          << d.follows_the_rfc << ")";
    }
  }
}

TEST(DkimSigningEngines, SignTheSameFieldsWithTheSameHashes) {
  const Name domain = *test_name("example.com");
  const auto key = SigningKey::parse(pem_of(rsa_test_key()), domain, "s");
  ASSERT_TRUE(key) << key.error();
  const auto tags = [&](DkimEngine engine) {
    const auto signer = make_dkim_signer(engine, {}, {{*key, "joe@example.com"}});
    for (const HeaderField& field : plain_message().fields) signer->header(field);
    signer->end_of_headers();
    signer->body(plain_message().body);
    return parse_dkim_signature(signer->finish(kTestNow)->front().value, 1000);
  };
  const DkimSignature native = tags(DkimEngine::native);
  const DkimSignature library = tags(DkimEngine::libopendkim);
  EXPECT_EQ(native.algorithm, library.algorithm);
  EXPECT_EQ(native.domain, library.domain);
  EXPECT_EQ(native.selector, library.selector);
  EXPECT_EQ(native.identity, library.identity);
  EXPECT_EQ(native.signed_fields, library.signed_fields);
  EXPECT_EQ(native.body_hash, library.body_hash);
  EXPECT_EQ(*native.expires_at - *native.signed_at, *library.expires_at - *library.signed_at);
  // RFC 6376 3.5 t=: the library reads the clock.
  EXPECT_EQ(native.signed_at, kTestNow);
  EXPECT_NE(library.signed_at, kTestNow);
}

TEST(DkimSigningEngines, AThousandReloadsKeepFewLibraries) {
  const auto in_use = opendkim_signing_library(signing({"X-In-Use"}));
  ASSERT_TRUE(in_use);
  std::vector<std::weak_ptr<DKIM_LIB>> libraries;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "X-" + std::to_string(i);
    const auto library = opendkim_signing_library(signing({name}));
    ASSERT_TRUE(library);
    EXPECT_EQ(opendkim_signing_library(signing({name, ascii_lower(name)})), library);
    EXPECT_NE(library, in_use);
    libraries.push_back(library);
  }
  const auto alive = std::count_if(libraries.begin(), libraries.end(),
                                   [](const auto& library) { return !library.expired(); });
  EXPECT_GE(alive, 1);
  EXPECT_LE(alive, 8);
}

TEST(DkimSigningEngines, LibrariesGoWhileOthersAreInUse) {
  const auto key = SigningKey::parse(pem_of(rsa_test_key()), *test_name("example.com"), "s");
  ASSERT_TRUE(key) << key.error();
  std::atomic<int> signed_messages = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const auto options = signing({"X-" + std::to_string(i * round)});
        const auto signer = make_dkim_signer(DkimEngine::libopendkim, options, {{*key, {}}});
        for (const HeaderField& field : plain_message().fields) signer->header(field);
        signer->end_of_headers();
        signer->body(plain_message().body);
        if (who_signed(signer->finish(kTestNow)) == By::library) ++signed_messages;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(signed_messages, 80);
}

}  // namespace
}  // namespace signet
