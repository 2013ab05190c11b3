// SPDX-License-Identifier: BSD-2-Clause
//
// A signing key and what the DNS holds at its name: which records count as published, and what a
// postmaster is told about the others.

#include "crypto/key_state.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "crypto/key.h"
#include "crypto/second_opinion.h"
#include "tests/support/dkim_message.h"

namespace signet {

/// For gtest's messages.
void PrintTo(const KeyCheck& check, std::ostream* out) {
  *out << to_string(check.state) << ": " << check.detail;
}

namespace {

using KeyPointer = std::shared_ptr<const SigningKey>;

KeyPointer signing_key(const DkimTestKey& key) {
  return *SigningKey::parse(pem_of(key), *parse_domain("example.com"), "s1");
}

const KeyPointer& rsa_key() {
  static const KeyPointer key = signing_key(rsa_test_key());
  return key;
}

const KeyPointer& ed25519_key() {
  static const KeyPointer key = signing_key(ed25519_test_key());
  return key;
}

/// Another RSA key; made once, it takes a while.
const KeyPointer& other_key() {
  static const KeyPointer key = *SigningKey::parse(
      SecretText(*generate_key(DkimKeyType::rsa, 2048)).text(), *parse_domain("example.com"), "s1");
  return key;
}

Answer texts(std::vector<std::string> records) {
  Answer answer;
  answer.status = DnsStatus::answered;
  answer.texts = std::move(records);
  return answer;
}

std::string p_of(const KeyPointer& key) {
  return key->record().substr(key->record().find("p=") + 2);
}

KeyCheck compare(const KeyPointer& key, const std::string& record) {
  return compare_with_record(*key, texts({record}));
}

TEST(KeyState, TheNameOfTheRecordIsThatOfTheKey) {  // RFC 6376 3.6.2.1
  EXPECT_EQ(key_record_name(*rsa_key()).text(), "s1._domainkey.example.com");
}

TEST(KeyState, OurOwnRecordIsPublishedForBothTypes) {
  for (const auto& key : {rsa_key(), ed25519_key(), other_key()}) {
    EXPECT_EQ(compare(key, key->record()), (KeyCheck{KeyState::published, ""})) << key->record();
  }
}

TEST(KeyState, ARecordMayBeWrittenInOtherWays) {  // RFC 6376 3.6.1
  const std::string p = p_of(rsa_key());
  struct {
    std::string record;
    const char* detail;
  } const cases[] = {
      {"v=DKIM1;p=" + p + ";", ""},
      {"v=DKIM1; k=rsa; h=sha1:sha256; s=email; n=a \"note\"; p=" + p, ""},
      {"v=DKIM1; p=" + p.substr(0, 100) + " \t" + p.substr(100), ""},
      {"p=" + p, "v=DKIM1 is missing"},
      {"v=DKIM1; t=y; p=" + p, "t=y: verifiers are told that this is a test"},
      {"v=DKIM1; t=s; p=" + p, "t=s: signatures with i= below d= do not verify"},
      {"v=DKIM1; t=s:y; p=" + p,
       "t=y: verifiers are told that this is a test; t=s: signatures with i= below d= do not "
       "verify"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(compare(rsa_key(), c.record), (KeyCheck{KeyState::published, c.detail})) << c.record;
  }
}

TEST(KeyState, ADnsErrorIsNeverUnpublished) {
  struct {
    DnsStatus status;
    KeyState state;
    const char* detail;
  } const cases[] = {
      {DnsStatus::no_data, KeyState::unpublished, "no TXT record at s1._domainkey.example.com"},
      {DnsStatus::no_domain, KeyState::unpublished,
       "no TXT record at s1._domainkey.example.com: no such name"},
      {DnsStatus::server_failure, KeyState::unknown,
       "DNS server_failure for s1._domainkey.example.com: SERV?FAIL"},
      {DnsStatus::timed_out, KeyState::unknown, "DNS timed_out for s1._domainkey.example.com"},
  };
  for (const auto& c : cases) {
    Answer answer;
    answer.status = c.status;
    if (c.status == DnsStatus::server_failure) answer.error = "SERV\nFAIL";
    EXPECT_EQ(compare_with_record(*rsa_key(), answer), (KeyCheck{c.state, c.detail}));
  }
}

TEST(KeyState, SaysHowARecordDiffers) {
  const std::string p = p_of(rsa_key());
  const std::string ed = p_of(ed25519_key());
  std::string changed = p;
  changed[60] = changed[60] == 'A' ? 'B' : 'A';
  const struct {
    KeyPointer key;
    std::string record;
    std::string detail;
  } cases[] = {
      {rsa_key(), "v=DKIM1; k=rsa; p=", "the key is revoked: p= is empty"},
      {rsa_key(), "v=DKIM1; k=rsa; p=" + changed,
       "p= differs from octet 46 on (published 162 octets, the key 162)"},
      {rsa_key(), other_key()->record(),
       "p= differs from octet 2 on (published 294 octets, the key 162): a key of 2048 bits, ours "
       "has 1024"},
      {rsa_key(), "v=DKIM1; k=ed25519; p=" + ed, "k=ed25519, but the key is rsa"},
      {ed25519_key(), "v=DKIM1; k=rsa; p=" + ed, "k=rsa, but the key is ed25519"},
      {ed25519_key(), "v=DKIM1; p=" + ed, "k= is missing, which means rsa, but the key is ed25519"},
      {rsa_key(), "v=DKIM1; k=dsa; p=" + p,
       "the record is broken: k= is \"dsa\", neither rsa nor ed25519"},
      {rsa_key(), "v=DKIM1; h=sha1; p=" + p, "h=\"sha1\" does not allow sha256"},
      {rsa_key(), "v=DKIM1; s=tlsrpt; p=" + p, "s=\"tlsrpt\" does not allow email"},
      {rsa_key(), "v=DKIM2; p=" + p, "the record is broken: v= is \"DKIM2\", not DKIM1"},
      {rsa_key(), "p=" + p + "; v=DKIM1", "the record is broken: v= is not the first tag"},
      {rsa_key(), "v=DKIM1; k=rsa", "the record is broken: p= is missing"},
      {rsa_key(), "v=DKIM1; k=rsa; p=" + p.substr(0, 40),
       "p= is cut: 40 of 216 characters are there"},
      {rsa_key(), "v=DKIM1; k=rsa; p=" + p.substr(0, 41),
       "p= is cut: 41 of 216 characters are there"},
      {other_key(), other_key()->record().substr(0, 255),
       "the record ends after 255 octets: the second string is missing"},
      {rsa_key(), "v=DKIM1; k=rsa; p=-----BEGIN PUBLIC KEY-----" + p,
       "the record holds the lines of a PEM file; p= wants what is between them"},
  };
  for (const auto& c : cases) {
    const KeyCheck check = compare(c.key, c.record);
    EXPECT_EQ(check.state, KeyState::mismatch) << c.record;
    // libopendkim may see it in another way; that stands behind.
    EXPECT_EQ(check.detail.substr(0, check.detail.find("; libopendkim")), c.detail) << c.record;
  }
}

TEST(KeyState, FindsWhatAWebFormLeftInsideTheText) {
  const std::string good = rsa_key()->record();
  const std::string escaped = replace_all(good, ";", "\\;");
  struct {
    std::string record;
    const char* detail;
  } const cases[] = {
      {"\"" + good + "\"",
       "there are quotation marks inside the record's text, which is right without them: \""},
      {good.substr(0, 100) + "\" \"" + good.substr(100),
       "there are quotation marks inside the record's text, which is right without them: \""},
      {escaped, "there are backslashes inside the record's text, which is right without them: \""},
      {"\"" + escaped + "\"",
       "there are quotation marks and backslashes inside the record's text, which is right without "
       "them: \""},
      {"\"" + other_key()->record() + "\"",
       "there are quotation marks inside the record's text: \""},
  };
  for (const auto& c : cases) {
    const KeyCheck check = compare(rsa_key(), c.record);
    EXPECT_EQ(check.state, KeyState::mismatch) << c.record;
    EXPECT_TRUE(check.detail.starts_with(c.detail)) << check.detail;
  }
}

TEST(KeyState, TellsOtherRecordsAtTheNameFromKeys) {
  const std::string good = rsa_key()->record();
  const std::string spf = "v=spf1 -all";
  struct {
    std::vector<std::string> records;
    KeyState state;
    std::string detail;
  } const cases[] = {
      {{spf},
       KeyState::mismatch,
       "the TXT record is no key record but an SPF record, perhaps of a wildcard: \"v=spf1 -all\""},
      {{"v=DMARC1; p=none"},
       KeyState::mismatch,
       "the TXT record is no key record but a DMARC record: \"v=DMARC1; p=none\""},
      {{"hello\x01"}, KeyState::mismatch, "the TXT record is no key record but \"hello?\""},
      {{spf, "hello"},
       KeyState::mismatch,
       "none of the 2 TXT records is a key record; the first is an SPF record, perhaps of a "
       "wildcard: \"v=spf1 -all\""},
      {{spf, good},
       KeyState::published,
       "1 other TXT records beside it, the first is an SPF record, perhaps of a wildcard: \"v=spf1 "
       "-all\""},
      {{spf, "v=DKIM1; p"}, KeyState::mismatch, "the record is broken: tag p has no ="},
      {{good, other_key()->record()},
       KeyState::mismatch,
       "2 key records where one is allowed, one of them this key's"},
      {{good, good},
       KeyState::mismatch,
       "2 key records where one is allowed, one of them this key's"},
      {{other_key()->record(), ed25519_key()->record()},
       KeyState::mismatch,
       "2 key records where one is allowed, none of them this key's"},
      {std::vector<std::string>(17, good), KeyState::mismatch,
       "17 TXT records at s1._domainkey.example.com"},
      {{}, KeyState::unpublished, "no TXT record at s1._domainkey.example.com"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(compare_with_record(*rsa_key(), texts(c.records)), (KeyCheck{c.state, c.detail}));
  }
}

TEST(KeyState, TheLibraryIsNotAskedAboutWhatItsBufferCannotHold) {
  const std::string padded = "v=DKIM1; n=" + std::string(1100, 'x') + "; p=" + p_of(rsa_key());
  EXPECT_FALSE(can_ask_for_second_opinion(padded));
  EXPECT_EQ(
      compare(rsa_key(), padded),
      (KeyCheck{KeyState::published, "libopendkim, and filters that use it, may not read these " +
                                         std::to_string(padded.size()) + " octets"}));
}

TEST(KeyState, TheJudgesCanDisagree) {
  // RFC 6376 3.6.1 asks for a bare RSAPublicKey, which libopendkim does not read.
  const DkimTestKey test_key = rsa_test_key();
  unsigned char* der = nullptr;
  const int size = i2d_PublicKey(test_key.key.get(), &der);
  const std::string bare(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  const KeyCheck check = compare(rsa_key(), "v=DKIM1; k=rsa; p=" + encode_base64(bare));
  EXPECT_EQ(check.state, KeyState::mismatch);
  EXPECT_TRUE(check.detail.starts_with("our verifier accepts the record, libopendkim does not: "))
      << check.detail;
}

TEST(SecondOpinion, GivesTheVerdictsOfTheOtherEngineOnAnyMessage) {
  DkimTestMessage message = parse_message(
      "From: alice@example.com\nTo: bob@example.org\nSubject: hi\n"
      "Date: Mon, 01 Jun 2026 09:00:00 +0000\n\nHello\n");
  const DkimTestKey key = rsa_test_key();
  message.fields.insert(
      message.fields.begin(),
      sign_with(
          message,
          "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=from:to:subject:date; "
          "bh={bh}",
          key));
  ZoneResolver resolver(txt_record("s1._domainkey.example.com", key.record()));
  const auto ask = [&](std::string_view body) {
    const auto budget =
        std::make_shared<LookupBudget>(std::chrono::steady_clock::now() + std::chrono::seconds(10));
    return second_opinion(message.fields, body, std::nullopt, {}, resolver, budget, kTestNow);
  };
  ASSERT_EQ(ask(message.body).size(), 1u);
  EXPECT_EQ(ask(message.body)[0].result, DkimResult::pass) << ask(message.body)[0].reason;
  EXPECT_EQ(ask("Bye\r\n")[0].result, DkimResult::fail);
  // The same through the way for our own messages, with the record as it stands.
  EXPECT_EQ(second_opinion(message.fields, message.body, key.record()), (SecondOpinion{true, ""}));
  EXPECT_FALSE(second_opinion(message.fields, "Bye\r\n", key.record()).pass);
  EXPECT_FALSE(second_opinion(message.fields, message.body, "v=DKIM1; p=").pass);
  EXPECT_FALSE(second_opinion({{"From", " a@example.com"}}, "", key.record()).pass);
}

}  // namespace
}  // namespace signet
