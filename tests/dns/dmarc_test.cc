// SPDX-License-Identifier: BSD-2-Clause
//
// Policy discovery, alignment and verdict, each test against a zone of a few lines. The names of
// the RFC's own examples are kept where a test stands for one of them. The walk:
// dmarc_walk_test.cc.

#include "dns/dmarc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/step_resolver.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

using Method = AuthenticatedDomain::Method;
using Questions = std::vector<std::string>;

Name name(std::string_view text) {
  auto parsed = parse_domain(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *std::move(parsed) : Name();
}

AuthenticatedDomain spf(std::string_view domain) { return {Method::spf, name(domain)}; }
AuthenticatedDomain dkim(std::string_view domain) { return {Method::dkim, name(domain)}; }

struct Message {
  std::string author;
  std::vector<AuthenticatedDomain> authenticated = {};
  bool temporary_error = false;
};

DmarcVerdict evaluate(ZoneResolver& resolver, const Message& message) {
  DmarcTreeWalk walk(resolver, test_budget(), name(message.author));
  return evaluate_dmarc(resolver, test_budget(), walk, message.authenticated,
                        message.temporary_error);
}

DmarcVerdict evaluate(std::string_view zone, const Message& message) {
  ZoneResolver resolver(zone);
  return evaluate(resolver, message);
}

DmarcResult result(std::string_view zone, const Message& message) {
  return evaluate(zone, message).result;
}

// ---- 4.10.1: the policy record

struct PolicyCase {
  const char* why;
  const char* zone;
  const char* author;
  const char* policy_domain;
  const char* tag;
  DmarcPolicy policy;
};

TEST(DmarcPolicyDiscovery, PrefersAuthorThenOrganizationThenPsd) {  // RFC 9989 4.10.1, 4.7
  const PolicyCase kCases[] = {
      {"the Author Domain's own record gives p",
       "_dmarc.a.example.com TXT \"v=DMARC1; p=quarantine; sp=none; np=none\"\n"
       "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=reject\"\n",
       "a.example.com", "a.example.com", "p", DmarcPolicy::quarantine},
      {"the Organizational Domain's record gives sp",
       "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=reject\"\na.example.com A 192.0.2.1\n",
       "a.example.com", "example.com", "sp", DmarcPolicy::reject},
      {"or p where there is no sp",
       "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\na.example.com A 192.0.2.1\n",
       "a.example.com", "example.com", "p", DmarcPolicy::reject},
      {"or p where sp is absent and np does not apply",
       "_dmarc.example.com TXT \"v=DMARC1; p=quarantine; np=reject\"\na.example.com A 192.0.2.1\n",
       "a.example.com", "example.com", "p", DmarcPolicy::quarantine},
      {"np for a name that does not exist",
       "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=none; np=reject\"\n", "a.example.com",
       "example.com", "np", DmarcPolicy::reject},
      {"np even where it is the weakest",
       "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=reject; np=none\"\n", "a.example.com",
       "example.com", "np", DmarcPolicy::none},
      {"sp for a name that does not exist, without np",
       "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=reject\"\n", "a.example.com", "example.com",
       "sp", DmarcPolicy::reject},
      {"p for a name that does not exist, without np and sp",
       "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n", "a.example.com", "example.com", "p",
       DmarcPolicy::reject},
      {"np never for the domain of the record itself",
       "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject; sp=reject\"\n", "example.com",
       "example.com", "p", DmarcPolicy::none},
      {"a name without A, AAAA or MX exists if it has any record (A.4)",
       "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=quarantine; np=reject\"\n"
       "a.example.com HINFO x y\n",
       "a.example.com", "example.com", "sp", DmarcPolicy::quarantine},
      {"an empty non-terminal exists (A.4, RFC 8020)",
       "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=quarantine; np=reject\"\n"
       "b.a.example.com A 192.0.2.1\n",
       "a.example.com", "example.com", "sp", DmarcPolicy::quarantine},
      {"and so does a name that exists by a wildcard",
       "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=quarantine; np=reject\"\n"
       "*.example.com MX 0 mx.example.net.\n",
       "a.example.com", "example.com", "sp", DmarcPolicy::quarantine},
      {"the record of a name between is not used",
       "_dmarc.b.example.com TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n",
       "a.b.example.com", "example.com", "p", DmarcPolicy::reject},
      {"unless it says psd=n",
       "_dmarc.b.example.com TXT \"v=DMARC1; p=none; sp=quarantine; psd=n\"\n"
       "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n",
       "a.b.example.com", "b.example.com", "sp", DmarcPolicy::quarantine},
      {"the PSD's record where the Organizational Domain has none",
       "_dmarc.bank.example TXT \"v=DMARC1; p=none; sp=reject; psd=y\"\n", "www.giant.bank.example",
       "bank.example", "sp", DmarcPolicy::reject},
      {"and its np for names that are not registered",
       "_dmarc.bank.example TXT \"v=DMARC1; p=none; sp=none; np=reject; psd=y\"\n",
       "giant.bank.example", "bank.example", "np", DmarcPolicy::reject},
      {"not where the Organizational Domain has one",
       "_dmarc.giant.bank.example TXT \"v=DMARC1; p=quarantine\"\n"
       "_dmarc.bank.example TXT \"v=DMARC1; p=reject; psd=y\"\n",
       "www.giant.bank.example", "giant.bank.example", "p", DmarcPolicy::quarantine},
      {"a record between is not used under a PSD either",
       "_dmarc.www.giant.bank.example TXT \"v=DMARC1; p=quarantine\"\n"
       "_dmarc.bank.example TXT \"v=DMARC1; p=reject; psd=y\"\n",
       "a.www.giant.bank.example", "bank.example", "p", DmarcPolicy::reject},
      {"mail from the PSD itself",
       "_dmarc.bank.example TXT \"v=DMARC1; p=quarantine; sp=reject; np=reject; psd=y\"\n",
       "bank.example", "bank.example", "p", DmarcPolicy::quarantine},
      {"a single label", "_dmarc.com TXT \"v=DMARC1; p=reject; sp=none\"\n", "com", "com", "p",
       DmarcPolicy::reject},
      {"several records at the Author Domain: on to the Organizational Domain",
       "_dmarc.a.example.com TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.a.example.com TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.example.com TXT \"v=DMARC1; p=quarantine; sp=reject\"\n",
       "a.example.com", "example.com", "sp", DmarcPolicy::reject},
      {"no usable p but rua: p=none",
       "_dmarc.example.com TXT \"v=DMARC1; p=rejekt; rua=mailto:a@example.com\"\n", "example.com",
       "example.com", "p", DmarcPolicy::none},
      {"a record through a CNAME",
       "_dmarc.example.com CNAME d.example.net.\nd.example.net TXT \"v=DMARC1; p=reject\"\n",
       "example.com", "example.com", "p", DmarcPolicy::reject},
      {"a deep name", "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n",
       "a.b.c.d.e.f.g.h.i.example.com", "example.com", "p", DmarcPolicy::reject},
  };
  for (const auto& [why, zone, author, policy_domain, tag, policy] : kCases) {
    const auto verdict = evaluate(zone, {author});
    EXPECT_EQ(verdict.result, DmarcResult::fail) << why;
    EXPECT_EQ(verdict.policy_domain.text(), policy_domain) << why;
    EXPECT_STREQ(verdict.policy_tag, tag) << why;
    EXPECT_EQ(verdict.policy, policy) << why;
    EXPECT_EQ(verdict.effective_policy, policy) << why;
  }
}

TEST(DmarcPolicyDiscovery, RecordsAtEachOfEightLevelsAreFound) {
  for (int labels = 1; labels <= 8; ++labels) {
    const Name author = name("a.b.c.d.e.f.example.com");
    const std::string at = author.last_labels(labels).text();
    const auto verdict =
        evaluate("_dmarc." + at + " TXT \"v=DMARC1; p=reject\"\n", {author.text()});
    EXPECT_EQ(verdict.result, DmarcResult::fail) << labels;
    EXPECT_EQ(verdict.policy_domain.text(), at);
    EXPECT_EQ(verdict.organizational_domain.text(), at);
  }
}

TEST(DmarcPolicyDiscovery, WithoutARecordTheResultIsNone) {  // RFC 9989 4.10.1
  const auto verdict = evaluate("example.com A 192.0.2.1\n", {"example.com", {spf("example.com")}});
  EXPECT_EQ(verdict.result, DmarcResult::none);
  EXPECT_FALSE(verdict.record);
  EXPECT_TRUE(verdict.policy_domain.is_root());
  EXPECT_EQ(verdict.author_domain, name("example.com"));
  EXPECT_EQ(verdict.reason, "no DMARC Policy Record");
}

TEST(DmarcPolicyDiscovery, ARecordThatStatesNothingIsNone) {  // RFC 9989 4.10.1
  const auto verdict =
      evaluate("_dmarc.example.com TXT \"v=DMARC1;\"\n", {"example.com", {spf("example.com")}});
  EXPECT_EQ(verdict.result, DmarcResult::none);
  EXPECT_FALSE(verdict.spf_aligned);
}

TEST(DmarcPolicyDiscovery, ABadPolicyWithoutRuaIsPermerror) {  // RFC 9989 4.10.1, 9.2
  const auto verdict = evaluate("_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=nome\"\n",
                                {"example.com", {spf("example.com")}});
  EXPECT_EQ(verdict.result, DmarcResult::permerror);
  EXPECT_EQ(verdict.policy_domain, name("example.com"));
  EXPECT_EQ(verdict.effective_policy, DmarcPolicy::none);
  EXPECT_EQ(verdict.reason, "in the record of example.com the sp tag is not a policy");
}

TEST(DmarcPolicyDiscovery, ABadRecordAtTheAuthorDomainEndsDiscovery) {  // RFC 9989 4.10.1
  EXPECT_EQ(result("_dmarc.a.example.com TXT \"v=DMARC1; p=bogus\"\n"
                   "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n",
                   {"a.example.com"}),
            DmarcResult::permerror);
}

TEST(DmarcPolicyDiscovery, TestModeLowersThePolicyByOneLevel) {  // RFC 9989 4.7
  const auto effective = [](const std::string& tags) {
    return evaluate("_dmarc.example.com TXT \"v=DMARC1; " + tags + "\"\n", {"example.com"})
        .effective_policy;
  };
  EXPECT_EQ(effective("p=reject; t=y"), DmarcPolicy::quarantine);
  EXPECT_EQ(effective("p=quarantine; t=y"), DmarcPolicy::none);
  EXPECT_EQ(effective("p=none; t=y"), DmarcPolicy::none);
  EXPECT_EQ(effective("p=reject; t=n"), DmarcPolicy::reject);
  EXPECT_EQ(effective("p=reject; pct=0"), DmarcPolicy::reject);
  const auto verdict = evaluate("_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject; t=y\"\n",
                                {"nothing.example.com"});
  EXPECT_EQ(verdict.policy, DmarcPolicy::reject);
  EXPECT_EQ(verdict.effective_policy, DmarcPolicy::quarantine);
}

// ---- 3.2.13: existence

constexpr const char* kNpZone = "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\n";

TEST(DmarcExistence, IsAskedForOnlyWhereNpMayApply) {
  const auto asks = [](std::string_view zone, const std::string& author) {
    ZoneResolver resolver(zone);
    evaluate(resolver, {author});
    const auto questions = resolver.questions();
    return std::find(questions.begin(), questions.end(), "A " + author) != questions.end();
  };
  EXPECT_TRUE(asks(kNpZone, "a.example.com"));
  EXPECT_FALSE(asks(kNpZone, "example.com")) << "the record's own domain";
  EXPECT_FALSE(asks("_dmarc.example.com TXT \"v=DMARC1; p=none; sp=reject\"\n", "a.example.com"));
  EXPECT_FALSE(asks(std::string(kNpZone) + "_dmarc.a.example.com A 192.0.2.1\n", "a.example.com"))
      << "_dmarc below it exists";
  EXPECT_FALSE(asks("", "a.example.com"));
}

TEST(DmarcExistence, PrefetchAsksOnceAndEarly) {
  ZoneResolver resolver(kNpZone);
  DmarcTreeWalk walk(resolver, test_budget(), name("a.example.com"));
  prefetch_dmarc(resolver, test_budget(), walk);
  EXPECT_EQ(resolver.questions().back(), "A a.example.com");
  const int count = resolver.question_count();
  const auto verdict = evaluate_dmarc(resolver, test_budget(), walk, {}, false);
  EXPECT_EQ(verdict.policy, DmarcPolicy::reject);
  EXPECT_EQ(resolver.question_count(), count);
}

TEST(DmarcExistence, IsAQuestionLikeThoseOfTheWalk) {
  ZoneResolver zone(kNpZone);
  StepResolver resolver(zone);
  DmarcTreeWalk walk(resolver, test_budget(), name("a.example.com"));
  EXPECT_NE(walk.open_question(), nullptr);
  resolver.answer_all();
  EXPECT_EQ(walk.open_question(), nullptr);
  prefetch_dmarc(resolver, test_budget(), walk);
  EXPECT_NE(walk.open_question(), nullptr);
  resolver.answer_all();
  EXPECT_EQ(walk.open_question(), nullptr);
}

TEST(DmarcExistence, AnErrorThatHidesThePolicyIsTemperror) {  // RFC 9989 5.3.6
  for (const char* failure : {"servfail", "timeout"}) {
    const std::string zone = std::string(kNpZone) + failure + " a.example.com\n";
    const auto verdict = evaluate(zone, {"a.example.com"});
    EXPECT_EQ(verdict.result, DmarcResult::temperror) << failure;
    EXPECT_EQ(result(zone, {"a.example.com", {dkim("example.com")}}), DmarcResult::pass);
  }
}

TEST(DmarcExistence, AnErrorThatHidesNothingChangesNothing) {
  const auto verdict = evaluate(
      "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=reject; np=reject\"\nservfail a.example.com\n",
      {"a.example.com"});
  EXPECT_EQ(verdict.result, DmarcResult::fail);
  EXPECT_EQ(verdict.policy, DmarcPolicy::reject);
}

// ---- 4.4, 4.10.2: alignment

constexpr const char* kExample = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n";
constexpr const char* kStrict = "_dmarc.example.com TXT \"v=DMARC1; p=reject; adkim=s; aspf=s\"\n";

TEST(DmarcAlignment, TableOfTheRfc) {  // RFC 9989 4.4 table 1
  EXPECT_EQ(result(kExample, {"news.example.com", {dkim("foo.example.com")}}), DmarcResult::pass);
  EXPECT_EQ(result(kExample, {"news.example.com", {dkim("news.example.com")}}), DmarcResult::pass);
  EXPECT_EQ(result(kExample, {"news.example.com", {dkim("foo.example.net")}}), DmarcResult::fail);
  EXPECT_EQ(result(kStrict, {"news.example.com", {dkim("foo.example.com")}}), DmarcResult::fail);
  EXPECT_EQ(result(kStrict, {"news.example.com", {dkim("news.example.com")}}), DmarcResult::pass);
}

TEST(DmarcAlignment, SpfExamplesOfTheRfc) {  // RFC 9989 B.1.1
  EXPECT_EQ(result(kStrict, {"example.com", {spf("example.com")}}), DmarcResult::pass);
  EXPECT_EQ(result(kExample, {"example.com", {spf("child.example.com")}}), DmarcResult::pass);
  EXPECT_EQ(result(kExample, {"child.example.com", {spf("example.net")}}), DmarcResult::fail);
}

TEST(DmarcAlignment, DkimExamplesOfTheRfc) {  // RFC 9989 B.1.2
  EXPECT_EQ(result(kStrict, {"example.com", {dkim("example.com")}}), DmarcResult::pass);
  EXPECT_EQ(result(kExample, {"child.example.com", {dkim("example.com")}}), DmarcResult::pass);
  EXPECT_EQ(result(kExample, {"child.example.com", {dkim("example.net")}}), DmarcResult::fail);
}

TEST(DmarcAlignment, EachMethodHasItsOwnMode) {  // RFC 9989 4.7 adkim, aspf
  const char* kStrictSpf = "_dmarc.example.com TXT \"v=DMARC1; p=reject; aspf=s\"\n";
  const char* kStrictDkim = "_dmarc.example.com TXT \"v=DMARC1; p=reject; adkim=s\"\n";
  EXPECT_EQ(result(kStrictSpf, {"example.com", {spf("a.example.com")}}), DmarcResult::fail);
  EXPECT_EQ(result(kStrictSpf, {"example.com", {dkim("a.example.com")}}), DmarcResult::pass);
  EXPECT_EQ(result(kStrictDkim, {"example.com", {dkim("a.example.com")}}), DmarcResult::fail);
  EXPECT_EQ(result(kStrictDkim, {"example.com", {spf("a.example.com")}}), DmarcResult::pass);
}

TEST(DmarcAlignment, StrictModeOfAParentRecordWantsTheAuthorDomain) {
  EXPECT_EQ(result(kStrict, {"a.example.com", {dkim("example.com")}}), DmarcResult::fail);
  EXPECT_EQ(result(kStrict, {"a.example.com", {dkim("a.example.com")}}), DmarcResult::pass);
}

TEST(DmarcAlignment, SimpleExampleOfTheRfc) {  // RFC 9989 B.4.1
  ZoneResolver resolver(
      "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n"
      "_dmarc.signing.example.com TXT \"v=DMARC1; p=none\"\n");
  const auto verdict =
      evaluate(resolver, {"example.com", {spf("example.com"), dkim("signing.example.com")}});
  EXPECT_EQ(verdict.result, DmarcResult::pass);
  EXPECT_TRUE(verdict.spf_aligned);
  EXPECT_TRUE(verdict.dkim_aligned);
  EXPECT_EQ(verdict.organizational_domain, name("example.com"));
  EXPECT_EQ(verdict.policy_domain, name("example.com"));
  EXPECT_EQ(resolver.questions(), (Questions{"TXT _dmarc.example.com", "TXT _dmarc.com",
                                             "TXT _dmarc.signing.example.com"}));
}

TEST(DmarcAlignment, DeepExampleOfTheRfc) {  // RFC 9989 B.4.2
  ZoneResolver resolver(
      "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n"
      "_dmarc.signing.example.com TXT \"v=DMARC1; p=none\"\n");
  const auto verdict = evaluate(resolver, {"a.b.c.d.e.f.g.h.i.j.k.example.com",
                                           {spf("example.com"), dkim("signing.example.com")}});
  EXPECT_EQ(verdict.result, DmarcResult::pass);
  EXPECT_TRUE(verdict.spf_aligned);
  EXPECT_TRUE(verdict.dkim_aligned);
  EXPECT_EQ(verdict.policy_domain, name("example.com"));
  EXPECT_EQ(resolver.question_count(), 9);
}

TEST(DmarcAlignment, PsdExampleOfTheRfc) {  // RFC 9989 B.4.3
  const char* kZone =
      "_dmarc.giant.bank.example TXT \"v=DMARC1; p=reject\"\n"
      "_dmarc.bank.example TXT \"v=DMARC1; p=none; psd=y\"\n";
  const auto verdict = evaluate(
      kZone,
      {"giant.bank.example", {spf("mail.giant.bank.example"), dkim("mail.mega.bank.example")}});
  EXPECT_EQ(verdict.result, DmarcResult::pass);
  EXPECT_TRUE(verdict.spf_aligned);
  EXPECT_FALSE(verdict.dkim_aligned);
  EXPECT_EQ(verdict.policy_domain, name("giant.bank.example"));
}

TEST(DmarcAlignment, ReceiverExampleOfTheRfc) {  // RFC 9989 B.3.1
  const auto verdict = evaluate(
      "_dmarc.example.com TXT \"v=DMARC1; p=reject; aspf=r; "
      "rua=mailto:dmarc-feedback@example.com\"\n",
      {"example.com", {spf("mail.example.com"), dkim("example.com")}});
  EXPECT_TRUE(verdict.spf_aligned);
  EXPECT_TRUE(verdict.dkim_aligned);
}

TEST(DmarcAlignment, PsdNCutsASubdomainOff) {  // RFC 9989 4.10.2 rule 1
  const std::string zone =
      std::string(kExample) + "_dmarc.sub.example.com TXT \"v=DMARC1; p=none; psd=n\"\n";
  EXPECT_EQ(result(zone, {"example.com", {dkim("sub.example.com")}}), DmarcResult::fail);
  EXPECT_EQ(result(zone, {"example.com", {dkim("a.sub.example.com")}}), DmarcResult::fail);
  EXPECT_EQ(result(zone, {"sub.example.com", {dkim("example.com")}}), DmarcResult::fail);
  EXPECT_EQ(result(zone, {"sub.example.com", {dkim("a.sub.example.com")}}), DmarcResult::pass);
  EXPECT_EQ(result(zone, {"example.com", {dkim("other.example.com")}}), DmarcResult::pass);
}

TEST(DmarcAlignment, ASubdomainThatIsAPsdIsNotItsParent) {  // RFC 9989 4.10.2 rule 2
  const std::string zone =
      std::string(kExample) + "_dmarc.hosting.example.com TXT \"v=DMARC1; p=none; psd=y\"\n";
  EXPECT_EQ(result(zone, {"example.com", {dkim("customer.hosting.example.com")}}),
            DmarcResult::fail);
  EXPECT_EQ(result(zone, {"one.hosting.example.com", {dkim("two.hosting.example.com")}}),
            DmarcResult::fail);
  EXPECT_EQ(result(zone, {"one.hosting.example.com", {dkim("a.one.hosting.example.com")}}),
            DmarcResult::pass);
}

TEST(DmarcAlignment, SiblingsUnderATldDoNotAlign) {
  EXPECT_EQ(result(kExample, {"example.com", {dkim("evil.com")}}), DmarcResult::fail);
  EXPECT_EQ(result(kExample, {"example.com", {dkim("notexample.com")}}), DmarcResult::fail);
  EXPECT_EQ(result(kExample, {"example.com", {dkim("com")}}), DmarcResult::fail);
  EXPECT_EQ(result(kExample, {"example.com", {dkim("example.com.evil.net")}}), DmarcResult::fail);
}

TEST(DmarcAlignment, OneAlignedSignatureAmongManyIsAPass) {  // RFC 9989 4.4.1
  const auto verdict =
      evaluate(kExample, {"example.com", {dkim("a.net"), dkim("b.net"), dkim("mail.example.com")}});
  EXPECT_EQ(verdict.result, DmarcResult::pass);
  EXPECT_TRUE(verdict.dkim_aligned);
  EXPECT_FALSE(verdict.spf_aligned);
  EXPECT_EQ(verdict.reason, "DKIM aligned, mail.example.com");
}

TEST(DmarcAlignment, NothingAuthenticatedIsAFail) {  // RFC 9989 5.3.5
  const auto verdict = evaluate(kExample, {"example.com"});
  EXPECT_EQ(verdict.result, DmarcResult::fail);
  EXPECT_EQ(verdict.reason, "no authenticated domain");
}

TEST(DmarcAlignment, APassIsAPassUnderPolicyNoneToo) {
  const auto verdict = evaluate("_dmarc.example.com TXT \"v=DMARC1; p=none\"\n",
                                {"example.com", {spf("example.com")}});
  EXPECT_EQ(verdict.result, DmarcResult::pass);
  EXPECT_EQ(verdict.policy, DmarcPolicy::none);
}

// ---- walks saved

TEST(DmarcQuestions, DomainsThatCannotAlignAreNotWalked) {
  ZoneResolver resolver(kExample);
  evaluate(resolver, {"example.com",
                      {spf("bounce.sender.net"), dkim("sender.net"), dkim("evil.com"), dkim("com"),
                       dkim("a.b.c.d.e.f.g.h.i.j.sender.net")}});
  EXPECT_EQ(resolver.questions(), (Questions{"TXT _dmarc.example.com", "TXT _dmarc.com"}));
}

TEST(DmarcQuestions, StrictAlignmentNeedsNoWalk) {  // RFC 9989 4.10.2
  ZoneResolver resolver(kStrict);
  evaluate(resolver, {"example.com", {spf("a.example.com"), dkim("b.example.com")}});
  EXPECT_EQ(resolver.question_count(), 2);
}

TEST(DmarcQuestions, EqualDomainsNeedNoWalk) {  // RFC 9989 4.10.2
  ZoneResolver resolver(kExample);
  evaluate(resolver, {"www.example.com", {spf("www.example.com"), dkim("example.com")}});
  EXPECT_EQ(resolver.question_count(), 3);
}

TEST(DmarcQuestions, AMethodThatAlignsAlreadyNeedsNoWalk) {
  ZoneResolver resolver(kExample);
  evaluate(resolver, {"example.com", {dkim("a.example.com"), dkim("example.com")}});
  EXPECT_EQ(resolver.question_count(), 2);
}

TEST(DmarcQuestions, OneDomainTwiceIsOneWalk) {
  ZoneResolver resolver(kExample);
  const auto verdict =
      evaluate(resolver, {"example.com", {spf("a.example.com"), dkim("a.example.com")}});
  EXPECT_TRUE(verdict.spf_aligned);
  EXPECT_TRUE(verdict.dkim_aligned);
  EXPECT_EQ(resolver.question_count(), 3);
}

TEST(DmarcQuestions, WorstMessageStaysWithinItsBudget) {
  // Nine authenticated domains, each deep below a TLD that wrongly is an Organizational Domain.
  ZoneResolver resolver(
      "_dmarc.com TXT \"v=DMARC1; p=none; np=reject\"\n"
      "_dmarc.example.com CNAME nothing.example.net.\n");
  std::vector<AuthenticatedDomain> authenticated;
  for (char c = 'a'; c <= 'i'; ++c) {
    const std::string domain = std::string("1.2.3.4.5.6.") + c + ".7.8.9.10.11." + c + "x.com";
    authenticated.push_back(c == 'a' ? spf(domain) : dkim(domain));
  }
  LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::seconds(10));
  DmarcTreeWalk walk(resolver, budget, name("z.1.2.3.4.5.6.7.8.9.com"));
  const auto verdict = evaluate_dmarc(resolver, budget, walk, authenticated, false);
  EXPECT_EQ(verdict.result, DmarcResult::pass) << "RFC 9989 11.8 warns of this";
  EXPECT_EQ(resolver.question_count(), 8 + 1 + 9 * 7);
}

TEST(DmarcQuestions, AUsedUpBudgetIsTemperror) {
  ZoneResolver resolver(kExample);
  LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::seconds(10), 2);
  DmarcTreeWalk walk(resolver, budget, name("example.com"));
  EXPECT_EQ(evaluate_dmarc(resolver, budget, walk, {dkim("a.example.com")}, false).result,
            DmarcResult::temperror);
  EXPECT_EQ(resolver.question_count(), 2);
}

// ---- 5.3.6: DNS errors

struct ErrorCase {
  const char* why;
  const char* zone;
  Message message;
  DmarcResult expected;
};

TEST(DmarcErrors, AreNeitherPassNorFailButNeverUndoAPass) {  // RFC 9989 5.3.6
  const std::string own = kExample;
  const std::string servfail_com = own + "servfail _dmarc.com\n";
  const std::string timeout_com = own + "timeout _dmarc.com\n";
  const std::string author_fails = "servfail _dmarc.a.example.com\n" + own;
  const std::string other_fails = own + "servfail _dmarc.b.example.com\n";
  const ErrorCase kCases[] = {
      {"the record does not come",
       "servfail _dmarc.example.com\n",
       {"example.com", {spf("example.com")}},
       DmarcResult::temperror},
      {"the record does not come in time",
       "timeout _dmarc.example.com\n",
       {"example.com"},
       DmarcResult::temperror},
      {"the Author Domain's record might differ from the one above",
       author_fails.c_str(),
       {"a.example.com", {spf("example.com")}},
       DmarcResult::temperror},
      {"no record so far, and one did not come",
       "servfail _dmarc.com\n",
       {"example.com"},
       DmarcResult::temperror},
      {"an error above does not touch equal domains",
       servfail_com.c_str(),
       {"example.com", {spf("example.com")}},
       DmarcResult::pass},
      {"nor a message without authenticated domain",
       timeout_com.c_str(),
       {"example.com"},
       DmarcResult::fail},
      {"nor one whose domains cannot align",
       servfail_com.c_str(),
       {"example.com", {spf("example.net"), dkim("example.org")}},
       DmarcResult::fail},
      {"it hides relaxed alignment",
       servfail_com.c_str(),
       {"example.com", {spf("a.example.com")}},
       DmarcResult::temperror},
      {"also for siblings: the TLD might be the Organizational Domain",
       servfail_com.c_str(),
       {"example.com", {spf("evil.com")}},
       DmarcResult::temperror},
      {"an error on the way of another domain",
       other_fails.c_str(),
       {"example.com", {dkim("b.example.com")}},
       DmarcResult::temperror},
      {"does not undo a pass",
       other_fails.c_str(),
       {"example.com", {dkim("b.example.com"), spf("c.example.com")}},
       DmarcResult::pass},
      {"a method without result",
       kExample,
       {"example.com", {spf("example.net")}, true},
       DmarcResult::temperror},
      {"does not undo a pass either",
       kExample,
       {"example.com", {spf("example.com")}, true},
       DmarcResult::pass},
      {"and is nothing without a record", "", {"example.com", {}, true}, DmarcResult::none},
      {"nor beside a bad one",
       "_dmarc.example.com TXT \"v=DMARC1; p=x\"\n",
       {"example.com", {}, true},
       DmarcResult::permerror},
      {"an error above psd=n does not matter",
       "_dmarc.example.com TXT \"v=DMARC1; p=reject; psd=n\"\nservfail _dmarc.com\n",
       {"a.example.com", {spf("b.example.com")}},
       DmarcResult::pass},
  };
  for (const auto& [why, zone, message, expected] : kCases) {
    EXPECT_EQ(result(zone, message), expected) << why;
  }
}

TEST(DmarcErrors, TheReasonNamesTheQuestion) {
  EXPECT_EQ(evaluate("timeout _dmarc.com\n", {"example.com"}).reason,
            "DNS timed_out for _dmarc.com");
}

TEST(DmarcErrors, OfSeveralDomainsTheFirstIsNamed) {
  EXPECT_EQ(evaluate(std::string(kExample) + "servfail _dmarc.com\n",
                     {"example.com", {spf("a.example.com"), dkim("b.example.com")}})
                .reason,
            "a DNS error hides whether a.example.com aligns");
}

TEST(DmarcErrors, OfSeveralWalksOverTheLimitTheFirstIsNamed) {
  ZoneResolver resolver(kExample);
  DmarcLimits limits;
  limits.queries = 2;
  DmarcTreeWalk walk(resolver, test_budget(), name("example.com"), limits);
  const auto verdict = evaluate_dmarc(resolver, test_budget(), walk,
                                      {spf("a.example.com"), dkim("b.example.com")}, false);
  EXPECT_EQ(verdict.result, DmarcResult::permerror);
  EXPECT_EQ(verdict.reason,
            "the walk from a.example.com takes more queries than MaximumDMARCQueries, 2");
}

// ---- could_align

TEST(DmarcCouldAlign, IsFalseOnlyWhereNothingCanHelp) {
  const auto could = [](std::string_view zone, std::string_view author,
                        const AuthenticatedDomain& candidate) {
    ZoneResolver resolver(zone);
    DmarcTreeWalk walk(resolver, test_budget(), name(author));
    return could_align(walk, candidate);
  };
  EXPECT_TRUE(could(kExample, "example.com", spf("example.com")));
  EXPECT_TRUE(could(kExample, "example.com", spf("a.example.com")));
  EXPECT_TRUE(could(kExample, "a.example.com", spf("example.com")));
  EXPECT_FALSE(could(kExample, "example.com", dkim("evil.com")));
  EXPECT_FALSE(could(kExample, "example.com", dkim("example.net")));
  EXPECT_TRUE(could(kStrict, "a.example.com", dkim("a.example.com")));
  EXPECT_FALSE(could(kStrict, "a.example.com", dkim("example.com")));
  EXPECT_TRUE(could("servfail _dmarc.com\n", "example.com", dkim("evil.com")));
  EXPECT_FALSE(could("servfail _dmarc.com\n", "example.com", dkim("example.net")));
}

TEST(DmarcCouldAlign, BesideAWalkThatIsTooLongTheLastLabelDecides) {
  ZoneResolver resolver(kExample);
  DmarcLimits limits;
  limits.queries = 1;
  DmarcTreeWalk walk(resolver, test_budget(), name("example.com"), limits);
  EXPECT_TRUE(could_align(walk, spf("a.example.com")));
  EXPECT_FALSE(could_align(walk, spf("example.net")));
}

// ---- hostile names

TEST(DmarcHostile, BrokenALabelsAreNamesLikeOthers) {
  EXPECT_EQ(result("_dmarc.xn--a-.com TXT \"v=DMARC1; p=reject\"\n", {"xn--a-.com"}),
            DmarcResult::fail);
}

TEST(DmarcHostile, AThousandTextsBesideTheRecordAreNoObstacle) {
  std::string zone = kExample;
  for (int i = 0; i < 1000; ++i) {
    zone += "_dmarc.example.com TXT \"" + std::to_string(i) + "\"\n";
  }
  EXPECT_EQ(result(zone, {"example.com", {spf("example.com")}}), DmarcResult::pass);
}

TEST(DmarcResultWords, AreThoseOfTheRegistry) {  // RFC 9989 9.2
  EXPECT_EQ(to_string(DmarcResult::none), "none");
  EXPECT_EQ(to_string(DmarcResult::pass), "pass");
  EXPECT_EQ(to_string(DmarcResult::fail), "fail");
  EXPECT_EQ(to_string(DmarcResult::temperror), "temperror");
  EXPECT_EQ(to_string(DmarcResult::permerror), "permerror");
}

}  // namespace
}  // namespace signet
