// SPDX-License-Identifier: BSD-2-Clause
//
// `signet spf` from the command line to its output, in zones that hold all there is to ask: no
// question leaves the process.

#include "milter/command/spf_command.h"

#include <gtest/gtest.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

namespace fs = std::filesystem;
using std::chrono::sys_days;

constexpr const char* kPublished = SIGNET_SOURCE_DIR "/tests/data/spf-published.zone";

/// All names but those that a test adds do not exist.
constexpr const char* kEmptyRoot = "$TTL 300\n. IN SOA ns.example. hostmaster.example. 1 1 1 1 1\n";

struct Outcome {
  int exit_status;
  std::string out;
  std::string err;
};

bool is_printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\n' || (c >= 0x20 && c <= 0x7e); });
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

class SpfCommand : public testing::Test {
 protected:
  void SetUp() override { write("signet.conf", "AuthservID mail.example.net\n"); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(root_ + "/" + name, std::ios::binary) << text;
    return root_ + "/" + name;
  }

  Outcome run(std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const std::chrono::sys_seconds now = sys_days{std::chrono::year{2026} / 11 / 23};
    CommandContext context{out, err, now, {}};
    arguments.insert(arguments.begin(), {"spf", "-c", root_ + "/signet.conf"});
    const int status = run_signet(arguments, context);
    return {status, out.str(), err.str()};
  }
  /// In a zone of `records` and nothing else.
  Outcome run_in(const std::string& records, std::vector<std::string> arguments) {
    const std::string zone = write("zone", kEmptyRoot + records);
    arguments.insert(arguments.begin(), {"--dns-data", zone});
    return run(std::move(arguments));
  }

  const TemporaryFolder folder_;
  const std::string root_ = folder_.path();
};

constexpr const char* kEachResult =
    "pass.example. IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "fail.example. IN TXT \"v=spf1 -all\"\n"
    "softfail.example. IN TXT \"v=spf1 ~all\"\n"
    "neutral.example. IN TXT \"v=spf1 ?all\"\n"
    "silent.example. IN TXT \"v=spf1\"\n"
    "broken.example. IN TXT \"v=spf1 ipv4:192.0.2.1 -all\"\n"
    "a.loop.example. IN CNAME b.loop.example.\n"
    "b.loop.example. IN CNAME a.loop.example.\n"
    "dns.example. IN TXT \"v=spf1 a:a.loop.example -all\"\n";

TEST_F(SpfCommand, TheExitStatusTellsTheResult) {
  struct Row {
    std::string domain;
    int exit_status;
    std::string line;
  };
  const Row table[] = {
      {"pass.example", 0, "pass: MAIL FROM me@pass.example from 192.0.2.1 (ip4:192.0.2.1)"},
      {"fail.example", 1, "fail: MAIL FROM me@fail.example from 192.0.2.1 (-all)"},
      {"softfail.example", 2, "softfail: MAIL FROM me@softfail.example from 192.0.2.1 (~all)"},
      {"neutral.example", 3, "neutral: MAIL FROM me@neutral.example from 192.0.2.1 (?all)"},
      {"silent.example", 3,
       "neutral: MAIL FROM me@silent.example from 192.0.2.1 (no term matched)"},
      {"gone.example", 4,
       "none: MAIL FROM me@gone.example from 192.0.2.1 (gone.example does not exist)"},
      {"broken.example", 5,
       "permerror: MAIL FROM me@broken.example from 192.0.2.1 (broken.example"},
      {"dns.example", 6,
       "temperror: MAIL FROM me@dns.example from 192.0.2.1 (a:a.loop.example: A a.loop.example: "
       "server_failure)"},
  };
  for (const Row& row : table) {
    for (const char* form : {"--trace", "--json"}) {
      const Outcome outcome = run_in(kEachResult, {form, "192.0.2.1", "me@" + row.domain});
      EXPECT_EQ(outcome.exit_status, row.exit_status) << row.domain << form << outcome.err;
      EXPECT_EQ(outcome.err, "");
    }
    const Outcome outcome = run_in(kEachResult, {"192.0.2.1", "me@" + row.domain});
    EXPECT_EQ(outcome.exit_status, row.exit_status);
    EXPECT_EQ(first_line(outcome.out).substr(0, row.line.size()), row.line);
    EXPECT_EQ(outcome.out.find('\n'), outcome.out.size() - 1) << outcome.out;
  }
}

TEST_F(SpfCommand, TheTraceShowsEachTermUnderItsRecord) {
  const Outcome outcome = run_in(
      "example.com. IN TXT \"v=spf1 mx include:one.example include:two.example "
      "redirect=r.example\"\n"
      "example.com. IN MX 10 mx.example.com.\nmx.example.com. IN A 192.0.2.25\n"
      "one.example. IN TXT \"v=spf1 include:deep.example -all\"\n"
      "deep.example. IN TXT \"v=spf1 ip4:192.0.2.0/28 ~all\"\n"
      "two.example. IN TXT \"v=spf1 a:gone.example -all\"\n"
      "r.example. IN TXT \"v=spf1 -all exp=why.example\"\n"
      "why.example. IN TXT \"%{i} is not ours\"\n",
      {"--trace", "192.0.2.99", "<alice@example.com>"});
  EXPECT_EQ(outcome.exit_status, 1) << outcome.err;
  EXPECT_EQ(outcome.out,
            "fail: MAIL FROM alice@example.com from 192.0.2.99 (-all)\n"
            "  explanation: 192.0.2.99 is not ours\n"
            "  example.com\n"
            "    mx                                            no match: mx.example.com\n"
            "    include:one.example                           no match: fail\n"
            "      one.example\n"
            "        include:deep.example                      no match: softfail\n"
            "          deep.example\n"
            "            ip4:192.0.2.0/28                      no match\n"
            "            ~all                                  match\n"
            "        -all                                      match\n"
            "    include:two.example                           no match: fail\n"
            "      two.example\n"
            "        a:gone.example                            no match: no_domain\n"
            "        -all                                      match\n"
            "    redirect=r.example                            r.example\n"
            "      r.example\n"
            "        -all                                      match\n"
            "        exp=why.example                           192.0.2.99 is not ours\n"
            "  6 of 10 terms that query DNS, 1 of 2 void lookups, 9 DNS questions\n");
}

TEST_F(SpfCommand, TheHeloNameIsCheckedOnItsOwn) {
  const Outcome outcome =
      run_in(kEachResult, {"--trace", "192.0.2.1", "me@pass.example", "fail.example"});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "pass: MAIL FROM me@pass.example from 192.0.2.1 (ip4:192.0.2.1)\n"
            "  pass.example\n"
            "    ip4:192.0.2.1                                 match\n"
            "  0 of 10 terms that query DNS, 0 of 2 void lookups, 1 DNS questions\n"
            "fail: HELO fail.example from 192.0.2.1 (-all)\n"
            "  fail.example\n"
            "    -all                                          match\n"
            "  0 of 10 terms that query DNS, 0 of 2 void lookups, 1 DNS questions\n");
}

TEST_F(SpfCommand, TheNullPathIsPostmasterAtTheHeloName) {  // RFC 7208 2.4
  for (const char* path : {"<>", ""}) {
    const Outcome outcome = run_in(kEachResult, {"192.0.2.1", path, "fail.example"});
    EXPECT_EQ(outcome.exit_status, 1) << outcome.err;
    EXPECT_EQ(outcome.out,
              "fail: MAIL FROM postmaster@fail.example from 192.0.2.1 (-all)\n"
              "fail: HELO fail.example from 192.0.2.1 (-all)\n");
    EXPECT_EQ(run_in(kEachResult, {"192.0.2.1", path}).exit_status, EX_USAGE);
  }
}

TEST_F(SpfCommand, JsonHoldsTheSameFacts) {
  const std::string zone =
      "example.com. IN TXT \"v=spf1 include:one.example a:gone.example -all exp=why.example\"\n"
      "one.example. IN TXT \"v=spf1 ip4:192.0.2.0/28 ~all\"\nwhy.example. IN TXT \"not ours\"\n";
  const Outcome outcome =
      run_in(zone, {"--json", "--trace", "2001:DB8::1", "alice@example.com", "helo.example"});
  EXPECT_EQ(outcome.exit_status, 1) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(outcome.out), nlohmann::json::parse(R"({
    "client": "2001:db8::1",
    "receiver": "mail.example.net",
    "mail_from": {
      "result": "fail", "identity": "alice@example.com", "domain": "example.com",
      "mechanism": "-all", "problem": "", "explanation": "not ours",
      "terms": 2, "terms_limit": 10, "void_lookups": 1, "void_lookups_limit": 2,
      "dns_questions": 4,
      "trace": [
        {"depth": 0, "record": "example.com", "term": "include:one.example",
         "outcome": "no match: softfail"},
        {"depth": 1, "record": "one.example", "term": "ip4:192.0.2.0/28", "outcome": "no match"},
        {"depth": 1, "record": "one.example", "term": "~all", "outcome": "match"},
        {"depth": 0, "record": "example.com", "term": "a:gone.example",
         "outcome": "no match: no_domain"},
        {"depth": 0, "record": "example.com", "term": "-all", "outcome": "match"},
        {"depth": 0, "record": "example.com", "term": "exp=why.example", "outcome": "not ours"}
      ]
    },
    "helo": {
      "result": "none", "identity": "helo.example", "domain": "helo.example", "mechanism": "",
      "problem": "helo.example does not exist", "explanation": "",
      "terms": 0, "terms_limit": 10, "void_lookups": 0, "void_lookups_limit": 2,
      "dns_questions": 1, "trace": []
    }
  })"));
  const auto brief =
      nlohmann::json::parse(run_in(zone, {"--json", "2001:db8::1", "alice@example.com"}).out);
  EXPECT_FALSE(brief.contains("helo"));
  EXPECT_FALSE(brief["mail_from"].contains("trace"));
}

TEST_F(SpfCommand, NothingHostileReachesTheTerminal) {
  // ESC, BEL, CSI in UTF-8 and alone, line ends: in records, explanations, sender and HELO.
  const std::string zone =
      "macro.example. IN TXT \"v=spf1 exists:%{l}.gone.example a:%{h}.gone.example -all "
      "exp=why.example\"\n"
      "why.example. IN TXT \"go to %{l} %{h}\"\n"
      "raw.example. IN TXT \"v=spf1 \\027]0;owned\\007 -all\"\n"
      "raw2.example. IN TXT \"v=spf1 \\027[31m:x=\\194\\155 -all\"\n"
      "rawexp.example. IN TXT \"v=spf1 -all exp=text.example\"\n"
      "text.example. IN TXT \"\\027[2J\\155\\013\\010250 ok\"\n"
      "mx.example. IN TXT \"v=spf1 mx -all\"\n"
      "mx.example. IN MX 10 \\027\\[31m.gone.example.\n";
  const std::string hostile = "\x1b[31m\xc2\x9b\x9b\a\r\nfoo";
  for (const char* domain : {"macro.example", "raw.example", "raw2.example", "rawexp.example",
                             "mx.example", "\x1b[2J\xc2\x9b.example", "\xff.example"}) {
    for (const char* form : {"--trace", "--json"}) {
      const Outcome outcome =
          run_in(zone, {form, "192.0.2.1", hostile + "@" + domain, hostile + ".example"});
      EXPECT_TRUE(is_printable(outcome.out)) << outcome.out;
      EXPECT_NE(outcome.out, "");
      EXPECT_LT(outcome.exit_status, EX__BASE) << outcome.err;
    }
  }
}

TEST_F(SpfCommand, JsonShowsWhatIsNotAscii) {
  const Outcome outcome = run_in(kEachResult, {"--json", "192.0.2.1", "j\xc3\xb6rg@fail.example"});
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["mail_from"]["identity"],
            "j\xc3\xb6rg@fail.example");
  EXPECT_NE(outcome.out.find("j\\u00f6rg@"), std::string::npos) << outcome.out;
}

TEST_F(SpfCommand, TheReceiverIsTheAuthservIdUnlessGiven) {  // RFC 7208 7.3
  const std::string zone =
      "example.com. IN TXT \"v=spf1 -all exp=e.example.com\"\n"
      "e.example.com. IN TXT \"refused by %{r}\"\n";
  const auto explanation = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"192.0.2.1", "me@example.com", "--json"});
    const Outcome outcome = run_in(zone, arguments);
    return nlohmann::json::parse(outcome.out)["mail_from"]["explanation"].get<std::string>();
  };
  EXPECT_EQ(explanation({}), "refused by mail.example.net");
  EXPECT_EQ(explanation({"--receiver", "in.example.org"}), "refused by in.example.org");
  write("signet.conf", "");
  EXPECT_EQ(explanation({}), "refused by unknown");
}

TEST_F(SpfCommand, TheConfigurationsDnsOptionsCount) {
  const std::string zone = write("other.zone", std::string(kEmptyRoot) + kEachResult);
  write("signet.conf", "DNSData " + zone + "\n");
  EXPECT_EQ(run({"192.0.2.1", "me@softfail.example"}).exit_status, 2);
  EXPECT_EQ(
      run_in("softfail.example. IN TXT \"v=spf1 +all\"\n", {"192.0.2.1", "me@softfail.example"})
          .exit_status,
      0);
}

TEST_F(SpfCommand, WhatCannotBeUsedIsRefused) {
  const std::vector<std::string> usage[] = {
      {},
      {"192.0.2.1"},
      {"192.0.2.256", "me@pass.example"},
      {"mx.example", "me@pass.example"},
      {"192.0.2.1", "me@pass.example", "helo.example", "more"},
      {"192.0.2.1", "me@pass.example", "--nameserver", "ns.example"},
      {"192.0.2.1", "me@pass.example", "--nameserver", "192.0.2.53@99999"},
      {"192.0.2.1", "me@pass.example", "--no-such-option"},
  };
  for (const auto& arguments : usage) {
    const Outcome outcome = run_in(kEachResult, arguments);
    EXPECT_EQ(outcome.exit_status, EX_USAGE) << testing::PrintToString(arguments);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err, "");
  }
  const Outcome broken = run_in("fail.example. IN A nowhere\n", {"192.0.2.1", "me@fail.example"});
  EXPECT_EQ(broken.exit_status, EX_CONFIG);
  EXPECT_NE(broken.err.find("DNSData: " + root_ + "/zone:3"), std::string::npos) << broken.err;
  write("signet.conf", "DNSTimeout fast\n");
  const Outcome config = run_in(kEachResult, {"192.0.2.1", "me@pass.example"});
  EXPECT_EQ(config.exit_status, EX_CONFIG);
  EXPECT_NE(config.err.find("signet.conf:1: DNSTimeout"), std::string::npos) << config.err;
}

TEST_F(SpfCommand, HelpTellsTheExitStatuses) {
  const Outcome outcome = run({"--help"});
  EXPECT_EQ(outcome.exit_status, EX_OK);
  EXPECT_NE(outcome.out.find("pass 0, fail 1, softfail 2, neutral 3, none 4, permerror 5, "
                             "temperror 6"),
            std::string::npos)
      << outcome.out;
}

TEST_F(SpfCommand, AVerdictThatCannotBeWrittenIsAnError) {
  std::ofstream full("/dev/full");
  std::ostringstream err;
  CommandContext context{full, err, {}, {}};
  const std::string zone = write("zone", std::string(kEmptyRoot) + kEachResult);
  EXPECT_EQ(run_signet({"spf", "-c", root_ + "/signet.conf", "--dns-data", zone, "192.0.2.1",
                        "me@fail.example"},
                       context),
            EX_IOERR);
}

TEST_F(SpfCommand, TracesRecordsInTheStylesThatArePublished) {
  struct Row {
    std::string client;
    std::string domain;
    std::string result;
    std::string mechanism;
    int terms;
    int void_lookups;
  };
  const Row table[] = {
      {"198.51.100.130", "shop.example.com", "pass", "include:_spf.mailhost.example.net", 4, 0},
      {"2001:db8:2345::1", "shop.example.com", "pass", "include:_spf.mailhost.example.net", 3, 0},
      {"203.0.113.66", "office.example.org", "pass", "include:spf.protection.suite.example.net", 2,
       0},
      {"203.0.113.11", "office.example.org", "fail", "-all", 2, 0},
      {"203.0.113.200", "press.example.com", "pass", "include:mail.helpdesk.example.net", 9, 1},
      {"2001:db8:25::1", "press.example.com", "pass", "mx", 1, 0},
      {"203.0.113.9", "bank.example.org", "pass", "include:%{ir}.%{v}.%{d}.hosted.example.net", 2,
       0},
      {"192.0.2.77", "bank.example.org", "fail", "-all", 3, 1},
      {"203.0.113.240", "travel.example.org", "permerror", "include:mail.helpdesk.example.net", 10,
       0},
  };
  for (const Row& row : table) {
    const Outcome outcome =
        run({"--json", "--dns-data", kPublished, row.client, "a@" + row.domain, "mx.example.org"});
    const auto verdict = nlohmann::json::parse(outcome.out)["mail_from"];
    EXPECT_EQ(verdict["result"], row.result) << outcome.out;
    EXPECT_EQ(verdict["mechanism"], row.mechanism) << outcome.out;
    EXPECT_EQ(verdict["terms"], row.terms) << outcome.out;
    EXPECT_EQ(verdict["void_lookups"], row.void_lookups) << outcome.out;
    EXPECT_LE(verdict["dns_questions"], 20);
  }
}

}  // namespace
}  // namespace signet
