// SPDX-License-Identifier: BSD-2-Clause
//
// What the signer writes, with either engine: which fields it signs, how the field looks, and that
// the verifier passes it in every canonicalization and however the message arrives. What the
// engines do not have in common is in dkim_signing_engines_test.

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "tests/support/dkim_sample.h"

namespace signet {
namespace {

constexpr std::string_view kText =
    "Received: from localhost\n"
    "From: Joe <joe@example.com>\n"
    "To: Suzie <suzie@example.net>\n"
    "Subject: Is  dinner\n"
    "\tready?\n"
    "X-Unsigned: yes\n"
    "\n"
    "Hi.  \n"
    "\n"
    "We lost\tthe game.\n"
    "\n";

using Keys = std::vector<SignatureSpec>;

std::shared_ptr<const SigningKey> signing_key(const DkimTestKey& key, const std::string& selector) {
  return *SigningKey::parse(pem_of(key), *test_name("example.com"), selector);
}

Keys both_keys() {
  return {{signing_key(rsa_test_key(), "rsa"), {}}, {signing_key(ed25519_test_key(), "ed"), {}}};
}

std::string zone() {
  return txt_record("rsa._domainkey.example.com", rsa_test_key().record()) +
         txt_record("ed._domainkey.example.com", ed25519_test_key().record());
}

DkimSignOptions options_for(bool relaxed_header, bool relaxed_body) {
  DkimSignOptions options;
  options.relaxed_header = relaxed_header;
  options.relaxed_body = relaxed_body;
  return options;
}

class DkimSigner : public testing::TestWithParam<DkimEngine> {
 protected:
  static Result<std::vector<HeaderField>> sign_message(const DkimTestMessage& message,
                                                       const Keys& keys,
                                                       const DkimSignOptions& options = {},
                                                       size_t piece = 1 << 20) {
    const auto signer = make_dkim_signer(GetParam(), options, keys);
    for (const HeaderField& field : message.fields) signer->header(field);
    signer->end_of_headers();
    for (size_t i = 0; i < message.body.size(); i += piece) {
      signer->body(std::string_view(message.body).substr(i, piece));
    }
    return signer->finish(kTestNow);
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, DkimSigner,
                         testing::Values(DkimEngine::native, DkimEngine::libopendkim),
                         [](const auto& engine) { return std::string(to_string(engine.param)); });

/// The time at which a signature says it was made, which for the library is the clock's.
std::chrono::sys_seconds time_of(const HeaderField& signature) {
  return *parse_dkim_signature(signature.value, 1000).signed_at;
}

/// Puts the signatures on top and verifies, each at the time it was made.
std::vector<std::string> verdicts(const DkimTestMessage& message,
                                  const std::vector<HeaderField>& signatures) {
  std::vector<std::string> words;
  for (const HeaderField& signature : signatures) {
    DkimTestMessage with_signature = message;
    with_signature.fields.insert(with_signature.fields.begin(), signature);
    ZoneResolver resolver(zone());
    for (const auto& verdict :
         verify_message(with_signature, resolver, std::nullopt, {}, time_of(signature))) {
      words.push_back(std::string(to_string(verdict.result)) + verdict.reason);
    }
  }
  return words;
}

const std::vector<std::string> kTwoPasses = {"pass", "pass"};

TEST_P(DkimSigner, SignsOncePerKeyInTheirOrder) {
  const auto signatures = sign_message(parse_message(kText), both_keys());
  ASSERT_TRUE(signatures) << signatures.error();
  ASSERT_EQ(signatures->size(), 2U);
  const auto rsa = parse_dkim_signature((*signatures)[0].value, 1000);
  const auto ed25519 = parse_dkim_signature((*signatures)[1].value, 1000);
  EXPECT_EQ(rsa.algorithm, "rsa-sha256");
  EXPECT_EQ(rsa.selector, "rsa");
  EXPECT_EQ(ed25519.algorithm, "ed25519-sha256");
  EXPECT_EQ(ed25519.selector, "ed");
  EXPECT_EQ(rsa.body_hash, ed25519.body_hash);
  EXPECT_EQ(rsa.domain.text(), "example.com");
}

TEST_P(DkimSigner, BothSignaturesPassInEveryCanonicalization) {  // RFC 6376 3.4
  for (const bool header : {false, true}) {
    for (const bool body : {false, true}) {
      const auto message = parse_message(kText);
      const auto signatures = sign_message(message, both_keys(), options_for(header, body));
      ASSERT_TRUE(signatures) << signatures.error();
      EXPECT_EQ(verdicts(message, *signatures), kTwoPasses) << header << body;
      const auto parsed = parse_dkim_signature((*signatures)[0].value, 1000);
      EXPECT_EQ(parsed.header_canonicalization == Canonicalization::relaxed, header);
      EXPECT_EQ(parsed.body_canonicalization == Canonicalization::relaxed, body);
    }
  }
}

TEST_P(DkimSigner, PassesWithOddBodies) {  // RFC 6376 3.4.3, 3.4.4
  const std::string bodies[] = {"", "\r\n", "\r\n\r\n", "no line end", "x\r\n \t ", "x\r\n\r\n y"};
  for (const std::string& body : bodies) {
    for (const bool relaxed : {false, true}) {
      auto message = parse_message(kText);
      message.body = body;
      const auto signatures = sign_message(message, both_keys(), options_for(true, relaxed));
      ASSERT_TRUE(signatures) << signatures.error();
      EXPECT_EQ(verdicts(message, *signatures), kTwoPasses) << body;
    }
  }
}

TEST_P(DkimSigner, SignsBodiesThatTheLibraryReadsOtherwise) {  // RFC 6376 3.4: CRLF ends a line
  const auto body_hash = [](const HeaderField& field) {
    return parse_dkim_signature(field.value, 1000).body_hash;
  };
  const std::string bodies[] = {"bare\rCR\r\n", "bare\nLF\r\n", std::string(3 << 20, 'x') + "\r\n"};
  for (const std::string& body : bodies) {
    auto message = parse_message(kText);
    message.body = body;
    for (const bool relaxed : {false, true}) {
      const auto signatures = sign_message(message, both_keys(), options_for(true, relaxed));
      ASSERT_TRUE(signatures) << signatures.error();
      const auto how = relaxed ? Canonicalization::relaxed : Canonicalization::simple;
      for (const auto& field : *signatures) EXPECT_EQ(body_hash(field), body_hash_of(body, how));
    }
  }
}

TEST_P(DkimSigner, HowTheBodyIsCutDoesNotMatter) {
  const auto message = parse_message(kText);
  const Keys ed25519 = {both_keys()[1]};
  const auto whole = sign_message(message, ed25519);
  ASSERT_TRUE(whole);
  for (size_t piece = 1; piece <= message.body.size(); ++piece) {
    const auto cut = sign_message(message, ed25519, {}, piece);
    ASSERT_TRUE(cut);
    EXPECT_EQ(*cut, *whole);
    const auto both = sign_message(message, both_keys(), {}, piece);
    ASSERT_TRUE(both) << both.error();
    EXPECT_EQ(verdicts(message, *both), kTwoPasses);
  }
}

TEST_P(DkimSigner, SignsPresentFieldsAndOneMoreOfThoseThatMatter) {  // RFC 6376 5.4, 8.15
  const auto signatures = sign_message(parse_message(kText), both_keys());
  ASSERT_TRUE(signatures);
  const std::vector<std::string> expected = {"from",
                                             "to",
                                             "subject",
                                             "from",
                                             "to",
                                             "cc",
                                             "subject",
                                             "date",
                                             "reply-to",
                                             "message-id",
                                             "mime-version",
                                             "content-type",
                                             "content-transfer-encoding"};
  for (const HeaderField& field : *signatures) {
    auto names = parse_dkim_signature(field.value, 1000).signed_fields;
    EXPECT_EQ(names, expected);
  }
}

TEST_P(DkimSigner, FieldsAddedAfterSigningAreNoticed) {  // RFC 6376 8.15
  const auto message = parse_message(kText);
  const auto signatures = sign_message(message, both_keys());
  ASSERT_TRUE(signatures);
  const std::vector<std::string> two_fails(2, "failsignature does not verify");
  for (const char* name : {"From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID",
                           "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}) {
    auto changed = message;
    changed.fields.insert(changed.fields.begin(), {name, " added"});
    EXPECT_EQ(verdicts(changed, *signatures), two_fails) << name;
  }
  auto changed = message;
  changed.fields.insert(changed.fields.begin(), {"Received", " from elsewhere"});
  EXPECT_EQ(verdicts(changed, *signatures), kTwoPasses);
}

TEST_P(DkimSigner, TimesAreNowAndNowPlusLifetime) {  // RFC 6376 3.5 t=, x=
  DkimSignOptions options;
  options.signature_ttl = std::chrono::seconds(3600);
  auto signatures = sign_message(parse_message(kText), both_keys(), options);
  ASSERT_TRUE(signatures);
  for (const HeaderField& field : *signatures) {
    const auto parsed = parse_dkim_signature(field.value, 1000);
    ASSERT_TRUE(parsed.signed_at && parsed.expires_at);
    EXPECT_EQ(*parsed.expires_at - *parsed.signed_at, std::chrono::seconds(3600));
    EXPECT_FALSE(parsed.body_length);
  }
  EXPECT_EQ(time_of((*signatures)[1]), kTestNow);
  options.signature_ttl = std::chrono::seconds(0);
  signatures = sign_message(parse_message(kText), both_keys(), options);
  ASSERT_TRUE(signatures);
  for (const HeaderField& field : *signatures) {
    EXPECT_FALSE(parse_dkim_signature(field.value, 1000).expires_at);
  }
}

TEST_P(DkimSigner, FieldIsFoldedAndReadyToInsert) {  // RFC 5322 2.1.1, 2.2.3
  const auto signatures = sign_message(parse_message(kText), both_keys());
  ASSERT_TRUE(signatures);
  for (const HeaderField& field : *signatures) {
    EXPECT_EQ(field.name, "DKIM-Signature");
    EXPECT_TRUE(field.value.starts_with(" v=1;"));
    EXPECT_FALSE(field.value.ends_with("\r\n"));
    const std::string text = field.name + ":" + field.value;
    size_t column = 0;
    for (size_t at = 0; at < text.size(); ++at) {
      const bool fold = text.compare(at, 3, "\r\n\t") == 0;
      const bool printable = (text[at] >= ' ' && text[at] <= '~') || text[at] == '\t';
      ASSERT_TRUE(fold || printable) << text;
      column = fold ? 8 : column + 1;
      EXPECT_LE(column, 78U) << text;
      if (fold) at += 2;  // the tab after CRLF opens the next line
    }
  }
}

TEST_P(DkimSigner, RefusesMoreOrFewerThanOneFrom) {  // RFC 5322 3.6
  auto message = parse_message(kText);
  message.fields.push_back({"FROM ", " evil@example.org"});
  auto signatures = sign_message(message, both_keys());
  ASSERT_FALSE(signatures);
  EXPECT_EQ(signatures.error(), "the message has 2 From fields");
  message = parse_message(kText);
  message.fields.erase(message.fields.begin() + 1);
  signatures = sign_message(message, both_keys());
  ASSERT_FALSE(signatures);
  EXPECT_EQ(signatures.error(), "the message has 0 From fields");
}

TEST_P(DkimSigner, RefusesMoreFieldsThanHCanName) {
  auto message = parse_message(kText);
  for (int i = 0; i < 2000; ++i) message.fields.push_back({"Subject", " again"});
  const auto signatures = sign_message(message, both_keys());
  ASSERT_FALSE(signatures);
  EXPECT_TRUE(signatures.error().starts_with("too many header fields to sign: "))
      << signatures.error();
}

TEST_P(DkimSigner, ARefusalIsKnownAtTheEndOfTheHeader) {
  auto message = parse_message(kText);
  const auto refusal = [&message] {
    const auto signer = make_dkim_signer(GetParam(), {}, both_keys());
    for (const HeaderField& field : message.fields) signer->header(field);
    signer->end_of_headers();
    return signer->refusal();
  };
  EXPECT_EQ(refusal(), "");
  message.fields.push_back({"Subject", std::string(" a\0b", 4)});
  EXPECT_EQ(refusal(), "a header field holds a NUL");
  message.fields.push_back({"From", " second@example.org"});
  EXPECT_EQ(refusal(), "the message has 2 From fields");
}

TEST_P(DkimSigner, RepeatedFieldsAreAllSigned) {  // RFC 6376 5.4.2
  auto message = parse_message(kText);
  for (int i = 0; i < 40; ++i) message.fields.push_back({"Subject", " " + std::to_string(i)});
  const auto signatures = sign_message(message, both_keys());
  ASSERT_TRUE(signatures) << signatures.error();
  EXPECT_EQ(verdicts(message, *signatures), kTwoPasses);
}

TEST_P(DkimSigner, OddHeadersAreSignedAsTheyAre) {
  auto message = parse_message(kText);
  message.fields.push_back({"Reply-To ", "\r\n \t<x@y>  \r\n "});
  message.fields.push_back({"Cc", ""});
  message.fields.push_back({"Date", " " + std::string(50'000, 'x')});
  message.fields.push_back({"Message-ID", " <\xc3\xbc@\xff>"});
  for (const bool relaxed : {false, true}) {
    const auto signatures = sign_message(message, both_keys(), options_for(relaxed, true));
    ASSERT_TRUE(signatures) << signatures.error();
    EXPECT_EQ(verdicts(message, *signatures), kTwoPasses) << relaxed;
  }
}

TEST_P(DkimSigner, ListsOfTheOptionsDecideWhatIsSigned) {  // RFC 6376 5.4
  DkimSignOptions options;
  options.sign_headers = {"subject", "X-Unsigned", "Received"};
  options.oversign_headers = {"To", "X-More", "x-more", "DKIM-Signature"};
  const auto message = parse_message(kText);
  const auto signatures = sign_message(message, both_keys(), options);
  ASSERT_TRUE(signatures) << signatures.error();
  const std::vector<std::string> expected = {"from", "to", "subject", "x-unsigned",
                                             "from", "to", "x-more"};
  for (const HeaderField& field : *signatures) {
    EXPECT_EQ(parse_dkim_signature(field.value, 1000).signed_fields, expected);
  }
  EXPECT_EQ(verdicts(message, *signatures), kTwoPasses);
  auto changed = message;
  changed.fields.insert(changed.fields.begin(), {"X-More", " added"});
  EXPECT_EQ(verdicts(changed, *signatures),
            std::vector<std::string>(2, "failsignature does not verify"));
}

TEST_P(DkimSigner, EmptyListsStillSignFrom) {  // RFC 6376 5.4: MUST be signed
  DkimSignOptions options;
  options.sign_headers.clear();
  options.oversign_headers.clear();
  const auto message = parse_message(kText);
  const auto signatures = sign_message(message, both_keys(), options);
  ASSERT_TRUE(signatures) << signatures.error();
  for (const HeaderField& field : *signatures) {
    EXPECT_EQ(parse_dkim_signature(field.value, 1000).signed_fields,
              (std::vector<std::string>{"from", "from"}));
  }
  EXPECT_EQ(verdicts(message, *signatures), kTwoPasses);
}

TEST_P(DkimSigner, ListsThatNeverEndAreNoTrouble) {
  const auto message = parse_message(kText);
  for (const size_t names : {50, 100, 200, 500}) {
    DkimSignOptions options;
    for (size_t i = 0; i < names; ++i) options.sign_headers.push_back("X-" + std::to_string(i));
    const auto signatures = sign_message(message, both_keys(), options);
    ASSERT_TRUE(signatures) << signatures.error();
    EXPECT_EQ(verdicts(message, *signatures), kTwoPasses) << names;
  }
}

TEST_P(DkimSigner, TheAuidIsWrittenWhereItIsWithinTheSdid) {  // RFC 6376 2.6, 3.5 i=
  const struct {
    const char* auid;
    const char* identity;
  } cases[] = {
      {"", "@example.com"},
      {"@example.com", "@example.com"},
      {"joe@mail.example.com", "joe@mail.example.com"},
      {"j=\xc3\xb6@example.com", "j=3D=C3=B6@example.com"},  // RFC 6376 2.11
      {"joe@example.org", "@example.com"},
      {"j;b=oe@example.com", "@example.com"},
  };
  const auto message = parse_message(kText);
  for (const auto& c : cases) {
    Keys keys = both_keys();
    for (SignatureSpec& spec : keys) spec.auid = c.auid;
    const auto signatures = sign_message(message, keys);
    ASSERT_TRUE(signatures) << signatures.error();
    for (const HeaderField& field : *signatures) {
      EXPECT_EQ(parse_dkim_signature(field.value, 1000).identity, c.identity) << c.auid;
    }
    EXPECT_EQ(verdicts(message, *signatures), kTwoPasses) << c.auid;
  }
}

TEST_P(DkimSigner, CanBeDroppedAtAnyPoint) {
  const auto message = parse_message(kText);
  for (int steps = 0; steps < 4; ++steps) {
    const auto signer = make_dkim_signer(GetParam(), {}, both_keys());
    if (steps > 0) signer->header(message.fields[1]);
    if (steps > 1) signer->end_of_headers();
    if (steps > 2) signer->body(message.body);
  }
}

TEST_P(DkimSigner, ThreadsSignAndVerifyAtOnce) {
  std::atomic<int> passes = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const auto message = parse_message(kText);
        const auto signatures = sign_message(message, both_keys());
        if (signatures && verdicts(message, *signatures) == kTwoPasses) ++passes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(passes, 80);
}

TEST_P(DkimSigner, WithoutKeysNothingIsSigned) {
  const auto signatures = sign_message(parse_message(kText), {});
  ASSERT_TRUE(signatures);
  EXPECT_TRUE(signatures->empty());
}

TEST_P(DkimSigner, SignsTheMessageOfRfc8463) {  // RFC 8463 A.3
  auto message = parse_message(kRfc8463Message);
  const HeaderField example = message.fields.front();
  message.fields.erase(message.fields.begin(),
                       message.fields.begin() + 2);  // it has two signatures
  const Name domain = *test_name("football.example.com");
  const auto key = SigningKey::parse(pem_of(ed25519_test_key()), domain, "brisbane");
  ASSERT_TRUE(key) << key.error();
  const auto signatures = sign_message(message, {{*key, "@football.example.com"}});
  ASSERT_TRUE(signatures) << signatures.error();
  const DkimSignature ours = parse_dkim_signature(signatures->front().value, 1000);
  const DkimSignature theirs = parse_dkim_signature(example.value, 1000);
  EXPECT_EQ(ours.body_hash, theirs.body_hash);
  EXPECT_EQ(ours.identity, theirs.identity);
  // Ed25519 has no random part (RFC 8032 5.1.6): over their tags we write their b=.
  const std::string hash = header_hash(message.fields, theirs, example);
  EXPECT_EQ(sign_hash((*key)->evp(), DkimKeyType::ed25519, hash), theirs.signature);
}

/// Made once; the search for primes is what takes time here.
std::shared_ptr<const SigningKey> large_key(int bits) {
  static std::map<int, std::shared_ptr<const SigningKey>> keys;
  auto& key = keys[bits];
  if (!key) {
    const auto pem = generate_key(DkimKeyType::rsa, bits);
    if (!pem) throw std::runtime_error(pem.error());
    key = *SigningKey::parse(*pem, *test_name("example.com"), "big");
  }
  return key;
}

TEST_P(DkimSigner, LargerRsaKeysSignToo) {
  for (const int bits : {2048, 4096}) {
    const auto key = large_key(bits);
    auto message = parse_message(kText);
    const auto signatures = sign_message(message, Keys{{key, {}}});
    ASSERT_TRUE(signatures) << signatures.error();
    message.fields.insert(message.fields.begin(), signatures->front());
    ZoneResolver resolver(txt_record("big._domainkey.example.com", key->record()));
    const auto verdict =
        verify_message(message, resolver, std::nullopt, {}, time_of(signatures->front()));
    EXPECT_EQ(verdict.at(0).result, DkimResult::pass) << verdict.at(0).reason;
    EXPECT_EQ(verdict.at(0).key_bits, bits);
  }
}

}  // namespace
}  // namespace signet
