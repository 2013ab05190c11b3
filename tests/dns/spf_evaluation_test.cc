// SPDX-License-Identifier: BSD-2-Clause
//
// A check that does not wait: how many delays of the DNS it takes, in whatever order answers come;
// that the verdict is the one of asking one by one; and what is never asked for the sake of speed.
// Time is counted in steps, see step_resolver.h.

#include "dns/spf/spf_evaluation.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/spf_zone.h"
#include "tests/support/step_resolver.h"

namespace signet {
namespace {

/// What a check came to, and how.
struct Outcome {
  SpfVerdict verdict;
  int steps = 0;
  int asked = 0;
};

/// Each step answers what was asked by then: one delay of the DNS.
Outcome run_in_steps(Resolver& zone, const SpfRequest& request) {
  StepResolver resolver(zone);
  SpfCheck check(resolver, test_budget(), request, SpfIdentity::mail_from);
  Outcome run;
  std::optional<SpfVerdict> verdict;
  while (!(verdict = check.read())) {
    if (resolver.answer_all() == 0) {
      ADD_FAILURE() << "waits for nothing";
      return run;
    }
    ++run.steps;
  }
  run.verdict = *std::move(verdict);
  run.asked = resolver.asked();
  return run;
}

/// Answers come one by one, in an order that `seed` chooses.
Outcome run_in_disorder(Resolver& zone, const SpfRequest& request, unsigned seed) {
  StepResolver resolver(zone);
  SpfCheck check(resolver, test_budget(), request, SpfIdentity::mail_from);
  std::mt19937 random(seed);
  Outcome run;
  std::optional<SpfVerdict> verdict;
  while (!(verdict = check.read())) {
    if (resolver.waiting() == 0) {
      ADD_FAILURE() << "waits for nothing";
      return run;
    }
    // Often the newest or the oldest: the more one-sided the order, the more is asked in vain.
    const size_t last = resolver.waiting() - 1;
    const size_t choices[] = {0, last, random() % (last + 1)};
    resolver.answer(choices[(seed + random() % 2) % 3]);
    ++run.steps;
  }
  run.verdict = *std::move(verdict);
  run.asked = resolver.asked();
  return run;
}

std::string trace_of(const SpfVerdict& verdict) {
  std::string text;
  for (const SpfTraceStep& step : verdict.trace) {
    text += fmt::format("{} {} {}: {}\n", step.depth, step.record.text(), step.term, step.outcome);
  }
  return text;
}

/// Equal in all but the number of questions.
void expect_same(const SpfVerdict& verdict, const SpfVerdict& expected, const std::string& what) {
  EXPECT_EQ(verdict.result, expected.result) << what << "\n" << trace_of(expected);
  EXPECT_EQ(verdict.mechanism, expected.mechanism) << what;
  EXPECT_EQ(verdict.problem, expected.problem) << what;
  EXPECT_EQ(verdict.explanation, expected.explanation) << what;
  EXPECT_EQ(verdict.only_all_fail, expected.only_all_fail) << what;
  EXPECT_EQ(verdict.terms, expected.terms) << what;
  EXPECT_EQ(verdict.void_lookups, expected.void_lookups) << what;
  EXPECT_EQ(trace_of(verdict), trace_of(expected)) << what;
}

struct Chain {
  std::string record;
  int steps;
  SpfResult result = SpfResult::fail;
};

TEST(SpfEvaluation, TakesAsLongAsTheLongestChainOfQuestions) {
  const std::string others = R"(
1.2.0.192.in-addr.arpa. PTR client.example.
client.example.   A 192.0.2.1
h.example.        A 203.0.113.1
m.example.        MX 10 h2.example.
m2.example.       MX 10 h3.example.
m2.example.       MX 20 h4.example.
m3.example.       MX 10 h5.example.
*.example.        A 203.0.113.1
none.example.     TXT "v=spf1 ip4:203.0.113.0/24 -all"
one.example.      TXT "v=spf1 a:h6.example -all"
two.example.      TXT "v=spf1 mx:m2.example -all"
deep1.example.    TXT "v=spf1 include:deep2.example -all"
deep2.example.    TXT "v=spf1 include:deep3.example -all"
deep3.example.    TXT "v=spf1 mx:m3.example -all"
hop.example.      TXT "v=spf1 redirect=one.example"
but.example.      TXT "v=spf1 -a:h7.example +all"
mine.example.     TXT "v=spf1 a:client.example -all"
client.example.x.example. A 203.0.113.3
1.2.0.192.y.example.      TXT "v=spf1 mx:m2.example -all"
e.example.        TXT "no"
)";
  for (const Chain& chain : std::vector<Chain>{
           {"v=spf1 -all", 1},
           {"v=spf1 a:h.example -all", 2},
           {"v=spf1 a:h.example a:h2.example mx:h.example exists:%{i}.none -all", 2},
           {"v=spf1 mx:m.example -all", 3},
           {"v=spf1 include:none.example -all", 2},
           {"v=spf1 include:one.example -all", 3},
           {"v=spf1 include:two.example -all", 4},
           // Side by side, whichever comes first in the record.
           {"v=spf1 include:one.example include:two.example a:h.example mx:m.example -all", 4},
           {"v=spf1 mx:m.example a:h.example include:two.example include:one.example -all", 4},
           {"v=spf1 mx:m.example include:deep1.example -all", 6},
           {"v=spf1 include:deep1.example mx:m.example include:two.example -all", 6},
           {"v=spf1 include:deep1.example redirect=two.example", 6},
           {"v=spf1 include:none.example mx:m.example redirect=two.example", 4},
           {"v=spf1 include:two.example redirect=hop.example", 4},
           // What an include comes to if it is not known yet: the rest is asked in either case.
           {"v=spf1 include:but.example include:two.example ~all", 3, SpfResult::pass},
           {"v=spf1 -include:mine.example include:two.example ~all", 3},
           // Macros: names that depend on the message alone, and names that depend on the client's.
           {"v=spf1 include:%{ir}.none.example include:%{i}.y.example -all", 2,
            SpfResult::permerror},
           {"v=spf1 mx:m.example include:%{ir}.y.example exists:%{o}.none -all", 4},
           {"v=spf1 ptr:other.example a:h.example -all", 3},
           {"v=spf1 ptr:client.example -all", 3, SpfResult::pass},
           {"v=spf1 a:%{p}.x.example mx:m.example -all", 4},
           {"v=spf1 include:deep1.example a:%{p}.x.example -all", 6},
           // An explanation is looked up when it is due.
           {"v=spf1 mx:m.example -all exp=e.example", 4},
       }) {
    ZoneResolver zone(with_record(chain.record, others));
    const SpfRequest request = request_of("192.0.2.1");
    const Outcome run = run_in_steps(zone, request);
    EXPECT_EQ(run.steps, chain.steps) << chain.record;
    EXPECT_EQ(run.verdict.result, chain.result) << chain.record << "\n" << run.verdict.problem;
    expect_same(run.verdict, check_spf_mail_from(zone, test_budget(), request), chain.record);
  }
}

TEST(SpfEvaluation, EndsWithTheFirstAnswerThatDecides) {
  ZoneResolver zone(with_record("v=spf1 a:h.example mx:m.example include:i.example -all",
                                "h.example. IN A 192.0.2.1\nm.example. IN MX 10 h.example.\n"));
  StepResolver resolver(zone);
  SpfCheck check(resolver, test_budget(), request_of("192.0.2.1"), SpfIdentity::mail_from);
  EXPECT_FALSE(check.read());
  resolver.answer(0);
  EXPECT_FALSE(check.read());
  EXPECT_EQ(resolver.waiting(), 3U);
  resolver.answer(0);  // of h.example
  const auto verdict = check.read();
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->result, SpfResult::pass);
  EXPECT_EQ(verdict->terms, 1);
  EXPECT_EQ(resolver.asked(), 4);
}

TEST(SpfEvaluation, AsksNothingAfterATermThatDecides) {
  ZoneResolver zone(
      with_record("v=spf1 a:h.example ip4:192.0.2.1 mx:m.example redirect=x.example"));
  StepResolver resolver(zone);
  SpfCheck check(resolver, test_budget(), request_of("192.0.2.1"), SpfIdentity::mail_from);
  while (!check.read()) resolver.answer_all();
  EXPECT_EQ(resolver.asked(), 2);
}

TEST(SpfEvaluation, AsksNothingMoreForAMessageThatIsGone) {
  ZoneResolver zone(with_record("v=spf1 mx:m.example -all", "m.example. IN MX 10 h.example.\n"));
  StepResolver resolver(zone);
  LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::hours(1));
  SpfCheck check(resolver, budget, request_of("192.0.2.1"), SpfIdentity::mail_from);
  EXPECT_FALSE(check.read());
  resolver.answer_all();
  EXPECT_FALSE(check.read());
  budget.cancel();
  resolver.answer_all();
  EXPECT_EQ(check.read()->result, SpfResult::temperror);
  EXPECT_EQ(resolver.asked(), 2);
}

TEST(SpfEvaluation, TellsWhenThereIsMoreToRead) {
  ZoneResolver zone(with_record("v=spf1 a:h.example a:h2.example include:i.example -all"));
  StepResolver resolver(zone);
  LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::hours(1));
  SpfCheck check(resolver, budget, request_of("192.0.2.1"), SpfIdentity::mail_from);
  struct Counter : AnswerListener {
    void answer_arrived() noexcept override { ++told; }
    int told = 0;
  };
  const auto counter = std::make_shared<Counter>();
  EXPECT_FALSE(check.read());
  EXPECT_TRUE(check.listen(counter));
  EXPECT_EQ(check.patience(), budget.deadline());
  resolver.answer(0);
  EXPECT_EQ(counter->told, 1);
  EXPECT_FALSE(check.listen(counter)) << "there is an answer to read";
  EXPECT_FALSE(check.read());
  EXPECT_TRUE(check.listen(counter));
  resolver.answer(1);  // h2.example: nothing follows from it, and h.example comes first
  EXPECT_EQ(counter->told, 1);
  resolver.answer(1);  // i.example: another policy to read
  EXPECT_EQ(counter->told, 2);
  resolver.answer(0);  // h.example
  EXPECT_EQ(counter->told, 3);
}

TEST(SpfEvaluation, TakesSilenceForAnAnswerWhenItsTimeIsOver) {
  ZoneResolver zone(with_record("v=spf1 a:h.example -all"));
  StepResolver resolver(zone);
  LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::hours(1));
  SpfCheck check(resolver, budget, request_of("192.0.2.1"), SpfIdentity::mail_from);
  EXPECT_FALSE(check.read());
  resolver.answer_all();
  budget.set_deadline(std::chrono::steady_clock::now() - std::chrono::hours(1));
  EXPECT_EQ(check.read()->result, SpfResult::temperror);
}

TEST(SpfEvaluation, ParsesNoBigRecordAhead) {
  // While slow.example is open, nobody needs what is in big.example.
  const std::string big = "v=spf1" + std::string(5000, ' ') + "a:h.example -all";
  std::string strings;
  for (size_t i = 0; i < big.size(); i += 250) strings += " \"" + big.substr(i, 250) + "\"";
  ZoneResolver zone(with_record("v=spf1 include:slow.example include:big.example -all",
                                "slow.example. IN TXT \"v=spf1 -all\"\nbig.example. IN TXT" +
                                    strings + "\nh.example. IN A 192.0.2.1\n"));
  StepResolver resolver(zone);
  SpfCheck check(resolver, test_budget(), request_of("192.0.2.1"), SpfIdentity::mail_from);
  EXPECT_FALSE(check.read());
  resolver.answer(0);
  EXPECT_FALSE(check.read());
  resolver.answer(1);  // big.example
  EXPECT_FALSE(check.read());
  EXPECT_EQ(resolver.waiting(), 1U);
  resolver.answer(0);
  EXPECT_FALSE(check.read());
  resolver.answer(0);
  EXPECT_EQ(check.read()->result, SpfResult::pass);
}

TEST(SpfEvaluation, ReadsAHugeAnswerAsAWhole) {
  // The client is in a network with the 2,000th address alone.
  std::string zone_text;
  for (int i = 0; i < 4000; ++i) {
    zone_text += fmt::format("h.example. IN A 10.{}.{}.9\n", i / 250, i % 250);
  }
  SpfRequest request = request_of("10.8.1.200");
  request.want_trace = false;
  EXPECT_EQ(check_in_zone(with_record("v=spf1 a:h.example/24 -all", zone_text), request).result,
            SpfResult::pass);
  EXPECT_EQ(check_in_zone(with_record("v=spf1 a:h.example/25 -all", zone_text), request).result,
            SpfResult::fail);
  EXPECT_EQ(check_in_zone(with_record("v=spf1 a:h.example/8 -all", zone_text), request).result,
            SpfResult::pass);
}

/// Policies at random, full of includes and of mx with up to ten hosts, in which everything there
/// can be exists: d0.example to d11.example.
std::string random_zone(std::mt19937& random) {
  const auto pick = [&](unsigned count) { return static_cast<unsigned>(random() % count); };
  std::string zone = "1.2.0.192.in-addr.arpa. PTR h0.example.\nh0.example. TXT \"x\"\n";
  for (int i = 1; i < 60; ++i) {
    if (pick(20) == 0) continue;
    zone += fmt::format("h{}.example. A {}\n", i, pick(40) == 0 ? "192.0.2.1" : "203.0.113.1");
  }
  for (int m = 0; m < 12; ++m) {
    for (unsigned i = pick(11); i-- > 0;) {
      zone += fmt::format("m{}.example. MX {} h{}.example.\n", m, pick(3), 1 + pick(60));
    }
  }
  for (int d = 0; d < 12; ++d) {
    std::string record = "v=spf1";
    for (unsigned i = pick(8); i-- > 0;) {
      const char* qualifier = pick(4) == 0 ? "-" : "";
      switch (pick(9)) {
        case 0:
          record += fmt::format(" {}a:h{}.example", qualifier, pick(61));
          break;
        case 1:
          record += fmt::format(" {}exists:%{{l}}{}.example", qualifier, pick(61));
          break;
        case 2:
          record += fmt::format(" {}ptr:h{}.example", qualifier, pick(3));
          break;
        case 3:
        case 4:
        case 5:
          record += fmt::format(" {}mx:m{}.example", qualifier, pick(12));
          break;
        default:
          record += fmt::format(" {}include:d{}.example", qualifier, 1 + pick(11));
      }
    }
    const char* const ends[] = {" -all", " ~all", " redirect=d5.example", "", " ?all"};
    zone += fmt::format("d{}.example. TXT \"{}{}\"\n", d, record, ends[pick(5)]);
  }
  return zone;
}

TEST(SpfEvaluation, GivesTheVerdictOfAskingOneByOneInWhateverOrderAnswersCome) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    ZoneResolver zone(random_zone(random));
    const SpfRequest request = request_of("192.0.2.1", "h@d0.example");
    const SpfVerdict expected = check_spf_mail_from(zone, test_budget(), request);
    const Outcome steps = run_in_steps(zone, request);
    const Outcome disorder = run_in_disorder(zone, request, seed);
    for (const Outcome& run : {steps, disorder}) {
      expect_same(run.verdict, expected, "seed " + std::to_string(seed));
      EXPECT_LE(run.asked, 111) << "seed " << seed;
      EXPECT_EQ(run.asked, run.verdict.questions) << "seed " << seed;
    }
    if (testing::Test::HasFailure()) return;
  }
}

TEST(SpfEvaluation, NeverLacksAQuestionBecauseOfThoseAskedAhead) {
  // Nine includes, of which each asks as much as it may, answered from the last to the first: most
  // of it is in vain. The first, when it comes at last, needs 99 questions more.
  std::string record = "v=spf1";
  std::string others;
  for (int i = 0; i < 9; ++i) {
    record += fmt::format(" include:i{}.example", i);
    std::string included = "v=spf1";
    for (int m = 0; m < 9; ++m) {
      included += fmt::format(" mx:m{}.i{}.example", m, i);
      for (int h = 0; h < 10; ++h) {
        others += fmt::format("m{0}.i{1}.example. IN MX {2} h{2}.m{0}.i{1}.example.\n", m, i, h);
        others += fmt::format("h{2}.m{0}.i{1}.example. IN A 203.0.113.1\n", m, i, h);
      }
    }
    others += fmt::format("i{}.example. IN TXT \"{} ~all\"\n", i, included);
  }
  ZoneResolver zone(with_record(record + " -all", others));
  StepResolver resolver(zone);
  LookupBudget budget(std::chrono::steady_clock::now() + std::chrono::hours(1), 111);
  const SpfRequest request = request_of("192.0.2.1");
  SpfCheck check(resolver, budget, request, SpfIdentity::mail_from);
  std::optional<SpfVerdict> verdict;
  while (!(verdict = check.read())) resolver.answer(resolver.waiting() - 1);
  expect_same(*verdict, check_spf_mail_from(zone, test_budget(), request), record);
  EXPECT_LE(verdict->questions, 111);
  EXPECT_EQ(verdict->questions, budget.used());
}

}  // namespace
}  // namespace signet
