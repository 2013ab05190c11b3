// SPDX-License-Identifier: BSD-2-Clause
//
// The verifier on libopendkim from end to end: RFC examples, then one thing wrong at a time.

#include <gtest/gtest.h>

#include "tests/support/dkim_message.h"

namespace signet {
namespace {

constexpr std::string_view kText =
    "From: Joe <joe@example.com>\n"
    "To: Suzie <suzie@example.net>\n"
    "Subject: Is  dinner\n"
    " ready?\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700\n"
    "\n"
    "Hi.  \n"
    "\n"
    "We lost\tthe game.\n"
    "\n"
    "\n";

constexpr std::string_view kKeyName = "sel._domainkey.example.com";
constexpr std::string_view kTags =
    "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=sel; h=from:to:subject:date; bh={bh}";

std::string zone(const DkimTestKey& key, std::string_view tags = "") {
  return txt_record(kKeyName, key.record(tags));
}

/// kText with a signature made from `tags` on top.
DkimTestMessage signed_message(std::string_view tags = kTags,
                               const DkimTestKey& key = rsa_test_key(),
                               const DkimTestHashing& like = {}) {
  DkimTestMessage message = parse_message(kText);
  message.fields.insert(message.fields.begin(), sign_with(message, tags, key, like));
  return message;
}

DkimVerdict verify_one(const DkimTestMessage& message, std::string_view zone_text,
                       const DkimVerifyOptions& options = {}) {
  ZoneResolver resolver(zone_text);
  const auto verdicts = verify_message(message, resolver, std::nullopt, options);
  if (verdicts.size() != 1) throw std::runtime_error("not one verdict");
  return verdicts.front();
}

std::string words(const DkimVerdict& verdict) {
  return std::string(to_string(verdict.result)) +
         (verdict.reason.empty() ? "" : " " + verdict.reason);
}

TEST(DkimVerifier, PassesTheExampleOfRfc8463WithBothAlgorithms) {  // RFC 8463 A.3
  const auto message = parse_message(
      "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\n"
      " d=football.example.com; i=@football.example.com;\n"
      " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\n"
      " subject : date : message-id : from : subject : date;\n"
      " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
      " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n"
      " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\n"
      "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\n"
      " d=football.example.com; i=@football.example.com;\n"
      " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\n"
      " date : message-id : from : subject : date;\n"
      " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
      " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\n"
      " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\n"
      " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\n"
      "From: Joe SixPack <joe@football.example.com>\n"
      "To: Suzie Q <suzie@shopping.example.net>\n"
      "Subject: Is dinner ready?\n"
      "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
      "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
      "\n"
      "Hi.\n"
      "\n"
      "We lost the game.  Are you hungry yet?\n"
      "\n"
      "Joe.\n");
  ZoneResolver resolver(
      txt_record("brisbane._domainkey.football.example.com",
                 "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=") +
      txt_record("test._domainkey.football.example.com", rsa_test_key().record()));
  const auto verdicts = verify_message(message, resolver);
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

TEST(DkimVerifier, PassesTheExampleOfRfc6376) {  // RFC 6376 A.2, key of appendix C
  // As it was signed: folded with six spaces, one space after "game."; the RFC's typesetting took
  // one away and added another.
  const auto message = parse_message(
      "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\n"
      "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\n"
      "      h=Received : From : To : Subject : Date : Message-ID;\n"
      "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
      "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\n"
      "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\n"
      "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\n"
      "      4bmp/YzhwvcubU4=;\n"
      "Received: from client1.football.example.com  [192.0.2.1]\n"
      "      by submitserver.example.com with SUBMISSION;\n"
      "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\n"
      "From: Joe SixPack <joe@football.example.com>\n"
      "To: Suzie Q <suzie@shopping.example.net>\n"
      "Subject: Is dinner ready?\n"
      "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
      "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
      "\n"
      "Hi.\n"
      "\n"
      "We lost the game. Are you hungry yet?\n"
      "\n"
      "Joe.\n");
  const std::string key =
      "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
      "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
      "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
  ZoneResolver resolver(txt_record("brisbane._domainkey.example.com", key));
  const auto verdicts = verify_message(message, resolver);
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(words(verdicts[0]), "pass");
}

struct CanonicalizationCase {
  Canonicalization header;
  Canonicalization body;
};

TEST(DkimVerifier, PassesEveryCanonicalizationWithBothKeyTypes) {  // RFC 6376 3.4, RFC 8463
  constexpr Canonicalization kBoth[] = {Canonicalization::simple, Canonicalization::relaxed};
  for (const DkimTestKey& key : {rsa_test_key(), ed25519_test_key()}) {
    for (const auto header : kBoth) {
      for (const auto body : kBoth) {
        DkimTestHashing like;
        like.header = header;
        like.body = body;
        const std::string c = std::string(to_string(header)) + "/" + std::string(to_string(body));
        const std::string tags = "v=1; a=" + std::string(to_string(key.type)) + "-sha256; c=" + c +
                                 "; d=example.com; s=sel; h=from:to:subject:date; bh={bh}";
        EXPECT_EQ(words(verify_one(signed_message(tags, key, like), zone(key))), "pass")
            << c << " " << to_string(key.type);
      }
    }
  }
}

TEST(DkimVerifier, VerdictNamesTheSignature) {  // RFC 8601 2.7.1, RFC 6008
  const auto verdict = verify_one(signed_message(std::string(kTags) + "; i=joe+x@mail.example.com"),
                                  zone(rsa_test_key(), "t=y; "));
  EXPECT_EQ(words(verdict), "pass");
  EXPECT_EQ(verdict.domain.text(), "example.com");
  EXPECT_EQ(verdict.identity, "joe+x@mail.example.com");
  EXPECT_EQ(verdict.selector, "sel");
  EXPECT_EQ(verdict.algorithm, "rsa-sha256");
  EXPECT_EQ(verdict.signature_start.size(), 16U);
  EXPECT_EQ(verdict.key_bits, 1024);
  EXPECT_TRUE(verdict.testing);
}

TEST(DkimVerifier, NoSignatureGivesNoVerdict) {
  ZoneResolver resolver("");
  EXPECT_TRUE(verify_message(parse_message(kText), resolver).empty());
  EXPECT_EQ(resolver.question_count(), 0);
}

// What is signed here verifies cryptographically; only the tags are odd.
struct TagCase {
  std::string tags;
  std::string verdict;
};

std::string tags_with(std::string_view from, std::string_view to) {
  return replace_all(std::string(kTags), from, to);
}

TEST(DkimVerifier, RefusesOddTagsHoweverGoodTheCryptography) {  // RFC 6376 3.5, 6.1.1
  const std::string base(kTags);
  const TagCase cases[] = {
      {base + "; s=sel", "neutral tag s appears twice"},
      {base + "; d=example.com", "neutral tag d appears twice"},
      {base + "; h=from", "neutral tag h appears twice"},
      {base + "; v=1", "neutral tag v appears twice"},
      {tags_with("v=1; ", ""), "neutral v= is missing"},
      {tags_with("v=1", "v=2"), "permerror v= is not 1"},
      {tags_with("v=1", "v=01"), "permerror v= is not 1"},
      {tags_with("v=1", "v=x"), "neutral v= is no number"},
      {tags_with("a=rsa-sha256", "a=rsa-sha1"), "permerror rsa-sha1 is obsolete"},
      {tags_with("a=rsa-sha256", "a=RSA-SHA256"), "permerror a= names an unknown algorithm"},
      {tags_with("a=rsa-sha256", "a=rsa-md5"), "permerror a= names an unknown algorithm"},
      {tags_with("c=relaxed/relaxed", "c=relaxed/"),
       "permerror c= names an unknown canonicalization"},
      {tags_with("c=relaxed/relaxed", "c=/relaxed"),
       "permerror c= names an unknown canonicalization"},
      {tags_with("d=example.com", "d="), "neutral d= is broken: a domain is empty"},
      {tags_with("d=example.com", "d=com"), "neutral d= has a single label"},
      {tags_with("d=example.com", "d=example.com."),
       "neutral d= is broken: a domain ends in a dot"},
      {tags_with("d=example.com", "d=example..com"), "neutral d= is broken: a label is empty"},
      {tags_with("d=example.com", "d=192.0.2.1"),
       "neutral d= is broken: a number or an IP address is no domain"},
      {tags_with("s=sel", "s="), "neutral s= is broken: the key's name: a label is empty"},
      {tags_with("s=sel", "s=a..b"), "neutral s= is broken: the key's name: a label is empty"},
      {tags_with("h=from:to", "h=to"), "permerror From is not signed"},
      {tags_with("h=from:to", "h=from::to"), "neutral h= holds something that is no field name"},
      {tags_with("h=from:to:subject:date", "h="),
       "neutral h= holds something that is no field name"},
      {base + "; i=joe@example.net", "permerror i= is outside d="},
      {base + "; i=joe@notexample.com", "permerror i= is outside d="},
      {base + "; i=joe", "neutral i= holds no @"},
      {base + "; i=a@b@example.com", "neutral i= is no address"},
      {base + "; i=a=4@example.com", "neutral i= is no dkim-quoted-printable"},
      {base + "; i=a=00@example.com", "neutral i= is no dkim-quoted-printable"},
      {base + "; i=" + std::string(300, 'a') + "@example.com", "policy i= is too long"},
      {base + "; q=foo", "permerror q= names no known method"},
      {base + "; q=dns", "permerror q= names no known method"},
      {base + "; l=x", "neutral l= is no number"},
      {base + "; l=-1", "neutral l= is no number"},
      {base + "; l=" + std::string(76, '9'), "permerror l= is larger than the body"},
      {base + "; l=9223372036854775808", "permerror l= is larger than the body"},
      {base + "; t=x", "neutral t= is no time"},
      {base + "; t=18446744073709551615", "neutral t= is no time"},
      {base + "; t=1700000000; x=1700000000", "permerror x= is not later than t="},
      {base + "; t=1", "policy t= lies before DKIM was invented"},
      {base + "; t=1750000400", "policy signature comes from the future"},
      {base + "; x=1749999600", "policy signature expired"},
      {base + "; xb=1", "neutral libopendkim can't tell b= from another tag"},
  };
  for (const TagCase& c : cases) {
    EXPECT_EQ(words(verify_one(signed_message(c.tags), zone(rsa_test_key()))), c.verdict)
        << c.tags.substr(0, 300);
  }
}

TEST(DkimVerifier, PassesOddTagsThatTheRfcAllows) {  // RFC 6376 3.5
  const std::string base(kTags);
  const std::string cases[] = {
      base + "; i=@example.com",
      base + "; i=@a.b.example.com",
      base + "; i=j=6Fe@example.com",
      base + "; q=foo:dns/txt",
      base + "; t=1750000200",  // within the drift
      base + "; x=1749999800",
      base + "; t=1749000000; x=1749000001\t; n=unknown tags are ignored",
      tags_with("d=example.com", "d=EXAMPLE.com"),
      tags_with("h=from:to", "h=From :\r\n\t To"),
      tags_with("h=from:to", "h=from:from:from:x-absent:to"),
  };
  for (const std::string& tags : cases) {
    DkimTestHashing like;
    if (tags.find("x-absent") != std::string::npos) {
      like.fields = {"from", "from", "from", "x-absent", "to", "subject", "date"};
    }
    const bool expired = tags.find("x=1749000001") != std::string::npos;
    EXPECT_EQ(words(verify_one(signed_message(tags, rsa_test_key(), like), zone(rsa_test_key()))),
              expired ? "policy signature expired" : "pass")
        << tags;
  }
}

TEST(DkimVerifier, ChangesInTransitFail) {  // RFC 6376 6.1.3
  const auto good = signed_message();
  const auto key_zone = zone(rsa_test_key());
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

TEST(DkimVerifier, WhatRelaxedForgivesIsForgiven) {  // RFC 6376 3.4.2, 3.4.4
  auto message = signed_message();
  message.body = replace_all(message.body, "lost\tthe", "lost    the") + "\r\n \r\n";
  message.fields[3] = {"SUBJECT", "Is dinner\r\n\tready?   "};
  EXPECT_EQ(words(verify_one(message, zone(rsa_test_key()))), "pass");
}

TEST(DkimVerifier, AddedFromFailsOnlyIfOversigned) {  // RFC 6376 5.4, 8.15
  DkimTestHashing like;
  like.fields = {"from", "from", "to"};
  const auto tags = tags_with("h=from:to:subject:date", "h=from:from:to");
  auto oversigned = signed_message(tags, rsa_test_key(), like);
  EXPECT_EQ(words(verify_one(oversigned, zone(rsa_test_key()))), "pass");
  oversigned.fields.insert(oversigned.fields.begin(), {"From", " evil@example.org"});
  EXPECT_EQ(words(verify_one(oversigned, zone(rsa_test_key()))), "fail signature does not verify");
  auto plain = signed_message();
  plain.fields.insert(plain.fields.begin(), {"From", " evil@example.org"});
  EXPECT_EQ(words(verify_one(plain, zone(rsa_test_key()))), "pass");  // the last From is signed
}

struct KeyCase {
  std::string zone;
  std::string verdict;
};

TEST(DkimVerifier, JudgesTheKeyRecord) {  // RFC 6376 6.1.2
  const auto key = rsa_test_key();
  const std::string record = key.record();
  const std::string name(kKeyName);
  const KeyCase cases[] = {
      {"", "permerror no key at sel._domainkey.example.com"},
      {"sel._domainkey.example.com. 60 IN A 192.0.2.1\n",
       "permerror no key at sel._domainkey.example.com"},
      {"servfail sel._domainkey.example.com\n",
       "temperror key lookup of sel._domainkey.example.com: server_failure"},
      {"timeout sel._domainkey.example.com\n",
       "temperror key lookup of sel._domainkey.example.com: timed_out"},
      {txt_record(name, "v=DKIM1; p="), "permerror key revoked"},
      {txt_record(name, "v=DKIM1; k=rsa"), "permerror bad key record: p= is missing"},
      {txt_record(name, "v=DKIM2; p="), "permerror bad key record: v= is \"DKIM2\", not DKIM1"},
      {txt_record(name, "k=rsa; v=DKIM1; p="), "permerror bad key record: v= is not the first tag"},
      {txt_record(name, "v=spf1 -all"), "permerror bad key record: v= is \"spf1 -all\", not DKIM1"},
      {txt_record(name, "v=DKIM1; p=####"),
       "permerror bad key record: p= is broken: a character is not base64"},
      {txt_record(name, "v=DKIM1; p=AAAA"), "permerror bad key record: p= holds no RSA key"},
      {txt_record(name, record) + txt_record(name, "v=DKIM1; p=AAAA"),
       "permerror bad key record: 2 records where one is allowed"},
      {txt_record(name, record) + txt_record(name, "v=spf1 -all"), "pass"},
      {zone(key, "s=other; "), "permerror the key is not for email"},
      {zone(key, "s=other : email; "), "pass"},
      {zone(key, "s=*; "), "pass"},
      {zone(key, "h=sha1; "), "permerror the key does not allow sha256"},
      {zone(key, "h=sha1 : sha256; "), "pass"},
      {zone(key, "t=s; "), "pass"},
      {zone(key, "t=y:s:unknown; n=a note; "), "pass"},
      {txt_record(name, ed25519_test_key().record()),
       "permerror the key is ed25519, the signature rsa"},
      {txt_record(name, "v=DKIM1; k=ec; p=AAAA"),
       "permerror bad key record: k= is \"ec\", neither rsa nor ed25519"},
      {txt_record(name, replace_all(record, "v=DKIM1; k=rsa; ", "")), "pass"},
  };
  for (const KeyCase& c : cases) {
    EXPECT_EQ(words(verify_one(signed_message(), c.zone)), c.verdict) << c.zone;
  }
}

TEST(DkimVerifier, KeyFlagSForbidsSubdomainsInI) {  // RFC 6376 3.6.1 t=s
  const auto message = signed_message(std::string(kTags) + "; i=joe@mail.example.com");
  EXPECT_EQ(words(verify_one(message, zone(rsa_test_key()))), "pass");
  EXPECT_EQ(words(verify_one(message, zone(rsa_test_key(), "t=s; "))),
            "permerror the key forbids i= below d=");
}

TEST(DkimVerifier, KeyTypeMustMatchTheAlgorithm) {  // RFC 6376 6.1.2 step 8
  const auto ed25519 = ed25519_test_key();
  const auto message = signed_message(tags_with("rsa-sha256", "ed25519-sha256"), ed25519);
  EXPECT_EQ(words(verify_one(message, zone(ed25519))), "pass");
  EXPECT_EQ(words(verify_one(message, zone(rsa_test_key()))),
            "permerror the key is rsa, the signature ed25519");
  EXPECT_EQ(
      words(verify_one(
          message, txt_record(kKeyName, "k=ed25519; p=" + encode_base64(std::string(31, 'x'))))),
      "permerror bad key record: p= does not hold the 32 octets of Ed25519");
}

TEST(DkimVerifier, RsaKeysOfOddSizesNeverPass) {  // RFC 8301 3.2; exact bits
  const std::pair<unsigned, std::string> cases[] = {{512, "policy key of 512 bits"},
                                                    {1017, "policy key of 1017 bits"},
                                                    {1023, "policy key of 1023 bits"},
                                                    {1024, "pass"}};
  for (const auto& [bits, verdict] : cases) {
    const auto key = make_test_key(EVP_RSA_gen(bits), DkimKeyType::rsa);
    EXPECT_EQ(words(verify_one(signed_message(kTags, key), zone(key))), verdict);
  }
  DkimVerifyOptions options;
  options.maximum_key_bits = 1000;
  EXPECT_EQ(words(verify_one(signed_message(), zone(rsa_test_key()), options)),
            "policy key of 1024 bits");
}

TEST(DkimVerifier, LengthTagMustCoverTheBody) {  // RFC 6376 3.5 l=, 8.2
  const uint64_t size = 26;  // "Hi.", an empty line and the game, in relaxed form
  const auto with_length = [&](uint64_t length) {
    DkimTestHashing like;
    like.length = length;
    return signed_message(std::string(kTags) + "; l=" + std::to_string(length), rsa_test_key(),
                          like);
  };
  const auto key_zone = zone(rsa_test_key());
  EXPECT_EQ(words(verify_one(with_length(size - 1), key_zone)),
            "policy l= leaves 1 octets unsigned");
  EXPECT_EQ(words(verify_one(with_length(0), key_zone)), "policy l= leaves 26 octets unsigned");
  EXPECT_EQ(words(verify_one(with_length(size), key_zone)), "pass");
  EXPECT_EQ(words(verify_one(with_length(size + 1), key_zone)),
            "permerror l= is larger than the body");
  auto longer = with_length(size);
  longer.body += "An advertisement.\r\n";
  EXPECT_EQ(words(verify_one(longer, key_zone)), "policy l= leaves 23 octets unsigned");
  DkimVerifyOptions options;
  options.unsigned_bytes_pass = true;
  EXPECT_EQ(words(verify_one(longer, key_zone, options)), "pass");
}

TEST(DkimVerifier, HowTheBodyIsCutDoesNotMatter) {
  const auto message = signed_message();
  ZoneResolver resolver(zone(rsa_test_key()));
  for (size_t piece = 1; piece <= message.body.size(); ++piece) {
    const auto verdicts = verify_message(message, resolver, std::nullopt, {}, kTestNow, piece);
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(words(verdicts[0]), "pass") << piece;
  }
}

TEST(DkimVerifier, BodiesThatEndOddlyAreReadAsTheRfcSays) {  // RFC 6376 3.4.3, 3.4.4
  const std::string bodies[] = {
      "", "\r\n", "\r\n\r\n\r\n", "no line end", "x\r\n \t", "line \r\n\r\n x", " \r\n\t\r\n"};
  for (const auto canonicalization : {Canonicalization::simple, Canonicalization::relaxed}) {
    for (const std::string& body : bodies) {
      DkimTestMessage message = parse_message(kText);
      message.body = body;
      DkimTestHashing like;
      like.body = canonicalization;
      const auto tags =
          tags_with("c=relaxed/relaxed", "c=relaxed/" + std::string(to_string(canonicalization)));
      message.fields.push_back(sign_with(message, tags, rsa_test_key(), like));
      EXPECT_EQ(words(verify_one(message, zone(rsa_test_key()))), "pass")
          << to_string(canonicalization) << " [" << body << "]";
    }
  }
}

TEST(DkimVerifier, BodiesThatTheLibraryReadsOtherwiseNeverPassOrFail) {
  for (const std::string& body : {std::string("a\rb\r\n"), std::string(3 << 20, 'x') + " y\r\n"}) {
    DkimTestMessage message = parse_message(kText);
    message.body = body;
    message.fields.push_back(sign_with(message, kTags, rsa_test_key()));
    ZoneResolver resolver(zone(rsa_test_key()));
    std::vector<std::string> seen;
    for (const size_t piece : {1, 65536, 1 << 22}) {
      const auto verdicts = verify_message(message, resolver, std::nullopt, {}, kTestNow, piece);
      ASSERT_EQ(verdicts.size(), 1U);
      seen.push_back(words(verdicts[0]));
    }
    for (const auto& verdict : seen) {
      EXPECT_EQ(verdict, "neutral libopendkim canonicalizes this body in its own way");
    }
    message.body += "more\r\n";
    EXPECT_EQ(words(verify_one(message, zone(rsa_test_key()))), "fail body hash differs");
  }
}

TEST(DkimVerifier, MemoryOfTheBodyIsNotKept) {
  // A body of 64 MiB in pieces, signed and verified as it streams by.
  const std::string line = std::string(998, 'x') + "\r\n";
  BodyHashes hashes;
  hashes.add(Canonicalization::relaxed, std::nullopt);
  constexpr int kLines = 64 * 1024;
  for (int i = 0; i < kLines; ++i) hashes.update(line);
  hashes.finish();
  const std::string tags = tags_with("{bh}", encode_base64(hashes.hash(0)));
  const auto message = signed_message(tags);
  ZoneResolver resolver(zone(rsa_test_key()));
  auto budget = std::make_shared<LookupBudget>(
      std::chrono::steady_clock::now() + std::chrono::seconds(100), 204);
  const auto verifier = make_dkim_verifier(DkimEngine::native, {}, resolver, budget);
  for (const HeaderField& field : message.fields) verifier->header(field);
  verifier->end_of_headers(std::nullopt);
  for (int i = 0; i < kLines; ++i) verifier->body(line);
  const auto verdicts = verifier->finish(kTestNow);
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(words(verdicts[0]), "pass");
}

/// `count` signatures by s0.d0.example, s1.d1.example and so on, all good.
struct ManySignatures {
  DkimTestMessage message = parse_message(kText);
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

TEST(DkimVerifier, EvaluatesEightSignaturesTheAlignedOneFirst) {
  const auto many = many_signatures(12);
  ZoneResolver resolver(many.zone_text);
  const auto verdicts = verify_message(many.message, resolver, test_name("mail.d10.example"));
  ASSERT_EQ(verdicts.size(), 12U);
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const bool evaluated = i < 7 || i == 10;
    EXPECT_EQ(words(verdicts[i]), evaluated ? "pass" : "policy over the limit of 8 signatures")
        << i;
    EXPECT_EQ(verdicts[i].domain.text(), "d" + std::to_string(i) + ".example");
  }
}

TEST(DkimVerifier, FiftySignaturesAreReadAndFiftyOneAreNot) {
  ZoneResolver resolver("");
  EXPECT_EQ(verify_message(many_signatures(50).message, resolver).size(), 50U);
  const auto verdicts = verify_message(many_signatures(51).message, resolver);
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(words(verdicts[0]), "policy 51 signatures, over the limit of 50: none was evaluated");
}

TEST(DkimVerifier, TheKeyIsAskedForWhileTheHeaderArrives) {
  const auto message = signed_message();
  ZoneResolver resolver(zone(rsa_test_key()));
  auto budget = std::make_shared<LookupBudget>(
      std::chrono::steady_clock::now() + std::chrono::seconds(10), 204);
  const auto verifier = make_dkim_verifier(DkimEngine::native, {}, resolver, budget);
  verifier->header(message.fields[0]);
  EXPECT_EQ(resolver.questions(), std::vector<std::string>{"TXT sel._domainkey.example.com"});
}

TEST(DkimVerifier, OneKeyOfManySignaturesIsAskedForOnce) {
  auto message = signed_message();
  for (int i = 0; i < 5; ++i) message.fields.push_back(message.fields[0]);
  ZoneResolver resolver(zone(rsa_test_key()));
  for (const DkimVerdict& verdict : verify_message(message, resolver)) {
    EXPECT_EQ(words(verdict), "pass");
  }
  EXPECT_EQ(resolver.question_count(), 1);
}

TEST(DkimVerifier, BudgetWithoutQuestionsIsTemperror) {
  ZoneResolver resolver(zone(rsa_test_key()));
  auto budget = std::make_shared<LookupBudget>(
      std::chrono::steady_clock::now() + std::chrono::seconds(10), 0);
  const auto verifier = make_dkim_verifier(DkimEngine::native, {}, resolver, budget);
  const auto message = signed_message();
  for (const HeaderField& field : message.fields) verifier->header(field);
  verifier->end_of_headers(std::nullopt);
  verifier->body(message.body);
  const auto verdicts = verifier->finish(kTestNow);
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(verdicts[0].result, DkimResult::temperror);
}

TEST(DkimVerifier, GoodAndBadSignaturesAreJudgedEachForItself) {  // RFC 6376 6.1
  const auto base = parse_message(kText);
  const auto rsa = rsa_test_key();
  const auto ed25519 = ed25519_test_key();
  auto message = base;
  const auto put = [&](HeaderField field) { message.fields.push_back(std::move(field)); };
  put({"DKIM-Signature", " garbage"});
  put(sign_with(base, kTags, rsa));
  put(sign_with(base, tags_with("s=sel", "s=revoked"), rsa));
  put(sign_with(base, tags_with("rsa-sha256", "rsa-sha1"), rsa));
  put(sign_with(base, tags_with("rsa-sha256", "ed25519-sha256"), ed25519));  // key is RSA
  put(sign_with(base, replace_all(tags_with("s=sel", "s=ed"), "rsa-sha256", "ed25519-sha256"),
                ed25519));
  put(sign_with(base, tags_with("s=sel", "s=slow"), rsa));
  ZoneResolver resolver(zone(rsa) + txt_record("revoked._domainkey.example.com", "p=") +
                        txt_record("ed._domainkey.example.com", ed25519.record()) +
                        "servfail slow._domainkey.example.com\n");
  const auto verdicts = verify_message(message, resolver);
  const DkimResult expected[] = {
      DkimResult::neutral,   DkimResult::pass, DkimResult::permerror, DkimResult::permerror,
      DkimResult::permerror, DkimResult::pass, DkimResult::temperror};
  ASSERT_EQ(verdicts.size(), std::size(expected));
  for (size_t i = 0; i < verdicts.size(); ++i) {
    EXPECT_EQ(verdicts[i].result, expected[i]) << i << " " << words(verdicts[i]);
  }
}

TEST(DkimVerifier, SignatureOverAnotherSignature) {  // RFC 6376 3.5: treated as a normal field
  auto message = signed_message();
  DkimTestHashing like;
  like.fields = {"from", "dkim-signature"};
  const auto tags = tags_with("h=from:to:subject:date", "h=from:dkim-signature");
  message.fields.insert(message.fields.begin(), sign_with(message, tags, rsa_test_key(), like));
  ZoneResolver resolver(zone(rsa_test_key()));
  auto verdicts = verify_message(message, resolver);
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_EQ(words(verdicts[1]), "pass");
  // The outer one also selects itself, being the only field left above the inner one? It must not:
  // h= takes the last field first, and that is the inner one.
  EXPECT_EQ(words(verdicts[0]), "pass");
  message.fields[1].value += "; d=example.com";  // a tag twice: not shown to the library
  verdicts = verify_message(message, resolver);
  EXPECT_EQ(words(verdicts[0]), "neutral h= covers a DKIM-Signature field that was not evaluated");
}

TEST(DkimVerifier, LimitsOnTheHeaderNeverPassAndNeverFail) {
  auto message = signed_message();
  DkimVerifyOptions options;
  options.maximum_header_fields = 5;
  const auto key_zone = zone(rsa_test_key());
  EXPECT_EQ(words(verify_one(message, key_zone, options)), "pass");
  message.fields.push_back({"From", " evil@example.org"});
  EXPECT_EQ(words(verify_one(message, key_zone, options)),
            "policy over the limit of 5 header fields");
  options = {};
  options.maximum_signed_fields = 3;
  EXPECT_EQ(words(verify_one(signed_message(), key_zone, options)),
            "policy h= names more than 3 fields");
  message = signed_message();
  message.fields.push_back({"X", std::string(1'100'000, 'x')});
  EXPECT_EQ(words(verify_one(message, key_zone)), "policy the header is too large");
  message = signed_message();
  message.fields.push_back({"X", std::string("a\0b", 3)});
  EXPECT_EQ(words(verify_one(message, key_zone)), "neutral a header field holds a NUL");
}

TEST(DkimVerifier, ULabelsInTagsAreNeutral) {  // RFC 8616 5 allows them, libopendkim does not
  const auto verdict = verify_one(signed_message(tags_with("d=example.com",
                                                           "d=b\xc3\xbc"
                                                           "cher.example")),
                                  zone(rsa_test_key()));
  EXPECT_EQ(words(verdict), "neutral libopendkim reads no UTF-8 in tags");
  EXPECT_EQ(verdict.domain.text(), "xn--bcher-kva.example");
}

TEST(DkimVerifier, AtMostFourBodyHashesAreComputed) {
  const auto base = parse_message(kText);
  auto message = base;
  for (uint64_t length = 0; length < 6; ++length) {
    DkimTestHashing like;
    like.length = length;
    message.fields.push_back(sign_with(base, std::string(kTags) + "; l=" + std::to_string(length),
                                       rsa_test_key(), like));
  }
  ZoneResolver resolver(zone(rsa_test_key()));
  const auto verdicts = verify_message(message, resolver);
  ASSERT_EQ(verdicts.size(), 6U);
  EXPECT_EQ(words(verdicts[3]), "policy l= leaves 23 octets unsigned");
  EXPECT_EQ(words(verdicts[4]), "policy over the limit of 4 body hashes");
  EXPECT_EQ(words(verdicts[5]), "policy over the limit of 4 body hashes");
}

TEST(DkimVerifier, CanBeDroppedAtAnyPoint) {
  const auto message = signed_message();
  ZoneResolver resolver(zone(rsa_test_key()));
  for (size_t steps = 0; steps < message.fields.size() + 2; ++steps) {
    auto budget = std::make_shared<LookupBudget>(
        std::chrono::steady_clock::now() + std::chrono::seconds(10), 204);
    const auto verifier = make_dkim_verifier(DkimEngine::native, {}, resolver, budget);
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
