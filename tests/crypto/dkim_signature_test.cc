// SPDX-License-Identifier: BSD-2-Clause
//
// The gate in front of every signature: what each tag may hold, and what a refused signature still
// tells about itself.

#include "crypto/dkim_signature.h"

#include <gtest/gtest.h>

#include "dns/base64.h"

namespace signet {
namespace {

const std::string kHash = encode_base64(std::string(32, 'h'));
const std::string kGood = "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; bh=" + kHash +
                          "; b=" + encode_base64(std::string(128, 's'));

std::string words(const DkimSignature& signature) {
  if (!signature.refusal) return "acceptable";
  return std::string(to_string(signature.refusal->result)) + " " + signature.refusal->reason;
}

std::string judge(const std::string& value) { return words(parse_dkim_signature(value, 300)); }

std::string with(std::string_view from, std::string_view to) {
  std::string text = kGood;
  return text.replace(text.find(from), from.size(), to);
}

TEST(DkimSignature, ReadsEveryTag) {  // RFC 6376 3.5, its example
  const auto signature = parse_dkim_signature(
      " v=1; a=rsa-sha256; d=example.net; s=brisbane;\r\n"
      "      c=simple; q=dns/txt; i=@eng.example.net;\r\n"
      "      t=1117574938; x=1118006938;\r\n"
      "      h=from:to:subject:date;\r\n"
      "      z=From:foo@eng.example.net|To:joe@example.com|\r\n"
      "       Subject:demo=20run|Date:July=205,=202005=203:44:08=20PM=20-0700;\r\n"
      "      bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=;\r\n"
      "      b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR",
      300);
  EXPECT_EQ(words(signature), "acceptable");
  EXPECT_EQ(signature.algorithm, "rsa-sha256");
  EXPECT_EQ(signature.domain.text(), "example.net");
  EXPECT_EQ(signature.selector, "brisbane");
  EXPECT_EQ(signature.key_name.text(), "brisbane._domainkey.example.net");
  EXPECT_EQ(signature.header_canonicalization, Canonicalization::simple);
  EXPECT_EQ(signature.body_canonicalization, Canonicalization::simple);
  EXPECT_EQ(signature.identity, "@eng.example.net");
  EXPECT_EQ(signature.identity_domain.text(), "eng.example.net");
  EXPECT_EQ(signature.signed_fields, (std::vector<std::string>{"from", "to", "subject", "date"}));
  EXPECT_EQ(signature.signed_at->time_since_epoch().count(), 1117574938);
  EXPECT_EQ(signature.expires_at->time_since_epoch().count(), 1118006938);
  EXPECT_EQ(signature.body_hash, "12345678901234567890123456789012");
  EXPECT_EQ(signature.signature.size(), 48U);
  EXPECT_EQ(signature.signature_start, "dzdVyOfAKCdLXdJO");
  EXPECT_FALSE(signature.body_length);
}

TEST(DkimSignature, DefaultsOfAbsentTags) {  // RFC 6376 3.5
  const auto signature = parse_dkim_signature(kGood, 300);
  EXPECT_EQ(words(signature), "acceptable");
  EXPECT_EQ(signature.header_canonicalization, Canonicalization::simple);
  EXPECT_EQ(signature.body_canonicalization, Canonicalization::simple);
  EXPECT_EQ(signature.identity, "@example.com");
  EXPECT_EQ(signature.identity_domain.text(), "example.com");
}

TEST(DkimSignature, AcceptsWhatTheGrammarAllows) {
  const std::string cases[] = {
      kGood + ";",
      kGood + ";\r\n\t",
      with("v=1", "\r\n\tv \t=\t 1 "),
      with("h=from", "h=From : To\r\n\t:\r\n\tfrom"),
      with("bh=" + kHash, "bh=" + kHash.substr(0, 7) + "\r\n\t " + kHash.substr(7)),
      with("s=sel", "s=2026"),
      with("s=sel", "s=a.b.c"),
      with("s=sel", "s=under_score"),
      with("d=example.com", "d=EXAMPLE.Com"),
      kGood + "; c=relaxed/simple; l=" + std::string(75, '0') + "1",
      kGood + "; i=\"a@b\"@example.com",
      kGood + "; i=a=40b=20@example.com; unknown=1",
      kGood + "; t=0; x=999999999999",
      kGood + "; q=foo/bar:dns/txt",
  };
  for (const std::string& value : cases) {
    // "=40" is an @ in disguise: no address may hold two of them unquoted.
    const bool disguised = value.find("=40b") != std::string::npos;
    EXPECT_EQ(judge(value), disguised ? "neutral i= is no address" : "acceptable") << value;
  }
}

struct RefusalCase {
  std::string value;
  std::string verdict;
};

TEST(DkimSignature, RefusesWhatIsBroken) {  // RFC 6376 6.1.1
  const std::string longest = std::string(250, 'a');
  const RefusalCase cases[] = {
      {"", "neutral a tag has no name"},
      {"garbage", "neutral tag garbage has no ="},
      {kGood + "; v=1", "neutral tag v appears twice"},
      {kGood + ";;", "neutral a tag has no name"},
      {"v=1", "neutral a= is missing"},
      {with("b=", "B="), "neutral b= is missing"},
      {with("; b=", "; bx="), "neutral b= is missing"},
      {with("v=1", "v="), "neutral v= is no number"},
      {with("v=1", "v=1 1"), "neutral v= is no number"},
      {with("rsa-sha256", "rsa-sha1"), "permerror rsa-sha1 is obsolete"},
      {with("rsa-sha256", ""), "neutral a= is broken"},
      {with("rsa-sha256", "rsa sha256"), "neutral a= is broken"},
      {with("rsa-sha256", "ed25519-sha1"), "permerror a= names an unknown algorithm"},
      {with("rsa-sha256", "ed25519-sha256"), "neutral b= holds 128 octets, not the 64 of Ed25519"},
      {with("d=example.com", "d=ex ample.com"),
       "neutral d= is broken: a label holds something other than letters, digits, hyphen and "
       "underscore"},
      {with("d=example.com", "d=\"example.com\""),
       "neutral d= is broken: a label holds something other than letters, digits, hyphen and "
       "underscore"},
      {with("d=example.com", "d=" + longest + ".com"),
       "neutral d= is broken: a label is longer than 63 octets"},
      {with("s=sel", "s=a/../b"),
       "neutral s= is broken: the key's name: a label holds something other than letters, digits, "
       "hyphen and underscore"},
      {with("s=sel", "s=" + std::string(64, 'a')),
       "neutral s= is broken: the key's name: a label is longer than 63 octets"},
      {with("bh=" + kHash, "bh="), "neutral bh= holds 0 octets, not the 32 of SHA-256"},
      {with("bh=" + kHash, "bh=" + kHash.substr(0, 43)),
       "neutral bh= is broken: base64 is cut off or badly padded"},
      {kGood + "*", "neutral b= is broken: a character is not base64"},
      {kGood.substr(0, kGood.find("; b=")) + "; b=", "neutral b= is empty"},
      {kGood.substr(0, kGood.find("; b=")) + "; b=\r\n\t ", "neutral b= is empty"},
      {kGood + "; c=relaxed/relaxed/relaxed", "permerror c= names an unknown canonicalization"},
      {kGood + "; c=", "permerror c= names an unknown canonicalization"},
      {kGood + "; c=Relaxed", "permerror c= names an unknown canonicalization"},
      {with("h=from", "h=from:a b"), "neutral h= holds something that is no field name"},
      {with("h=from", "h=fromage"), "permerror From is not signed"},
      {kGood + "; i=", "neutral i= holds no @"},
      {kGood + "; i=@", "neutral i= is no address"},
      {kGood + "; i=a..b@example.com", "neutral i= is no address"},
      {kGood + "; i=\"a@example.com", "neutral i= is no address"},
      {kGood + "; i=\"a\\\"@example.com", "neutral i= is no address"},
      {kGood + "; i=a=0A@example.com", "neutral i= is no dkim-quoted-printable"},
      {kGood + "; i=a=6f@example.com", "neutral i= is no dkim-quoted-printable"},
      {kGood + "; i=@example.com=", "neutral i= is no dkim-quoted-printable"},
      {kGood + "; i=@com", "permerror i= is outside d="},
      {kGood + "; i=" + std::string(2000, 'a') + "@example.com", "neutral i= is too long"},
      {kGood + "; l=", "neutral l= is no number"},
      {kGood + "; l=1 2", "neutral l= is no number"},
      {kGood + "; l=" + std::string(77, '0'), "neutral l= is no number"},
      {kGood + "; t=-1", "neutral t= is no time"},
      {kGood + "; x=1000000000000", "neutral x= is no time"},
      {kGood + "; t=5; x=4", "permerror x= is not later than t="},
      {kGood + "; q=", "permerror q= names no known method"},
      {kGood + "; z=" + std::string(20'000, 'z'),
       "policy a signature of 20276 octets, over the limit of 16384"},
  };
  for (const RefusalCase& c : cases) EXPECT_EQ(judge(c.value), c.verdict) << c.value.substr(0, 300);
}

TEST(DkimSignature, HugeLengthsSaturate) {  // RFC 6376 3.5 l=
  const auto signature = parse_dkim_signature(kGood + "; l=" + std::string(76, '9'), 300);
  EXPECT_EQ(words(signature), "acceptable");
  EXPECT_EQ(signature.body_length, UINT64_MAX);
  EXPECT_EQ(parse_dkim_signature(kGood + "; l=18446744073709551616", 300).body_length, UINT64_MAX);
}

TEST(DkimSignature, NamesInHAreLimited) {
  std::string names = "from";
  for (int i = 0; i < 299; ++i) names += ":x";
  EXPECT_EQ(judge(with("h=from", "h=" + names)), "acceptable");
  EXPECT_EQ(judge(with("h=from", "h=" + names + ":x")), "policy h= names more than 300 fields");
}

TEST(DkimSignature, RefusedOnesStillNameThemselves) {  // RFC 8601 2.7.1
  const auto signature = parse_dkim_signature(with("rsa-sha256", "rsa-sha1"), 300);
  EXPECT_TRUE(signature.refusal);
  EXPECT_EQ(signature.domain.text(), "example.com");
  EXPECT_EQ(signature.selector, "sel");
  EXPECT_EQ(signature.algorithm, "rsa-sha1");
  EXPECT_EQ(signature.signature_start.size(), 16U);
}

TEST(DkimSignature, TimeIsJudgedWithDrift) {  // RFC 6376 3.5 t=, x=
  const auto signature = parse_dkim_signature(kGood + "; t=1000; x=2000", 300);
  const auto check = [&](int64_t now) {
    const auto refusal = check_signature_time(
        signature, std::chrono::sys_seconds(std::chrono::seconds(now)), std::chrono::seconds(300));
    return refusal ? refusal->reason : "";
  };
  EXPECT_EQ(check(699), "signed 5 minutes in the future");
  EXPECT_EQ(check(700), "");
  EXPECT_EQ(check(2300), "");
  EXPECT_EQ(check(2301), "signature expired 5 minutes ago");
}

TEST(DkimSignature, TimeIsToldInALargeUnit) {
  const auto signature = parse_dkim_signature(kGood + "; x=1000000000", 300);
  const std::pair<int64_t, std::string> cases[] = {
      {1, "1 second"},        {2, "2 seconds"},           {119, "119 seconds"},
      {120, "2 minutes"},     {7199, "119 minutes"},      {7200, "2 hours"},
      {2 * 86'400, "2 days"}, {729 * 86'400, "729 days"}, {730 * 86'400, "2 years"},
  };
  for (const auto& [late, text] : cases) {
    const auto now = *signature.expires_at + std::chrono::seconds(late);
    EXPECT_EQ(check_signature_time(signature, now, std::chrono::seconds(0))->reason,
              "signature expired " + text + " ago");
  }
}

TEST(DkimSignature, ValueOfBIsCutOutAndNothingElse) {  // RFC 6376 3.7
  const std::pair<std::string, std::string> cases[] = {
      {" v=1; b=abc", " v=1; b="},
      {" v=1; b=a\r\n\tbc ; s=x", " v=1; b=; s=x"},
      {" b = abc;v=1", " b =;v=1"},
      {" bh=abc; xb=1; z=b=2", " bh=abc; xb=1; z=b=2"},
      {" z=b=2; \r\n\tb=3;", " z=b=2; \r\n\tb=;"},
      {"", ""},
      {"b=", "b="},
  };
  for (const auto& [value, expected] : cases) {
    EXPECT_EQ(without_signature_value(value), expected) << value;
  }
}

}  // namespace
}  // namespace signet
