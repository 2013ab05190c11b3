// SPDX-License-Identifier: BSD-2-Clause
//
// When an inbound message asks what: everything as soon as its name is known, so that the end of
// the message comes after the longest chain of questions and no later, and nothing that cannot
// matter. Time is counted in steps, see step_resolver.h.

#include "milter/inbound.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "milter/session.h"
#include "tests/support/step_resolver.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'790'000'000)};

/// RFC 6376, but for the hashes: enough for the key to be asked for.
std::string signature_of(std::string_view domain) {
  return fmt::format(
      " v=1; a=rsa-sha256; d={}; s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "
      "b=AAAAAAAAAAAAAAAA",
      domain);
}

/// Counts how often it was told to ask again.
class News final : public AnswerListener {
 public:
  void answer_arrived() noexcept override { ++count_; }
  int count() const { return count_; }

 private:
  std::atomic<int> count_ = 0;
};

class InboundTest : public testing::Test {
 protected:
  void use_zone(const std::string& text, const Config& config = {}) {
    zone_ = std::make_shared<ZoneResolver>(text);
    steps_ = std::make_shared<StepResolver>(*zone_);
    auto runtime = std::make_shared<Runtime>();
    runtime->config = config;
    runtime->resolver = steps_;
    runtime->host_name = "host.example";
    slot_.replace(runtime);
  }

  void mail(const char* sender, const char* helo = "client.example") {
    session_.connect(*parse_ip_address("192.0.2.1"), "mx.example");
    session_.helo(helo);
    session_.mail_from(sender, {}, kNow);
  }

  void settle() {
    while (background_.is_working()) std::this_thread::yield();
  }

  /// All answers come, one delay after the other, while the body is arriving. Returns the delays.
  int receive_slowly() {
    int steps = 0;
    while (true) {
      session_.body("x\r\n");
      settle();
      if (steps_->answer_all() == 0) return steps;
      settle();
      ++steps;
    }
  }

  /// The end of the message is there and asked again whenever it wants to be, until it need not
  /// wait. Returns the delays.
  int steps_to_the_end() {
    int steps = 0;
    for (auto news = std::make_shared<News>(); session_.end_waits(news);
         news = std::make_shared<News>()) {
      while (news->count() == 0) {
        const bool arrived = steps_->answer_all() > 0;
        EXPECT_TRUE(arrived) << "waits for nothing";
        if (!arrived) return steps;
        settle();
        ++steps;
      }
    }
    return steps;
  }

  /// The end of the message, which has to wait for nothing and to ask nothing.
  const InboundResults& finish() {
    const int asked = steps_->asked();
    session_.end_of_message("4XYZ", kNow);
    EXPECT_EQ(steps_->asked(), asked) << zone_->questions().back();
    return *session_.report().inbound;
  }

  bool has_asked(const std::string& question) const {
    const auto questions = zone_->questions();
    return std::find(questions.begin(), questions.end(), question) != questions.end();
  }

  long questions_with(std::string_view part) const {
    const auto questions = zone_->questions();
    return std::count_if(questions.begin(), questions.end(), [&](const std::string& question) {
      return question.find(part) != std::string::npos;
    });
  }

  RuntimeSlot slot_{nullptr};
  std::shared_ptr<ZoneResolver> zone_;
  std::shared_ptr<StepResolver> steps_;
  Background background_{2};
  Session session_{slot_, background_};
};

constexpr const char* kBrand = R"(
client.example.         TXT "v=spf1 a -all"
client.example.         A 192.0.2.1
_dmarc.brand.example.   TXT "v=DMARC1; p=reject; np=quarantine"
bounce.brand.example.   TXT "v=spf1 ip4:192.0.2.1 -all"
deep.brand.example.     TXT "v=spf1 a:x.brand.example include:spf.brand.example -all"
spf.brand.example.      TXT "v=spf1 mx:mx.brand.example -all"
mx.brand.example.       MX 10 h.brand.example.
h.brand.example.        A 192.0.2.1
)";

TEST_F(InboundTest, TakesTheLongestChainOfAllMethods) {
  use_zone(kBrand);
  mail("<x@deep.brand.example>");
  session_.header("DKIM-Signature", signature_of("mail.brand.example"));
  session_.header("From", " news@brand.example");
  session_.end_of_headers();
  // The record, that of its include, that one's mx, its addresses.
  EXPECT_EQ(receive_slowly(), 4);
  const InboundResults& results = finish();
  EXPECT_EQ(results.spf.result, SpfResult::pass);
  EXPECT_EQ(results.spf_helo.result, SpfResult::pass);
  EXPECT_EQ(results.dmarc.result, DmarcResult::pass);
}

TEST_F(InboundTest, EndsWithTheLastAnswerIfTheMessageCameAtOnce) {
  use_zone(kBrand);
  mail("<x@deep.brand.example>");
  session_.header("From", " news@none.brand.example");
  session_.end_of_headers();
  session_.body("x\r\n");
  std::atomic<bool> ended{false};
  std::thread milter([&] {
    session_.end_of_message("4XYZ", kNow);
    ended = true;
  });
  while (!ended) {
    steps_->answer_all();
    std::this_thread::yield();
  }
  milter.join();
  EXPECT_EQ(session_.report().inbound->spf.result, SpfResult::pass);
  EXPECT_EQ(session_.report().inbound->dmarc.result, DmarcResult::pass);
}

TEST_F(InboundTest, TheEndWaitsForTheLongestChainAndIsToldWhenItNeedNotWait) {
  use_zone(kBrand);
  mail("<x@deep.brand.example>");
  session_.header("DKIM-Signature", signature_of("mail.brand.example"));
  session_.header("From", " news@brand.example");
  session_.body("x\r\n");
  EXPECT_EQ(steps_to_the_end(), 4);
  EXPECT_FALSE(session_.may_wait());
  EXPECT_EQ(finish().dmarc.result, DmarcResult::pass);
}

TEST_F(InboundTest, TheEndWaitsForEachQuestionThatIsOpen) {
  for (size_t open = 0, asked = 1; open < asked; ++open) {
    SCOPED_TRACE(open);
    use_zone(kBrand);
    mail("<x@bounce.brand.example>", "[192.0.2.1]");
    session_.header("DKIM-Signature", signature_of("mail.brand.example"));
    session_.header("From", " news@brand.example");
    session_.end_of_headers();
    asked = steps_->waiting();
    while (steps_->waiting() > open + 1) steps_->answer(open + 1);
    while (steps_->waiting() > 1) steps_->answer(0);
    settle();
    const auto news = std::make_shared<News>();
    EXPECT_TRUE(session_.end_waits(news));
    EXPECT_TRUE(session_.may_wait());
    EXPECT_EQ(news->count(), 0);
    steps_->answer_all();
    settle();
    EXPECT_EQ(news->count(), 1);
    EXPECT_FALSE(session_.end_waits(news));
    EXPECT_FALSE(session_.may_wait());
    EXPECT_EQ(finish().dmarc.result, DmarcResult::pass);
  }
}

TEST_F(InboundTest, TheEndWaitsForWhetherTheAuthorDomainExists) {  // RFC 9989 4.7
  use_zone(kBrand);
  mail("<x@elsewhere.test>", "[192.0.2.1]");
  session_.header("From", " x@none.brand.example");
  session_.end_of_headers();
  EXPECT_EQ(steps_to_the_end(), 2);
  EXPECT_STREQ(finish().dmarc.policy_tag, "np");
}

TEST_F(InboundTest, TheEndWaitsNoLongerThanMessageTimeout) {
  Config config;
  config.message_timeout = std::chrono::milliseconds(50);
  use_zone(kBrand, config);
  mail("<x@deep.brand.example>");
  session_.header("DKIM-Signature", signature_of("mail.brand.example"));
  session_.header("From", " news@brand.example");
  session_.body("x\r\n");
  const auto start = std::chrono::steady_clock::now();
  for (auto news = std::make_shared<News>(); session_.end_waits(news);
       news = std::make_shared<News>()) {
    while (news->count() == 0) std::this_thread::yield();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  session_.end_of_message("4XYZ", kNow);
  const InboundResults& results = *session_.report().inbound;
  EXPECT_EQ(results.spf.result, SpfResult::temperror);
  EXPECT_EQ(results.dkim.at(0).result, DkimResult::temperror);
  EXPECT_EQ(results.dmarc.result, DmarcResult::temperror);
}

/// The same listener throughout, as the callbacks have it: each question has a timer of its own, or
/// the one of another that comes before.
TEST_F(InboundTest, TheEndIsToldOfEachQuestionThatIsNeverAnsweredByOneListener) {
  Config config;
  config.message_timeout = std::chrono::milliseconds(150);
  use_zone(kBrand, config);
  mail("<x@bounce.brand.example>", "[192.0.2.1]");
  session_.header("DKIM-Signature", signature_of("mail.brand.example"));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  session_.header("From", " news@brand.example");
  session_.end_of_headers();
  while (steps_->waiting() > 2) steps_->answer(0);
  settle();
  const auto news = std::make_shared<News>();
  const auto start = std::chrono::steady_clock::now();
  for (int told = 0; session_.end_waits(news); ++told) {
    while (news->count() <= told) {
      ASSERT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
      std::this_thread::yield();
    }
  }
  session_.end_of_message("4XYZ", kNow);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

/// All answers come late; the walk that turns out to be needed then is never answered.
TEST_F(InboundTest, TheEndHasMessageTimeoutOnceHoweverItIsWaitedFor) {
  Config config;
  config.message_timeout = std::chrono::milliseconds(400);
  use_zone(
      "_dmarc.brand. TXT \"v=DMARC1; p=reject; psd=n\"\n"
      "b.brand.      TXT \"v=spf1 ip4:192.0.2.1 -all\"\n",
      config);
  mail("<x@b.brand>", "[192.0.2.1]");
  session_.header("From", " news@a.brand");
  session_.body("x\r\n");
  const auto end = std::chrono::steady_clock::now();
  ASSERT_TRUE(session_.end_waits(std::make_shared<News>()));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  steps_->answer_all();
  settle();
  ASSERT_FALSE(session_.end_waits(std::make_shared<News>()));
  session_.end_of_message("4XYZ", kNow);
  EXPECT_TRUE(has_asked("TXT _dmarc.b.brand"));
  EXPECT_LT(std::chrono::steady_clock::now() - end, std::chrono::milliseconds(550));
}

TEST_F(InboundTest, TheEndOfWhatIsNotVerifiedWaitsForNothing) {
  use_zone(kBrand);
  EXPECT_FALSE(session_.end_waits(std::make_shared<News>()));  // there is no message
  Config config;
  config.verify = false;
  use_zone(kBrand, config);
  mail("<x@deep.brand.example>");
  session_.header("From", " news@brand.example");
  EXPECT_FALSE(session_.end_waits(std::make_shared<News>()));
}

TEST_F(InboundTest, WalksFromDomainsThatMayAlignBesideTheAuthors) {  // RFC 9989 4.10.2
  use_zone(kBrand);
  mail("<x@bounce.brand.example>", "[192.0.2.1]");
  session_.header("DKIM-Signature", signature_of("mail.brand.example"));
  session_.header("From", " news@brand.example");
  session_.end_of_headers();
  EXPECT_TRUE(has_asked("TXT _dmarc.bounce.brand.example"));
  EXPECT_TRUE(has_asked("TXT _dmarc.mail.brand.example"));
  EXPECT_EQ(receive_slowly(), 1);
  EXPECT_EQ(finish().dmarc.result, DmarcResult::pass);
}

TEST_F(InboundTest, WalksFromNoDomainThatCannotAlign) {
  use_zone(kBrand);
  mail("<x@bounce.other.example>");
  session_.header("DKIM-Signature", signature_of("brand.test"));
  session_.header("DKIM-Signature", signature_of("news.brand.example"));
  session_.header("From", " x@news.brand.example");
  session_.end_of_headers();
  EXPECT_EQ(questions_with("TXT _dmarc."), 3);  // news.brand.example, brand.example, example
  receive_slowly();
  finish();
}

TEST_F(InboundTest, WalksFromNoDomainOnceThePolicyIsKnownToRuleItOut) {
  use_zone(
      "_dmarc.brand.example. TXT \"v=DMARC1; p=reject; aspf=s\"\n"
      "bounce.brand.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n");
  mail("<x@bounce.brand.example>");
  session_.header("DKIM-Signature", signature_of("mail.brand.example"));
  session_.header("From", " x@brand.example");
  steps_->answer_all();
  settle();
  session_.end_of_headers();
  EXPECT_FALSE(has_asked("TXT _dmarc.bounce.brand.example"));
  EXPECT_TRUE(has_asked("TXT _dmarc.mail.brand.example"));
  receive_slowly();
  EXPECT_EQ(finish().dmarc.result, DmarcResult::fail);
}

TEST_F(InboundTest, LeavesHalfOfDmarcsQuestionsToWhatTurnsOutToBeNeeded) {
  use_zone(kBrand);
  mail("<x@bounce.brand.example>");
  for (int i = 0; i < 8; ++i) {
    session_.header("DKIM-Signature",
                    signature_of(fmt::format("a.b.c.d.e.f.g{}.brand.example", i)));
  }
  session_.header("From", " x@brand.example");
  session_.end_of_headers();
  EXPECT_LE(questions_with("TXT _dmarc."), DnsShares::kLeastDmarc / 2 + kMaxDmarcWalkQueries);
  receive_slowly();
  finish();
}

TEST_F(InboundTest, AsksWhetherTheAuthorDomainExistsWhileTheBodyArrives) {  // RFC 9989 4.7
  use_zone(kBrand);
  mail("<x@elsewhere.test>", "[192.0.2.1]");
  session_.header("From", " x@none.brand.example");
  session_.end_of_headers();
  EXPECT_FALSE(has_asked("A none.brand.example")) << "only if np may apply";
  EXPECT_EQ(receive_slowly(), 2);
  EXPECT_TRUE(has_asked("A none.brand.example"));
  const InboundResults& results = finish();
  EXPECT_EQ(results.dmarc.result, DmarcResult::fail);
  EXPECT_STREQ(results.dmarc.policy_tag, "np");
}

TEST_F(InboundTest, AsksNothingMoreForAMessageThatIsGone) {
  use_zone(kBrand);
  mail("<x@deep.brand.example>");
  session_.header("From", " x@brand.example");
  steps_->answer_all();
  settle();
  const int asked = steps_->asked();
  session_.reset();
  while (steps_->answer_all() > 0) settle();
  EXPECT_EQ(steps_->asked(), asked);
}

TEST_F(InboundTest, AsksAboutHeloBeforeThereIsAMessage) {
  use_zone(kBrand);
  session_.connect(*parse_ip_address("192.0.2.1"), "mx.example");
  session_.helo("client.example");
  EXPECT_EQ(zone_->questions(), std::vector<std::string>{"TXT client.example"});
  for (int i = 0; i < 100; ++i) session_.helo(fmt::format("h{}.example", i));
  EXPECT_EQ(zone_->question_count(), 2);
}

TEST_F(InboundTest, AsksAboutNoHeloThatSpfWillNotBeAskedAbout) {
  Config config;
  config.internal_hosts = {*parse_ip_network("192.0.2.0/25")};
  config.spf_ignore_hosts = {*parse_ip_network("192.0.2.128/25")};
  use_zone(kBrand, config);
  for (const char* client : {"192.0.2.1", "192.0.2.129"}) {
    session_.connect(*parse_ip_address(client), "mx.example");
    session_.helo("client.example");
  }
  session_.connect(*parse_ip_address("198.51.100.1"), "mx.example");
  session_.helo("[198.51.100.1]");
  EXPECT_EQ(zone_->question_count(), 0);
}

}  // namespace
}  // namespace signet
