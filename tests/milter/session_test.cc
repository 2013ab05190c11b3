// SPDX-License-Identifier: BSD-2-Clause
//
// Sessions fed by hand: what actions a message ends with, and that nothing of one message is
// visible to the next. Whole messages with their verdicts are in tests/scenarios.

#include "milter/session.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "milter/message_line.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr sys_seconds kNow{seconds(1'790'000'000)};

constexpr const char* kZone = R"(
example.com.         TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.example.com.  TXT "v=DMARC1; p=reject"
slow.example.        TXT "v=spf1 include:spf.slow.example -all"
timeout spf.slow.example
_dmarc.slow.example. TXT "v=DMARC1; p=reject"
)";

std::shared_ptr<const Runtime> make_runtime(const Config& config = {}) {
  auto runtime = std::make_shared<Runtime>();
  runtime->config = config;
  runtime->resolver = std::make_shared<ZoneResolver>(kZone);
  runtime->host_name = "host.example";
  return runtime;
}

class SessionTest : public testing::Test {
 protected:
  void from(const char* ip) { session_.connect(*parse_ip_address(ip), "mx.example"); }

  void mail(const char* sender, Client client = {}) {
    session_.helo("client.example");
    session_.mail_from(sender, std::move(client), kNow);
  }

  std::vector<Action> finish(std::initializer_list<HeaderField> fields,
                             std::string_view body = "Hello\r\n") {
    for (const HeaderField& field : fields) session_.header(field.name, field.value);
    session_.end_of_headers();
    session_.body(body);
    return session_.end_of_message("4XYZ", kNow);
  }

  RuntimeSlot slot_{make_runtime()};
  Background background_{8};
  Session session_{slot_, background_};
};

/// The DNS of kZone, of which no SPF record ever comes.
class SpfHoldingResolver final : public Resolver {
 private:
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override {
    if (name.text().starts_with("_dmarc.")) return zone_.start(name, type, test_budget());
    return {std::make_shared<PendingAnswer>(), deadline};
  }
  ZoneResolver zone_{kZone};
};

std::string first_results(const std::vector<Action>& actions) {
  for (const Action& action : actions) {
    const auto* header = std::get_if<InsertHeader>(&action);
    if (header != nullptr && header->name == "Authentication-Results") return header->value;
  }
  return "";
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(SessionTest, MessageWhoseHeaderNeverEndsIsJudgedAllTheSame) {
  for (const bool has_body : {false, true}) {
    from("192.0.2.1");
    mail("<a@example.com>");
    session_.header("From", " a@example.com");
    if (has_body) session_.body("Hello\r\n");
    EXPECT_NE(first_results(session_.end_of_message("4XYZ", kNow)).find("dmarc=pass"),
              std::string::npos);
  }
}

TEST_F(SessionTest, MessageOfNothingButASenderHasNoAuthor) {
  from("192.0.2.1");
  mail("<a@example.com>");
  const auto actions = session_.end_of_message("4XYZ", kNow);
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Reply>(actions.front()));
}

TEST_F(SessionTest, GenuineMailGetsItsResultsAndNothingElse) {
  from("192.0.2.1");
  mail("<alice@example.com>");
  const auto actions = finish({{"From", " Alice <alice@example.com>"}});
  ASSERT_EQ(actions.size(), 1u);
  const std::string results = first_results(actions);
  EXPECT_TRUE(results.starts_with(" mx.example;")) << results;
  EXPECT_TRUE(contains(results, "spf=pass")) << results;
  EXPECT_TRUE(contains(results, "dkim=none")) << results;
  EXPECT_TRUE(contains(results, "dmarc=pass")) << results;
  EXPECT_EQ(session_.report().action, "accept");
}

TEST_F(SessionTest, ForgedMailIsRefusedAndNothingElseIsDone) {
  from("192.0.2.66");
  mail("<alice@example.com>");
  const auto actions = finish(
      {{"Authentication-Results", " mx.example; dmarc=pass"}, {"From", " alice@example.com"}});
  ASSERT_EQ(actions.size(), 1u);
  const auto* reply = std::get_if<Reply>(&actions[0]);
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->code, 550);
  EXPECT_EQ(reply->enhanced_code, "5.7.1");
  EXPECT_TRUE(contains(reply->text, "DMARC"));
  EXPECT_TRUE(contains(reply->text, "example.com"));
}

TEST_F(SessionTest, ForgedResultsAreRemovedFromTheHighestIndexDown) {  // RFC 8601 5
  from("192.0.2.1");
  mail("<alice@example.com>");
  const auto actions = finish({{"Authentication-Results", " mx.example; dmarc=pass"},
                               {"Authentication-Results", " other.example; dmarc=pass"},
                               {"authentication-results", " \"MX.example\" 1; spf=pass"},
                               {"From", " alice@example.com"}});
  ASSERT_EQ(actions.size(), 3u);
  EXPECT_EQ(actions[0], Action(DeleteHeader{"Authentication-Results", 3}));
  EXPECT_EQ(actions[1], Action(DeleteHeader{"Authentication-Results", 1}));
  EXPECT_TRUE(std::holds_alternative<InsertHeader>(actions[2]));
}

TEST_F(SessionTest, InternalMailIsNotVerifiedAndLosesForgedResultsToo) {
  from("127.0.0.1");
  mail("<alice@example.com>");
  const auto actions = finish(
      {{"Authentication-Results", " mx.example; dmarc=pass"}, {"From", " alice@example.com"}});
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0], Action(DeleteHeader{"Authentication-Results", 1}));
  EXPECT_EQ(session_.report().outbound->unsigned_reason, "no key for example.com");
}

TEST_F(SessionTest, ASecondMailForgetsTheFirst) {
  from("192.0.2.66");
  mail("<alice@example.com>");
  session_.header("From", " alice@example.com");
  session_.header("Authentication-Results", " mx.example; spf=pass");
  mail("<bob@nowhere.example>");
  const auto actions = finish({{"From", " bob@nowhere.example"}});
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_TRUE(contains(first_results(actions), "header.from=nowhere.example"))
      << first_results(actions);
}

TEST_F(SessionTest, AbortedMessagesLeaveNothingBehind) {
  from("192.0.2.66");
  mail("<alice@example.com>");
  session_.header("From", " alice@example.com");
  session_.reset();
  EXPECT_FALSE(session_.in_message());
  EXPECT_TRUE(session_.end_of_message("4XYZ", kNow).empty());
}

TEST_F(SessionTest, StepsOutsideAMessageAreHarmless) {
  session_.header("From", " alice@example.com");
  session_.end_of_headers();
  session_.body("x");
  EXPECT_TRUE(session_.end_of_message("", kNow).empty());
}

TEST_F(SessionTest, AMessageMayEndWithoutItsHeaderHavingEnded) {
  mail("<alice@example.com>");
  EXPECT_TRUE(std::holds_alternative<Reply>(session_.end_of_message("4XYZ", kNow).at(0)));
}

TEST_F(SessionTest, TwoFromFieldsAreRefused) {
  from("192.0.2.1");
  mail("<alice@example.com>");
  const auto actions = finish({{"From", " alice@example.com"}, {"From", " mallory@evil.example"}});
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<Reply>(actions[0]));
}

TEST_F(SessionTest, ADnsErrorIsTemperrorAndTheMessageGoesOn) {
  from("192.0.2.9");
  mail("<alice@slow.example>");
  const auto actions = finish({{"From", " alice@slow.example"}});
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_TRUE(contains(first_results(actions), "spf=temperror")) << first_results(actions);
  EXPECT_TRUE(contains(first_results(actions), "dmarc=temperror")) << first_results(actions);
}

TEST_F(SessionTest, ACostlyPolicyOfTheSenderLeavesDmarcItsQuestions) {
  // MAIL FROM and HELO of the attacker take all the DNS they can get; the Author is the victim.
  std::string zone = kZone;
  std::string costly = "TXT \"v=spf1";
  for (int i = 0; i < 10; ++i) {
    costly += " mx:mx" + std::to_string(i) + ".evil.example";
    for (int j = 0; j < 10; ++j) {
      const std::string host = "h" + std::to_string(i) + std::to_string(j) + ".evil.example.";
      zone += "mx" + std::to_string(i) + ".evil.example. MX 1 " + host + "\n";
      zone += host + " A 198.51.100.1\n";
    }
  }
  zone += "evil.example. " + costly + " -all\"\nhelo.evil.example. " + costly + " -all\"\n";
  auto runtime = std::make_shared<Runtime>();
  runtime->resolver = std::make_shared<ZoneResolver>(zone);
  runtime->config.dmarc_reject = DmarcReject::always;
  slot_.replace(runtime);

  from("192.0.2.66");
  session_.helo("helo.evil.example");
  session_.mail_from("<x@evil.example>", {}, kNow);
  const auto actions = finish({{"From", " alice@example.com"}});
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<Reply>(actions[0]));
  EXPECT_EQ(session_.report().inbound->spf.result, SpfResult::fail);
  EXPECT_EQ(session_.report().inbound->spf_helo.result, SpfResult::temperror);  // nothing was left
  EXPECT_EQ(session_.report().inbound->dmarc.result, DmarcResult::fail);
  EXPECT_LE(session_.report().inbound->dns_questions, 204);
}

TEST_F(SessionTest, AMessageEndsUnderTheConfigItBeganWith) {
  from("192.0.2.66");
  mail("<alice@example.com>");
  Config gentle;
  gentle.dmarc_reject = DmarcReject::never;
  slot_.replace(make_runtime(gentle));
  EXPECT_TRUE(std::holds_alternative<Reply>(finish({{"From", " alice@example.com"}})[0]));
  mail("<alice@example.com>");
  EXPECT_TRUE(std::holds_alternative<InsertHeader>(finish({{"From", " alice@example.com"}})[0]));
}

TEST_F(SessionTest, AuthenticatedSendersAreNamedIfSoConfigured) {  // RFC 8601 2.7.4
  Config config;
  config.add_auth_results_for_authenticated = true;
  slot_.replace(make_runtime(config));
  from("192.0.2.66");
  Client client;
  client.auth_type = "PLAIN";
  client.auth_login = "alice";
  mail("<alice@example.com>", client);
  const std::string results = first_results(finish({{"From", " alice@example.com"}}));
  EXPECT_TRUE(contains(results, "auth=pass")) << results;
  EXPECT_TRUE(contains(results, "smtp.auth=alice")) << results;
}

TEST_F(SessionTest, TheLogLineTellsRoleRuleResultsAndQueueId) {
  from("192.0.2.1");
  mail("<alice@example.com>");
  (void)finish({{"From", " alice@example.com"}});
  const std::string line = to_log_line(session_.report());
  for (const char* part :
       {"queue_id=4XYZ", "role=inbound", "role_rule=external", "spf=pass", "dkim=none",
        "dmarc=pass", "client=192.0.2.1", "action=accept", "time=", "dns_questions="}) {
    EXPECT_TRUE(contains(line, part)) << part << " in " << line;
  }
}

TEST_F(SessionTest, TheLogLineCannotBeForged) {
  from("192.0.2.1");
  session_.helo("a\nqueue_id=FORGED");
  session_.mail_from("<x\r\ny@example.com>", {}, kNow);
  (void)finish({{"From", " \"a\r\n b\" <alice@example.com>"}});
  const std::string line = to_log_line(session_.report());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\r'), std::string::npos);
}

Config with_forwarder(IgnoredHostCheck check) {
  Config config;
  config.spf_ignore_hosts = {*parse_ip_network("198.51.100.0/24")};
  config.spf_ignored_host_check = check;
  return config;
}

TEST_F(SessionTest, MailFromAnIgnoredHostIsNotCheckedForSpf) {
  slot_.replace(make_runtime(with_forwarder(IgnoredHostCheck::skip)));
  from("198.51.100.1");
  mail("<alice@example.com>");
  (void)finish({{"Received", " from mx (x [192.0.2.1]) by fwd"}, {"From", " a@nowhere.example"}});
  EXPECT_EQ(session_.report().inbound->spf.result, SpfResult::none);
  EXPECT_EQ(session_.report().inbound->spf.problem, "the client is in SPFIgnoreHosts");
}

TEST_F(SessionTest, TheClientThatAnIgnoredHostReportsIsChecked) {
  slot_.replace(make_runtime(with_forwarder(IgnoredHostCheck::received)));
  from("198.51.100.1");
  mail("<alice@example.com>");
  (void)finish({{"Received", " from fwd2 (y [198.51.100.2]) by fwd"},
                {"Received", " from mx (x [192.0.2.1]) by fwd2"},
                {"Received", " from elsewhere (z [203.0.113.1]) by mx"},
                {"From", " a@example.com"}});
  EXPECT_EQ(session_.report().inbound->spf.result, SpfResult::pass);
  EXPECT_EQ(to_string(*session_.report().inbound->spf_client), "192.0.2.1");
}

TEST_F(SessionTest, AReceivedFieldOfAStrangerIsNotBelieved) {
  slot_.replace(make_runtime(with_forwarder(IgnoredHostCheck::received)));
  from("203.0.113.66");
  mail("<alice@example.com>");
  (void)finish({{"Received", " from mx (x [192.0.2.1]) by fwd"}, {"From", " a@nowhere.example"}});
  EXPECT_EQ(session_.report().inbound->spf.result, SpfResult::fail);
}

TEST_F(SessionTest, ReceivedSpfStandsBelowTheResultsIfSoConfigured) {  // RFC 7208 9.1
  Config config;
  config.received_spf = true;
  slot_.replace(make_runtime(config));
  from("192.0.2.1");
  mail("<alice@example.com>");
  const auto actions = finish({{"From", " alice@example.com"}});
  ASSERT_EQ(actions.size(), 2u);
  const auto* field = std::get_if<InsertHeader>(&actions[0]);
  ASSERT_NE(field, nullptr);
  EXPECT_EQ(field->name, "Received-SPF");
  EXPECT_TRUE(field->value.starts_with(" pass (")) << field->value;
}

TEST_F(SessionTest, SpfRejectRefusesWithItsCode) {  // RFC 7372 3.2
  Config config;
  config.spf_reject = SpfReject::fail;
  slot_.replace(make_runtime(config));
  from("192.0.2.66");
  mail("<alice@example.com>");
  const auto actions = finish({{"From", " a@nowhere.example"}});
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0], Action(Reply{550, "5.7.23", "SPF MAIL FROM check failed for example.com"}));
}

TEST_F(SessionTest, ASenderWhoWaitsBeforeDataIsJudgedAllTheSame) {
  Config config;
  config.message_timeout = std::chrono::milliseconds(100);
  slot_.replace(make_runtime(config));
  from("192.0.2.66");
  mail("<alice@example.com>");
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_TRUE(std::holds_alternative<Reply>(finish({{"From", " alice@example.com"}})[0]));
  EXPECT_EQ(session_.report().inbound->dmarc.result, DmarcResult::fail);
}

TEST_F(SessionTest, ShadowFindsOutEverythingAndDoesNothing) {
  Config config;
  config.shadow = true;
  slot_.replace(make_runtime(config));
  from("192.0.2.66");
  mail("<alice@example.com>");
  EXPECT_EQ(finish({{"Authentication-Results", " mx.example; dmarc=pass"},
                    {"From", " alice@example.com"}})
                .size(),
            0u);
  EXPECT_EQ(session_.report().action, "reject");
  const std::string line = to_log_line(session_.report());
  EXPECT_TRUE(contains(line, "action=accept shadow=reject")) << line;
  EXPECT_TRUE(contains(line, "dmarc=fail")) << line;
}

TEST_F(SessionTest, EachMethodMayHaveAFieldOfItsOwn) {  // RFC 8601 2.2
  Config config;
  config.auth_results_fields = AuthResultsFields::each;
  slot_.replace(make_runtime(config));
  from("192.0.2.1");
  mail("<alice@example.com>");
  const auto actions = finish({{"From", " alice@example.com"}});
  ASSERT_EQ(actions.size(), 3u);
  const char* methods[] = {"dmarc=pass", "dkim=none", "spf=pass"};  // the last one ends on top
  for (size_t i = 0; i < actions.size(); ++i) {
    const auto& header = std::get<InsertHeader>(actions[i]);
    EXPECT_EQ(header.name, "Authentication-Results");
    EXPECT_TRUE(contains(header.value, methods[i])) << header.value;
    EXPECT_TRUE(header.value.starts_with(" mx.example;")) << header.value;
  }
}

std::shared_ptr<const Runtime> runtime_with_table(std::string_view table) {
  auto runtime = std::make_shared<Runtime>(*make_runtime());
  auto parsed = PolicyTable::parse(table, "table");
  if (!parsed) throw std::runtime_error(parsed.error());
  runtime->policy_table = *std::move(parsed);
  return runtime;
}

TEST_F(SessionTest, ALineOfThePolicyTableSeesAuthorSenderClientAndList) {
  slot_.replace(runtime_with_table(
      "ignore from=example.com mail_from=example.com client=192.0.2.66 list_id=dev.example.net "
      "as=mailing_list reason=\"our list\""));
  from("192.0.2.66");
  mail("<alice@example.com>");
  const auto actions =
      finish({{"List-Id", " Developers <dev.example.net>"}, {"From", " alice@example.com"}});
  EXPECT_TRUE(contains(first_results(actions), "PolicyTable line 1 ignore: our list"))
      << first_results(actions);
  EXPECT_TRUE(contains(to_log_line(session_.report()), "policy_override=mailing_list"));
}

TEST_F(SessionTest, AQuarantineOfOursIsMarkedWithoutARecordToo) {
  slot_.replace(runtime_with_table("quarantine from=unknown.example reason=\"not trusted\""));
  from("192.0.2.66");
  mail("<a@unknown.example>");
  const std::string results = first_results(finish({{"From", " a@unknown.example"}}));
  EXPECT_TRUE(
      contains(results, "dmarc=none (dis=quarantine; PolicyTable line 1 quarantine: not trusted)"))
      << results;
  EXPECT_TRUE(contains(results, "policy.dmarc=quarantine")) << results;
}

TEST_F(SessionTest, ABrokenFromThatIsQuarantinedIsMarked) {
  Config config;
  config.bad_from = BadFromAction::quarantine;
  slot_.replace(make_runtime(config));
  from("192.0.2.66");
  mail("<a@unknown.example>");
  const std::string results = first_results(finish({{"Subject", " no author"}}));
  EXPECT_TRUE(contains(results, "policy.dmarc=quarantine")) << results;
}

TEST_F(SessionTest, ATableLineForAnAuthorDoesNotExcuseABrokenFrom) {
  slot_.replace(runtime_with_table("accept from=example.com"));
  for (const char* value : {" alice@example.com, eve@evil.example", " alice@example.com, <eve"}) {
    from("192.0.2.66");
    mail("<alice@example.com>");
    EXPECT_TRUE(std::holds_alternative<Reply>(finish({{"From", value}}).front())) << value;
  }
}

TEST_F(SessionTest, DomainsBelowAProtectedOneAreOurs) {
  Config config;
  config.own_domains = OwnDomains::strict;
  config.protected_domains = {*parse_domain("ours.example")};
  slot_.replace(make_runtime(config));
  from("192.0.2.66");
  mail("<x@elsewhere.example>");
  const auto actions = finish({{"From", " boss@mail.ours.example"}});
  ASSERT_TRUE(std::holds_alternative<Reply>(actions.front()));
  EXPECT_EQ(session_.report().inbound->disposition.rule, "OwnDomains strict");
}

TEST_F(SessionTest, SpfWithoutAVerdictInTimeIsNoReasonToFailDmarc) {
  Config config;
  config.message_timeout = std::chrono::milliseconds(50);
  auto runtime = std::make_shared<Runtime>();
  runtime->config = config;
  runtime->resolver = std::make_shared<SpfHoldingResolver>();
  slot_.replace(runtime);
  from("192.0.2.1");
  mail("<alice@example.com>");
  const auto actions = finish({{"From", " alice@example.com"}});
  EXPECT_TRUE(std::holds_alternative<InsertHeader>(actions[0]));
  EXPECT_EQ(session_.report().inbound->spf.result, SpfResult::temperror);
  EXPECT_EQ(session_.report().inbound->dmarc.result, DmarcResult::temperror);
}

TEST_F(SessionTest, AHeloPolicyLargerThanItsShareUsesWhatMailFromLeft) {
  std::string zone = kZone;
  zone += "big.example. TXT \"v=spf1 mx:m1.big.example mx:m2.big.example -all\"\n";
  for (const char* list : {"m1", "m2"}) {
    for (int j = 0; j < 7; ++j) {
      const std::string host = std::string(list) + "h" + std::to_string(j) + ".big.example.";
      zone += std::string(list) + ".big.example. MX " + std::to_string(j) + " " + host + "\n";
      zone += host + " A " +
              (*list == 'm' && list[1] == '2' && j == 6 ? "192.0.2.1" : "198.51.100.1") + "\n";
    }
  }
  auto runtime = std::make_shared<Runtime>();
  runtime->resolver = std::make_shared<ZoneResolver>(zone);
  slot_.replace(runtime);
  from("192.0.2.1");
  session_.helo("big.example");
  session_.mail_from("<alice@example.com>", {}, kNow);
  (void)finish({{"From", " alice@example.com"}});
  EXPECT_EQ(session_.report().inbound->spf_helo.result, SpfResult::pass);
  EXPECT_LE(session_.report().inbound->dns_questions, 204);
}

TEST_F(SessionTest, AClientWithoutAnAddressIsAStranger) {
  session_.connect(std::nullopt, "mx.example");
  mail("<alice@example.com>");
  EXPECT_TRUE(std::holds_alternative<Reply>(
      finish({{"From", " a@example.com"}, {"From", " b@example.com"}})[0]));
  EXPECT_FALSE(session_.report().role.outbound);
}

// SenderLogins: joe may use example.com, nobody else anything. Both domains have a key.
TEST_F(SessionTest, MayWaitOnlyIfAQuestionWasNotAnsweredAtOnce) {
  from("192.0.2.1");
  EXPECT_FALSE(session_.may_wait());
  mail("<alice@example.com>");
  EXPECT_FALSE(session_.may_wait());
  session_.reset();
  auto runtime = std::make_shared<Runtime>(*make_runtime());
  runtime->resolver = std::make_shared<SpfHoldingResolver>();
  slot_.replace(std::move(runtime));
  mail("<alice@example.com>");
  EXPECT_TRUE(session_.may_wait());
  session_.reset();
  EXPECT_FALSE(session_.may_wait());
}

class SenderLoginsSession : public SessionTest {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "session_test.logins." + std::to_string(getpid());
    std::ofstream(path_) << "joe example.com\n";
    config_.sender_logins = path_;
    use(config_);
    from("192.0.2.66");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void use(const Config& config) {
    auto runtime = std::make_shared<Runtime>(*make_runtime(config));
    runtime->rules = *SigningRules::load(config);
    for (const char* domain : {"example.com", "example.net"}) {
      runtime->keys.add(
          *SigningKey::parse(*generate_key(DkimKeyType::ed25519, 0), *parse_domain(domain), "s1"));
    }
    slot_.replace(std::move(runtime));
  }
  std::vector<Action> send(const char* login, const char* author) {
    Client client;
    client.auth_type = login[0] == '\0' ? "" : "PLAIN";
    client.auth_login = login;
    mail("<bounce@example.net>", client);
    return finish({{"Authentication-Results", " mx.example; dmarc=pass"},
                   {"Authentication-Results", " other.example 9; dmarc=pass"},
                   {"From", author}});
  }
  static bool is_signed(const std::vector<Action>& actions) {
    return std::ranges::any_of(actions, [](const Action& action) {
      const auto* header = std::get_if<InsertHeader>(&action);
      return header != nullptr && header->name == "DKIM-Signature";
    });
  }

  std::string path_;
  Config config_;
};

TEST_F(SenderLoginsSession, ALoginSignsForItsOwnDomains) {
  const auto actions = send("joe", " joe@example.com");
  EXPECT_TRUE(is_signed(actions));
  EXPECT_EQ(first_results(actions), "") << "our own mail is not verified";
  EXPECT_EQ(session_.report().role.rule, "authenticated");
}

TEST_F(SenderLoginsSession, OtherMailOfALoginIsVerifiedAsWhatItIs) {
  const auto actions = send("joe", " ann@example.net");
  EXPECT_FALSE(is_signed(actions));
  const std::string results = first_results(actions);
  EXPECT_TRUE(contains(results, "spf=none")) << results;
  EXPECT_TRUE(contains(results, "header.from=example.net")) << results;
  // As for a stranger, a field of a version nobody knows goes, too (RFC 8601 2.2).
  EXPECT_EQ(actions[0], Action(DeleteHeader{"Authentication-Results", 2}));
  EXPECT_EQ(actions[1], Action(DeleteHeader{"Authentication-Results", 1}));
  const std::string line = to_log_line(session_.report());
  EXPECT_TRUE(contains(line,
                       "role=inbound role_rule=\"SenderLogins: joe may not use "
                       "example.net\" client=192.0.2.66 login=joe"))
      << line;
}

TEST_F(SenderLoginsSession, OrdinaryPolicyDecidesWhetherItIsRefused) {
  const auto actions = send("ann", " alice@example.com");
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Reply>(actions[0])) << "p=reject, and no trust";
}

TEST_F(SenderLoginsSession, AMessageWithoutAnAuthorIsNobodysElse) {
  Client client;
  client.auth_login = "joe";
  mail("<joe@example.com>", client);
  EXPECT_FALSE(is_signed(finish({{"Subject", " no From"}})));
  EXPECT_EQ(session_.report().outbound->unsigned_reason, "no From field");
}

TEST_F(SenderLoginsSession, InternalHostsWithoutALoginAreNotConcerned) {
  from("127.0.0.1");
  EXPECT_TRUE(is_signed(send("", " ann@example.net")));
}

TEST_F(SenderLoginsSession, WithoutVerifyingItIsJustNotSigned) {
  config_.verify = false;
  use(config_);
  EXPECT_EQ(send("joe", " ann@example.net"), std::vector<Action>());
  EXPECT_TRUE(contains(to_log_line(session_.report()), "joe may not use example.net"));
  EXPECT_TRUE(is_signed(send("joe", " joe@example.com"))) << "the next message is itself again";
}

TEST_F(SessionTest, TheLogLineTellsWhatSignedOrWhatWasTried) {
  from("127.0.0.1");
  mail("<alice@example.com>");
  finish({{"From", " alice@example.com"}});
  const std::string line = to_log_line(session_.report());
  EXPECT_TRUE(contains(line, "role_rule=\"InternalHosts 127.0.0.1/32\"")) << line;
  EXPECT_TRUE(contains(line, "unsigned_why=\"no key for example.com\"")) << line;

  Config config;
  config.sign = false;
  slot_.replace(make_runtime(config));
  mail("<alice@example.com>");
  finish({{"From", " alice@example.com"}});
  EXPECT_TRUE(contains(to_log_line(session_.report()), "unsigned_why=\"Mode v\""));
}

}  // namespace
}  // namespace signet
