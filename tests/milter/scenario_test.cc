// SPDX-License-Identifier: BSD-2-Clause
//
// Plays every file of tests/scenarios in process: the message goes into a Session as a milter
// would get it, the actions are carried out as an MTA would, and [expect] is held against what
// comes out. tests/e2e/scenarios.py plays the same files through a real Postfix.

#include "tests/support/scenario.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>

#include "crypto/dkim.h"
#include "crypto/key.h"
#include "milter/message_line.h"
#include "milter/session.h"
#include "milter/signing/key_monitor.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

/// libopendkim stamps t= with the wall clock, so these messages arrive now.
const std::chrono::sys_seconds kNow =
    std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
constexpr int kKeyBits = 1024;  // the least that is valid, because it is made for each test
constexpr size_t kTxtBreak = 200;

/// One key of each type for all names, made when first needed.
const std::string& private_key(DkimKeyType type) {
  static std::map<DkimKeyType, std::string> keys;
  if (const auto known = keys.find(type); known != keys.end()) return known->second;
  Result<std::string> pem = generate_key(type, kKeyBits);
  if (!pem) throw std::runtime_error("no key: " + pem.error());
  return keys[type] = *pem;
}

std::shared_ptr<const SigningKey> signing_key(const ScenarioKey& name) {
  auto key = SigningKey::parse(private_key(name.type), name.domain, name.selector);
  if (!key) throw std::runtime_error("key does not parse: " + key.error());
  return *key;
}

/// p= of the test's key, with a string boundary so that no string is over 255 octets.
std::string published(DkimKeyType type) {
  const Result<Name> anywhere = parse_domain("example.com");
  const std::string record = signing_key({*anywhere, "any", type})->record();
  std::string p = record.substr(record.find("p=") + 2);
  if (p.size() > kTxtBreak) p.insert(kTxtBreak, "\" \"");
  return p;
}

std::string with_keys(std::string zone) {
  for (const auto& [word, type] :
       {std::pair{"$RSA", DkimKeyType::rsa}, std::pair{"$ED25519", DkimKeyType::ed25519}}) {
    for (size_t at = zone.find(word); at != zone.npos; at = zone.find(word)) {
      zone.replace(at, std::string_view(word).size(), published(type));
    }
  }
  return zone;
}

/// The scenario's [file NAME] sections and the keys as files; gone when this is.
class Files {
 public:
  explicit Files(const Scenario& scenario) {
    for (const DkimKeyType type : {DkimKeyType::rsa, DkimKeyType::ed25519}) {
      write(std::string(to_string(type)) + ".pem", private_key(type));
    }
    for (const auto& [name, text] : scenario.files) write(name, with_paths(text));
  }

  std::string with_paths(std::string text) const {
    constexpr std::string_view kWord = "$FILES";
    for (size_t at = text.find(kWord); at != text.npos; at = text.find(kWord)) {
      text.replace(at, kWord.size(), directory_);
    }
    return text;
  }

 private:
  void write(const std::string& name, const std::string& text) const {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), 0600);
  }

  const TemporaryFolder folder_;
  const std::string directory_ = folder_.path();
};

Config config_of(const Scenario& scenario, const Files& files) {
  const bool has_id = scenario.config.find("AuthservID") != std::string::npos;
  const auto parsed = parse_config(
      files.with_paths(scenario.config) + (has_id ? "" : "AuthservID mx.example.org\n"),
      "[config]");
  if (const auto* errors = std::get_if<ConfigErrors>(&parsed)) {
    throw std::runtime_error(fmt::format("{}", fmt::join(errors->lines, "\n")));
  }
  return std::get<Config>(parsed);
}

std::shared_ptr<const Runtime> runtime_of(const Scenario& scenario) {
  const Files files(scenario);
  auto runtime = std::make_shared<Runtime>();
  runtime->config = config_of(scenario, files);
  Result<SigningRules> rules = SigningRules::load(runtime->config);
  if (!rules) throw std::runtime_error(rules.error());
  runtime->rules = *std::move(rules);
  Result<PolicyTable> table = PolicyTable::load(runtime->config);
  if (!table) throw std::runtime_error(table.error());
  runtime->policy_table = *std::move(table);
  for (const ScenarioKey& name : scenario.keys) runtime->keys.add(signing_key(name));
  runtime->resolver = std::make_shared<ZoneResolver>(with_keys(scenario.zone));
  runtime->host_name = "mx.example.org";
  return runtime;
}

/// The sending side's signature goes on top.
void sign(Mail& mail, const ScenarioKey& name) {
  const auto signer = make_dkim_signer(DkimEngine::native, {}, {{signing_key(name), {}}});
  for (const HeaderField& field : mail.fields) signer->header(field);
  signer->end_of_headers();
  signer->body(mail.body);
  const auto signatures = signer->finish(kNow);
  if (!signatures) throw std::runtime_error("cannot sign: " + signatures.error());
  mail.fields.insert(mail.fields.begin(), signatures->begin(), signatures->end());
}

std::string algorithm_of(DkimKeyType type) {
  return type == DkimKeyType::rsa ? "rsa-sha256" : "ed25519-sha256";
}

/// The verdict on a signature by that key; none if there is no such signature.
DkimVerdict verify(const Mail& mail, const ScenarioKey& name) {
  ZoneResolver resolver(with_keys(fmt::format(
      "{}._domainkey.{}. TXT \"v=DKIM1; k={}; p={}\"\n", name.selector, name.domain.text(),
      to_string(name.type), name.type == DkimKeyType::rsa ? "$RSA" : "$ED25519")));
  const auto budget =
      std::make_shared<LookupBudget>(std::chrono::steady_clock::now() + std::chrono::seconds(10));
  const auto verifier = make_dkim_verifier(DkimEngine::native, {}, resolver, budget);
  for (const HeaderField& field : mail.fields) verifier->header(field);
  verifier->end_of_headers(name.domain);
  verifier->body(mail.body);
  for (const DkimVerdict& verdict : verifier->finish(kNow)) {
    if (verdict.domain == name.domain && verdict.selector == name.selector &&
        verdict.algorithm == algorithm_of(name.type)) {
      return verdict;
    }
  }
  return {};
}

/// What became of the message.
struct Outcome {
  std::string reply = "250 2.0.0 Ok";
  bool held = false;
  Mail mail;
  std::string log_line;
};

Outcome play(const Scenario& scenario) {
  Outcome outcome;
  outcome.mail = scenario.message;
  for (const ScenarioKey& signer : scenario.signers) sign(outcome.mail, signer);
  if (!scenario.append.empty()) outcome.mail.body += scenario.append + "\r\n";

  const RuntimeSlot slot(runtime_of(scenario));
  KeyMonitor(slot, std::make_shared<spdlog::logger>("none"))
      .check_now(std::chrono::steady_clock::now(), KeyMonitor::Extent::all);
  Background background(8);
  Session session(slot, background);
  session.connect(*parse_ip_address(scenario.client), "mx.example.org");
  session.helo(scenario.helo);
  Client client;
  client.auth_type = scenario.login.empty() ? "" : "PLAIN";
  client.auth_login = scenario.login;
  client.listener = scenario.listener;
  session.mail_from("<" + scenario.from + ">", client, kNow);
  for (const HeaderField& field : outcome.mail.fields) session.header(field.name, field.value);
  session.end_of_headers();
  session.body(outcome.mail.body);
  for (const Action& action : session.end_of_message("4XYZ", kNow)) {
    apply(action, outcome.mail);
    if (const auto* reply = std::get_if<Reply>(&action)) {
      outcome.reply = fmt::format("{} {} {}", reply->code, reply->enhanced_code, reply->text);
    }
    outcome.held = outcome.held || std::holds_alternative<Quarantine>(action);
  }
  outcome.log_line = to_log_line(session.report());
  return outcome;
}

auto count_fields(const Outcome& outcome, std::string_view pattern) {
  return std::ranges::count_if(outcome.mail.fields, [&](const HeaderField& field) {
    return matches(pattern, unfolded(field));
  });
}

std::string listed(const Outcome& outcome) {
  std::string text = "\nreply: " + outcome.reply + "\n";
  for (const HeaderField& field : outcome.mail.fields) text += unfolded(field) + "\n";
  return text + outcome.log_line;
}

void check(const std::string& key, const std::string& value, const Outcome& outcome) {
  SCOPED_TRACE(key + ": " + value + listed(outcome));
  if (key == "reply") {
    EXPECT_TRUE(matches(value, outcome.reply));
  } else if (key == "held") {
    EXPECT_EQ(outcome.held, value == "yes");
  } else if (key == "top") {
    ASSERT_FALSE(outcome.mail.fields.empty());
    EXPECT_TRUE(matches(value, unfolded(outcome.mail.fields.front())));
  } else if (key == "header") {
    EXPECT_GT(count_fields(outcome, value), 0);
  } else if (key == "no-header") {
    EXPECT_EQ(count_fields(outcome, value), 0);
  } else if (key == "count") {
    const size_t space = value.find(' ');
    EXPECT_EQ(count_fields(outcome, value.substr(space + 1)), std::stoi(value.substr(0, space)));
  } else if (key == "signature") {
    const Result<ScenarioKey> name = parse_scenario_key(value);
    ASSERT_TRUE(name.ok());
    const DkimVerdict verdict = verify(outcome.mail, *name);
    EXPECT_EQ(to_string(verdict.result), "pass") << verdict.reason;
  } else if (key == "log") {
    EXPECT_TRUE(matches("*" + value + "*", outcome.log_line));
  } else {
    FAIL() << "[expect] knows no such key";
  }
}

bool expects(const Scenario& scenario, std::string_view key) {
  return std::ranges::any_of(scenario.expect, [&](const auto& pair) { return pair.first == key; });
}

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(SIGNET_SOURCE_DIR "/tests/scenarios")) {
    if (entry.path().extension() == ".scenario") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

class ScenarioTest : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioTest, EndsAsItsFileSays) {
  const auto scenario =
      load_scenario(SIGNET_SOURCE_DIR "/tests/scenarios/" + GetParam() + ".scenario");
  ASSERT_TRUE(scenario.ok()) << scenario.error();
  const Outcome outcome = play(*scenario);
  // A scenario that says nothing of them expects acceptance, and no hold.
  if (!expects(*scenario, "reply")) check("reply", "250 *", outcome);
  if (!expects(*scenario, "held")) check("held", "no", outcome);
  for (const auto& [key, value] : scenario->expect) check(key, value, outcome);
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioTest, testing::ValuesIn(scenario_names()), test_name);

}  // namespace
}  // namespace signet
