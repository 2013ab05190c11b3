// SPDX-License-Identifier: BSD-2-Clause
//
// What a check may cost: each limit of RFC 7208 4.6.4 at its edge and one over, what counts as
// what, how many questions are asked at worst and which of them early, and what becomes of a check
// whose message has no time or no questions left.

#include "dns/spf/spf_lookups.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/spf_zone.h"
#include "tests/support/step_resolver.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

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

/// As check_in_zone(), but no answer comes before everything is asked that can be.
SpfVerdict check_in_steps(const std::string& zone_text) {
  ZoneResolver zone(zone_text);
  StepResolver resolver(zone);
  SpfCheck check(resolver, test_budget(), request_of("192.0.2.1"), SpfIdentity::mail_from);
  while (true) {
    if (auto verdict = check.read()) return *std::move(verdict);
    resolver.answer_all();
  }
}

// Limits (RFC 7208 4.6.4).

TEST(SpfLookups, AllowsTenTermsThatQueryDnsAndNotEleven) {
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

TEST(SpfLookups, CountsNoTermThatDoesNotQueryDnsOrIsNotReached) {
  const std::string others = "h.example. IN A 203.0.113.1\n";
  expect_results(
      {{"v=spf1" + repeat(" ip4:203.0.113.0/24 ip6:2001:db8::/32 x=%{i}", 50) + " +all",
        SpfResult::pass},
       {"v=spf1 ip4:192.0.2.1" + repeat(" a:h.example", 11), SpfResult::pass},
       {"v=spf1" + repeat(" a:h.example", 10) + " ip4:192.0.2.1 a:h.example", SpfResult::pass}},
      others);
}

TEST(SpfLookups, CountsThePtrQuestionOfThePMacroAsATermOfItsOwn) {  // RFC 7208 4.6.4
  const std::string others =
      "1.2.0.192.in-addr.arpa. IN PTR h.example.\nh.example. IN A 192.0.2.1\n"
      "*.x.example. IN A 203.0.113.1\n";
  expect_results(
      {{"v=spf1" + repeat(" a:%{p}.x.example", 5) + " +all", SpfResult::pass},
       {"v=spf1" + repeat(" a:%{p}.x.example", 5) + " a:y.x.example", SpfResult::permerror},
       {"v=spf1" + repeat(" a:%{p}%{p}.x.example", 5) + " +all", SpfResult::pass}},
      others);
}

TEST(SpfLookups, CountsTermsAcrossIncludes) {
  const std::string others =
      "h.example. IN A 203.0.113.1\n"
      "four.example. IN TXT \"v=spf1 a:h.example a:h.example a:h.example a:h.example -all\"\n";
  expect_results(
      {{"v=spf1 include:four.example include:four.example +all", SpfResult::pass},
       {"v=spf1 include:four.example include:four.example a:h.example", SpfResult::permerror},
       {"v=spf1 a:h.example include:four.example include:four.example", SpfResult::permerror}},
      others);
}

TEST(SpfLookups, EndsEveryLoopOfRecordsWithPermerror) {
  for (const std::string record :
       {"v=spf1 include:example.com -all", "v=spf1 redirect=example.com",
        "v=spf1 include:two.example -all", "v=spf1 redirect=two.example",
        "v=spf1 ?include:two.example redirect=two.example", "v=spf1 include:%{d} +all"}) {
    const SpfVerdict verdict = check_in_zone(with_record(
        record, "two.example. IN TXT \"v=spf1 include:example.com redirect=example.com\"\n"));
    EXPECT_EQ(verdict.result, SpfResult::permerror) << record;
    EXPECT_EQ(verdict.terms, 10) << record;
    EXPECT_LE(verdict.questions, 111) << record;
  }
}

TEST(SpfLookups, AllowsTwoVoidLookupsOfEachMechanismAndNotThree) {
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

TEST(SpfLookups, CountsVoidLookupsAcrossIncludes) {
  const std::string others = "v.example. IN TXT \"v=spf1 a:1.gone -all\"\n";
  expect_results({{"v=spf1 include:v.example a:2.gone +all", SpfResult::pass},
                  {"v=spf1 a:2.gone include:v.example a:3.gone +all", SpfResult::permerror}},
                 others);
}

TEST(SpfLookups, CountsNoVoidLookupThatEvaluationDoesNotReach) {
  // The three are on their way with the first, and nobody reads the answers.
  const std::string zone = with_record("v=spf1 a:h.example a:1.gone a:2.gone a:3.gone -all",
                                       "h.example. IN A 192.0.2.1\n");
  for (const bool at_once : {true, false}) {
    const SpfVerdict verdict = at_once ? check_in_zone(zone) : check_in_steps(zone);
    EXPECT_EQ(verdict.result, SpfResult::pass);
    EXPECT_EQ(verdict.void_lookups, 0);
    EXPECT_EQ(verdict.terms, 1);
    EXPECT_EQ(verdict.questions, at_once ? 2 : 5);
  }
}

TEST(SpfLookups, CountsNoVoidAnswerAboutTheNamesOfThePtr) {
  std::string others;
  for (int i = 0; i < 9; ++i) others += fmt::format("1.2.0.192.in-addr.arpa. IN PTR {}.gone.\n", i);
  expect_results({{"v=spf1 ptr:x.example a:1.gone a:2.gone +all", SpfResult::pass}}, others);
}

TEST(SpfLookups, AllowsTenMxRecordsAndNotEleven) {
  expect_results({{"v=spf1 mx:h.example +all", SpfResult::pass}}, mx_hosts("h.example.", 10));
  // Even if the client is the best of them: the order of an answer is nobody's promise.
  expect_results(
      {{"v=spf1 mx:h.example +all", SpfResult::permerror}},
      mx_hosts("h.example.", 10) + "h.example. IN MX 1 me.example.\nme.example. IN A 192.0.2.1\n");
}

TEST(SpfLookups, AsksNobodyForTheAddressOfANullMx) {  // RFC 7505 3
  const SpfVerdict verdict =
      check_in_zone(with_record("v=spf1 mx -all", "example.com. IN MX 0 .\n"));
  EXPECT_EQ(verdict.result, SpfResult::fail);
  EXPECT_EQ(verdict.void_lookups, 0);
  EXPECT_EQ(verdict.questions, 2);
}

TEST(SpfLookups, LooksAtTenNamesOfThePtrAndIgnoresTheRest) {
  std::string nine;
  for (int i = 0; i < 9; ++i)
    nine += fmt::format("1.2.0.192.in-addr.arpa. IN PTR {}.other.example.\n", i);
  const std::string mine =
      "1.2.0.192.in-addr.arpa. IN PTR me.example.com.\nme.example.com. IN A 192.0.2.1\n";
  expect_results({{"v=spf1 ptr -all", SpfResult::pass}}, nine + mine);
  expect_results({{"v=spf1 ptr -all", SpfResult::fail}},
                 nine + "1.2.0.192.in-addr.arpa. IN PTR 9.other.example.\n" + mine);
}

TEST(SpfLookups, FollowsOtherLimitsIfTold) {
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

// Questions.

/// ` mx:P0.example mx:P1.example`..., each of which has ten hosts in many_hosts().
std::string mx_terms(const std::string& prefix, int count) {
  std::string terms;
  for (int i = 0; i < count; ++i) terms += fmt::format(" mx:{}{}.example", prefix, i);
  return terms;
}

std::string many_hosts() {
  std::string zone;
  for (const std::string prefix : {"h", "n", "m", "c"}) {
    for (int i = 0; i < 11; ++i) zone += mx_hosts(fmt::format("{}{}.example.", prefix, i), 10);
  }
  return zone;
}

TEST(SpfLookups, AsksAtMost111QuestionsInTheWorstCase) {
  std::string others = many_hosts() + mx_hosts("me.example.", 9) +
                       "me.example. IN MX 99 me.example.\nme.example. IN A 192.0.2.1\n"
                       "e.example. IN TXT \"%{p} explains\"\n*.x.example. IN TXT \"%{p}\"\n";
  for (int i = 0; i < 10; ++i) {
    others += fmt::format(
        "1.2.0.192.in-addr.arpa. IN PTR p{0}.example.\np{0}.example. IN A "
        "203.0.113.1\n",
        i);
  }
  others += "n.example. IN TXT \"v=spf1" + mx_terms("n", 9) + " ?all\"\n";
  others += "m.example. IN TXT \"v=spf1 -mx:me.example" + mx_terms("m", 9) + "\"\n";
  others += "c.example. IN TXT \"v=spf1 include:c.example" + mx_terms("c", 9) + "\"\n";
  struct Row {
    std::string record;
    int at_once;   ///< questions if each is answered at once
    int in_steps;  ///< if all that can be asked is asked before the answers come
  };
  for (const Row& row : std::vector<Row>{
           {"v=spf1" + mx_terms("h", 10) + " ?all", 111, 111},
           {"v=spf1" + mx_terms("h", 11), 111, 111},
           {"v=spf1" + mx_terms("h", 10) + " -all exp=e.example", 111, 111},
           {"v=spf1" + mx_terms("h", 9) + " ptr:x.example -all exp=%{p}.x.example", 111, 111},
           {"v=spf1" + mx_terms("h", 10) + " -all exp=%{p}.x.example", 111, 111},
           {"v=spf1" + mx_terms("h", 9) + " a:a.example -all exp=e.example", 102, 102},
           {"v=spf1" + mx_terms("h", 8) + " a:%{p}.x.example", 101, 101},
           // In vain are the lists of those mx for which no term is left in the end, and a list of
           // m.example behind the term that matches: more is not asked ahead.
           {"v=spf1 include:n.example" + mx_terms("h", 9), 101, 110},
           {"v=spf1 include:m.example" + mx_terms("h", 9), 101, 103},
           {"v=spf1 include:c.example" + mx_terms("h", 9), 2, 11},
           {"v=spf1" + mx_terms("h", 9) + " redirect=n.example", 101, 101},
       }) {
    const std::string zone = with_record(row.record, others);
    const SpfVerdict at_once = check_in_zone(zone);
    const SpfVerdict in_steps = check_in_steps(zone);
    EXPECT_EQ(at_once.questions, row.at_once) << row.record;
    EXPECT_EQ(in_steps.questions, row.in_steps) << row.record;
    EXPECT_LE(in_steps.questions, 111) << row.record;
    EXPECT_EQ(at_once.result, in_steps.result) << row.record;
    EXPECT_EQ(at_once.explanation, in_steps.explanation) << row.record;
  }
}

TEST(SpfLookups, AsksNothingBeforeATermThatNeedsTheDns) {
  ZoneResolver resolver(with_record("v=spf1 ip4:192.0.2.1 a mx include:i.example -all"));
  check_spf_mail_from(resolver, test_budget(), request_of("192.0.2.1"));
  EXPECT_EQ(resolver.questions(), std::vector<std::string>{"TXT example.com"});
}

TEST(SpfLookups, AsksForAllTermsAtOnce) {
  ZoneResolver zone(with_record(
      "v=spf1 a exists:%{i}.e.example mx:m.example ptr include:i.example a:%{o}.x.example "
      "redirect=r.example"));
  StepResolver resolver(zone);
  SpfCheck check(resolver, test_budget(), request_of("192.0.2.1"), SpfIdentity::mail_from);
  EXPECT_FALSE(check.read());
  resolver.answer_all();
  EXPECT_FALSE(check.read());
  EXPECT_EQ(zone.questions(),
            (std::vector<std::string>{"TXT example.com", "A example.com", "A 192.0.2.1.e.example",
                                      "MX m.example", "PTR 1.2.0.192.in-addr.arpa", "TXT i.example",
                                      "A example.com.x.example", "TXT r.example"}));
}

TEST(SpfLookups, AsksNothingTwice) {
  ZoneResolver resolver(with_record("v=spf1 mx:h.example a:h1.h.example mx:h.example -all",
                                    mx_hosts("h.example.", 3)));
  const SpfVerdict verdict = check_spf_mail_from(resolver, test_budget(), request_of("192.0.2.1"));
  EXPECT_EQ(verdict.terms, 3);
  EXPECT_EQ(verdict.questions, 5);
  EXPECT_EQ(resolver.question_count(), 5);
}

TEST(SpfLookups, LetsNoEarlyAnswerChangeTheVerdict) {
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

TEST(SpfLookups, WaitsForItsQuestionsSideBySide) {
  HoldingResolver resolver(
      with_record("v=spf1 a:h.example include:i.example mx:m.example +all",
                  "h.example. IN A 203.0.113.1\ni.example. IN TXT \"v=spf1 -all\"\n"
                  "m.example. IN MX 0 .\n"),
      3);
  const SpfVerdict verdict = check_spf_mail_from(resolver, test_budget(), request_of("192.0.2.1"));
  EXPECT_EQ(verdict.result, SpfResult::pass) << verdict.problem;
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

TEST(SpfLookups, GivesTemperrorWhenTheMessagesTimeIsOver) {  // RFC 7208 4.6.4
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

TEST(SpfLookups, GivesTemperrorWhenTheMessagesQuestionsAreUsedUp) {
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

TEST(SpfLookups, AsksNothingForAMessageThatIsGone) {
  ZoneResolver resolver(with_record("v=spf1 -all"));
  LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::seconds(10));
  budget.cancel();
  EXPECT_EQ(check_spf_mail_from(resolver, budget, request_of("192.0.2.1")).result,
            SpfResult::temperror);
  EXPECT_EQ(resolver.question_count(), 0);
}

TEST(SpfLookups, SurvivesARecordOf64KibThatIncludesItself) {
  for (const std::string term :
       {" a", " ip4:203.0.113.1", " x=%{l1r=}", " exists:%{L}%{l99r=}.x.example"}) {
    std::string record = "v=spf1 include:example.com";
    while (record.size() < 60'000) record += term;
    SpfRequest request = request_of("192.0.2.1", std::string(100'000, '=') + "@example.com");
    request.want_trace = false;
    EXPECT_EQ(check_in_zone(with_record(record), request).result, SpfResult::permerror) << term;
  }
}

}  // namespace
}  // namespace signet
