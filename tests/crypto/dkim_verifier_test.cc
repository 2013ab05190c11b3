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

TEST(DkimVerifier, PassesWhatIsSignedWell) {
  EXPECT_EQ(words(verify_one(signed_message(), zone(rsa_test_key()))), "pass");
}

}  // namespace
}  // namespace signet
