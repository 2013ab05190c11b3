// SPDX-License-Identifier: BSD-2-Clause
//
// check_host() beyond the published suite: the two identities, internationalized mail, each
// mechanism, include and redirect, explanations, and what a person is told. Limits are in
// spf_lookups_test.cc.

#include "dns/spf/spf_check.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/spf_zone.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

// The identities.

TEST(SpfCheck, ChecksThePostmasterOfTheHeloNameForTheNullReversePath) {  // RFC 7208 2.4
  const std::string zone =
      "helo.example.net. IN TXT \"v=spf1 exists:%{s}.x.example exists:%{l}.y.example -all\"\n"
      "postmaster@helo.example.net.x.example. IN A 127.0.0.1\n";
  const SpfVerdict verdict = check_in_zone(zone, request_of("192.0.2.1", ""));
  EXPECT_EQ(verdict.result, SpfResult::pass);
  EXPECT_EQ(verdict.identity, "postmaster@helo.example.net");
  EXPECT_EQ(verdict.domain.text(), "helo.example.net");
}

TEST(SpfCheck, TakesPostmasterForAMissingLocalPart) {  // RFC 7208 4.3
  const std::string zone =
      with_record("v=spf1 exists:%{l}.y.example -all", "postmaster.y.example. IN A 127.0.0.1\n");
  EXPECT_EQ(check_in_zone(zone, request_of("192.0.2.1", "@example.com")).result, SpfResult::pass);
  EXPECT_EQ(check_in_zone(zone, request_of("192.0.2.1", "example.com")).result, SpfResult::pass);
  EXPECT_EQ(check_in_zone(zone, request_of("192.0.2.1", "@example.com")).identity,
            "postmaster@example.com");
}

TEST(SpfCheck, SplitsTheAddressAtTheLastAt) {
  const std::string zone =
      with_record("v=spf1 -all exp=e.example", "e.example. IN TXT \"<%{l}>\"\n");
  EXPECT_EQ(check_in_zone(zone, request_of("192.0.2.1", "\"a@b\"@example.com")).explanation,
            "<\"a@b\">");
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
  EXPECT_EQ(
      check_in_zone(with_record("v=spf1 +all"), request_of("192.0.2.1", "a@example.com.")).result,
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
  const SpfVerdict verdict = check_in_zone(
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
  const std::vector<SpfCase> table = {
      {"v=spf1 exists:%{l}.x.example ~all", SpfResult::softfail},
      {"v=spf1 exists:%{S}.x.example ~all", SpfResult::softfail},
      {"v=spf1 exists:%{o}.x.example ~all", SpfResult::pass},
      {"v=spf1 include:%{l}.x.example ~all", SpfResult::softfail},
      {"v=spf1 redirect=%{l}.x.example", SpfResult::neutral},
      {"v=spf1 a:%{l}.x.example/0 mx:%{l}.x.example/0 ptr:%{l}.example ~all", SpfResult::softfail},
  };
  for (const SpfCase& row : table) {
    const SpfVerdict verdict = check_in_zone(with_record(row.record, others),
                                             request_of("192.0.2.1", "m\xc3\xa9@example.com"));
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
    EXPECT_EQ(check_in_zone(row.zone).result, row.result) << row.zone;
  }
}

TEST(SpfCheck, TellsADomainThatPermitsNobody) {
  EXPECT_TRUE(check_in_zone(with_record("v=spf1 -all")).only_all_fail);
  EXPECT_TRUE(check_in_zone(with_record("v=spf1 -ALL exp=e.example x=y")).only_all_fail);
  EXPECT_FALSE(check_in_zone(with_record("v=spf1 a -all")).only_all_fail);
  EXPECT_FALSE(check_in_zone(with_record("v=spf1 ~all")).only_all_fail);
  EXPECT_FALSE(check_in_zone(with_record("v=spf1")).only_all_fail);
  EXPECT_FALSE(check_in_zone("example.com. IN TXT \"v=spf1 include:n.example ?all\"\n"
                             "n.example. IN TXT \"v=spf1 -all\"\n")
                   .only_all_fail);
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
    const SpfVerdict verdict = check_in_zone(with_record("v=spf1 " + term + " ~all"), request);
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
  EXPECT_EQ(check_in_zone(with_record(record, exp + other)).explanation, "zzz.example");
  EXPECT_EQ(check_in_zone(with_record(record, exp + other + below)).explanation, "x.example.com");
  EXPECT_EQ(check_in_zone(with_record(record, exp + other + below + itself)).explanation,
            "example.com");
  EXPECT_EQ(check_in_zone(with_record(record, exp)).explanation, "unknown");
}

// Explanations (RFC 7208 6.2).

TEST(SpfCheck, ExplainsAFailOnlyIfAsked) {
  const std::string zone =
      with_record("v=spf1 -all exp=e.example", "e.example. IN TXT \"%{i} is not %{d}\"\n");
  EXPECT_EQ(check_in_zone(zone).explanation, "192.0.2.1 is not example.com");
  SpfRequest silent = request_of("192.0.2.1");
  silent.want_explanation = false;
  const SpfVerdict verdict = check_in_zone(zone, silent);
  EXPECT_EQ(verdict.result, SpfResult::fail);
  EXPECT_EQ(verdict.explanation, "");
  EXPECT_EQ(verdict.questions, 1);
  EXPECT_EQ(check_in_zone(with_record("v=spf1 ~all exp=e.example", "e.example. IN TXT \"x\"\n"))
                .questions,
            1);
}

TEST(SpfCheck, ExplainsInOneLineOfPrintableAscii) {
  const std::string zone =
      with_record("v=spf1 -all exp=e.example", "e.example. IN TXT \"%{l}%{h}%{h}\"\n");
  SpfRequest request = request_of("192.0.2.1", "a\r\n250 ok\x80@example.com");
  request.helo = std::string(100'000, '\xff');
  const std::string explanation = check_in_zone(zone, request).explanation;
  EXPECT_EQ(explanation.size(), 400U);
  EXPECT_TRUE(explanation.starts_with("a??250 ok????"));
}

TEST(SpfCheck, GoesOnWithoutAnExplanationThatIsWrong) {
  for (const std::string text :
       {"\"%{x}\"", "\"100%\"", "\"caf\\195\\169\"", "\"a\\013\\010b\"", "\"a\\009b\""}) {
    const SpfVerdict verdict =
        check_in_zone(with_record("v=spf1 -all exp=e.example", "e.example. IN TXT " + text + "\n"));
    EXPECT_EQ(verdict.result, SpfResult::fail) << text;
    EXPECT_EQ(verdict.explanation, "") << text;
  }
  for (const std::string zone :
       {"servfail e.example\n", "timeout e.example\n", "e.example. IN A 192.0.2.1\n",
        "e.example. IN TXT \"a\"\ne.example. IN TXT \"b\"\n"}) {
    const SpfVerdict verdict = check_in_zone(with_record("v=spf1 -all exp=e.example", zone));
    EXPECT_EQ(verdict.result, SpfResult::fail) << zone;
    EXPECT_EQ(verdict.explanation, "") << zone;
  }
  EXPECT_EQ(check_in_zone(with_record("v=spf1 -all exp=a..example")).result, SpfResult::fail);
}

TEST(SpfCheck, TakesTheExplanationOfTheRecordThatFailed) {
  const std::string others =
      "mine.example. IN TXT \"mine %{d}\"\nyours.example. IN TXT \"yours %{d}\"\n"
      "i.example. IN TXT \"v=spf1 -all exp=yours.example\"\n"
      "r.example. IN TXT \"v=spf1 -all exp=yours.example\"\nq.example. IN TXT \"v=spf1 -all\"\n";
  EXPECT_EQ(check_in_zone(with_record("v=spf1 include:i.example -all exp=mine.example", others))
                .explanation,
            "mine example.com");
  EXPECT_EQ(check_in_zone(with_record("v=spf1 include:i.example -all", others)).explanation, "");
  EXPECT_EQ(
      check_in_zone(with_record("v=spf1 exp=mine.example redirect=r.example", others)).explanation,
      "yours r.example");
  EXPECT_EQ(
      check_in_zone(with_record("v=spf1 exp=mine.example redirect=q.example", others)).explanation,
      "");
}

// What a person sees.

TEST(SpfCheck, NamesTheTermThatDecided) {
  const std::string others =
      "i.example. IN TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\nr.example. IN TXT \"v=spf1 ~all\"\n";
  EXPECT_EQ(check_in_zone(with_record("v=spf1 a include:i.example -all", others)).mechanism,
            "include:i.example");
  EXPECT_EQ(check_in_zone(with_record("v=spf1 redirect=r.example", others)).mechanism, "~all");
  EXPECT_EQ(check_in_zone(with_record("v=spf1 redirect=gone.example", others)).mechanism,
            "redirect=gone.example");
  EXPECT_EQ(check_in_zone(with_record("v=spf1 include:gone.example", others)).mechanism,
            "include:gone.example");
  EXPECT_EQ(check_in_zone(with_record("v=spf1", others)).mechanism, "");
}

TEST(SpfCheck, TracesEachTermVisitedInOrder) {
  const SpfVerdict verdict = check_in_zone(with_record(
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
  const SpfVerdict verdict = check_in_zone(
      with_record("v=spf1 a:%{h}.a.gone exists:%{h}.b.gone mx:%{h}.c.gone +all"), request);
  EXPECT_EQ(verdict.result, SpfResult::permerror);
  for (const char c : verdict.problem) EXPECT_TRUE(c >= 0x20 && c <= 0x7e) << verdict.problem;
  for (const auto& step : verdict.trace) {
    for (const char c : step.outcome) EXPECT_TRUE(c >= 0x20 && c <= 0x7e) << step.outcome;
  }
}

}  // namespace
}  // namespace signet
