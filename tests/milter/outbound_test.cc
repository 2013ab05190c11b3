// SPDX-License-Identifier: BSD-2-Clause
//
// Outgoing messages: which are signed, which go out as they are, and with what reason.

#include "milter/outbound.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'790'000'000)};

std::shared_ptr<const Runtime> make_runtime(const Config& config = {}) {
  auto runtime = std::make_shared<Runtime>();
  runtime->config = config;
  const SecretText pem(*generate_key(DkimKeyType::ed25519, 0));
  runtime->keys.add(*SigningKey::parse(pem.text(), *parse_domain("example.com"), "s1"));
  return runtime;
}

OutboundResults send(const std::vector<HeaderField>& fields, std::string_view body = "Hello\r\n",
                     const Config& config = {}) {
  OutboundMessage message(make_runtime(config));
  for (const HeaderField& field : fields) message.header(field);
  message.end_of_headers();
  message.body(body);
  return message.finish(kNow);
}

TEST(Outbound, SignsWithTheKeysOfTheAuthorDomain) {
  const OutboundResults results = send({{"From", " alice@example.com"}});
  EXPECT_EQ(results.signatures.size(), 1u);
  EXPECT_EQ(results.signed_with, std::vector<std::string>{"example.com/s1"});
  EXPECT_EQ(results.rule, "KeyDirectory example.com");
  EXPECT_EQ(results.warnings, std::vector<std::string>());
  EXPECT_EQ(results.unsigned_reason, "");
  EXPECT_EQ(results.failure, "");
}

TEST(Outbound, AMessageThatCanNeverBeSignedGoesOutUnsignedAndDoesNotFail) {
  std::vector<HeaderField> many(1000, {"List-Unsubscribe", " <mailto:x@example.com>"});
  many.push_back({"From", " alice@example.com"});
  struct {
    std::vector<HeaderField> fields;
    const char* reason;
  } const cases[] = {
      {many, "too many header fields to sign: their names have 17101 octets, at most 12000 fit"},
      {{{"From", " alice@example.com"}, {"Subject", std::string(" a\0b", 4)}},
       "a header field holds a NUL"},
      {{{"From", " alice@example.com"}, {"From ", " bob@example.org"}}, "2 From fields"},
      {{{"From", " alice@example.net"}}, "no key for example.net"},
      {{{"From", " alice@example.com, bob@example.net"}}, "2 Author Domains"},
      {{{"From", " alice@example.com"}, {"From", " alice@example.com"}}, "2 From fields"},
      {{}, "no From field"},
  };
  for (const auto& c : cases) {
    const OutboundResults results = send(c.fields);
    EXPECT_EQ(results.unsigned_reason, c.reason);
    EXPECT_EQ(results.failure, "") << c.reason;
    EXPECT_TRUE(results.signatures.empty()) << c.reason;
    EXPECT_TRUE(results.signed_with.empty()) << c.reason;
  }
}

// What a server behind us would change: RFC 5322 2.1.1, 2.3.
TEST(Outbound, FragileLinesAreSignedWithAWarningOrNotSigned) {
  const std::string long_line(1000, 'x');
  const struct {
    std::string subject;
    std::string body;
    FragileLines Config::*option;
    const char* finding;
  } cases[] = {
      {"a", long_line + "\r\n", &Config::long_lines, "line 1 of the body has 1,000 octets"},
      {long_line, "Hello\r\n", &Config::long_lines, "line 1 of the Subject field has "},
      {"a", "Hello\r\nnew\nworld\r\n", &Config::bare_newlines, "line 2 of the body"},
      {"a", "Hello\r\nnew\rworld\r\n", &Config::bare_newlines, "line 2 of the body"},
  };
  for (const auto& c : cases) {
    Config config;
    const std::vector<HeaderField> fields = {{"From", " alice@example.com"},
                                             {"Subject", " " + c.subject}};
    const OutboundResults warned = send(fields, c.body, config);
    EXPECT_EQ(warned.signatures.size(), 1U) << c.finding;
    ASSERT_EQ(warned.warnings.size(), 1U) << c.finding;
    EXPECT_NE(warned.warnings[0].find(c.finding), std::string::npos) << warned.warnings[0];

    config.*c.option = FragileLines::refuse;
    const OutboundResults refused = send(fields, c.body, config);
    EXPECT_EQ(refused.signatures.size(), 0U) << c.finding;
    EXPECT_EQ(refused.signed_with.size(), 0U) << c.finding;
    EXPECT_NE(refused.unsigned_reason.find(c.finding), std::string::npos)
        << refused.unsigned_reason;
    EXPECT_EQ(refused.failure, "");
    EXPECT_EQ(refused.rule, "KeyDirectory example.com") << "it would have signed";
  }
}

TEST(Outbound, MailThatIsNotSignedAnywayHasNoFragileLines) {
  Config config;
  config.long_lines = FragileLines::refuse;
  const OutboundResults results =
      send({{"From", " alice@example.net"}}, std::string(1000, 'x'), config);
  EXPECT_EQ(results.unsigned_reason, "no key for example.net");
  EXPECT_TRUE(results.warnings.empty());
}

}  // namespace
}  // namespace signet
