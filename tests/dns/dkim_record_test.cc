// SPDX-License-Identifier: BSD-2-Clause
//
// DKIM key records as the DNS may hold them, and where they are looked for.

#include "dns/dkim_record.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

TEST(DkimRecord, ReadsEveryTag) {  // RFC 6376 3.6.1
  const auto record = parse_dkim_record(
      "v=DKIM1; k=ed25519; h=sha1 : sha256; s=email:other; t=y : s; n=note; p=AAEC; unknown=1");
  ASSERT_TRUE(record) << record.error();
  EXPECT_EQ(record->type, DkimKeyType::ed25519);
  EXPECT_EQ(record->hashes, (std::vector<std::string>{"sha1", "sha256"}));
  EXPECT_TRUE(record->for_email);
  EXPECT_TRUE(record->testing);
  EXPECT_TRUE(record->strict_identity);
  EXPECT_EQ(record->public_key, std::string("\0\1\2", 3));
}

TEST(DkimRecord, DefaultsOfAbsentTags) {  // RFC 6376 3.6.1
  const auto record = parse_dkim_record("p=AAEC");
  ASSERT_TRUE(record) << record.error();
  EXPECT_EQ(record->type, DkimKeyType::rsa);
  EXPECT_TRUE(record->hashes.empty());
  EXPECT_TRUE(record->for_email);
  EXPECT_FALSE(record->testing);
  EXPECT_FALSE(record->strict_identity);
}

TEST(DkimRecord, EmptyKeyIsRevokedAndNotAnError) {  // RFC 6376 3.6.1 p=
  for (const char* text : {"p=", "v=DKIM1; p=;", "v=DKIM1; k=rsa; p= "}) {
    const auto record = parse_dkim_record(text);
    ASSERT_TRUE(record) << text;
    EXPECT_EQ(record->public_key, "");
  }
}

TEST(DkimRecord, WhiteSpaceInTheKeyIsIgnored) {  // RFC 6376 3.6.1 p=: base64string with FWS
  const auto record = parse_dkim_record("v = DKIM1 ;p = A A\tE C ;");
  ASSERT_TRUE(record) << record.error();
  EXPECT_EQ(record->public_key, std::string("\0\1\2", 3));
}

TEST(DkimRecord, OtherServicesAreNotForEmail) {  // RFC 6376 3.6.1 s=
  EXPECT_FALSE(parse_dkim_record("s=tlsrpt; p=AAEC")->for_email);
  EXPECT_FALSE(parse_dkim_record("s=; p=AAEC")->for_email);
  EXPECT_TRUE(parse_dkim_record("s=tlsrpt : *; p=AAEC")->for_email);
}

struct ErrorCase {
  const char* text;
  const char* error;
};

TEST(DkimRecord, SaysWhichTagIsWrong) {  // RFC 6376 6.1.2 step 5
  const ErrorCase cases[] = {
      {"", "a tag has no name"},
      {"v=DKIM1", "p= is missing"},
      {"v=DKIM2; p=AAEC", "v= is \"DKIM2\", not DKIM1"},
      {"v=DKIM1.0; p=AAEC", "v= is \"DKIM1.0\", not DKIM1"},
      {"v=dkim1; p=AAEC", "v= is \"dkim1\", not DKIM1"},
      {"v=; p=AAEC", "v= is \"\", not DKIM1"},
      {"p=AAEC; v=DKIM1", "v= is not the first tag"},
      {"v=spf1 include:example.com -all", "v= is \"spf1 include:example.com -all\", not DKIM1"},
      {"v=DKIM1; p=AAEC; p=AAEC", "tag p appears twice"},
      {"v=DKIM1; k=; p=AAEC", "k= is \"\", neither rsa nor ed25519"},
      {"v=DKIM1; k=RSA; p=AAEC", "k= is \"RSA\", neither rsa nor ed25519"},
      {"v=DKIM1; p=AAE", "p= is broken: base64 is cut off or badly padded"},
      {"v=DKIM1; p=AAE*", "p= is broken: a character is not base64"},
      {"v=DKIM1; p=AAEC=", "p= is broken: base64 is cut off or badly padded"},
      {"just some text", "a tag name is not a letter with letters, digits and _"},
  };
  for (const ErrorCase& c : cases) {
    const auto record = parse_dkim_record(c.text);
    ASSERT_FALSE(record) << c.text;
    EXPECT_EQ(record.error(), c.error) << c.text;
  }
}

TEST(DkimRecord, ErrorsShowNoControlCharactersAndNoLongTexts) {
  const auto record = parse_dkim_record("k=" + std::string(5000, 'x') + "; p=AAEC");
  ASSERT_FALSE(record);
  EXPECT_LT(record.error().size(), 100U);
}

TEST(DkimRecord, NameOfTheKey) {  // RFC 6376 3.6.2.1
  const Name domain = *parse_domain("example.com");
  EXPECT_EQ(dkim_record_name("foo.bar", domain)->text(), "foo.bar._domainkey.example.com");
  EXPECT_EQ(dkim_record_name("2026", domain)->text(), "2026._domainkey.example.com");
  EXPECT_EQ(dkim_record_name("SEL", domain)->text(), "sel._domainkey.example.com");
  for (const char* selector : {"", ".", "a.", ".a", "a..b", "a b", "a/b", "a\"b"}) {
    EXPECT_FALSE(dkim_record_name(selector, domain)) << selector;
  }
  EXPECT_FALSE(dkim_record_name("sel", Name()));
  const auto longest = parse_domain(std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                                    std::string(60, 'c') + "." + std::string(60, 'd'));
  EXPECT_FALSE(dkim_record_name("sel", *longest));
}

TEST(DkimRecord, WordsOfK) {
  EXPECT_EQ(to_string(DkimKeyType::rsa), "rsa");
  EXPECT_EQ(to_string(DkimKeyType::ed25519), "ed25519");
}

}  // namespace
}  // namespace signet
