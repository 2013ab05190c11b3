// SPDX-License-Identifier: BSD-2-Clause
//
// Outgoing messages: which are signed, which go out as they are, and with what reason.

#include "milter/outbound.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'790'000'000)};

std::shared_ptr<const Runtime> make_runtime() {
  auto runtime = std::make_shared<Runtime>();
  const SecretText pem(*generate_key(DkimKeyType::ed25519, 0));
  runtime->keys.add(*SigningKey::parse(pem.text(), *parse_domain("example.com"), "s1"));
  return runtime;
}

OutboundResults send(const std::vector<HeaderField>& fields) {
  OutboundMessage message(make_runtime());
  for (const HeaderField& field : fields) message.header(field);
  message.end_of_headers();
  message.body("Hello\r\n");
  return message.finish(kNow);
}

TEST(Outbound, SignsWithTheKeysOfTheAuthorDomain) {
  const OutboundResults results = send({{"From", " alice@example.com"}});
  EXPECT_EQ(results.signatures.size(), 1u);
  EXPECT_EQ(results.signed_with, std::vector<std::string>{"example.com/s1"});
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
      {{{"From", " alice@example.com"}, {"From ", " bob@example.org"}},
       "the message has 2 From fields"},
      {{{"From", " alice@example.net"}}, "no key for example.net"},
  };
  for (const auto& c : cases) {
    const OutboundResults results = send(c.fields);
    EXPECT_EQ(results.unsigned_reason, c.reason);
    EXPECT_EQ(results.failure, "") << c.reason;
    EXPECT_TRUE(results.signatures.empty()) << c.reason;
    EXPECT_TRUE(results.signed_with.empty()) << c.reason;
  }
}

}  // namespace
}  // namespace signet
