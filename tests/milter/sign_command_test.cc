// SPDX-License-Identifier: BSD-2-Clause
//
// `signet sign`, and `signet verify` on what it printed: with keys from a folder and a zone made
// from their records, who signs, who does not, and what is said about it.

#include "milter/command/sign_command.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include <nlohmann/json.hpp>

#include "crypto/key.h"
#include "tests/support/command_test.h"
#include "tests/support/dkim_message.h"

namespace signet {
namespace {

using namespace std::string_literals;
using nlohmann::json;

constexpr const char* kMessage =
    "From: Joe <joe@example.com>\n"
    "To: suzie@example.net\n"
    "Subject: Is dinner\n"
    "  ready?\n"
    "\n"
    "Hi.  \n"
    "\n"
    "\n";

class SignCommand : public CommandTest {
 protected:
  /// A key file for DOMAIN/SELECTOR; its record is published by default. Returns the path.
  std::string add_key(const std::string& domain, const std::string& selector,
                      const DkimTestKey& key = rsa_test_key(), bool is_published = true) {
    if (is_published) {
      records_ += txt_record(selector + "._domainkey." + domain, key.record());
      publish(records_);
    }
    return write("keys/" + domain + "/" + selector + ".pem", pem_of(key));
  }
  CommandOutcome sign(const std::string& file, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"sign", write("message", file)});
    return run(std::move(options));
  }
  /// "pass sel" for each signature, in order.
  std::vector<std::string> verify(const std::string& file, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"verify", "-", "--json"});
    const auto outcome = run(std::move(options), file);
    std::vector<std::string> results;
    const json found = json::parse(outcome.out);
    for (const json& signature : found["signatures"]) {
      results.push_back(signature["result"].get<std::string>() + " " +
                        signature["selector"].get<std::string>());
    }
    return results;
  }

  std::string records_;
};

using Results = std::vector<std::string>;

TEST_F(SignCommand, WhatItSignsVerifies) {
  add_key("example.com", "rsa");
  add_key("example.com", "ed", ed25519_test_key());
  const auto outcome = sign(kMessage);
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_EQ(outcome.err,
            "signet: signed with example.com/rsa, example.com/ed (KeyDirectory example.com; "
            "client: InternalHosts 127.0.0.1/32)\n");
  EXPECT_EQ(outcome.out.substr(0, 15), "DKIM-Signature:");
  EXPECT_TRUE(outcome.out.ends_with(kMessage));
  EXPECT_EQ(outcome.out.find('\r'), std::string::npos);
  EXPECT_EQ(verify(outcome.out), (Results{"pass ed", "pass rsa"}));
  EXPECT_EQ(verify(replace_all(outcome.out, "Hi.", "Ho.")), (Results{"fail ed", "fail rsa"}));
}

TEST_F(SignCommand, EveryCanonicalizationAndEngineSigns) {
  add_key("example.com", "sel");
  for (const char* engine : {"native", "libopendkim"}) {
    for (const char* c : {"simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"}) {
      // libopendkim looks at the clock itself.
      configure("DKIMEngine "s + engine + "\nSignatureTTL 0\nCanonicalization " + c + "\n");
      const auto outcome = sign(kMessage);
      EXPECT_EQ(verify(outcome.out, {"--at", "9999-12-31"}), Results{"pass sel"})
          << engine << c << outcome.err;
      EXPECT_NE(outcome.out.find("c="s + c), std::string::npos);
    }
  }
}

TEST_F(SignCommand, LineEndsStayAsTheyAreInTheFile) {
  add_key("example.com", "sel");
  const std::string wire = replace_all(kMessage, "\n", "\r\n");
  const auto outcome = sign(wire);
  EXPECT_TRUE(outcome.out.ends_with(wire));
  EXPECT_EQ(replace_all(outcome.out, "\r\n", "\n"), sign(kMessage).out);
  EXPECT_EQ(verify(outcome.out), Results{"pass sel"});
}

TEST_F(SignCommand, OnlyTheFieldsCanBePrinted) {
  add_key("example.com", "sel");
  const std::string whole = sign(kMessage).out;
  const auto outcome = sign(kMessage, {"--header-only"});
  EXPECT_EQ(outcome.out + kMessage, whole);
  EXPECT_EQ(outcome.exit_status, 0);
}

TEST_F(SignCommand, ReadsStandardInputAndLeavesOutTheSeparatorOfAnMbox) {
  add_key("example.com", "sel");
  const auto outcome =
      run({"sign", "-"}, "From joe@example.com Mon Nov 23 12:00:00 2026\n" + std::string(kMessage));
  EXPECT_EQ(outcome.out, sign(kMessage).out);
}

TEST_F(SignCommand, AKeyOnTheCommandLineIsTheOnlyOne) {
  add_key("example.com", "sel");
  const std::string path = write("mine.pem", pem_of(ed25519_test_key()));
  const auto outcome =
      sign(kMessage, {"--domain", "example.com", "--selector", "mine", "--key", path});
  EXPECT_EQ(outcome.err,
            "signet: signed with example.com/mine (Domain example.com; client: InternalHosts "
            "127.0.0.1/32)\n");
  EXPECT_EQ(outcome.exit_status, 0);
  publish(txt_record("mine._domainkey.example.com", ed25519_test_key().record()));
  EXPECT_EQ(verify(outcome.out), Results{"pass mine"});
  const std::vector<std::string> incomplete[] = {{"--key", path},
                                                 {"--domain", "example.com"},
                                                 {"--selector", "mine"},
                                                 {"--domain", "example.com", "--key", path}};
  for (const auto& options : incomplete) EXPECT_EQ(sign(kMessage, options).exit_status, EX_USAGE);
  EXPECT_EQ(sign(kMessage, {"--domain", "a..b", "--selector", "x", "--key", path}).exit_status,
            EX_USAGE);
  EXPECT_EQ(
      sign(kMessage, {"--domain", "example.com", "--selector", "a/b", "--key", path}).exit_status,
      EX_USAGE);
  EXPECT_EQ(sign(kMessage, {"--domain", "example.com", "--selector", "x", "--key", root_ + "/none"})
                .exit_status,
            EX_CONFIG);
}

struct UnsignedCase {
  std::string options;  ///< of the configuration
  std::string message;
  std::vector<std::string> arguments;
  std::string err;
};

TEST_F(SignCommand, SaysWhyAMessageIsNotSigned) {
  add_key("example.com", "sel");
  const std::string logins =
      "SenderLogins " + write("logins", "joe example.com\nsuzie example.net\n") + "\n";
  const std::string internal = " (client: InternalHosts 127.0.0.1/32)\n";
  const UnsignedCase cases[] = {
      {"",
       replace_all(kMessage, "example.com", "example.org"),
       {},
       "not signed: no key for example.org" + internal},
      {"", "To: x\n\n", {}, "not signed: no From field" + internal},
      {"",
       "From: a@example.com\n" + std::string(kMessage),
       {},
       "not signed: 2 From fields" + internal},
      {"",
       kMessage,
       {"--client", "192.0.2.1"},
       "not signed: this is incoming mail (client: external)\n"},
      {"Mode v\n", kMessage, {}, "not signed: Mode is v" + internal},
      {logins,
       kMessage,
       {"--login", "suzie"},
       "not signed: this is incoming mail (client: SenderLogins: suzie may not use example.com)\n"},
      {"BareNewlines refuse\n",
       std::string(kMessage) + "a\rb\n",
       {},
       "note: the body holds 1 CR without LF, kept\n"},
  };
  for (const UnsignedCase& c : cases) {
    configure(c.options);
    const auto outcome = sign(c.message, c.arguments);
    EXPECT_EQ(outcome.exit_status, 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err.substr(0, 8 + c.err.size()), "signet: " + c.err);
    EXPECT_NE(outcome.err.find("not signed: "), std::string::npos);
  }
}

TEST_F(SignCommand, ALoginMayUseItsDomains) {
  add_key("example.com", "sel");
  configure("SenderLogins " + write("logins", "joe example.com\n") + "\n");
  const auto outcome = sign(kMessage, {"--login", "joe", "--client", "192.0.2.1"});
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_EQ(outcome.err,
            "signet: signed with example.com/sel (KeyDirectory example.com; client: "
            "authenticated)\n");
}

TEST_F(SignCommand, TheSigningTableDecidesAsInTheDaemon) {
  const std::string key = write("elsewhere.pem", pem_of(rsa_test_key()));
  const std::string key_table = write("key-table", "k1 example.net:sel:" + key + "\n");
  const std::string signing_table = write("signing-table", "*@example.com k1\n");
  configure("KeyTable " + key_table + "\nSigningTable refile:" + signing_table + "\n");
  publish(txt_record("sel._domainkey.example.net", rsa_test_key().record()));
  const auto outcome = sign(kMessage);
  EXPECT_EQ(outcome.err, "signet: signed with example.net/sel (SigningTable " + signing_table +
                             ":1 *@example.com; client: InternalHosts 127.0.0.1/32)\n");
  EXPECT_EQ(verify(outcome.out), Results{"pass sel"});
}

TEST_F(SignCommand, KeysThatAreNotPublishedAreLeftOutAsInTheDaemon) {
  add_key("example.com", "new", rsa_test_key(), false);
  add_key("example.com", "old", ed25519_test_key());
  const auto both = sign(kMessage);
  EXPECT_EQ(verify(both.out), Results{"pass old"});
  EXPECT_NE(both.err.find("signet: not with example.com/new: unpublished\n"), std::string::npos)
      << both.err;
  // Nobody asks.
  configure("KeyCheckInterval 0\n");
  EXPECT_EQ(verify(sign(kMessage).out).size(), 2U);
}

TEST_F(SignCommand, WhereTheDaemonWouldWaitTheExitStatusSaysSo) {
  add_key("example.com", "new", rsa_test_key(), false);
  EXPECT_EQ(sign(kMessage).exit_status, 0);
  configure("OnKeyMismatch skip\n");
  EXPECT_EQ(sign(kMessage).exit_status, 1);
  configure("OnKeyMismatch tempfail\n");
  const auto outcome = sign(kMessage);
  EXPECT_EQ(outcome.exit_status, EX_TEMPFAIL);
  EXPECT_EQ(outcome.out, "");
}

TEST_F(SignCommand, AKeyThatCannotBeUsedIsNamed) {
  const std::string path = write("keys/example.com/sel.pem", "no key");
  const auto outcome = sign(kMessage);
  EXPECT_EQ(outcome.exit_status, 1);
  EXPECT_NE(outcome.err.find("signet: " + path + ": "), std::string::npos) << outcome.err;
}

TEST_F(SignCommand, WarnsOfLinesThatMayBeChangedOnTheWay) {
  add_key("example.com", "sel");
  const auto outcome = sign(kMessage + std::string(2000, 'x') + "\n");
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_NE(outcome.err.find("\nsignet: warning: "), std::string::npos) << outcome.err;
}

TEST_F(SignCommand, SaysWhatItCannotUse) {
  EXPECT_EQ(run({"sign", root_ + "/nowhere"}).exit_status, EX_NOINPUT);
  EXPECT_EQ(run({"sign"}).exit_status, EX_USAGE);
  EXPECT_EQ(sign(kMessage, {"--client", "x"}).exit_status, EX_USAGE);
  EXPECT_EQ(sign(kMessage, {"--nameserver", "x"}).exit_status, EX_USAGE);
  configure("SenderLogins " + root_ + "/nowhere\n");
  EXPECT_EQ(sign(kMessage).exit_status, EX_CONFIG);
  configure("Nonsense yes\n");
  EXPECT_EQ(sign(kMessage).exit_status, EX_CONFIG);
}

TEST_F(SignCommand, OddMessagesAreSignedOctetByOctet) {
  add_key("example.com", "sel");
  for (const std::string& body :
       {""s, "\n\n\n"s, "no line end"s, "\0\x80\xff\n"s, " \t \n"s, std::string(3'000'000, '\n')}) {
    const std::string message = "Subject : x\nFROM:\n joe@example.com\nX:\n\n" + body;
    const auto outcome = sign(message);
    EXPECT_TRUE(outcome.out.ends_with(message)) << outcome.err;
    EXPECT_EQ(outcome.exit_status, 0) << outcome.err;
    EXPECT_EQ(verify(outcome.out), Results{"pass sel"});
  }
}

TEST_F(SignCommand, NothingUnprintableReachesStderr) {
  add_key("example.com", "sel");
  const std::string evil = "\x1b[2J\x9b\a"s;
  for (const std::string& from :
       {"<" + evil + "@example.org>", evil, "a@" + evil + ".example.org"}) {
    const auto outcome = sign("From: " + from + "\n\n", {"--login", evil});
    EXPECT_TRUE(is_safe_to_show(outcome.err)) << outcome.err;
    EXPECT_EQ(outcome.exit_status, 1);
  }
  configure("SenderLogins " + write("logins", "joe example.com\n") + "\n");
  const auto outcome = sign(kMessage, {"--login", evil});
  EXPECT_TRUE(is_safe_to_show(outcome.err)) << outcome.err;
}

}  // namespace
}  // namespace signet
