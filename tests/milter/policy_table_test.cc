// SPDX-License-Identifier: BSD-2-Clause
//
// The postmaster's table: what a line says, whom it fits, and what is said of a broken one.

#include "milter/policy/policy_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "milter/config/config_values.h"

namespace signet {
namespace {

PolicyTable table_of(std::string_view text) {
  auto table = PolicyTable::parse(text, "policy");
  if (!table) throw std::runtime_error(table.error());
  return *std::move(table);
}

Name name(std::string_view text) { return *parse_domain(text); }

/// A message about which everything is known.
PolicySubject subject() {
  PolicySubject subject;
  subject.author = name("example.com");
  subject.mail_from = name("bounce.example.net");
  subject.client = *parse_ip_address("192.0.2.7");
  subject.dkim = {name("example.net"), name("lists.example.org")};
  subject.list_id = "Dev.lists.example.org";
  return subject;
}

bool fits(std::string_view conditions, const PolicySubject& message) {
  const PolicyTable table = table_of("reject " + std::string(conditions));
  return table.find(message) != nullptr;
}

struct ConditionCase {
  const char* conditions;
  bool fits;
};

class PolicyCondition : public testing::TestWithParam<ConditionCase> {};

TEST_P(PolicyCondition, FitsWhatItNames) {
  EXPECT_EQ(fits(GetParam().conditions, subject()), GetParam().fits) << GetParam().conditions;
}

INSTANTIATE_TEST_SUITE_P(
    Table, PolicyCondition,
    testing::Values(
        ConditionCase{"from=example.com", true}, ConditionCase{"from=EXAMPLE.com", true},
        ConditionCase{"from=example.net", false}, ConditionCase{"from=.example.com", false},
        ConditionCase{"from=.com", true}, ConditionCase{"from=.example.net", false},
        ConditionCase{"from=example.net,example.com", true}, ConditionCase{"from=*", true},
        ConditionCase{"mail_from=example.net", false},
        ConditionCase{"mail_from=.example.net", true}, ConditionCase{"mail_from=<>", false},
        ConditionCase{"client=192.0.2.0/24", true}, ConditionCase{"client=192.0.2.7", true},
        ConditionCase{"client=2001:db8::/32", false}, ConditionCase{"dkim=lists.example.org", true},
        ConditionCase{"dkim=example.org", false},
        ConditionCase{"list_id=dev.lists.example.org", true},
        ConditionCase{"list_id=.example.org", true},
        ConditionCase{"list_id=lists.example.org", false},
        ConditionCase{"from=example.com client=192.0.2.7", true},
        ConditionCase{"\tfrom=example.com\t \tclient=192.0.2.7\t", true},
        ConditionCase{"from=example.com client=192.0.2.8", false},
        ConditionCase{"from=example.com dkim=* list_id=.org mail_from=*", true}));

TEST(PolicyTable, AConditionOnWhatAMessageLacksDoesNotFit) {
  const PolicySubject nothing;
  for (const char* conditions : {"from=*", "mail_from=*", "client=0.0.0.0/0", "dkim=*",
                                 "list_id=.example.org", "mail_from=<>"}) {
    EXPECT_FALSE(fits(conditions, nothing)) << conditions;
  }
}

TEST(PolicyTable, TheNullReversePathHasAWordOfItsOwn) {
  PolicySubject bounce = subject();
  bounce.mail_from.reset();
  bounce.null_mail_from = true;
  EXPECT_TRUE(fits("mail_from=<>", bounce));
  EXPECT_FALSE(fits("mail_from=*", bounce));
}

TEST(PolicyTable, TheFirstLineThatFitsCounts) {
  const PolicyTable table = table_of(
      "# ours\n"
      "\n"
      "accept from=example.net\r\n"
      "strict from=example.com reason=\"often forged\" # why\n"
      "reject from=*\n");
  EXPECT_EQ(table.size(), 3U);
  const PolicyRule* rule = table.find(subject());
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->action, PolicyAction::strict);
  EXPECT_EQ(rule->reason, "often forged");
  EXPECT_EQ(rule->line, 4);
  EXPECT_EQ(rule->kind, PolicyOverride::local_policy);
}

TEST(PolicyTable, ALineSaysWhatKindOfOverrideItIs) {  // RFC 9990 3.1.1.5
  const PolicyTable table = table_of("ignore list_id=.example.org as=mailing_list");
  const PolicyRule* rule = table.find(subject());
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(to_string(rule->kind), "mailing_list");
  EXPECT_EQ(to_string(rule->action), "ignore");
}

TEST(PolicyTable, UnicodeDomainsAreTheirALabels) {
  PolicySubject message = subject();
  message.author = name("xn--bcher-kva.example");
  EXPECT_TRUE(
      fits("from=b\xc3\xbc"
           "cher.example",
           message));
}

TEST(PolicyTable, AnEmptyTableFitsNothing) { EXPECT_EQ(table_of("").find(subject()), nullptr); }

struct BrokenLine {
  const char* line;
  const char* error;
};

class BrokenPolicyLine : public testing::TestWithParam<BrokenLine> {};

TEST_P(BrokenPolicyLine, IsReportedWithFileAndLine) {
  const auto table = PolicyTable::parse("\n" + std::string(GetParam().line), "/etc/signet/policy");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error(), "/etc/signet/policy:2: " + std::string(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BrokenPolicyLine,
    testing::Values(
        BrokenLine{"refuse from=a.example",
                   "want accept|reject|quarantine|tempfail|strict|ignore, got \"refuse\""},
        BrokenLine{"reject", "want a condition such as from=example.com, got none"},
        BrokenLine{"reject reason=x", "want a condition such as from=example.com, got none"},
        BrokenLine{"reject from", "want KEY=VALUE, got \"from\""},
        BrokenLine{"reject form=a.example",
                   "want from, mail_from, client, dkim, list_id, as or reason, got \"form\""},
        BrokenLine{"reject from=a.example from=b.example", "from: given twice in one line"},
        BrokenLine{
            "reject from=a..example",
            "from: want a domain such as example.com, .example.com or *, got \"a..example\""},
        BrokenLine{"reject from=",
                   "from: want a domain such as example.com, .example.com or *, got \"\""},
        BrokenLine{"reject list_id=<a>",
                   "list_id: want a list id such as dev.lists.example.com, got \"<a>\""},
        BrokenLine{"reject list_id=",
                   "list_id: want a list id such as dev.lists.example.com, got \"\""},
        BrokenLine{"reject list_id=\"a b\"",
                   "list_id: want a list id such as dev.lists.example.com, got \"a b\""},
        BrokenLine{"reject list_id=a>",
                   "list_id: want a list id such as dev.lists.example.com, got \"a>\""},
        BrokenLine{"reject from=* reason=\"a\tb\"",
                   "reason: want at most 100 octets of ASCII, got \"a\\x09b\""},
        BrokenLine{"\"reject from=*", "want a closing quotation mark, got the end of the line"},
        BrokenLine{"reject from=* as=friend",
                   "as: want trusted_forwarder|mailing_list|local_policy, got \"friend\""},
        BrokenLine{"reject from=* reason=\"a",
                   "want a closing quotation mark, got the end of the line"}));

TEST(PolicyTable, AllErrorsAreFoundAtOnce) {
  const auto table = PolicyTable::parse("x\nreject from=*\ny\n", "p");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error(),
            "p:1: want accept|reject|quarantine|tempfail|strict|ignore, got \"x\"\n"
            "p:3: want accept|reject|quarantine|tempfail|strict|ignore, got \"y\"");
}

TEST(PolicyTable, AfterAHundredErrorsTheRestIsNotTold) {
  std::string text;
  for (int i = 0; i < 101; ++i) text += "x\n";
  const auto table = PolicyTable::parse(text, "p");
  ASSERT_FALSE(table);
  EXPECT_NE(table.error().find("p:100: "), std::string::npos);
  EXPECT_EQ(table.error().find("p:101: "), std::string::npos);
}

TEST(PolicyTable, ALineOrAReasonThatIsTooLongIsAnError) {
  const std::string reason(101, 'r');
  const auto table = PolicyTable::parse("reject from=* reason=" + reason, "p");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().substr(0, 52), "p:1: reason: want at most 100 octets of ASCII, got \"");
  EXPECT_TRUE(PolicyTable::parse("reject from=* reason=" + reason.substr(1), "p"));

  const std::string line = "reject from=*" + std::string(kMaxConfigLine - 13, ' ');
  EXPECT_TRUE(PolicyTable::parse(line, "p"));
  const auto longer = PolicyTable::parse(line + " ", "p");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error(), fmt::format("p:1: want text of at most {} octets", kMaxConfigLine));
}

TEST(PolicyTable, OfMoreThanTenThousandLinesEachIsAnError) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "reject from=*\n";
  EXPECT_TRUE(PolicyTable::parse(text, "p"));
  const auto table = PolicyTable::parse(text + "reject from=*\n", "p");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error(), "p:10001: want at most 10000 lines");
}

TEST(PolicyTable, AClientThatIsNoNetworkIsAnError) {
  EXPECT_FALSE(PolicyTable::parse("accept client=192.0.2.0/33", "p"));
  EXPECT_FALSE(PolicyTable::parse("accept client=mx.example.com", "p"));
}

TEST(PolicyTable, AFileThatIsNotThereIsAnErrorWithItsPathAndThePlaceOfTheOption) {
  Config config;
  config.policy_table = "/nonexistent/policy";
  config.places["PolicyTable"] = "signet.conf:7";
  const auto table = PolicyTable::load(config);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error(),
            "signet.conf:7: PolicyTable: /nonexistent/policy: No such file or directory");
}

}  // namespace
}  // namespace signet
