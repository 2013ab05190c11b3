// SPDX-License-Identifier: BSD-2-Clause
//
// `signet dmarc` from the command line to its output, in zones that hold all there is to ask: no
// question leaves the process.

#include "milter/command/dmarc_command.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include <nlohmann/json.hpp>

#include "tests/support/command_test.h"

namespace signet {
namespace {

constexpr const char* kZone =
    "_dmarc.example.com. TXT \"v=DMARC1; p=reject; sp=quarantine; np=reject; "
    "rua=mailto:d@example.com\"\n"
    "mail.example.com. A 192.0.2.1\n"
    "_dmarc.strict.example. TXT \"v=DMARC1; p=quarantine; adkim=s; aspf=s; t=y\"\n"
    "_dmarc.two.example. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.two.example. TXT \"v=DMARC1; p=none\"\n"
    "_dmarc.evil.example. TXT \"v=DMARC1; p=none; x=\\027[2J\"\n"
    "_dmarc.psd.example. TXT \"v=DMARC1; p=reject; psd=y\"\n"
    "_dmarc.broken.example. TYPE65280 \\# 3 001003\n"
    "_dmarc.bad.example. TXT \"v=DMARC1; p=never\"\n";

class DmarcCommand : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    publish(kZone);
  }
  CommandOutcome dmarc(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "dmarc");
    return run(std::move(arguments));
  }
};

TEST_F(DmarcCommand, ShowsTheWalkAndThePolicyOfASubdomain) {
  const CommandOutcome outcome = dmarc({"mail.example.com"});
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out,
            "mail.example.com: what fails is to be treated as quarantine\n"
            "  _dmarc.mail.example.com                   no record (NXDOMAIN)\n"
            "  _dmarc.example.com                        v=DMARC1; p=reject; sp=quarantine; "
            "np=reject; rua=mailto:d@example.com\n"
            "  _dmarc.com                                no record (NXDOMAIN)\n"
            "  organizational domain: example.com\n"
            "  policy: sp=quarantine of _dmarc.example.com; mail.example.com exists\n"
            "  5 DNS questions\n");
}

TEST_F(DmarcCommand, SaysThatNpAppliesToANameThatDoesNotExist) {  // RFC 9989 4.7
  const CommandOutcome outcome = dmarc({"nobody.example.com"});
  EXPECT_NE(outcome.out.find("policy: np=reject of _dmarc.example.com; nobody.example.com does not "
                             "exist (NXDOMAIN)\n"),
            std::string::npos)
      << outcome.out;
}

TEST_F(DmarcCommand, TellsWhetherDomainsAlign) {
  const CommandOutcome outcome =
      dmarc({"example.com", "--from-spf", "bounce.example.com", "--from-dkim", "example.net"});
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_NE(outcome.out.find("pass: example.com"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("  SPF bounce.example.com aligns (relaxed alignment; organizational "
                             "domain example.com)\n"),
            std::string::npos);
  EXPECT_NE(outcome.out.find("  DKIM example.net does not align (relaxed"), std::string::npos);
}

TEST_F(DmarcCommand, StrictAlignmentAndTestModeAreSaid) {  // RFC 9989 4.7
  const CommandOutcome outcome = dmarc({"strict.example", "--from-dkim", "a.strict.example"});
  EXPECT_EQ(outcome.exit_status, 1);
  EXPECT_NE(outcome.out.find("with t=y it is none"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("DKIM a.strict.example does not align (strict alignment"),
            std::string::npos);
}

struct StatusCase {
  const char* domain;
  int exit_status;
  const char* says;
};

class DmarcStatus : public DmarcCommand, public testing::WithParamInterface<StatusCase> {};

TEST_P(DmarcStatus, TellsTheResult) {
  const CommandOutcome outcome = dmarc({GetParam().domain});
  EXPECT_EQ(outcome.exit_status, GetParam().exit_status) << outcome.err;
  EXPECT_NE((outcome.out + outcome.err).find(GetParam().says), std::string::npos) << outcome.out;
}

INSTANTIATE_TEST_SUITE_P(
    Table, DmarcStatus,
    testing::Values(StatusCase{"example.com", 0, "treated as reject"},
                    StatusCase{"nothing.example", 4, "policy: none applies"},
                    StatusCase{"two.example", 4, "2 DMARC records, so none counts"},
                    StatusCase{"bad.example", 5, "permerror"},
                    StatusCase{"broken.example", 6, "DNS error: server_failure"},
                    StatusCase{"a..b", EX_USAGE, "DOMAIN: "}));

TEST_F(DmarcCommand, OutputIsPrintableWhateverTheRecordHolds) {
  for (const char* flag : {"", "--json"}) {
    std::vector<std::string> arguments = {"evil.example"};
    if (*flag != '\0') arguments.emplace_back(flag);
    const CommandOutcome outcome = dmarc(arguments);
    EXPECT_TRUE(is_safe_to_show(outcome.out)) << outcome.out;
  }
}

TEST_F(DmarcCommand, JsonHoldsTheSame) {
  const CommandOutcome outcome = dmarc({"mail.example.com", "--from-spf", "example.com", "--json"});
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["result"], "pass");
  EXPECT_EQ(json["organizational_domain"], "example.com");
  EXPECT_EQ(json["policy_tag"], "sp");
  EXPECT_EQ(json["walk"].size(), 3U);
  EXPECT_EQ(json["aligned"][0]["aligned"], true);
  EXPECT_EQ(json["aligned"][0]["method"], "spf");
}

}  // namespace
}  // namespace signet
