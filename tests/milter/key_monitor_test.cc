// SPDX-License-Identifier: BSD-2-Clause
//
// KeyMonitor against a DNS that changes: what is asked and when, what is logged, what holds while
// the DNS is down; a rotation played through from one key to the next; and the thread.

#include "milter/signing/key_monitor.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <future>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "milter/outbound.h"
#include "tests/support/dkim_message.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

using Extent = KeyMonitor::Extent;
using KeyPointer = std::shared_ptr<const SigningKey>;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr KnownKey::TimePoint kStart{hours(1000)};

/// Two RSA keys are enough for any rotation; Ed25519 keys are made in no time.
KeyPointer make_key(const char* domain, const char* selector, int made_at = 0,
                    DkimKeyType type = DkimKeyType::ed25519) {
  const SecretText pem(*generate_key(type, 1024));
  return *SigningKey::parse(pem.text(), *parse_domain(domain), selector,
                            SigningKey::Time(seconds(made_at)));
}

std::string published(const KeyPointer& key) {
  return txt_record(key_record_name(*key).text(), key->record());
}

/// What was logged since the last call, a line each without time.
class Log {
 public:
  Log() : logger(std::make_shared<spdlog::logger>("test", make_sink())) {
    logger->set_pattern("%l: %v");
  }
  std::string take() { return std::exchange(text_, std::ostringstream()).str(); }

 private:
  std::shared_ptr<spdlog::sinks::sink> make_sink() {
    return std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
  }
  std::ostringstream text_;

 public:
  const std::shared_ptr<spdlog::logger> logger;
};

class KeyMonitorTest : public testing::Test {
 protected:
  /// Start, or a reload that holds these keys.
  void hold(const std::vector<KeyPointer>& keys) {
    auto runtime = std::make_shared<Runtime>();
    runtime->config = config_;
    runtime->resolver = zone_;
    if (const auto previous = runtimes_.get()) runtime->key_states = previous->key_states;
    for (const KeyPointer& key : keys) runtime->keys.add(key);
    runtimes_.replace(std::move(runtime));
  }
  KeyMonitor::TimePoint check(KnownKey::TimePoint now, Extent extent = Extent::due) {
    return monitor_.check_now(now, extent);
  }
  KeyState state_of(const KeyPointer& key) const {
    return runtimes_.get()->key_states->get(*key).check.state;
  }
  /// The selectors that sign a message of example.com now.
  std::vector<std::string> signers() const {
    OutboundMessage message(runtimes_.get());
    message.header({"From", " alice@example.com"});
    message.end_of_headers();
    message.body("Hello\r\n");
    const OutboundResults results = message.finish(kTestNow);
    EXPECT_EQ(results.failure, "");
    EXPECT_EQ(results.signatures.size(), results.signed_with.size());
    return results.signed_with;
  }

  Config config_;
  std::shared_ptr<ZoneResolver> zone_ = std::make_shared<ZoneResolver>("");
  RuntimeSlot runtimes_{nullptr};
  Log log_;
  KeyMonitor monitor_{runtimes_, log_.logger};
};

TEST_F(KeyMonitorTest, TheFirstRoundAsksAboutEveryKeyAndSaysWhatItFound) {
  const KeyPointer good = make_key("example.com", "s1");
  const KeyPointer missing = make_key("example.com", "s2");
  const KeyPointer other = make_key("example.net", "s1");
  const KeyPointer silent = make_key("example.org", "s1");
  zone_->replace(published(good) + "s1._domainkey.example.net. IN TXT \"v=DKIM1; p=\"\n" +
                 "timeout s1._domainkey.example.org\n");
  hold({good, missing, other, silent});
  check(kStart, Extent::all);
  EXPECT_EQ(zone_->question_count(), 4);
  EXPECT_EQ(state_of(good), KeyState::published);
  EXPECT_EQ(state_of(missing), KeyState::unpublished);
  EXPECT_EQ(state_of(other), KeyState::mismatch);
  EXPECT_EQ(state_of(silent), KeyState::unknown);
  EXPECT_EQ(log_.take(),
            "info: key example.com/s1: published\n"
            "warning: key example.com/s2: unpublished: no TXT record at "
            "s2._domainkey.example.com: no such name\n"
            "warning: key example.net/s1: mismatch: the key is revoked: p= is empty\n"
            "warning: key example.org/s1: unknown: DNS timed_out for s1._domainkey.example.org: "
            "the zone text says so\n"
            "info: keys: 1 published, 1 unpublished, 1 mismatch, 1 unknown\n");
}

TEST_F(KeyMonitorTest, LogsEachChangeOnce) {
  const KeyPointer key = make_key("example.com", "s1");
  const KeyPointer other = make_key("example.com", "s1");
  hold({key});
  check(kStart, Extent::all);
  log_.take();

  check(kStart + hours(1));
  EXPECT_EQ(log_.take(), "") << "nothing has changed";
  zone_->replace(published(key));
  check(kStart + hours(2));
  EXPECT_EQ(log_.take(),
            "info: key example.com/s1: published\n"
            "info: keys: 1 published, 0 unpublished, 0 mismatch, 0 unknown\n");
  zone_->replace(published(other));
  check(kStart + hours(10));
  EXPECT_EQ(log_.take(),
            "warning: key example.com/s1: mismatch: p= differs from octet 1 on (published 32 "
            "octets, the key 32)\n"
            "info: keys: 0 published, 0 unpublished, 1 mismatch, 0 unknown\n");
  zone_->replace("s1._domainkey.example.com. IN TXT \"v=DKIM1; p=\"\n");
  check(kStart + hours(20));
  EXPECT_EQ(log_.take(),
            "warning: key example.com/s1: mismatch: the key is revoked: p= is empty\n"
            "info: keys: 0 published, 0 unpublished, 1 mismatch, 0 unknown\n")
      << "another reason is another finding";
}

TEST_F(KeyMonitorTest, WhileTheDnsIsDownTheLastKnownStateHolds) {
  const KeyPointer key = make_key("example.com", "s1");
  const KeyPointer missing = make_key("example.com", "s2");
  zone_->replace(published(key));
  hold({key, missing});
  check(kStart, Extent::all);
  log_.take();

  zone_->replace("servfail s1._domainkey.example.com\ntimeout s2._domainkey.example.com\n");
  check(kStart + hours(4));
  check(kStart + hours(8));
  EXPECT_EQ(state_of(key), KeyState::published);
  EXPECT_EQ(state_of(missing), KeyState::unpublished);
  EXPECT_EQ(log_.take(),
            "warning: key example.com/s1: DNS server_failure for s1._domainkey.example.com: the "
            "zone text says so; it stays published, as seen 4 hours ago\n"
            "warning: key example.com/s2: DNS timed_out for s2._domainkey.example.com: the zone "
            "text says so; it stays unpublished, as seen 4 hours ago\n"
            "info: keys: 1 published, 1 unpublished, 0 mismatch, 0 unknown\n");
  zone_->replace(published(key));
  check(kStart + hours(16));
  EXPECT_EQ(log_.take(),
            "info: key example.com/s1: the DNS answers again: published\n"
            "warning: key example.com/s2: the DNS answers again: unpublished: no TXT record at "
            "s2._domainkey.example.com: no such name\n"
            "info: keys: 1 published, 1 unpublished, 0 mismatch, 0 unknown\n");
}

TEST_F(KeyMonitorTest, AKeyIsAskedAboutAgainWhenItIsDue) {
  const KeyPointer good = make_key("example.com", "s1");
  const KeyPointer missing = make_key("example.com", "s2");
  const KeyPointer silent = make_key("example.com", "s3");
  zone_->replace(published(good) + "timeout s3._domainkey.example.com\n");
  hold({good, missing, silent});
  const auto asked = [&](seconds since_start) {
    zone_->forget_questions();
    check(kStart + since_start);
    std::string selectors;
    for (const std::string& question : zone_->questions()) {
      selectors += question.substr(std::string("TXT ").size(), 2) + " ";
    }
    return selectors;
  };
  EXPECT_EQ(check(kStart, Extent::all), kStart + seconds(60));
  EXPECT_EQ(asked(seconds(59)), "");
  EXPECT_EQ(asked(seconds(60)), "s3 ");
  // The second failure: two minutes, then four, then eight.
  EXPECT_EQ(asked(seconds(179)), "");
  EXPECT_EQ(asked(seconds(180)), "s3 ");
  EXPECT_EQ(asked(seconds(419)), "");
  EXPECT_EQ(asked(seconds(420)), "s3 ");
  EXPECT_EQ(asked(seconds(599)), "");
  EXPECT_EQ(asked(seconds(600)), "s2 ");
  EXPECT_EQ(asked(hours(4) - seconds(1)), "s2 s3 ");
  EXPECT_EQ(asked(hours(4)), "s1 ");
}

TEST_F(KeyMonitorTest, NoWaitIsLongerThanTheInterval) {
  config_.key_check_interval = seconds(5);
  zone_->replace("timeout s2._domainkey.example.com\n");
  hold({make_key("example.com", "s1"), make_key("example.com", "s2")});
  EXPECT_EQ(check(kStart, Extent::all), kStart + seconds(5));
}

TEST_F(KeyMonitorTest, NothingIsAskedWithoutAnIntervalOrWithoutSigning) {
  for (const bool sign : {true, false}) {
    config_.sign = sign;
    config_.key_check_interval = sign ? seconds(0) : hours(1);
    hold({make_key("example.com", "s1")});
    EXPECT_EQ(check(kStart, Extent::all), KnownKey::TimePoint::max());
  }
  EXPECT_EQ(zone_->question_count(), 0);
  EXPECT_EQ(log_.take(), "");
}

TEST_F(KeyMonitorTest, ManyKeysAreAskedAboutOnceEach) {
  std::vector<KeyPointer> keys;
  const KeyPointer one = make_key("example.com", "s1");
  for (size_t i = 0; i < 2 * KeyMonitor::kBatch + 1; ++i) {
    keys.push_back(*one->under(*parse_domain("d" + std::to_string(i) + ".example.com"), "s1"));
  }
  hold(keys);
  check(kStart, Extent::all);
  EXPECT_EQ(zone_->question_count(), static_cast<int>(keys.size()));
  EXPECT_EQ(state_of(keys.back()), KeyState::unpublished);
}

TEST_F(KeyMonitorTest, AReloadKeepsWhatIsKnownOfTheSameKeyOnly) {
  const KeyPointer key = make_key("example.com", "s1");
  const KeyPointer gone = make_key("example.com", "s2");
  zone_->replace(published(key) + published(gone));
  hold({key, gone});
  check(kStart, Extent::all);

  const KeyPointer replaced = make_key("example.com", "s2");
  hold({key, replaced});
  EXPECT_EQ(state_of(key), KeyState::published);
  EXPECT_EQ(state_of(replaced), KeyState::unknown);
  check(kStart + seconds(1));
  EXPECT_EQ(state_of(replaced), KeyState::mismatch);
  EXPECT_EQ(state_of(gone), KeyState::unknown) << "what nobody holds is forgotten";
}

// The story that a rotation is: each step as an administrator takes it, and who signs then.
TEST_F(KeyMonitorTest, ANewSelectorTakesOverWhenItsRecordIsVisible) {
  using Selectors = std::vector<std::string>;
  const Selectors old_signs = {"example.com/s1"};
  const Selectors new_signs = {"example.com/s2"};
  const KeyPointer old_key = make_key("example.com", "s1", 100, DkimKeyType::rsa);
  const KeyPointer new_key = make_key("example.com", "s2", 200, DkimKeyType::rsa);

  zone_->replace(published(old_key));
  hold({old_key});
  EXPECT_EQ(signers(), old_signs) << "before the first answer: as if it were published";
  check(kStart, Extent::all);
  EXPECT_EQ(signers(), old_signs);

  hold({old_key, new_key});
  EXPECT_EQ(signers(), old_signs) << "nothing is known of the new key, the old one is good";
  check(kStart + hours(1), Extent::all);
  EXPECT_EQ(signers(), old_signs) << "the new record is not there yet";

  zone_->replace("timeout s1._domainkey.example.com\ntimeout s2._domainkey.example.com\n");
  check(kStart + hours(2), Extent::all);
  EXPECT_EQ(signers(), old_signs) << "the DNS is down";

  zone_->replace(published(old_key) + published(new_key));
  check(kStart + hours(3));
  EXPECT_EQ(signers(), new_signs) << "the new record is visible";

  zone_->replace("servfail s1._domainkey.example.com\nservfail s2._domainkey.example.com\n");
  check(kStart + hours(8));
  EXPECT_EQ(signers(), new_signs) << "the DNS is down";

  zone_->replace(published(old_key) + "s2._domainkey.example.com. IN TXT \"v=DKIM1; k=rsa; p=\"\n");
  check(kStart + hours(12), Extent::all);
  EXPECT_EQ(signers(), old_signs) << "the new record was broken by somebody";

  zone_->replace(published(old_key) + published(new_key));
  check(kStart + hours(16), Extent::all);
  hold({new_key});
  EXPECT_EQ(signers(), new_signs) << "the old key is retired";
  zone_->replace(published(new_key));
  check(kStart + hours(20), Extent::all);
  EXPECT_EQ(signers(), new_signs) << "and so is its record";
}

TEST_F(KeyMonitorTest, ARotationLeavesTheKeyOfTheOtherTypeAlone) {
  const KeyPointer rsa = make_key("example.com", "r1", 100, DkimKeyType::rsa);
  const KeyPointer old_key = make_key("example.com", "e1", 100);
  const KeyPointer new_key = make_key("example.com", "e2", 200);
  zone_->replace(published(rsa) + published(old_key) + published(new_key));
  hold({rsa, old_key, new_key});
  EXPECT_EQ(signers().size(), 3u) << "nothing is known yet";
  check(kStart, Extent::all);
  EXPECT_EQ(signers(), (std::vector<std::string>{"example.com/r1", "example.com/e2"}));
}

// ---- The thread ----

/// Tells when it is asked, and answers when it is told to.
class HeldResolver final : public Resolver {
 public:
  std::future<void> asked() { return asked_.get_future(); }
  void answer() {
    auto answer = std::make_shared<Answer>();
    answer->status = DnsStatus::no_domain;
    pending_->set(std::move(answer));
  }

 private:
  Lookup ask(const Name& /*name*/, RecordType /*type*/, Deadline deadline) override {
    asked_.set_value();
    return Lookup(pending_, deadline);
  }
  std::promise<void> asked_;
  std::shared_ptr<PendingAnswer> pending_ = std::make_shared<PendingAnswer>();
};

std::shared_ptr<Runtime> runtime_with(const std::shared_ptr<Resolver>& resolver) {
  auto runtime = std::make_shared<Runtime>();
  runtime->resolver = resolver;
  runtime->config.dns_timeout = hours(1);
  runtime->keys.add(make_key("example.com", "s1"));
  return runtime;
}

TEST(KeyMonitorThread, ChecksAtStartAndAfterAReloadAndDoesNotHoldUpTheEnd) {
  Log log;
  const auto first = std::make_shared<HeldResolver>();
  const auto second = std::make_shared<HeldResolver>();
  auto first_asked = first->asked();
  auto second_asked = second->asked();
  RuntimeSlot runtimes(runtime_with(first));
  KeyMonitor monitor(runtimes, log.logger);
  monitor.start();
  first_asked.wait();
  runtimes.replace(runtime_with(second));
  monitor.runtime_changed();
  first->answer();
  second_asked.wait();
  EXPECT_FALSE(monitor.stop()) << "it waits for an answer";
  second->answer();
}

TEST(KeyMonitorThread, EndsAtOnceWithoutWork) {
  Log log;
  RuntimeSlot runtimes(std::make_shared<Runtime>());
  KeyMonitor monitor(runtimes, log.logger);
  EXPECT_TRUE(monitor.stop()) << "it was never started";
  KeyMonitor idle(runtimes, log.logger);
  idle.start();
  // It may be at work, for a moment, on no keys.
  while (!idle.stop()) std::this_thread::yield();
}

TEST(KeyMonitorThread, MessagesReadWhileItWrites) {
  Log log;
  const auto zone = std::make_shared<ZoneResolver>("");
  const KeyPointer key = make_key("example.com", "s1");
  auto runtime = std::make_shared<Runtime>();
  runtime->resolver = zone;
  runtime->keys.add(key);
  RuntimeSlot runtimes(runtime);
  KeyMonitor monitor(runtimes, log.logger);
  monitor.start();
  zone->replace(published(key));
  // Each round begins anew with what the zone holds by then.
  while (runtime->key_states->get(*key).check.state != KeyState::published) {
    monitor.runtime_changed();
    std::this_thread::yield();
  }
  monitor.stop();
}

}  // namespace
}  // namespace signet
