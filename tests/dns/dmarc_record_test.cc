// SPDX-License-Identifier: BSD-2-Clause
//
// DMARC Policy Records as people publish them: by the book, carelessly, and with intent.

#include "dns/dmarc_record.h"

#include <gtest/gtest.h>

#include <string>

#include "dns/tag_list.h"

namespace signet {
namespace {

using Uris = std::vector<std::string>;

/// The record in `text`; a test that expects one fails here if there is none.
DmarcRecord record_in(std::string_view text) {
  const auto record = parse_dmarc_record(text);
  EXPECT_TRUE(record) << text;
  return record.value_or(DmarcRecord());
}

TEST(DmarcRecord, DefaultsApplyToWhatIsNotSaid) {  // RFC 9989 4.7
  DmarcRecord expected;
  expected.p = DmarcPolicy::reject;
  EXPECT_EQ(record_in("v=DMARC1; p=reject"), expected);
  EXPECT_FALSE(expected.sp || expected.np || expected.testing);
  EXPECT_EQ(expected.fo, "0");
}

TEST(DmarcRecord, EveryTagIsRead) {
  DmarcRecord expected;
  expected.p = DmarcPolicy::reject;
  expected.sp = DmarcPolicy::quarantine;
  expected.np = DmarcPolicy::none;
  expected.psd = DmarcPsd::n;
  expected.testing = true;
  expected.strict_dkim = true;
  expected.strict_spf = true;
  expected.rua = {"mailto:a@example.com"};
  expected.ruf = {"mailto:b@example.com"};
  expected.fo = "1:d:s";
  EXPECT_EQ(record_in("v=DMARC1; p=reject; sp=quarantine; np=none; psd=n; t=y; adkim=s; aspf=s; "
                      "rua=mailto:a@example.com; ruf=mailto:b@example.com; fo=1:d:s"),
            expected);
}

TEST(DmarcRecord, VersionStandsFirstAndIsSpelledExactly) {  // RFC 9989 4.7
  for (const char* text : {"",
                           ";",
                           "p=reject",
                           "p=reject; v=DMARC1",
                           "v=dmarc1; p=reject",
                           "v=DMARC2; p=reject",
                           "v=DMARC11; p=reject",
                           "v=DMARC1 p=reject",
                           "v=; p=reject",
                           "v; p=reject",
                           "v = DMARC 1; p=reject",
                           "v=spf1 -all",
                           "DMARC1; p=reject",
                           ";v=DMARC1; p=reject",
                           "junk; v=DMARC1; p=reject",
                           "=x; v=DMARC1; p=reject",
                           "v=DMARC1\x01; p=reject",
                           "\xef\xbb\xbfv=DMARC1; p=reject",
                           "\"v=DMARC1; p=reject\"",
                           "x=1; v=DMARC1; p=reject",
                           "v=DKIM1; p=MIGf"}) {
    EXPECT_FALSE(parse_dmarc_record(text)) << text;
  }
}

TEST(DmarcRecord, SpacesStandWhereTheGrammarAllowsThem) {  // RFC 9989 4.8 dmarc-sep, equals
  for (const char* text : {"v=DMARC1;p=reject", "v=DMARC1; p=reject;", "v=DMARC1 ;p=reject ; ",
                           "v = DMARC1 ; p = reject", "v\t=\tDMARC1\t;\tp\t=\treject",
                           " v=DMARC1; p=reject", "v=DMARC1;; p=reject", "v=DMARC1; ; p=reject"}) {
    EXPECT_EQ(record_in(text).p, DmarcPolicy::reject) << text;
  }
}

TEST(DmarcRecord, UnknownAndHistoricTagsAreIgnored) {  // RFC 9989 4.7, 9.3
  EXPECT_EQ(record_in("v=DMARC1; pct=0; rf=iodef; ri=1; p=reject; xyz=1; x_9=y; P=none; pp=none"),
            record_in("v=DMARC1; p=reject"));
}

TEST(DmarcRecord, OfATagGivenTwiceTheFirstCounts) {
  EXPECT_EQ(record_in("v=DMARC1; p=reject; p=none; v=DMARC2").p, DmarcPolicy::reject);
}

TEST(DmarcRecord, SyntaxErrorsAreDiscardedAndTheRestStands) {  // RFC 9989 4.8
  EXPECT_EQ(record_in("v=DMARC1; p=reject; garbage; =; ==; a b=c; aspf=s\x7f"),
            record_in("v=DMARC1; p=reject"));
  EXPECT_EQ(record_in("v=DMARC1; \xff\xfe=1; p=quarantine; 9=1").p, DmarcPolicy::quarantine);
}

struct TagCase {
  const char* tag;
  bool expected;
};

TEST(DmarcRecord, AlignmentModeIsStrictOnlyForS) {  // RFC 9989 4.8 dmarc-rors
  for (const auto& [value, strict] : {TagCase{"s", true},
                                      {"S", true},
                                      {"r", false},
                                      {"", false},
                                      {"strict", false},
                                      {"s s", false},
                                      {"y", false}}) {
    const std::string text = std::string("v=DMARC1; p=none; adkim=") + value + "; aspf=" + value;
    EXPECT_EQ(record_in(text).strict_dkim, strict) << text;
    EXPECT_EQ(record_in(text).strict_spf, strict) << text;
  }
  EXPECT_FALSE(record_in("v=DMARC1; p=none; adkim=s").strict_spf);
  EXPECT_FALSE(record_in("v=DMARC1; p=none; aspf=s").strict_dkim);
}

TEST(DmarcRecord, TestModeIsOnOnlyForY) {  // RFC 9989 4.8 dmarc-yorn
  for (const auto& [value, testing] :
       {TagCase{"y", true}, {"Y", true}, {"n", false}, {"yes", false}, {"", false}, {"1", false}}) {
    EXPECT_EQ(record_in(std::string("v=DMARC1; p=none; t=") + value).testing, testing) << value;
  }
}

TEST(DmarcRecord, PsdIsYNOrElseU) {  // RFC 9989 4.8 dmarc-psd
  const auto psd = [](const std::string& value) {
    return record_in("v=DMARC1; p=none; psd=" + value).psd;
  };
  EXPECT_EQ(psd("y"), DmarcPsd::y);
  EXPECT_EQ(psd("N"), DmarcPsd::n);
  for (const char* value : {"u", "U", "", "yes", "no", "x", "y n"}) {
    EXPECT_EQ(psd(value), DmarcPsd::u) << value;
  }
}

TEST(DmarcRecord, PolicyWordsAreNotCaseSensitive) {  // RFC 5234 2.3
  EXPECT_EQ(record_in("v=DMARC1; p=Reject; sp=NONE; np=quarantinE").sp, DmarcPolicy::none);
  EXPECT_EQ(record_in("v=DMARC1; p=Reject; sp=NONE; np=quarantinE").np, DmarcPolicy::quarantine);
  EXPECT_EQ(record_in("v=DMARC1; p=Reject; sp=NONE; np=quarantinE").p, DmarcPolicy::reject);
}

struct PolicyCase {
  const char* tags;
  const char* defect;
};

class BadPolicy : public testing::TestWithParam<PolicyCase> {};

TEST_P(BadPolicy, WithoutReportAddressAppliesNothing) {  // RFC 9989 4.10.1
  const auto record = record_in(std::string("v=DMARC1; ") + GetParam().tags);
  EXPECT_FALSE(record.p);
  EXPECT_EQ(record.defect, GetParam().defect);
}

TEST_P(BadPolicy, WithValidReportAddressIsPolicyNone) {  // RFC 9989 4.10.1
  const auto record =
      record_in(std::string("v=DMARC1; ") + GetParam().tags + "; rua=bad,mailto:a@example.com");
  EXPECT_EQ(record.p, DmarcPolicy::none);
  EXPECT_EQ(record.defect, GetParam().defect);
}

TEST_P(BadPolicy, WithOnlyInvalidReportAddressesAppliesNothing) {  // RFC 9989 4.10.1
  const auto record =
      record_in(std::string("v=DMARC1; ") + GetParam().tags + "; rua=mailto:,nobody,!10m");
  EXPECT_FALSE(record.p);
}

INSTANTIATE_TEST_SUITE_P(
    DmarcRecord, BadPolicy,
    testing::Values(PolicyCase{"", ""}, PolicyCase{"x=y", ""}, PolicyCase{"sp=reject", ""},
                    PolicyCase{"np=reject; psd=y", ""}, PolicyCase{"p", ""},
                    PolicyCase{"p=rej\x01"
                               "ect",
                               ""},
                    PolicyCase{"p=", "the p tag is not a policy"},
                    PolicyCase{"p=rejected", "the p tag is not a policy"},
                    PolicyCase{"p=r eject", "the p tag is not a policy"},
                    PolicyCase{"p=none,reject", "the p tag is not a policy"},
                    PolicyCase{"p=discard; p=reject", "the p tag is not a policy"},
                    PolicyCase{"p=reject; sp=", "the sp tag is not a policy"},
                    PolicyCase{"p=reject; sp=monitor", "the sp tag is not a policy"},
                    PolicyCase{"p=reject; np=y", "the np tag is not a policy"},
                    PolicyCase{"p=reject; sp=none; np=0", "the np tag is not a policy"}));

TEST(DmarcRecord, ValidSubdomainPoliciesOutliveAMissingP) {  // RFC 9989 4.7: "as if it included"
  const auto record = record_in("v=DMARC1; sp=reject; np=bogus; rua=mailto:a@example.com");
  EXPECT_EQ(record.p, DmarcPolicy::none);
  EXPECT_EQ(record.sp, DmarcPolicy::reject);
  EXPECT_FALSE(record.np);
}

TEST(DmarcRecord, RecordWithoutPolicyKeepsWhatAWalkNeeds) {  // RFC 9989 4.10 steps 2 and 6
  EXPECT_EQ(record_in("v=DMARC1; psd=y").psd, DmarcPsd::y);
  EXPECT_EQ(record_in("v=DMARC1; psd=n; p=bogus").psd, DmarcPsd::n);
}

struct UriCase {
  const char* value;
  Uris expected;
};

TEST(DmarcRecord, UrisAreSplitCheckedAndFreedOfSizes) {  // RFC 9989 4.6, 4.8
  const UriCase kCases[] = {
      {"mailto:a@example.com", {"mailto:a@example.com"}},
      {"MAILTO:a@example.com", {"MAILTO:a@example.com"}},
      {"mailto:a@example.com,mailto:b@example.net",
       {"mailto:a@example.com", "mailto:b@example.net"}},
      {" mailto:a@example.com ,\tmailto:b@example.net ",
       {"mailto:a@example.com", "mailto:b@example.net"}},
      {"mailto:a@example.com!10m", {"mailto:a@example.com"}},
      {"mailto:a@example.com!10M,mailto:b@example.com!1",
       {"mailto:a@example.com", "mailto:b@example.com"}},
      {"mailto:a@example.com!99999999999999999999999t", {"mailto:a@example.com"}},
      {"mailto:a@example.com!10x", {}},
      {"mailto:a@example.com!", {}},
      {"mailto:a@example.com!m", {}},
      {"mailto:a!b@example.com!5k", {}},
      {"mailto:a%21b%2C@example.com", {"mailto:a%21b%2C@example.com"}},
      {"mailto:a%2@example.com", {}},
      {"mailto:a@example.com%", {}},
      {"mailto:a@example.com?subject=x", {"mailto:a@example.com?subject=x"}},
      {"https://example.com/r?x=1#f", {"https://example.com/r?x=1#f"}},
      {"x-y+1.z:opaque", {"x-y+1.z:opaque"}},
      {"", {}},
      {",,,", {}},
      {"a@example.com", {}},
      {"mailto:", {}},
      {"mailto:@example.com", {}},
      {"mailto:a@", {}},
      {"mailto:?to=a@example.com", {}},
      {":a@example.com", {}},
      {"1mailto:a@example.com", {}},
      {"mailto:<a@example.com>", {}},
      {"mailto:a b@example.com", {}},
      {"mailto:\"a\"@example.com", {}},
      {"mailto:\xc3\xa9@example.com", {}},
      {"mailto:a@example.com mailto:b@example.com", {}},
      {"bad,mailto:a@example.com,,worse", {"mailto:a@example.com"}},
  };
  for (const auto& [value, expected] : kCases) {
    const std::string tags = std::string("rua=") + value + "; ruf=" + value;
    EXPECT_EQ(record_in("v=DMARC1; p=none; " + tags).rua, expected) << value;
    EXPECT_EQ(record_in("v=DMARC1; p=none; " + tags).ruf, expected) << value;
  }
}

TEST(DmarcRecord, OfAThousandUrisTheFirstFiftyAreKept) {
  std::string text = "v=DMARC1; p=none; rua=mailto:0@e.d";
  for (int i = 1; i < 1000; ++i) text += ",mailto:" + std::to_string(i) + "@e.d";
  ASSERT_LT(text.size(), kMaxTagListOctets + 1);
  const auto record = record_in(text);
  ASSERT_EQ(record.rua.size(), kMaxDmarcUris);
  EXPECT_EQ(record.rua.front(), "mailto:0@e.d");
  EXPECT_EQ(record.rua.back(), "mailto:49@e.d");
}

TEST(DmarcRecord, OverTheLimitOfTagListsItHasADefect) {
  const std::string start = "v=DMARC1; p=reject; rua=mailto:a@example.com; x=";
  const std::string longest = start + std::string(kMaxTagListOctets - start.size(), 'y');
  EXPECT_EQ(record_in(longest).p, DmarcPolicy::reject);
  EXPECT_FALSE(record_in(longest).limit);
  const DmarcRecord record = record_in(longest + 'y');
  EXPECT_FALSE(record.p);
  EXPECT_EQ(record.limit, Limit::tag_list_octets);
  EXPECT_EQ(record.defect, "there are 16385 octets; at most 16384");
  EXPECT_EQ(parse_dmarc_record(longest + 'y', kMaxTagListOctets + 1)->p, DmarcPolicy::reject);
  EXPECT_FALSE(parse_dmarc_record("v=spf1 " + longest)) << "another's text is not even too long";
}

TEST(DmarcRecord, FailureOptionsFollowTheirGrammar) {  // RFC 9989 4.7, 4.8 dmarc-fo
  const auto fo = [](const std::string& value) {
    return record_in("v=DMARC1; p=none; ruf=mailto:a@example.com; fo=" + value).fo;
  };
  for (const char* value :
       {"0", "1", "d", "s", "0:d", "1:d:s", "d:s", "s:d", "d:1", "d:0:s", "d:s:1", "s:1:d"}) {
    EXPECT_EQ(fo(value), value);
  }
  EXPECT_EQ(fo("D:S:1"), "d:s:1");
  for (const char* value : {"", ":", "2", "0:1", "1:0", "d:d", "0:d:d", "0:", ":0", "0d", "0,d",
                            "0::d", "1:d:s:0", "all"}) {
    EXPECT_EQ(fo(value), "0") << value;
  }
}

TEST(DmarcRecord, FailureOptionsWithoutRufAreIgnored) {  // RFC 9989 4.7
  EXPECT_EQ(record_in("v=DMARC1; p=none; fo=1:d:s").fo, "0");
  EXPECT_EQ(record_in("v=DMARC1; p=none; fo=1; ruf=nobody").fo, "0");
}

TEST(DmarcRecord, ExamplesOfTheRfcAreRead) {  // RFC 9989 B.2
  EXPECT_EQ(record_in("v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com").rua,
            Uris{"mailto:dmarc-feedback@example.com"});
  const auto third_party = record_in(
      "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com; "
      "ruf=mailto:auth-reports@thirdparty.example.net");
  EXPECT_EQ(third_party.ruf, Uris{"mailto:auth-reports@thirdparty.example.net"});
  const auto testing = record_in(
      "v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.com,"
      "mailto:tld-test@thirdparty.example.net; t=y");
  EXPECT_EQ(testing.p, DmarcPolicy::quarantine);
  EXPECT_TRUE(testing.testing);
  EXPECT_EQ(testing.rua.size(), 2U);
  EXPECT_FALSE(record_in("v=DMARC1;").p);  // authorizes reports elsewhere, states no policy
}

TEST(DmarcRecordSet, OneRecordAmongOtherTextsIsSelected) {  // RFC 9989 4.10 steps 2 and 6
  const auto set =
      select_dmarc_record({"v=spf1 -all", "p=none; v=DMARC1", "v=DMARC1; p=reject", "v=dmarc1"});
  EXPECT_EQ(set.found, 1);
  ASSERT_TRUE(set.record);
  EXPECT_EQ(set.record->p, DmarcPolicy::reject);
}

TEST(DmarcRecordSet, SeveralRecordsAreAllDiscarded) {  // RFC 9989 4.10 steps 2 and 6
  const auto same = select_dmarc_record({"v=DMARC1; p=reject", "v=DMARC1; p=reject"});
  EXPECT_EQ(same.found, 2);
  EXPECT_FALSE(same.record);
  // A record that cannot be applied is a record nevertheless.
  EXPECT_FALSE(select_dmarc_record({"v=DMARC1; p=reject", "v=DMARC1"}).record);
}

TEST(DmarcRecordSet, NoTextsAreNoRecord) {
  EXPECT_EQ(select_dmarc_record({}).found, 0);
  EXPECT_FALSE(select_dmarc_record({}).record);
}

TEST(DmarcRecord, WordsAreThoseOnTheWire) {
  EXPECT_EQ(to_string(DmarcPolicy::none), "none");
  EXPECT_EQ(to_string(DmarcPolicy::quarantine), "quarantine");
  EXPECT_EQ(to_string(DmarcPolicy::reject), "reject");
  EXPECT_EQ(to_string(DmarcPsd::y), "y");
  EXPECT_EQ(to_string(DmarcPsd::n), "n");
  EXPECT_EQ(to_string(DmarcPsd::u), "u");
}

}  // namespace
}  // namespace signet
