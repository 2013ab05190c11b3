// SPDX-License-Identifier: BSD-2-Clause
//
// The tree walk of RFC 9989 4.10: which names it asks for, how many, where it stops, and the
// Organizational Domain that follows.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "dns/dmarc.h"
#include "tests/support/step_resolver.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

using Questions = std::vector<std::string>;

Name name(std::string_view text) {
  auto parsed = parse_domain(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *std::move(parsed) : Name();
}

/// `count` labels in front of example.com, two already counted.
std::string deep_name(int count) {
  std::string text = "example.com";
  for (int i = 2; i < count; ++i) text.insert(0, "a.");
  return text;
}

std::string organization(std::string_view zone, std::string_view start) {
  ZoneResolver resolver(zone);
  DmarcTreeWalk walk(resolver, test_budget(), name(start));
  const auto found = organizational_domain(walk);
  return found ? found->text() : "(unknown)";
}

// ---- 4.10: the walk

TEST(DmarcTreeWalk, AsksTheEightNamesOfTheRfc) {  // RFC 9989 4.10
  ZoneResolver resolver("");
  DmarcTreeWalk walk(resolver, test_budget(), name("a.b.c.d.e.f.g.h.i.j.mail.example.com"));
  EXPECT_EQ(resolver.questions(),
            (Questions{"TXT _dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
                       "TXT _dmarc.g.h.i.j.mail.example.com", "TXT _dmarc.h.i.j.mail.example.com",
                       "TXT _dmarc.i.j.mail.example.com", "TXT _dmarc.j.mail.example.com",
                       "TXT _dmarc.mail.example.com", "TXT _dmarc.example.com", "TXT _dmarc.com"}));
}

TEST(DmarcTreeWalk, AsksTheEightNamesOfTheDeepOrganization) {  // RFC 9989 5.1.8
  ZoneResolver resolver("");
  DmarcTreeWalk walk(resolver, test_budget(), name("mail.a.b.c.d.e.f.g.example.com"));
  EXPECT_EQ(resolver.questions(),
            (Questions{"TXT _dmarc.mail.a.b.c.d.e.f.g.example.com",
                       "TXT _dmarc.c.d.e.f.g.example.com", "TXT _dmarc.d.e.f.g.example.com",
                       "TXT _dmarc.e.f.g.example.com", "TXT _dmarc.f.g.example.com",
                       "TXT _dmarc.g.example.com", "TXT _dmarc.example.com", "TXT _dmarc.com"}));
}

TEST(DmarcTreeWalk, NeverAsksMoreThanEightQuestions) {  // RFC 9989 4.10
  for (int labels = 2; labels <= 119; ++labels) {
    ZoneResolver resolver("");
    DmarcTreeWalk walk(resolver, test_budget(), name(deep_name(labels)));
    EXPECT_EQ(resolver.question_count(), std::min(labels, kMaxDmarcWalkQueries)) << labels;
    walk.steps();
    EXPECT_EQ(resolver.question_count(), std::min(labels, kMaxDmarcWalkQueries)) << labels;
  }
}

TEST(DmarcTreeWalk, EightLabelsAreWalkedWithoutAGap) {  // RFC 9989 4.10 step 4
  ZoneResolver resolver("");
  DmarcTreeWalk walk(resolver, test_budget(), name("a.b.c.d.e.f.example.com"));
  const auto questions = resolver.questions();
  ASSERT_EQ(questions.size(), 8U);
  EXPECT_EQ(questions[1], "TXT _dmarc.b.c.d.e.f.example.com");
}

TEST(DmarcTreeWalk, OneLabelIsOneQuestion) {
  ZoneResolver resolver("");
  DmarcTreeWalk walk(resolver, test_budget(), name("com"));
  EXPECT_EQ(resolver.questions(), Questions{"TXT _dmarc.com"});
}

TEST(DmarcTreeWalk, TheRootIsNoQuestion) {
  ZoneResolver resolver("");
  DmarcTreeWalk walk(resolver, test_budget(), Name());
  EXPECT_TRUE(walk.steps().empty());
  EXPECT_EQ(organizational_domain(walk), Name());
  walk.ask_existence(resolver, test_budget());
  EXPECT_TRUE(walk.start_exists());
  EXPECT_EQ(evaluate_dmarc(resolver, test_budget(), walk, {}, false).result, DmarcResult::none);
  EXPECT_EQ(resolver.question_count(), 0);
}

TEST(DmarcTreeWalk, ANameTooLongForTheLabelIsNotAskedFor) {  // RFC 1035 2.3.4
  std::string author;
  for (int i = 0; i < 127; ++i) author += i == 0 ? "a" : ".a";  // 253 octets
  ZoneResolver resolver("_dmarc.a.a.a.a.a.a.a TXT \"v=DMARC1; p=reject; np=quarantine\"\n");
  DmarcTreeWalk walk(resolver, test_budget(), name(author));
  EXPECT_EQ(resolver.question_count(), 7);
  EXPECT_EQ(walk.steps()[0].status, DnsStatus::no_domain);
  const auto verdict = evaluate_dmarc(resolver, test_budget(), walk, {}, false);
  EXPECT_EQ(verdict.result, DmarcResult::fail);
  EXPECT_EQ(verdict.policy, DmarcPolicy::quarantine);
  EXPECT_EQ(verdict.policy_domain.label_count(), 7);
  EXPECT_EQ(resolver.question_count(), 8);
}

TEST(DmarcTreeWalk, StepsEndWithTheFirstPsdRecord) {  // RFC 9989 4.10 steps 2 and 6
  for (const char* psd : {"n", "y"}) {
    ZoneResolver resolver(std::string("_dmarc.example.com TXT \"v=DMARC1; p=none; psd=") + psd +
                          "\"\n_dmarc.com TXT \"v=DMARC1; p=none\"\n");
    DmarcTreeWalk walk(resolver, test_budget(), name("mail.example.com"));
    ASSERT_EQ(walk.steps().size(), 2U);
    EXPECT_EQ(walk.steps()[1].domain, name("example.com"));
    EXPECT_EQ(resolver.question_count(), 3) << "all names are asked at once";
  }
}

TEST(DmarcTreeWalk, StepsTellWhatWasFoundAtEachName) {
  ZoneResolver resolver(
      "_dmarc.a.b.example.com TXT \"v=spf1 -all\"\n"
      "_dmarc.b.example.com TXT \"v=DMARC1; p=none\"\n"
      "_dmarc.b.example.com TXT \"v=DMARC1; p=reject\"\n"
      "_dmarc.example.com TXT \"v=DMARC1; p=\" \"quarantine\"\n"
      "servfail _dmarc.com\n");
  DmarcTreeWalk walk(resolver, test_budget(), name("a.b.example.com"));
  const auto& steps = walk.steps();
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[0].status, DnsStatus::answered);
  EXPECT_EQ(steps[0].records_found, 0);
  EXPECT_EQ(steps[1].records_found, 2);
  EXPECT_FALSE(steps[1].record);
  ASSERT_TRUE(steps[2].record);
  EXPECT_EQ(steps[2].record->p, DmarcPolicy::quarantine) << "strings of a text are joined";
  EXPECT_TRUE(steps[3].failed());
}

TEST(DmarcTreeWalk, NamesThatAnotherWalkKnowsAreNotAskedAgain) {
  ZoneResolver resolver("_dmarc.example.com TXT \"v=DMARC1; p=none\"\n");
  DmarcTreeWalk author(resolver, test_budget(), name("www.example.com"));
  resolver.forget_questions();
  DmarcTreeWalk other(resolver, test_budget(), name("a.mail.example.com"), author);
  EXPECT_EQ(resolver.questions(),
            (Questions{"TXT _dmarc.a.mail.example.com", "TXT _dmarc.mail.example.com"}));
  EXPECT_EQ(organizational_domain(other), name("example.com"));
}

/// 249 octets on the wire: `_dmarc` does not fit before it, but a label of one letter does.
std::string long_name() {
  const std::string label(63, 'x');
  return label + '.' + label + '.' + label + '.' + std::string(55, 'x');
}

TEST(DmarcTreeWalk, ANameThatNoWalkCanAskForIsNotTakenFromAnother) {  // RFC 1035 2.3.4
  ZoneResolver resolver("");
  DmarcTreeWalk author(resolver, test_budget(), name("a." + long_name()));
  EXPECT_EQ(resolver.question_count(), 3);
  DmarcTreeWalk other(resolver, test_budget(), name("b." + long_name()), author);
  EXPECT_EQ(resolver.question_count(), 3);
  ASSERT_EQ(other.steps().size(), 5U);
  EXPECT_EQ(other.steps()[1].status, DnsStatus::no_domain);
}

TEST(DmarcTreeWalk, ACopyAnswersWithoutAsking) {
  ZoneResolver resolver("_dmarc.example.com TXT \"v=DMARC1; p=none\"\n");
  DmarcTreeWalk walk(resolver, test_budget(), name("mail.example.com"));
  resolver.forget_questions();
  DmarcTreeWalk copy = walk;
  EXPECT_EQ(organizational_domain(copy), name("example.com"));
  EXPECT_EQ(resolver.question_count(), 0);
}

TEST(DmarcTreeWalk, IsThereWhenItsLastAnswerIs) {
  ZoneResolver zone("_dmarc.example.com TXT \"v=DMARC1; p=none\"\n");
  StepResolver resolver(zone);
  DmarcTreeWalk walk(resolver, test_budget(), name("mail.example.com"));
  EXPECT_FALSE(walk.is_there());
  resolver.answer(0);
  resolver.answer(0);
  EXPECT_FALSE(walk.is_there());
  resolver.answer(0);
  EXPECT_TRUE(walk.is_there());
}

TEST(DmarcTreeWalk, DoesNotWaitForANameThatCannotBeAskedFor) {
  ZoneResolver zone("");
  StepResolver resolver(zone);
  DmarcTreeWalk walk(resolver, test_budget(), name(long_name()));
  EXPECT_FALSE(walk.is_there());
  resolver.answer_all();
  EXPECT_TRUE(walk.is_there());
}

// ---- What is asked before it is known to be needed

/// The questions that prefetch_alignment() asks about a DKIM domain beside those of the author.
Questions asked_ahead(std::string_view zone_text, std::string_view author,
                      std::string_view candidate, bool author_is_there) {
  ZoneResolver zone(zone_text);
  StepResolver resolver(zone);
  DmarcTreeWalk walk(resolver, test_budget(), name(author));
  if (author_is_there) resolver.answer_all();
  zone.forget_questions();
  for (int i = 0; i < 2; ++i) {  // the second time there is nothing more to ask
    prefetch_alignment(resolver, test_budget(), walk,
                       {AuthenticatedDomain::Method::dkim, name(candidate)});
  }
  return zone.questions();
}

TEST(DmarcAhead, AsksForADomainThatMayShareTheAuthorsOrganization) {
  EXPECT_EQ(asked_ahead("", "news.example.com", "mail.example.com", false),
            Questions{"TXT _dmarc.mail.example.com"});
  EXPECT_EQ(asked_ahead("", "news.example.com", "example.com", false), Questions{});
  EXPECT_EQ(asked_ahead("", "example.com", "example.com", false), Questions{});
  EXPECT_EQ(asked_ahead("", "example.com", "example.net", false), Questions{});
  EXPECT_EQ(asked_ahead("", "example.com", "other.com", false), Questions{});
  EXPECT_EQ(asked_ahead("", "com", "other.com", false), Questions{});
}

TEST(DmarcAhead, AsksOnlyWhatIsNeededOnceThePolicyIsThere) {
  const std::string record = "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n";
  EXPECT_EQ(asked_ahead(record, "news.example.com", "mail.example.com", true),
            Questions{"TXT _dmarc.mail.example.com"});
  EXPECT_EQ(asked_ahead(record, "news.example.com", "example.com", true), Questions{});
  EXPECT_EQ(asked_ahead(record, "news.example.com", "mail.other.com", true), Questions{});
  EXPECT_EQ(asked_ahead("", "news.example.com", "mail.example.com", true), Questions{});
  EXPECT_EQ(asked_ahead("_dmarc.example.com TXT \"v=DMARC1; p=none; adkim=s\"\n",
                        "news.example.com", "mail.example.com", true),
            Questions{});
  // RFC 9989 11.8: the Organizational Domain may be a TLD.
  EXPECT_EQ(asked_ahead("_dmarc.com TXT \"v=DMARC1; p=none\"\n", "example.com", "other.com", true),
            Questions{"TXT _dmarc.other.com"});
}

TEST(DmarcAhead, IsNotAskedAgainAtTheEvaluation) {
  ZoneResolver zone("_dmarc.example.com TXT \"v=DMARC1; p=none\"\n");
  DmarcTreeWalk walk(zone, test_budget(), name("news.example.com"));
  const AuthenticatedDomain candidate{AuthenticatedDomain::Method::dkim, name("mail.example.com")};
  prefetch_alignment(zone, test_budget(), walk, candidate);
  zone.forget_questions();
  const DmarcVerdict verdict = evaluate_dmarc(zone, test_budget(), walk, {candidate}, false);
  EXPECT_EQ(verdict.result, DmarcResult::pass);
  EXPECT_EQ(zone.question_count(), 0);
}

// ---- 4.10.2: the Organizational Domain

struct OrganizationCase {
  const char* why;
  const char* zone;
  const char* start;
  const char* expected;
};

TEST(OrganizationalDomain, FollowsTheRulesInTheirOrder) {  // RFC 9989 4.10.2
  const OrganizationCase kCases[] = {
      {"RFC example: fewest labels",
       "_dmarc.mail.example.com TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n",
       "a.mail.example.com", "example.com"},
      {"RFC example: psd=n",
       "_dmarc.mail.example.com TXT \"v=DMARC1; p=none; psd=n\"\n"
       "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n",
       "a.mail.example.com", "mail.example.com"},
      {"RFC example: psd=y, one label below", "_dmarc.com TXT \"v=DMARC1; p=none; psd=y\"\n",
       "a.mail.example.com", "example.com"},
      {"no record: the start", "", "a.mail.example.com", "a.mail.example.com"},
      {"record at the start only", "_dmarc.a.example.com TXT \"v=DMARC1; p=none\"\n",
       "a.example.com", "a.example.com"},
      {"psd=n at the start",
       "_dmarc.a.example.com TXT \"v=DMARC1; p=none; psd=n\"\n"
       "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n",
       "a.example.com", "a.example.com"},
      {"psd=y at the start is the start's own (rule 2 leaves it to rule 3)",
       "_dmarc.bank.example TXT \"v=DMARC1; p=none; psd=y\"\n"
       "_dmarc.example TXT \"v=DMARC1; p=none\"\n",
       "bank.example", "bank.example"},
      {"psd=y wins over records below it",
       "_dmarc.a.b.example.com TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.com TXT \"v=DMARC1; p=none; psd=y\"\n",
       "a.b.example.com", "example.com"},
      {"psd=y ends the walk: what is above does not count",
       "_dmarc.co.uk TXT \"v=DMARC1; p=none; psd=y\"\n_dmarc.uk TXT \"v=DMARC1; psd=y; p=none\"\n",
       "www.example.co.uk", "example.co.uk"},
      {"psd=n below psd=y",
       "_dmarc.b.example.com TXT \"v=DMARC1; p=none; psd=n\"\n"
       "_dmarc.com TXT \"v=DMARC1; p=none; psd=y\"\n",
       "a.b.example.com", "b.example.com"},
      {"a TLD with a record but without psd is the Organizational Domain (11.8)",
       "_dmarc.com TXT \"v=DMARC1; p=none\"\n", "www.example.com", "com"},
      {"several records at one name are none (step 6)",
       "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.example.com TXT \"v=DMARC1; p=none; psd=n\"\n"
       "_dmarc.www.example.com TXT \"v=DMARC1; p=none\"\n",
       "www.example.com", "www.example.com"},
      {"a record without a policy ends the walk as well (step 2 looks at v and psd only)",
       "_dmarc.com TXT \"v=DMARC1; psd=y\"\n", "www.example.com", "example.com"},
      {"psd=y right after the jump names a domain that was not asked for",
       "_dmarc.c.d.e.f.g.example.com TXT \"v=DMARC1; p=none; psd=y\"\n",
       "mail.a.b.c.d.e.f.g.example.com", "b.c.d.e.f.g.example.com"},
      {"a record in the gap of the jump is never found (5.1.8)",
       "_dmarc.b.c.d.e.f.g.example.com TXT \"v=DMARC1; p=none; psd=n\"\n"
       "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n",
       "mail.a.b.c.d.e.f.g.example.com", "example.com"},
      {"RFC example: an unregistered sibling under a PSD (B.4.3)",
       "_dmarc.giant.bank.example TXT \"v=DMARC1; p=reject\"\n"
       "_dmarc.bank.example TXT \"v=DMARC1; p=none; psd=y\"\n",
       "mail.mega.bank.example", "mega.bank.example"},
      {"one label", "_dmarc.com TXT \"v=DMARC1; p=none; psd=y\"\n", "com", "com"},
      {"a DNS error leaves it open",
       "_dmarc.example.com TXT \"v=DMARC1; p=none\"\nservfail _dmarc.com\n", "example.com",
       "(unknown)"},
      {"a DNS error below the record too: psd=n might stand there",
       "_dmarc.example.com TXT \"v=DMARC1; p=none\"\ntimeout _dmarc.mail.example.com\n",
       "a.mail.example.com", "(unknown)"},
      {"a DNS error above the end of the walk does not matter",
       "_dmarc.example.com TXT \"v=DMARC1; p=none; psd=n\"\nservfail _dmarc.com\n", "a.example.com",
       "example.com"},
  };
  for (const auto& [why, zone, start, expected] : kCases) {
    EXPECT_EQ(organization(zone, start), expected) << why;
  }
}

}  // namespace
}  // namespace signet
