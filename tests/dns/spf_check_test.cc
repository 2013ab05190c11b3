// SPDX-License-Identifier: BSD-2-Clause
//
// check_host() beyond the published suite: each limit at its edge and one over, what counts as
// what, the two identities, hostile records and senders, the message's deadline and allowance, and
// how many questions a check asks at worst.

#include "dns/spf_check.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

SpfRequest request_of(const std::string& client, const std::string& mail_from = "me@example.com") {
  SpfRequest request;
  request.client = *parse_ip_address(client);
  request.helo = "helo.example.net";
  request.mail_from = mail_from;
  request.want_explanation = true;
  request.want_trace = true;
  return request;
}

SpfVerdict check(const std::string& zone, const SpfRequest& request) {
  ZoneResolver resolver(zone);
  const SpfVerdict verdict = check_spf_mail_from(resolver, test_budget(), request);
  EXPECT_EQ(verdict.questions, resolver.question_count());
  return verdict;
}

SpfVerdict check(const std::string& zone, const std::string& client = "192.0.2.1") {
  return check(zone, request_of(client));
}

/// A zone with one SPF record at example.com, and whatever else is given.
std::string with_record(const std::string& record, const std::string& others = "") {
  std::string strings;
  for (size_t i = 0; i < record.size(); i += 250) strings += " \"" + record.substr(i, 250) + "\"";
  return "example.com. IN TXT" + strings + "\n" + others;
}

std::string repeat(const std::string& text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

/// `count` MX records at `name`, whose hosts have addresses that are nobody's.
std::string mx_hosts(const std::string& name, int count) {
  std::string zone;
  for (int i = 0; i < count; ++i) {
    zone += fmt::format("{0} IN MX 10 h{1}.{0}\nh{1}.{0} IN A 203.0.113.{1}\n", name, i);
  }
  return zone;
}

struct Case {
  std::string record;
  SpfResult result;
};

void expect_results(const std::vector<Case>& table, const std::string& others,
                    const std::string& client = "192.0.2.1") {
  for (const Case& row : table) {
    const SpfVerdict verdict = check(with_record(row.record, others), client);
    EXPECT_EQ(verdict.result, row.result) << row.record << "\n" << verdict.problem;
  }
}

// The identities.

TEST(SpfCheck, ChecksThePostmasterOfTheHeloNameForTheNullReversePath) {  // RFC 7208 2.4
  const std::string zone =
      "helo.example.net. IN TXT \"v=spf1 exists:%{s}.x.example exists:%{l}.y.example -all\"\n"
      "postmaster@helo.example.net.x.example. IN A 127.0.0.1\n";
  const SpfVerdict verdict = check(zone, request_of("192.0.2.1", ""));
  EXPECT_EQ(verdict.result, SpfResult::pass);
  EXPECT_EQ(verdict.identity, "postmaster@helo.example.net");
  EXPECT_EQ(verdict.domain.text(), "helo.example.net");
}

TEST(SpfCheck, TakesPostmasterForAMissingLocalPart) {  // RFC 7208 4.3
  const std::string zone =
      with_record("v=spf1 exists:%{l}.y.example -all", "postmaster.y.example. IN A 127.0.0.1\n");
  EXPECT_EQ(check(zone, request_of("192.0.2.1", "@example.com")).result, SpfResult::pass);
  EXPECT_EQ(check(zone, request_of("192.0.2.1", "example.com")).result, SpfResult::pass);
  EXPECT_EQ(check(zone, request_of("192.0.2.1", "@example.com")).identity,
            "postmaster@example.com");
}

TEST(SpfCheck, SplitsTheAddressAtTheLastAt) {
  const std::string zone =
      with_record("v=spf1 -all exp=e.example", "e.example. IN TXT \"<%{l}>\"\n");
  EXPECT_EQ(check(zone, request_of("192.0.2.1", "\"a@b\"@example.com")).explanation, "<\"a@b\">");
}

TEST(SpfCheck, GivesNoneForASenderWithoutAProperDomain) {  // RFC 7208 4.3
  for (const std::string sender :
       {"a@b", "a@", "@", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "a@192.0.2.1", "a@b..example",
        "a@.example.com", "a@exa mple.com", "a@exa\nmple.com", "a@example.com..", "b",
        "a@\xff.com"}) {
    ZoneResolver resolver(with_record("v=spf1 +all"));
    const SpfVerdict verdict =
        check_spf_mail_from(resolver, test_budget(), request_of("192.0.2.1", sender));
    EXPECT_EQ(verdict.result, SpfResult::none) << sender;
    EXPECT_TRUE(verdict.domain.is_root()) << sender;
    EXPECT_NE(verdict.problem, "") << sender;
    EXPECT_EQ(resolver.question_count(), 0) << sender;
  }
}

TEST(SpfCheck, AcceptsAFinalDotInTheSendersDomain) {  // RFC 7208 4.3
  EXPECT_EQ(check(with_record("v=spf1 +all"), request_of("192.0.2.1", "a@example.com.")).result,
            SpfResult::pass);
}

TEST(SpfCheck, ChecksTheHeloNameOnItsOwn) {  // RFC 7208 2.3
  ZoneResolver resolver(
      "helo.example.net. IN TXT \"v=spf1 a -all\"\nexample.com. IN TXT \"v=spf1 +all\"\n");
  const SpfVerdict verdict = check_spf_helo(resolver, test_budget(), request_of("192.0.2.1"));
  EXPECT_EQ(verdict.result, SpfResult::fail);
  EXPECT_EQ(verdict.identity, "helo.example.net");
  EXPECT_EQ(verdict.domain.text(), "helo.example.net");
  EXPECT_EQ(verdict.mechanism, "-all");
}

TEST(SpfCheck, GivesNoneForAHeloThatIsNoMultiLabelName) {  // RFC 7208 2.3
  for (const std::string helo : {"", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]", "192.0.2.1",
                                 "a b.example", "a..example", "\xff\xfe.example", "-"}) {
    ZoneResolver resolver("");
    SpfRequest request = request_of("192.0.2.1");
    request.helo = helo;
    EXPECT_EQ(check_spf_helo(resolver, test_budget(), request).result, SpfResult::none) << helo;
    EXPECT_EQ(resolver.question_count(), 0) << helo;
  }
}

TEST(SpfCheck, TakesAMappedClientForAnIpv4One) {  // RFC 7208 5
  expect_results({{"v=spf1 ip4:192.0.2.1 -all", SpfResult::pass},
                  {"v=spf1 ip6:::ffff:192.0.2.1 ?all", SpfResult::neutral},
                  {"v=spf1 ip6:::/0 ?all", SpfResult::neutral},
                  {"v=spf1 a:h.example -all", SpfResult::pass},
                  {"v=spf1 exists:%{i}.%{v}.example -all", SpfResult::pass}},
                 "h.example. IN A 192.0.2.1\n192.0.2.1.in-addr.example. IN A 127.0.0.1\n",
                 "::ffff:192.0.2.1");
}

// Internationalized mail.

TEST(SpfCheck, LooksUpTheALabelsOfAUnicodeDomain) {  // RFC 8616 4
  const SpfVerdict verdict = check(
      "xn--bcher-kva.example. IN TXT \"v=spf1 exists:%{o}.%{d}.%{h}.x.example -all\"\n"
      "xn--bcher-kva.example.xn--bcher-kva.example.xn--bcher-kva.net.x.example. IN A 127.0.0.1\n",
      [] {
        SpfRequest request = request_of("192.0.2.1",
                                        "me@b\xc3\xbc"
                                        "cher.example");
        request.helo =
            "b\xc3\xbc"
            "cher.net";
        return request;
      }());
  EXPECT_EQ(verdict.result, SpfResult::pass);
  EXPECT_EQ(verdict.domain.text(), "xn--bcher-kva.example");
}

TEST(SpfCheck, MatchesNoTermThatNamesANonAsciiLocalPart) {  // RFC 8616 4
  const std::string others =
      "t.example. IN TXT \"v=spf1 +all\"\n*.example. IN A 127.0.0.1\n*.example. IN TXT \"v=spf1 "
      "+all\"\n";
  const std::vector<Case> table = {
      {"v=spf1 exists:%{l}.x.example ~all", SpfResult::softfail},
      {"v=spf1 exists:%{S}.x.example ~all", SpfResult::softfail},
      {"v=spf1 exists:%{o}.x.example ~all", SpfResult::pass},
      {"v=spf1 include:%{l}.x.example ~all", SpfResult::softfail},
      {"v=spf1 redirect=%{l}.x.example", SpfResult::neutral},
      {"v=spf1 a:%{l}.x.example/0 mx:%{l}.x.example/0 ptr:%{l}.example ~all", SpfResult::softfail},
  };
  for (const Case& row : table) {
    const SpfVerdict verdict =
        check(with_record(row.record, others), request_of("192.0.2.1", "m\xc3\xa9@example.com"));
    EXPECT_EQ(verdict.result, row.result) << row.record;
  }
}

// Finding the record.

TEST(SpfCheck, TellsNoRecordFromAnErrorAndFromSeveral) {  // RFC 7208 4.3, 4.4, 4.5
  struct Row {
    std::string zone;
    SpfResult result;
  };
  for (const Row& row : std::vector<Row>{
           {"", SpfResult::none},
           {"example.com. IN A 192.0.2.1\n", SpfResult::none},
           {"x.example.com. IN A 192.0.2.1\n", SpfResult::none},
           {"example.com. IN TXT \"v=spf10\"\n", SpfResult::none},
           {"servfail example.com\n", SpfResult::temperror},
           {"timeout example.com\n", SpfResult::temperror},
           {"example.com. IN TXT \"v=spf1 -all\"\nexample.com. IN TXT \"v=spf1 +all\"\n",
            SpfResult::permerror},
           {"example.com. IN TXT \"v=spf1 -all\"\nexample.com. IN TXT \"v=DKIM1\"\n",
            SpfResult::fail},
           {"example.com. IN TXT \"v=sp\" \"f1 +a\" \"ll\"\n", SpfResult::pass},
           {"example.com. IN CNAME other.example.\nother.example. IN TXT \"v=spf1 +all\"\n",
            SpfResult::pass},
           {"example.com. IN TXT \"v=spf1 +all \\195\\188\"\n", SpfResult::permerror},
           {"example.com. IN TXT \"v=spf1 +all\"\nexample.com. IN TXT \"\\195\\188\"\n",
            SpfResult::pass},
       }) {
    EXPECT_EQ(check(row.zone).result, row.result) << row.zone;
  }
}

TEST(SpfCheck, TellsADomainThatPermitsNobody) {
  EXPECT_TRUE(check(with_record("v=spf1 -all")).only_all_fail);
  EXPECT_TRUE(check(with_record("v=spf1 -ALL exp=e.example x=y")).only_all_fail);
  EXPECT_FALSE(check(with_record("v=spf1 a -all")).only_all_fail);
  EXPECT_FALSE(check(with_record("v=spf1 ~all")).only_all_fail);
  EXPECT_FALSE(check(with_record("v=spf1")).only_all_fail);
  EXPECT_FALSE(check("example.com. IN TXT \"v=spf1 include:n.example ?all\"\n"
                     "n.example. IN TXT \"v=spf1 -all\"\n")
                   .only_all_fail);
}

// Limits (RFC 7208 4.6.4).

TEST(SpfCheck, AllowsTenTermsThatQueryDnsAndNotEleven) {
  const std::string others =
      "h.example. IN A 203.0.113.1\nh.example. IN MX 10 h.example.\n"
      "h.example. IN TXT \"v=spf1 ?all\"\n1.2.0.192.in-addr.arpa. IN PTR h.example.\n";
  for (const std::string term :
       {" a:h.example", " mx:h.example", " include:h.example", " ptr:x.example"}) {
    expect_results({{"v=spf1" + repeat(term, 10) + " +all", SpfResult::pass},
                    {"v=spf1" + repeat(term, 11) + " +all", SpfResult::permerror},
                    {"v=spf1" + repeat(term, 10) + " redirect=h.example", SpfResult::permerror},
                    {"v=spf1" + repeat(term, 9) + " redirect=h.example", SpfResult::neutral}},
                   others);
  }
}

TEST(SpfCheck, CountsNoTermThatDoesNotQueryDnsOrIsNotReached) {
  const std::string others = "h.example. IN A 203.0.113.1\n";
  expect_results(
      {{"v=spf1" + repeat(" ip4:203.0.113.0/24 ip6:2001:db8::/32 x=%{i}", 50) + " +all",
        SpfResult::pass},
       {"v=spf1 ip4:192.0.2.1" + repeat(" a:h.example", 11), SpfResult::pass},
       {"v=spf1" + repeat(" a:h.example", 10) + " ip4:192.0.2.1 a:h.example", SpfResult::pass}},
      others);
}

TEST(SpfCheck, CountsThePtrQuestionOfThePMacroAsATermOfItsOwn) {  // RFC 7208 4.6.4
  const std::string others =
      "1.2.0.192.in-addr.arpa. IN PTR h.example.\nh.example. IN A 192.0.2.1\n"
      "*.x.example. IN A 203.0.113.1\n";
  expect_results(
      {{"v=spf1" + repeat(" a:%{p}.x.example", 5) + " +all", SpfResult::pass},
       {"v=spf1" + repeat(" a:%{p}.x.example", 5) + " a:y.x.example", SpfResult::permerror},
       {"v=spf1" + repeat(" a:%{p}%{p}.x.example", 5) + " +all", SpfResult::pass}},
      others);
}

TEST(SpfCheck, CountsTermsAcrossIncludes) {
  const std::string others =
      "h.example. IN A 203.0.113.1\n"
      "four.example. IN TXT \"v=spf1 a:h.example a:h.example a:h.example a:h.example -all\"\n";
  expect_results(
      {{"v=spf1 include:four.example include:four.example +all", SpfResult::pass},
       {"v=spf1 include:four.example include:four.example a:h.example", SpfResult::permerror},
       {"v=spf1 a:h.example include:four.example include:four.example", SpfResult::permerror}},
      others);
}

TEST(SpfCheck, EndsEveryLoopOfRecordsWithPermerror) {
  for (const std::string record :
       {"v=spf1 include:example.com -all", "v=spf1 redirect=example.com",
        "v=spf1 include:two.example -all", "v=spf1 redirect=two.example",
        "v=spf1 ?include:two.example redirect=two.example", "v=spf1 include:%{d} +all"}) {
    const SpfVerdict verdict = check(with_record(
        record, "two.example. IN TXT \"v=spf1 include:example.com redirect=example.com\"\n"));
    EXPECT_EQ(verdict.result, SpfResult::permerror) << record;
    EXPECT_EQ(verdict.terms, 10) << record;
    EXPECT_LE(verdict.questions, 111) << record;
  }
}

TEST(SpfCheck, AllowsTwoVoidLookupsOfEachMechanismAndNotThree) {
  const std::string others =
      "nodata.example. IN TXT \"x\"\nh.example. IN MX 10 gone1.example.\n"
      "h.example. IN MX 10 gone2.example.\nh3.example. IN MX 10 gone1.example.\n"
      "h3.example. IN MX 10 gone2.example.\nh3.example. IN MX 20 nodata.example.\n";
  expect_results(
      {
          {"v=spf1 a:1.gone a:2.gone.example +all", SpfResult::pass},
          {"v=spf1 a:1.gone a:2.gone.example a:nodata.example +all", SpfResult::permerror},
          {"v=spf1 mx:1.gone mx:nodata.example +all", SpfResult::pass},
          {"v=spf1 mx:1.gone mx:2.gone mx:nodata.example +all", SpfResult::permerror},
          {"v=spf1 exists:1.gone exists:nodata.example +all", SpfResult::pass},
          {"v=spf1 exists:1.gone exists:2.gone exists:3.gone +all", SpfResult::permerror},
          {"v=spf1 mx:h.example +all", SpfResult::pass},
          {"v=spf1 mx:h.example a:1.gone +all", SpfResult::permerror},
          {"v=spf1 mx:h3.example +all", SpfResult::permerror},
          {"v=spf1 ptr:x.example ptr:y.example +all", SpfResult::pass},
          {"v=spf1 ptr:x.example ptr:y.example ptr:z.example +all", SpfResult::permerror},
          {"v=spf1 include:1.gone +all", SpfResult::permerror},
          {"v=spf1 redirect=1.gone", SpfResult::permerror},
      },
      others);
}

TEST(SpfCheck, CountsVoidLookupsAcrossIncludes) {
  const std::string others = "v.example. IN TXT \"v=spf1 a:1.gone -all\"\n";
  expect_results({{"v=spf1 include:v.example a:2.gone +all", SpfResult::pass},
                  {"v=spf1 a:2.gone include:v.example a:3.gone +all", SpfResult::permerror}},
                 others);
}

TEST(SpfCheck, CountsNoVoidLookupThatEvaluationDoesNotReach) {
  // The three are on their way early, and nobody reads the answers.
  const SpfVerdict verdict = check(with_record("v=spf1 a:h.example a:1.gone a:2.gone a:3.gone -all",
                                               "h.example. IN A 192.0.2.1\n"));
  EXPECT_EQ(verdict.result, SpfResult::pass);
  EXPECT_EQ(verdict.void_lookups, 0);
  EXPECT_EQ(verdict.terms, 1);
  EXPECT_EQ(verdict.questions, 5);
}

TEST(SpfCheck, CountsNoVoidAnswerAboutTheNamesOfThePtr) {
  std::string others;
  for (int i = 0; i < 9; ++i) others += fmt::format("1.2.0.192.in-addr.arpa. IN PTR {}.gone.\n", i);
  expect_results({{"v=spf1 ptr:x.example a:1.gone a:2.gone +all", SpfResult::pass}}, others);
}

TEST(SpfCheck, AllowsTenMxRecordsAndNotEleven) {
  expect_results({{"v=spf1 mx:h.example +all", SpfResult::pass}}, mx_hosts("h.example.", 10));
  // Even if the client is the best of them: the order of an answer is nobody's promise.
  expect_results(
      {{"v=spf1 mx:h.example +all", SpfResult::permerror}},
      mx_hosts("h.example.", 10) + "h.example. IN MX 1 me.example.\nme.example. IN A 192.0.2.1\n");
}

TEST(SpfCheck, AsksNobodyForTheAddressOfANullMx) {  // RFC 7505 3
  const SpfVerdict verdict = check(with_record("v=spf1 mx -all", "example.com. IN MX 0 .\n"));
  EXPECT_EQ(verdict.result, SpfResult::fail);
  EXPECT_EQ(verdict.void_lookups, 0);
  EXPECT_EQ(verdict.questions, 2);
}

TEST(SpfCheck, LooksAtTenNamesOfThePtrAndIgnoresTheRest) {
  std::string nine;
  for (int i = 0; i < 9; ++i)
    nine += fmt::format("1.2.0.192.in-addr.arpa. IN PTR {}.other.example.\n", i);
  const std::string mine =
      "1.2.0.192.in-addr.arpa. IN PTR me.example.com.\nme.example.com. IN A 192.0.2.1\n";
  expect_results({{"v=spf1 ptr -all", SpfResult::pass}}, nine + mine);
  expect_results({{"v=spf1 ptr -all", SpfResult::fail}},
                 nine + "1.2.0.192.in-addr.arpa. IN PTR 9.other.example.\n" + mine);
}

TEST(SpfCheck, FollowsOtherLimitsIfTold) {
  SpfLimits limits;
  limits.terms = 1;
  limits.void_lookups = 0;
  ZoneResolver resolver(
      with_record("v=spf1 a:h.example a:h.example +all",
                  "h.example. IN A 203.0.113.1\nv.example. IN TXT \"v=spf1 a:1.gone +all\"\n"));
  EXPECT_EQ(check_spf_mail_from(resolver, test_budget(), request_of("192.0.2.1"), limits).result,
            SpfResult::permerror);
  EXPECT_EQ(
      check_spf_mail_from(resolver, test_budget(), request_of("192.0.2.1", "a@v.example"), limits)
          .result,
      SpfResult::permerror);
}

// Mechanisms.

TEST(SpfCheck, EndsWithTemperrorAtADnsErrorOfAnyMechanismButPtr) {  // RFC 7208 5
  const std::string others =
      "servfail bad.example\ntimeout late.example\nh.example. IN MX 10 bad.example.\n"
      "1.2.0.192.in-addr.arpa. IN PTR bad.example.\n1.2.0.192.in-addr.arpa. IN PTR "
      "me.example.com.\n"
      "me.example.com. IN A 192.0.2.1\n";
  expect_results({{"v=spf1 a:bad.example +all", SpfResult::temperror},
                  {"v=spf1 a:late.example +all", SpfResult::temperror},
                  {"v=spf1 mx:bad.example +all", SpfResult::temperror},
                  {"v=spf1 mx:h.example +all", SpfResult::temperror},
                  {"v=spf1 exists:late.example +all", SpfResult::temperror},
                  {"v=spf1 include:bad.example +all", SpfResult::temperror},
                  {"v=spf1 redirect=late.example", SpfResult::temperror},
                  {"v=spf1 ptr -all", SpfResult::pass},
                  {"v=spf1 ip4:192.0.2.1 a:bad.example", SpfResult::pass}},
                 others);
  expect_results({{"v=spf1 ptr -all", SpfResult::fail},
                  {"v=spf1 exists:%{p}.x.example -all", SpfResult::pass}},
                 "timeout 1.2.0.192.in-addr.arpa\nunknown.x.example. IN A 127.0.0.1\n");
}

TEST(SpfCheck, MapsTheResultOfAnInclude) {  // RFC 7208 5.2
  const std::string others =
      "pass.example. IN TXT \"v=spf1 +all\"\nfail.example. IN TXT \"v=spf1 -all exp=e.example\"\n"
      "soft.example. IN TXT \"v=spf1 ~all\"\nneutral.example. IN TXT \"v=spf1\"\n"
      "none.example. IN TXT \"hello\"\nbroken.example. IN TXT \"v=spf1 moo\"\nservfail "
      "bad.example\n"
      "two.example. IN TXT \"v=spf1 +all\"\ntwo.example. IN TXT \"v=spf1 -all\"\n";
  expect_results({{"v=spf1 -include:pass.example +all", SpfResult::fail},
                  {"v=spf1 ?include:pass.example +all", SpfResult::neutral},
                  {"v=spf1 include:fail.example ~all", SpfResult::softfail},
                  {"v=spf1 include:soft.example -all", SpfResult::fail},
                  {"v=spf1 include:neutral.example -all", SpfResult::fail},
                  {"v=spf1 include:none.example +all", SpfResult::permerror},
                  {"v=spf1 include:gone.example +all", SpfResult::permerror},
                  {"v=spf1 include:broken.example +all", SpfResult::permerror},
                  {"v=spf1 include:two.example +all", SpfResult::permerror},
                  {"v=spf1 include:bad.example +all", SpfResult::temperror},
                  {"v=spf1 include:.example +all", SpfResult::permerror},
                  {"v=spf1 include:a..example +all", SpfResult::permerror},
                  {"v=spf1 include:%{d1} +all", SpfResult::permerror}},
                 others);
}

TEST(SpfCheck, TakesTheResultOfARedirectButNeverNone) {  // RFC 7208 6.1
  const std::string others =
      "fail.example. IN TXT \"v=spf1 -all\"\nneutral.example. IN TXT \"v=spf1\"\nnone.example. IN "
      "TXT \"x\"\n"
      "chain.example. IN TXT \"v=spf1 redirect=fail.example\"\n";
  expect_results({{"v=spf1 redirect=fail.example", SpfResult::fail},
                  {"v=spf1 redirect=chain.example", SpfResult::fail},
                  {"v=spf1 redirect=neutral.example", SpfResult::neutral},
                  {"v=spf1 redirect=none.example", SpfResult::permerror},
                  {"v=spf1 redirect=gone.example", SpfResult::permerror},
                  {"v=spf1 redirect=a..example", SpfResult::permerror},
                  {"v=spf1 redirect=%{d1}", SpfResult::permerror},
                  {"v=spf1 redirect=fail.example ip4:192.0.2.1", SpfResult::pass},
                  {"v=spf1 ?all redirect=fail.example", SpfResult::neutral}},
                 others);
}

TEST(SpfCheck, TreatsATargetThatIsNoNameAsNoMatchWithoutAsking) {  // RFC 7208 4.8
  for (const std::string term : {"a:a..example", "mx:a..example", "exists:a..example",
                                 "ptr:a..example", "a:.example", "exists:%{l}.example"}) {
    SpfRequest request = request_of("192.0.2.1", std::string(64, '=') + "@example.com");
    const SpfVerdict verdict = check(with_record("v=spf1 " + term + " ~all"), request);
    EXPECT_EQ(verdict.result, SpfResult::softfail) << term;
    EXPECT_EQ(verdict.terms, 1) << term;
    EXPECT_EQ(verdict.void_lookups, 0) << term;
    EXPECT_EQ(verdict.questions, 1) << term;
  }
}

TEST(SpfCheck, MatchesAPtrOnlyBelowTheTarget) {  // RFC 7208 5.5
  const std::string others =
      "1.2.0.192.in-addr.arpa. IN PTR mail.Bad-Example.com.\nmail.bad-example.com. IN A 192.0.2.1\n"
      "1.2.0.192.in-addr.arpa. IN PTR forged.example.com.\nforged.example.com. IN A 203.0.113.1\n";
  expect_results({{"v=spf1 ptr -all", SpfResult::fail},
                  {"v=spf1 ptr:example.com -all", SpfResult::fail},
                  {"v=spf1 ptr:Bad-Example.Com -all", SpfResult::pass},
                  {"v=spf1 ptr:mail.bad-example.com -all", SpfResult::pass},
                  {"v=spf1 ptr:x.mail.bad-example.com -all", SpfResult::fail}},
                 others);
}

TEST(SpfCheck, ComparesHighOrderBits) {  // RFC 7208 5
  const std::string others = "h.example. IN A 192.0.2.128\nh.example. IN AAAA 2001:db8::8000\n";
  expect_results({{"v=spf1 a:h.example/24 -all", SpfResult::pass},
                  {"v=spf1 a:h.example/25 -all", SpfResult::fail},
                  {"v=spf1 a:h.example//0 -all", SpfResult::fail}},
                 others);
  expect_results({{"v=spf1 a:h.example//112 -all", SpfResult::pass},
                  {"v=spf1 a:h.example//113 -all", SpfResult::fail},
                  {"v=spf1 a:h.example/0 -all", SpfResult::fail},
                  {"v=spf1 exists:h.example -all", SpfResult::pass}},
                 others, "2001:db8::1");
}

TEST(SpfCheck, PrefersTheDomainItselfThenANameBelowItForThePMacro) {  // RFC 7208 7.3
  const std::string ptr = "1.2.0.192.in-addr.arpa. IN PTR ";
  const std::string other = ptr + "zzz.example.\nzzz.example. IN A 192.0.2.1\n";
  const std::string below = ptr + "x.example.com.\nx.example.com. IN A 192.0.2.1\n";
  const std::string itself = ptr + "example.com.\nexample.com. IN A 192.0.2.1\n";
  const std::string record = "v=spf1 -all exp=e.example";
  const std::string exp = "e.example. IN TXT \"%{p}\"\n";
  EXPECT_EQ(check(with_record(record, exp + other)).explanation, "zzz.example");
  EXPECT_EQ(check(with_record(record, exp + other + below)).explanation, "x.example.com");
  EXPECT_EQ(check(with_record(record, exp + other + below + itself)).explanation, "example.com");
  EXPECT_EQ(check(with_record(record, exp)).explanation, "unknown");
}

// Explanations (RFC 7208 6.2).

TEST(SpfCheck, ExplainsAFailOnlyIfAsked) {
  const std::string zone =
      with_record("v=spf1 -all exp=e.example", "e.example. IN TXT \"%{i} is not %{d}\"\n");
  EXPECT_EQ(check(zone).explanation, "192.0.2.1 is not example.com");
  SpfRequest silent = request_of("192.0.2.1");
  silent.want_explanation = false;
  const SpfVerdict verdict = check(zone, silent);
  EXPECT_EQ(verdict.result, SpfResult::fail);
  EXPECT_EQ(verdict.explanation, "");
  EXPECT_EQ(verdict.questions, 1);
  EXPECT_EQ(check(with_record("v=spf1 ~all exp=e.example", "e.example. IN TXT \"x\"\n")).questions,
            1);
}

TEST(SpfCheck, ExplainsInOneLineOfPrintableAscii) {
  const std::string zone =
      with_record("v=spf1 -all exp=e.example", "e.example. IN TXT \"%{l}%{h}\"\n");
  SpfRequest request = request_of("192.0.2.1", "a\r\n250 ok\x80@example.com");
  request.helo = std::string(100'000, '\xff');
  const std::string explanation = check(zone, request).explanation;
  EXPECT_EQ(explanation.size(), 400U);
  EXPECT_TRUE(explanation.starts_with("a??250 ok????"));
}

TEST(SpfCheck, GoesOnWithoutAnExplanationThatIsWrong) {
  for (const std::string text :
       {"\"%{x}\"", "\"100%\"", "\"caf\\195\\169\"", "\"a\\013\\010b\"", "\"a\\009b\""}) {
    const SpfVerdict verdict =
        check(with_record("v=spf1 -all exp=e.example", "e.example. IN TXT " + text + "\n"));
    EXPECT_EQ(verdict.result, SpfResult::fail) << text;
    EXPECT_EQ(verdict.explanation, "") << text;
  }
  for (const std::string zone :
       {"servfail e.example\n", "timeout e.example\n", "e.example. IN A 192.0.2.1\n",
        "e.example. IN TXT \"a\"\ne.example. IN TXT \"b\"\n"}) {
    const SpfVerdict verdict = check(with_record("v=spf1 -all exp=e.example", zone));
    EXPECT_EQ(verdict.result, SpfResult::fail) << zone;
    EXPECT_EQ(verdict.explanation, "") << zone;
  }
  EXPECT_EQ(check(with_record("v=spf1 -all exp=a..example")).result, SpfResult::fail);
}

TEST(SpfCheck, TakesTheExplanationOfTheRecordThatFailed) {
  const std::string others =
      "mine.example. IN TXT \"mine %{d}\"\nyours.example. IN TXT \"yours %{d}\"\n"
      "i.example. IN TXT \"v=spf1 -all exp=yours.example\"\n"
      "r.example. IN TXT \"v=spf1 -all exp=yours.example\"\nq.example. IN TXT \"v=spf1 -all\"\n";
  EXPECT_EQ(
      check(with_record("v=spf1 include:i.example -all exp=mine.example", others)).explanation,
      "mine example.com");
  EXPECT_EQ(check(with_record("v=spf1 include:i.example -all", others)).explanation, "");
  EXPECT_EQ(check(with_record("v=spf1 exp=mine.example redirect=r.example", others)).explanation,
            "yours r.example");
  EXPECT_EQ(check(with_record("v=spf1 exp=mine.example redirect=q.example", others)).explanation,
            "");
}

// Questions.

TEST(SpfCheck, AsksAtMost111QuestionsInTheWorstCase) {
  const std::string hosts = mx_hosts("h.example.", 10) + mx_hosts("me.example.", 9);
  std::string pointers;
  for (int i = 0; i < 10; ++i)
    pointers += fmt::format("1.2.0.192.in-addr.arpa. IN PTR h{}.h.example.\n", i);
  const std::string nested = "n.example. IN TXT \"v=spf1" + repeat(" mx:h.example", 9) +
                             " ?all\"\n"
                             "m.example. IN TXT \"v=spf1 -mx:me.example" +
                             repeat(" mx:h.example", 9) +
                             "\"\n"
                             "me.example. IN MX 99 me.example.\nme.example. IN A 192.0.2.1\n"
                             "c.example. IN TXT \"v=spf1 include:c.example" +
                             repeat(" mx:h.example", 9) +
                             "\"\n"
                             "e.example. IN TXT \"%{p} explains\"\n*.x.example. IN TXT \"%{p}\"\n";
  struct Row {
    std::string record;
    int questions;
  };
  for (const Row& row : std::vector<Row>{
           {"v=spf1" + repeat(" mx:h.example", 10) + " ?all", 111},
           {"v=spf1" + repeat(" mx:h.example", 11), 111},
           {"v=spf1" + repeat(" mx:h.example", 10) + " -all exp=e.example", 111},
           {"v=spf1" + repeat(" mx:h.example", 9) + " ptr:x.example -all exp=%{p}.x.example", 111},
           {"v=spf1" + repeat(" mx:h.example", 8) + " a:%{p}.x.example", 101},
           {"v=spf1 include:n.example" + repeat(" mx:h.example", 9), 110},
           {"v=spf1 include:m.example" + repeat(" mx:h.example", 9), 110},
           {"v=spf1 include:c.example" + repeat(" mx:h.example", 9), 56},
           {"v=spf1" + repeat(" mx:h.example", 9) + " redirect=n.example", 101},
       }) {
    const SpfVerdict verdict = check(with_record(row.record, hosts + pointers + nested));
    EXPECT_EQ(verdict.questions, row.questions) << row.record;
    EXPECT_LE(verdict.questions, 111) << row.record;
  }
}

TEST(SpfCheck, AsksNothingEarlyBeforeATermThatNeedsTheDns) {
  ZoneResolver resolver(with_record("v=spf1 ip4:192.0.2.1 a mx include:i.example -all"));
  check_spf_mail_from(resolver, test_budget(), request_of("192.0.2.1"));
  EXPECT_EQ(resolver.questions(), std::vector<std::string>{"TXT example.com"});
}

TEST(SpfCheck, StartsEarlyWhatDependsOnTheRecordAlone) {
  ZoneResolver resolver(with_record(
      "v=spf1 a exists:%{i}.e.example mx:m.example ptr include:i.example a:%{o}.x.example -all",
      "example.com. IN A 192.0.2.1\n"));
  check_spf_mail_from(resolver, test_budget(), request_of("192.0.2.1"));
  EXPECT_EQ(resolver.questions(), (std::vector<std::string>{"TXT example.com", "A example.com",
                                                            "MX m.example", "TXT i.example"}));
}

TEST(SpfCheck, LetsNoEarlyAnswerChangeTheVerdict) {
  const std::string others =
      "h.example. IN A 192.0.2.1\nservfail bad.example\n"
      "two.example. IN TXT \"v=spf1 moo\"\n";
  expect_results(
      {{"v=spf1 a:h.example a:bad.example include:two.example mx:bad.example", SpfResult::pass},
       {"v=spf1 a:bad.example a:h.example", SpfResult::temperror}},
      others);
}

/// Answers from a zone, but holds the answers to the second and later questions back until `wanted`
/// of them are on their way: sequential asking would wait for ever.
class HoldingResolver final : public Resolver {
 public:
  HoldingResolver(const std::string& zone, size_t wanted) : zone_(zone), wanted_(wanted) {}

 private:
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override {
    Lookup lookup = zone_.start(name, type, test_budget());
    if (std::exchange(first_, false)) return lookup;
    held_.emplace_back(std::make_shared<PendingAnswer>(), std::make_shared<Answer>(lookup.get()));
    Lookup waiting(held_.back().first, deadline);
    if (held_.size() == wanted_) {
      for (const auto& [pending, answer] : held_) pending->set(answer);
      held_.clear();
    }
    return waiting;
  }

  ZoneResolver zone_;
  size_t wanted_;
  bool first_ = true;
  std::vector<std::pair<std::shared_ptr<PendingAnswer>, std::shared_ptr<Answer>>> held_;
};

TEST(SpfCheck, WaitsForItsQuestionsSideBySide) {
  HoldingResolver record(
      with_record("v=spf1 a:h.example include:i.example mx:h.example +all",
                  mx_hosts("h.example.", 1) + "h.example. IN A 203.0.113.1\n"
                                              "i.example. IN TXT \"v=spf1 -all\"\n"),
      3);
  LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::seconds(5), 4);
  // A fourth question, for the address of the MX host, is one too many for this budget.
  const SpfVerdict verdict = check_spf_mail_from(record, budget, request_of("192.0.2.1"));
  EXPECT_EQ(verdict.result, SpfResult::temperror);
  EXPECT_EQ(verdict.mechanism, "mx:h.example");
}

// Time and allowance.

/// Answers TXT questions from a zone and nothing else, ever.
class SilentResolver final : public Resolver {
 public:
  explicit SilentResolver(const std::string& zone) : zone_(zone) {}

 private:
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override {
    if (type == RecordType::txt) return zone_.start(name, type, test_budget());
    return Lookup(std::make_shared<PendingAnswer>(), deadline);
  }

  ZoneResolver zone_;
};

TEST(SpfCheck, GivesTemperrorWhenTheMessagesTimeIsOver) {  // RFC 7208 4.6.4
  for (const std::string record :
       {"v=spf1 a -all", "v=spf1 mx -all", "v=spf1 exists:x.example -all", "v=spf1 ptr -all",
        "v=spf1 exists:%{p}.example -all"}) {
    SilentResolver resolver(with_record(record));
    LookupBudget budget(std::chrono::steady_clock::now() - std::chrono::seconds(1));
    EXPECT_EQ(check_spf_mail_from(resolver, budget, request_of("192.0.2.1")).result,
              SpfResult::temperror)
        << record;
  }
}

TEST(SpfCheck, GivesTemperrorWhenTheMessagesQuestionsAreUsedUp) {
  for (const std::string record :
       {"v=spf1 a -all", "v=spf1 ptr -all", "v=spf1 redirect=x.example",
        "v=spf1 include:x.example -all", "v=spf1 exists:%{p}.example -all"}) {
    ZoneResolver resolver(with_record(record, "x.example. IN TXT \"v=spf1 -all\"\n"));
    LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::seconds(10), 1);
    EXPECT_EQ(check_spf_mail_from(resolver, budget, request_of("192.0.2.1")).result,
              SpfResult::temperror)
        << record;
    EXPECT_LE(resolver.question_count(), 1) << record;
  }
}

TEST(SpfCheck, AsksNothingForAMessageThatIsGone) {
  ZoneResolver resolver(with_record("v=spf1 -all"));
  LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::seconds(10));
  budget.cancel();
  EXPECT_EQ(check_spf_mail_from(resolver, budget, request_of("192.0.2.1")).result,
            SpfResult::temperror);
  EXPECT_EQ(resolver.question_count(), 0);
}

// What a person sees.

TEST(SpfCheck, NamesTheTermThatDecided) {
  const std::string others =
      "i.example. IN TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\nr.example. IN TXT \"v=spf1 ~all\"\n";
  EXPECT_EQ(check(with_record("v=spf1 a include:i.example -all", others)).mechanism,
            "include:i.example");
  EXPECT_EQ(check(with_record("v=spf1 redirect=r.example", others)).mechanism, "~all");
  EXPECT_EQ(check(with_record("v=spf1 redirect=gone.example", others)).mechanism,
            "redirect=gone.example");
  EXPECT_EQ(check(with_record("v=spf1 include:gone.example", others)).mechanism,
            "include:gone.example");
  EXPECT_EQ(check(with_record("v=spf1", others)).mechanism, "");
}

TEST(SpfCheck, TracesEachTermVisitedInOrder) {
  const SpfVerdict verdict = check(with_record(
      "v=spf1 ip4:203.0.113.9 a:h.example include:i.example redirect=r.example exp=x.example",
      "h.example. IN A 203.0.113.1\ni.example. IN TXT \"v=spf1 mx:gone.example -all\"\n"
      "r.example. IN TXT \"v=spf1 -all\"\n"));
  std::vector<std::string> lines;
  for (const auto& step : verdict.trace) {
    lines.push_back(
        fmt::format("{} {} {} {}", step.depth, step.record.text(), step.term, step.outcome));
  }
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "0 example.com ip4:203.0.113.9 no match",
                       "0 example.com a:h.example no match: 203.0.113.1",
                       "0 example.com include:i.example no match: fail",
                       "1 i.example mx:gone.example no match: no_domain",
                       "1 i.example -all match",
                       "0 example.com redirect=r.example r.example",
                       "1 r.example -all match",
                   }));
  EXPECT_EQ(verdict.terms, 4);
  EXPECT_EQ(verdict.void_lookups, 1);
}

TEST(SpfCheck, KeepsProblemsPrintable) {
  SpfRequest request = request_of("192.0.2.1");
  request.helo = "\x1b]0;x\x07\r\n";
  const SpfVerdict verdict =
      check(with_record("v=spf1 a:%{h}.a.gone exists:%{h}.b.gone mx:%{h}.c.gone +all"), request);
  EXPECT_EQ(verdict.result, SpfResult::permerror);
  for (const char c : verdict.problem) EXPECT_TRUE(c >= 0x20 && c <= 0x7e) << verdict.problem;
  for (const auto& step : verdict.trace) {
    for (const char c : step.outcome) EXPECT_TRUE(c >= 0x20 && c <= 0x7e) << step.outcome;
  }
}

TEST(SpfCheck, SurvivesARecordOf64KibThatIncludesItself) {
  for (const std::string term :
       {" a", " ip4:203.0.113.1", " x=%{l1r=}", " exists:%{L}%{l99r=}.x.example"}) {
    std::string record = "v=spf1 include:example.com";
    while (record.size() < 60'000) record += term;
    SpfRequest request = request_of("192.0.2.1", std::string(100'000, '=') + "@example.com");
    request.want_trace = false;
    EXPECT_EQ(check(with_record(record), request).result, SpfResult::permerror) << term;
  }
}

}  // namespace
}  // namespace signet
