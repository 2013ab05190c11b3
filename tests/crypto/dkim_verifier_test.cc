// SPDX-License-Identifier: BSD-2-Clause
//
// The verifier from end to end, on both engines: RFC examples, bodies, limits, keys. What each tag
// and each key record leads to is in dkim_engines_test.cc.

#include <gtest/gtest.h>
#include <malloc.h>

#include "crypto/public_key_cache.h"
#include "tests/support/dkim_sample.h"

namespace signet {
namespace {

class DkimVerifierTest : public testing::TestWithParam<DkimEngine> {
 protected:
  static std::vector<DkimVerdict> verify(const DkimTestMessage& message, Resolver& resolver,
                                         const std::optional<Name>& author = std::nullopt,
                                         const DkimVerifyOptions& options = {},
                                         size_t piece = 1 << 20) {
    return verify_message(message, resolver, author, options, kTestNow, piece, GetParam());
  }

  static DkimVerdict verify_one(const DkimTestMessage& message, std::string_view zone_text,
                                const DkimVerifyOptions& options = {}) {
    ZoneResolver resolver(zone_text);
    const auto verdicts = verify(message, resolver, std::nullopt, options);
    if (verdicts.size() != 1) throw std::runtime_error("not one verdict");
    return verdicts.front();
  }

  static std::unique_ptr<DkimVerifier> make_verifier(
      Resolver& resolver, int questions = 204, std::shared_ptr<PublicKeyCache> keys = nullptr) {
    auto budget = std::make_shared<LookupBudget>(
        std::chrono::steady_clock::now() + std::chrono::seconds(100), questions);
    return make_dkim_verifier(GetParam(), {}, resolver, budget, std::move(keys));
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, DkimVerifierTest,
                         testing::Values(DkimEngine::native, DkimEngine::libopendkim),
                         [](const auto& engine) { return std::string(to_string(engine.param)); });

TEST_P(DkimVerifierTest, PassesTheExampleOfRfc8463WithBothAlgorithms) {  // RFC 8463 A.3
  const auto message = parse_message(kRfc8463Message);
  ZoneResolver resolver(
      txt_record("brisbane._domainkey.football.example.com",
                 "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=") +
      txt_record("test._domainkey.football.example.com", rsa_test_key().record()));
  const auto verdicts = verify(message, resolver);
  ASSERT_EQ(verdicts.size(), 2U);
  for (const DkimVerdict& verdict : verdicts) {
    EXPECT_EQ(words(verdict), "pass");
    EXPECT_EQ(verdict.domain.text(), "football.example.com");
    EXPECT_EQ(verdict.identity, "@football.example.com");
  }
  EXPECT_EQ(verdicts[0].algorithm, "ed25519-sha256");
  EXPECT_EQ(verdicts[0].key_bits, 256);
  EXPECT_EQ(verdicts[0].signature_start, "/gCrinpcQOoIfuHN");
  EXPECT_EQ(verdicts[1].selector, "test");
  EXPECT_EQ(verdicts[1].key_bits, 1024);
}

TEST_P(DkimVerifierTest, PassesTheExampleOfRfc6376) {  // RFC 6376 A.2, key of appendix C
  const auto message = parse_message(std::string(kRfc6376Message));
  ZoneResolver resolver(txt_record("brisbane._domainkey.example.com", std::string(kRfc6376Record)));
  const auto verdicts = verify(message, resolver);
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(words(verdicts[0]), "pass");
}

TEST_P(DkimVerifierTest, PassesEveryCanonicalizationWithBothKeyTypes) {  // RFC 6376 3.4, RFC 8463
  for (const DkimTestKey& key : {rsa_test_key(), ed25519_test_key()}) {
    for (const char* c : {"simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"}) {
      const auto tags = replace_all(sample_tags("relaxed/relaxed", c), "rsa", to_string(key.type));
      EXPECT_EQ(words(verify_one(signed_sample(tags, key), sample_zone(key))), "pass") << tags;
    }
  }
}

TEST_P(DkimVerifierTest, VerdictNamesTheSignature) {  // RFC 8601 2.7.1, RFC 6008
  const auto verdict =
      verify_one(signed_sample(std::string(kSampleTags) + "; i=joe+x@mail.example.com"),
                 sample_zone(rsa_test_key(), "t=y; "));
  EXPECT_EQ(words(verdict), "pass");
  EXPECT_EQ(verdict.domain.text(), "example.com");
  EXPECT_EQ(verdict.identity, "joe+x@mail.example.com");
  EXPECT_EQ(verdict.selector, "sel");
  EXPECT_EQ(verdict.algorithm, "rsa-sha256");
  EXPECT_EQ(verdict.signature_start.size(), 16U);
  EXPECT_EQ(verdict.key_bits, 1024);
  EXPECT_TRUE(verdict.testing);
}

TEST_P(DkimVerifierTest, NoSignatureGivesNoVerdict) {
  ZoneResolver resolver("");
  EXPECT_TRUE(verify(parse_message(kSampleText), resolver).empty());
  EXPECT_EQ(resolver.question_count(), 0);
}

TEST_P(DkimVerifierTest, ChangesInTransitFail) {  // RFC 6376 6.1.3
  const auto good = signed_sample();
  const auto key_zone = sample_zone();
  auto changed = good;
  changed.body += "PS: one more line\r\n";
  EXPECT_EQ(words(verify_one(changed, key_zone)), "fail body hash differs");
  changed = good;
  changed.fields[3].value = " Is breakfast ready?";
  EXPECT_EQ(words(verify_one(changed, key_zone)), "fail signature does not verify");
  changed = good;
  changed.fields[0].value.replace(changed.fields[0].value.find("s=sel"), 5, "s=SEL");
  EXPECT_EQ(words(verify_one(changed, key_zone)), "fail signature does not verify");
}

TEST_P(DkimVerifierTest, WhatRelaxedForgivesIsForgiven) {  // RFC 6376 3.4.2, 3.4.4
  auto message = signed_sample();
  message.body = replace_all(message.body, "lost\tthe", "lost    the") + "\r\n \r\n";
  message.fields[3] = {"SUBJECT", "Is dinner\r\n\tready?   "};
  EXPECT_EQ(words(verify_one(message, sample_zone())), "pass");
}

TEST_P(DkimVerifierTest, AddedFromFailsOnlyIfOversigned) {  // RFC 6376 5.4, 8.15
  auto oversigned = signed_sample(sample_tags("h=from:to:subject:date", "h=from:from:to"));
  EXPECT_EQ(words(verify_one(oversigned, sample_zone())), "pass");
  oversigned.fields.insert(oversigned.fields.begin(), {"From", " evil@example.org"});
  EXPECT_EQ(words(verify_one(oversigned, sample_zone())), "fail signature does not verify");
  auto plain = signed_sample();
  plain.fields.insert(plain.fields.begin(), {"From", " evil@example.org"});
  EXPECT_EQ(words(verify_one(plain, sample_zone())), "pass");  // the last From is signed
}

TEST_P(DkimVerifierTest, KeyFlagSForbidsSubdomainsInI) {  // RFC 6376 3.6.1 t=s
  const auto message = signed_sample(std::string(kSampleTags) + "; i=joe@mail.example.com");
  EXPECT_EQ(words(verify_one(message, sample_zone())), "pass");
  EXPECT_EQ(words(verify_one(message, sample_zone(rsa_test_key(), "t=s; "))),
            "permerror the key's t=s forbids i= below d=");
}

TEST_P(DkimVerifierTest, KeyTypeMustMatchTheAlgorithm) {  // RFC 6376 6.1.2 step 8
  const auto ed25519 = ed25519_test_key();
  const auto message = signed_sample(sample_tags("rsa-sha256", "ed25519-sha256"), ed25519);
  EXPECT_EQ(words(verify_one(message, sample_zone(ed25519))), "pass");
  EXPECT_EQ(words(verify_one(message, sample_zone())),
            "permerror the key is rsa, the signature ed25519");
  EXPECT_EQ(
      words(verify_one(message, txt_record(kSampleKeyName,
                                           "k=ed25519; p=" + encode_base64(std::string(31, 'x'))))),
      "permerror bad key record: p= does not hold the 32 octets of Ed25519");
}

TEST_P(DkimVerifierTest, RsaKeysOfOddSizesNeverPass) {  // RFC 8301 3.2; exact bits
  const std::pair<unsigned, std::string> cases[] = {
      {512, "permerror RSA key of 512 bits; 1024 are the least"},
      {1017, "permerror RSA key of 1017 bits; 1024 are the least"},
      {1023, "permerror RSA key of 1023 bits; 1024 are the least"},
      {1024, "pass"},
      {2048, "pass"}};
  for (const auto& [bits, verdict] : cases) {
    const auto key = make_test_key(EVP_RSA_gen(bits), DkimKeyType::rsa);
    const auto judged = verify_one(signed_sample(kSampleTags, key), sample_zone(key));
    EXPECT_EQ(words(judged), verdict);
    EXPECT_EQ(judged.key_bits, static_cast<int>(bits));
  }
  DkimVerifyOptions options;
  options.minimum_key_bits = 2048;
  EXPECT_EQ(words(verify_one(signed_sample(), sample_zone(), options)),
            "policy RSA key of 1024 bits; MinimumKeyBits is 2048");
  options.minimum_key_bits = 512;
  options.maximum_key_bits = 1000;
  EXPECT_EQ(words(verify_one(signed_sample(), sample_zone(), options)),
            "policy RSA key of 1024 bits; MaximumKeyBits is 1000");
}

TEST_P(DkimVerifierTest, LengthTagMustCoverTheBody) {  // RFC 6376 3.5 l=, 8.2
  const uint64_t size = 26;  // "Hi.", an empty line and the game, in relaxed form
  const auto with_length = [&](uint64_t length) {
    return signed_sample(std::string(kSampleTags) + "; l=" + std::to_string(length));
  };
  const auto key_zone = sample_zone();
  EXPECT_EQ(words(verify_one(with_length(size - 1), key_zone)),
            "policy l= leaves 1 octet unsigned");
  EXPECT_EQ(words(verify_one(with_length(0), key_zone)), "policy l= leaves 26 octets unsigned");
  EXPECT_EQ(words(verify_one(with_length(size), key_zone)), "pass");
  EXPECT_EQ(words(verify_one(with_length(size + 1), key_zone)),
            "permerror l= is larger than the body of 26 octets");
  auto longer = with_length(size);
  longer.body += "An advertisement.\r\n";
  EXPECT_EQ(words(verify_one(longer, key_zone)), "policy l= leaves 23 octets unsigned");
  DkimVerifyOptions options;
  options.unsigned_bytes_pass = true;
  EXPECT_EQ(words(verify_one(longer, key_zone, options)), "pass");
}

TEST_P(DkimVerifierTest, KeysComeFromTheCacheIfThereIsOne) {
  const auto keys = std::make_shared<PublicKeyCache>();
  const auto message = signed_sample();
  for (int i = 0; i < 3; ++i) {
    ZoneResolver resolver(sample_zone(rsa_test_key(), i == 2 ? "t=y; " : ""));
    const auto verifier = make_verifier(resolver, 204, keys);
    for (const HeaderField& field : message.fields) verifier->header(field);
    verifier->end_of_headers(std::nullopt);
    verifier->body(message.body);
    const auto verdicts = verifier->finish(kTestNow);
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(words(verdicts[0]), "pass");
    EXPECT_EQ(verdicts[0].testing, i == 2);  // flags are the record's, not the key's
    EXPECT_EQ(keys->size(), 1U);
  }
}

TEST_P(DkimVerifierTest, HowTheBodyIsCutDoesNotMatter) {
  const auto message = signed_sample();
  ZoneResolver resolver(sample_zone());
  for (size_t piece = 1; piece <= message.body.size(); ++piece) {
    const auto verdicts = verify(message, resolver, std::nullopt, {}, piece);
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(words(verdicts[0]), "pass") << piece;
  }
}

/// The body in pieces that end where `cuts` has a bit, the lowest after the first octet.
std::string verdict_with_cuts(DkimEngine engine, const DkimTestMessage& message, unsigned cuts) {
  ZoneResolver resolver(sample_zone());
  const auto verifier = make_dkim_verifier(
      engine, {}, resolver,
      std::make_shared<LookupBudget>(std::chrono::steady_clock::now() + std::chrono::seconds(100)));
  for (const HeaderField& field : message.fields) verifier->header(field);
  verifier->end_of_headers(std::nullopt);
  size_t start = 0;
  for (size_t i = 0; i < message.body.size(); ++i) {
    if (i + 1 < message.body.size() && (cuts >> i & 1) == 0) continue;
    verifier->body(std::string_view(message.body).substr(start, i + 1 - start));
    start = i + 1;
  }
  return words(verifier->finish(kTestNow).at(0));
}

TEST_P(DkimVerifierTest, EveryWayToCutASmallBodyGivesTheSameVerdict) {  // RFC 6376 3.4.3, 3.4.4
  const std::string bodies[] = {"a \r\n b\r\n", " \t\r\n\r\nx", "\r\n \r\n\t\r\n", "x\r\ny \t"};
  for (const std::string& body : bodies) {
    for (const std::string c : {"simple", "relaxed"}) {
      DkimTestMessage message = parse_message(kSampleText);
      message.body = body;
      message = sign_on_top(message, sample_tags("relaxed/relaxed", "relaxed/" + c));
      for (unsigned cuts = 0; cuts < 1U << (body.size() - 1); ++cuts) {
        ASSERT_EQ(verdict_with_cuts(GetParam(), message, cuts), "pass") << c << body << cuts;
      }
    }
  }
}

TEST_P(DkimVerifierTest, BodiesThatEndOddlyAreReadAsTheRfcSays) {  // RFC 6376 3.4.3, 3.4.4
  const std::string bodies[] = {
      "", "\r\n", "\r\n\r\n\r\n", "no line end", "x\r\n \t", "line \r\n\r\n x", " \r\n\t\r\n"};
  for (const std::string c : {"simple", "relaxed"}) {
    for (const std::string& body : bodies) {
      DkimTestMessage message = parse_message(kSampleText);
      message.body = body;
      message = sign_on_top(message, sample_tags("relaxed/relaxed", "relaxed/" + c));
      EXPECT_EQ(words(verify_one(message, sample_zone())), "pass") << c << " [" << body << "]";
    }
  }
}

TEST_P(DkimVerifierTest, MemoryDoesNotGrowWithTheBody) {
  const std::string line = std::string(998, 'x') + "\r\n";
  BodyHashes hashes;
  hashes.add(Canonicalization::relaxed, std::nullopt);
  constexpr int kLines = 32 * 1024;
  for (int i = 0; i < kLines; ++i) hashes.update(line);
  hashes.finish();
  const auto message = signed_sample(sample_tags("{bh}", encode_base64(hashes.hash(0))));
  ZoneResolver resolver(sample_zone());
  const auto verifier = make_verifier(resolver);
  for (const HeaderField& field : message.fields) verifier->header(field);
  verifier->end_of_headers(std::nullopt);
  size_t early = 0;  // octets in use after the first mebibyte
  for (int i = 0; i < kLines; ++i) {
    verifier->body(line);
    if (i == 1024) early = mallinfo2().uordblks;
  }
  EXPECT_LT(mallinfo2().uordblks, early + 64 * 1024);
  const auto verdicts = verifier->finish(kTestNow);
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(words(verdicts[0]), "pass");
}

/// `count` signatures by s0.d0.example, s1.d1.example and so on, all good.
struct ManySignatures {
  DkimTestMessage message = parse_message(kSampleText);
  std::string zone_text;
};

ManySignatures many_signatures(int count) {
  ManySignatures many;
  const auto key = ed25519_test_key();
  std::vector<HeaderField> signatures;
  for (int i = 0; i < count; ++i) {
    const std::string domain = "d" + std::to_string(i) + ".example";
    signatures.push_back(sign_with(many.message,
                                   "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=" + domain +
                                       "; s=s; h=from:to:subject:date; bh={bh}",
                                   key));
    many.zone_text += txt_record("s._domainkey." + domain, key.record());
  }
  many.message.fields.insert(many.message.fields.begin(), signatures.begin(), signatures.end());
  return many;
}

TEST_P(DkimVerifierTest, EvaluatesEightSignaturesTheAlignedOneFirst) {
  const auto many = many_signatures(12);
  ZoneResolver resolver(many.zone_text);
  const auto verdicts = verify(many.message, resolver, test_name("mail.d10.example"));
  ASSERT_EQ(verdicts.size(), 12U);
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const bool evaluated = i < 7 || i == 10;
    EXPECT_EQ(words(verdicts[i]), evaluated ? "pass" : "policy over the limit of 8 signatures")
        << i;
    EXPECT_EQ(verdicts[i].domain.text(), "d" + std::to_string(i) + ".example");
  }
}

TEST_P(DkimVerifierTest, FiftySignaturesAreReadAndFiftyOneAreNot) {
  ZoneResolver resolver("");
  EXPECT_EQ(verify(many_signatures(50).message, resolver).size(), 50U);
  const auto verdicts = verify(many_signatures(51).message, resolver);
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(words(verdicts[0]), "policy 51 signatures, over the limit of 50: none was evaluated");
}

TEST_P(DkimVerifierTest, TheKeyIsAskedForWhileTheHeaderArrives) {
  const auto message = signed_sample();
  ZoneResolver resolver(sample_zone());
  const auto verifier = make_verifier(resolver);
  verifier->header(message.fields[0]);
  EXPECT_EQ(resolver.questions(), std::vector<std::string>{"TXT sel._domainkey.example.com"});
}

TEST_P(DkimVerifierTest, OneKeyOfManySignaturesIsAskedForOnce) {
  auto message = signed_sample();
  for (int i = 0; i < 5; ++i) message.fields.push_back(message.fields[0]);
  ZoneResolver resolver(sample_zone());
  for (const DkimVerdict& verdict : verify(message, resolver)) {
    EXPECT_EQ(words(verdict), "pass");
  }
  EXPECT_EQ(resolver.question_count(), 1);
}

TEST_P(DkimVerifierTest, BudgetWithoutQuestionsIsTemperror) {
  ZoneResolver resolver(sample_zone());
  const auto verifier = make_verifier(resolver, 0);
  const auto message = signed_sample();
  for (const HeaderField& field : message.fields) verifier->header(field);
  verifier->end_of_headers(std::nullopt);
  verifier->body(message.body);
  const auto verdicts = verifier->finish(kTestNow);
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(verdicts[0].result, DkimResult::temperror);
}

TEST_P(DkimVerifierTest, GoodAndBadSignaturesAreJudgedEachForItself) {  // RFC 6376 6.1
  const auto base = parse_message(kSampleText);
  const auto rsa = rsa_test_key();
  const auto ed25519 = ed25519_test_key();
  auto message = base;
  const auto put = [&](HeaderField field) { message.fields.push_back(std::move(field)); };
  put({"DKIM-Signature", " garbage"});
  put(sign_with(base, kSampleTags, rsa));
  put(sign_with(base, sample_tags("s=sel", "s=revoked"), rsa));
  put(sign_with(base, sample_tags("rsa-sha256", "rsa-sha1"), rsa));
  put(sign_with(base, sample_tags("rsa-sha256", "ed25519-sha256"), ed25519));  // key is RSA
  put(sign_with(base, replace_all(sample_tags("s=sel", "s=ed"), "rsa-sha256", "ed25519-sha256"),
                ed25519));
  put(sign_with(base, sample_tags("s=sel", "s=slow"), rsa));
  ZoneResolver resolver(sample_zone(rsa) + txt_record("revoked._domainkey.example.com", "p=") +
                        txt_record("ed._domainkey.example.com", ed25519.record()) +
                        "servfail slow._domainkey.example.com\n");
  const auto verdicts = verify(message, resolver);
  const DkimResult expected[] = {
      DkimResult::neutral,   DkimResult::pass, DkimResult::permerror, DkimResult::permerror,
      DkimResult::permerror, DkimResult::pass, DkimResult::temperror};
  ASSERT_EQ(verdicts.size(), std::size(expected));
  for (size_t i = 0; i < verdicts.size(); ++i) {
    EXPECT_EQ(verdicts[i].result, expected[i]) << i << " " << words(verdicts[i]);
  }
}

TEST_P(DkimVerifierTest, SignatureOverAnotherSignature) {  // RFC 6376 3.5: as a normal field
  auto message =
      sign_on_top(signed_sample(), sample_tags("h=from:to:subject:date", "h=from:dkim-signature"));
  ZoneResolver resolver(sample_zone());
  for (const DkimVerdict& verdict : verify(message, resolver)) EXPECT_EQ(words(verdict), "pass");
  message.fields[1].value += "; n=1";
  const auto verdicts = verify(message, resolver);
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_EQ(words(verdicts[0]), "fail signature does not verify");
  EXPECT_EQ(words(verdicts[1]), "fail signature does not verify");
}

TEST_P(DkimVerifierTest, LimitsOnTheHeaderNeverPassAndNeverFail) {
  auto message = signed_sample();
  DkimVerifyOptions options;
  options.maximum_header_fields = 5;
  const auto key_zone = sample_zone();
  EXPECT_EQ(words(verify_one(message, key_zone, options)), "pass");
  message.fields.push_back({"From", " evil@example.org"});
  EXPECT_EQ(words(verify_one(message, key_zone, options)),
            "policy over the limit of 5 header fields");
  message.fields.push_back(message.fields[0]);  // of the sixth and seventh field, one signature
  ZoneResolver resolver(key_zone);
  const auto verdicts = verify(message, resolver, std::nullopt, options);
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_EQ(words(verdicts[1]), "policy over the limit of 5 header fields");
  EXPECT_EQ(verdicts[1].selector, "sel");
  options = {};
  options.maximum_signed_fields = 3;
  EXPECT_EQ(words(verify_one(signed_sample(), key_zone, options)),
            "policy h= names more than 3 fields");
  message = signed_sample();
  message.fields.push_back({"X", std::string(5 << 20, 'x')});
  EXPECT_EQ(words(verify_one(message, key_zone)),
            GetParam() == DkimEngine::native
                ? "policy over the limit of 4194304 octets in the header"
                : "policy over the limit of 1048576 octets in the header");
}

TEST_P(DkimVerifierTest, BodyHashesAreLimited) {
  DkimVerifyOptions options;
  options.maximum_signatures = 20;
  options.maximum_body_hashes = 8;
  // The library computes no more, whatever the option says.
  const size_t most = GetParam() == DkimEngine::native ? 8 : 4;
  const auto base = parse_message(kSampleText);
  auto message = base;
  for (uint64_t length = 0; length < most + 2; ++length) {
    DkimTestHashing like;
    like.length = length;
    message.fields.push_back(sign_with(
        base, std::string(kSampleTags) + "; l=" + std::to_string(length), rsa_test_key(), like));
  }
  ZoneResolver resolver(sample_zone());
  const auto verdicts = verify(message, resolver, std::nullopt, options);
  ASSERT_EQ(verdicts.size(), most + 2);
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const auto expected = i < most
                              ? "policy l= leaves " + std::to_string(26 - i) + " octets unsigned"
                              : "policy over the limit of " + std::to_string(most) + " body hashes";
    EXPECT_EQ(words(verdicts[i]), expected);
  }
}

TEST_P(DkimVerifierTest, BodyHashesGoToTheAuthorsSignaturesFirst) {
  const auto base = parse_message(kSampleText);
  auto message = base;
  for (const std::string_view tags :
       {"v=1; a=rsa-sha256; c=relaxed/simple; d=other.example; s=sel; h=from; bh={bh}",
        "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=sel; h=from; bh={bh}"}) {
    message.fields.push_back(sign_with(base, tags, rsa_test_key(), hashing_of(tags)));
  }
  ZoneResolver resolver(sample_zone());
  DkimVerifyOptions options;
  options.maximum_body_hashes = 1;
  const auto verdicts = verify(message, resolver, test_name("example.com"), options);
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_EQ(words(verdicts[0]), "policy over the limit of 1 body hashes");
  EXPECT_EQ(words(verdicts[1]), "pass");
}

TEST_P(DkimVerifierTest, CanBeDroppedAtAnyPoint) {
  const auto message = signed_sample();
  ZoneResolver resolver(sample_zone());
  for (size_t steps = 0; steps < message.fields.size() + 2; ++steps) {
    const auto verifier = make_verifier(resolver);
    for (size_t i = 0; i < std::min(steps, message.fields.size()); ++i) {
      verifier->header(message.fields[i]);
    }
    if (steps > message.fields.size()) {
      verifier->end_of_headers(std::nullopt);
      verifier->body(message.body);
    }
  }
}

}  // namespace
}  // namespace signet
