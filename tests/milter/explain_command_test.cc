// SPDX-License-Identifier: BSD-2-Clause
//
// `signet explain` on saved messages, in zones that hold all there is to ask: no question leaves
// the process.

#include "milter/command/explain_command.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include "tests/support/command_test.h"

namespace signet {
namespace {

constexpr const char* kZone =
    "example.com. TXT \"v=spf1 include:spf.example.com -all\"\n"
    "spf.example.com. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n"
    "mail.example.com. A 192.0.2.1\n"
    "slow.example. TYPE65280 \\# 3 001004\n"
    "_dmarc.slow.example. TYPE65280 \\# 3 001003\n";

constexpr const char* kGenuine =
    "Received: from mail.example.com (mail.example.com [192.0.2.1])\n"
    "\tby mx.example.org (Postfix) with ESMTP id 4Xk9BbQ\n"
    "\tfor <bob@example.org>; Mon, 23 Nov 2026 12:00:00 +0000\n"
    "From: Alice <alice@example.com>\n"
    "Subject: hello\n"
    "\n"
    "Hi.\n";

class ExplainCommand : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    publish(kZone);
    genuine_ = write("genuine", std::string("Return-Path: <alice@example.com>\n") + kGenuine);
    configure("AuthservID mx.example.org\n");
  }
  std::string path(const std::string& name) const { return root_ + "/" + name; }
  CommandOutcome explain(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "explain");
    return run(std::move(arguments));
  }

  std::string genuine_;
};

void expect_lines(const std::string& text, const std::vector<std::string>& lines) {
  size_t at = 0;
  for (const std::string& line : lines) {
    const size_t found = text.find(line, at);
    ASSERT_NE(found, std::string::npos) << "missing, or out of order: " << line << "\n" << text;
    at = found + line.size();
  }
}

TEST_F(ExplainCommand, TellsAGenuineMessageFromEndToEnd) {
  const CommandOutcome outcome = explain({genuine_});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.err;
  expect_lines(
      outcome.out,
      {"Message from client 192.0.2.1, HELO mail.example.com, MAIL FROM <alice@example.com>\n",
       "note: 2 fields down to the topmost Received are left out", "Role: inbound (external)\n",
       "DNS: ", "SPF MAIL FROM: pass for alice@example.com (include:spf.example.com)\n",
       "  example.com\n", "ip4:192.0.2.1", "SPF HELO: none for mail.example.com",
       "DKIM: none (no signature)\n", "Author: example.com\n", "DMARC: pass (",
       "policy: p=reject of _dmarc.example.com", "aligned: SPF yes, DKIM no\n",
       "Disposition: none\n", "What the MTA is told: accept\n",
       "add Authentication-Results:", "dmarc=pass"});
}

TEST_F(ExplainCommand, ShowsEachAnswerOfTheDns) {
  const CommandOutcome outcome = explain({genuine_});
  expect_lines(outcome.out, {"  TXT _dmarc.example.com: answered\n",
                             "    _dmarc.example.com. 300 IN TXT \"v=DMARC1; p=reject\"\n",
                             "  TXT _dmarc.com: no_domain\n"});
}

TEST_F(ExplainCommand, AnotherClientMakesItAForgery) {
  const CommandOutcome outcome = explain({genuine_, "--ip", "198.51.100.9", "--helo", "x.example",
                                          "--mail-from", "<alice@example.com>", "--queue-log"});
  EXPECT_EQ(outcome.exit_status, 1);
  expect_lines(
      outcome.out,
      {"Message from client 198.51.100.9, HELO x.example", "SPF MAIL FROM: fail", "DMARC: fail",
       "Disposition: reject (corroborated: spf=fail)\n", "What the MTA is told: reject\n",
       "reply 550 5.7.1 DMARC: message rejected by the policy of example.com\n",
       "Log: queue_id=- action=reject"});
}

TEST_F(ExplainCommand, WhatIsSparedNamesItsOverride) {
  const std::string file = write("list", std::string("List-Id: <dev.example.net>\n") + kGenuine);
  const CommandOutcome outcome =
      explain({file, "--ip", "198.51.100.9", "--mail-from", "a@example.com"});
  EXPECT_EQ(outcome.exit_status, 0);
  expect_lines(outcome.out, {"Disposition: quarantine (uncorroborated: mailing list)\n",
                             "  override: mailing_list\n"});
}

TEST_F(ExplainCommand, TheRecordedAnswersGiveTheSameVerdictAgain) {
  const std::string file = write("slow", "From: a@slow.example\n\nx\n");
  for (const std::string& message : {genuine_, file}) {
    std::vector<std::string> arguments = {message, "--ip", "192.0.2.1", "--mail-from",
                                          "a@slow.example"};
    std::vector<std::string> recording = arguments;
    recording.insert(recording.end(), {"--record", path("recorded.zone")});
    const CommandOutcome first = explain(recording);
    arguments.insert(arguments.end(), {"--dns-data", path("recorded.zone")});
    const CommandOutcome again = explain(arguments);
    EXPECT_EQ(first.exit_status, again.exit_status);
    const auto verdict = [](const std::string& text) { return text.substr(text.find("SPF MAIL")); };
    EXPECT_EQ(verdict(first.out), verdict(again.out));
    EXPECT_NE(first.out.find("temperror"), std::string::npos) << first.out;
  }
}

TEST_F(ExplainCommand, MailOfALoginIsSignedAsTheDaemonWould) {
  ASSERT_EQ(run({"key", "generate", "example.com", "--selector", "s1"}).exit_status, 0);
  const std::string file = write("outgoing", "From: alice@example.com\nSubject: x\n\nHi.\n");
  const CommandOutcome outcome = explain({file, "--ip", "203.0.113.5", "--login", "alice"});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.err;
  expect_lines(outcome.out, {"Role: outbound (authenticated)", "Signed with example.com/s1",
                             "What the MTA is told: accept", "add DKIM-Signature: v=1;"});
}

TEST_F(ExplainCommand, WithoutAClientSpfHasNothingToCheckAndSaysSo) {
  const std::string file = write("bare", "From: alice@example.com\n\nHi.\n");
  const CommandOutcome outcome = explain({file});
  expect_lines(outcome.out, {"Message from client unknown", "note: no Received field on top",
                             "SPF MAIL FROM: none"});
}

TEST_F(ExplainCommand, OutputIsPrintableWhateverTheMessageHolds) {
  const std::string file = write("evil",
                                 "From: \x1b[2J <a@example.com>\nDKIM-Signature: v=1; a=\x1b; "
                                 "s=\x9b; d=x\n\n\x1b");
  const CommandOutcome outcome =
      explain({file, "--ip", "192.0.2.1", "--helo", "\x1b[2J", "--mail-from", "\x1b@\x9b"});
  EXPECT_TRUE(is_safe_to_show(outcome.out)) << outcome.out;
}

TEST_F(ExplainCommand, BadArgumentsAreNamed) {
  EXPECT_EQ(explain({path("nothing")}).exit_status, EX_NOINPUT);
  const CommandOutcome outcome = explain({genuine_, "--ip", "here"});
  EXPECT_EQ(outcome.exit_status, EX_USAGE);
  EXPECT_NE(outcome.err.find("--ip: "), std::string::npos);
  EXPECT_EQ(explain({genuine_, "--record", "/nonexistent/x"}).exit_status, EX_CANTCREAT);
}

}  // namespace
}  // namespace signet
