// SPDX-License-Identifier: BSD-2-Clause
//
// UnboundResolver against a real name server on loopback that is honest, slow, mute or hostile.
// Where a test must see a timeout it takes a short one; nothing waits for a fixed time otherwise.

#include "dns/unbound/unbound_resolver.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "dns/unbound/high_thread.h"
#include "tests/support/dns_server.h"

namespace signet {
namespace {

using namespace std::chrono_literals;  // NOLINT: 5s reads better than seconds(5)
using Clock = std::chrono::steady_clock;

constexpr const char* kZone = R"($ORIGIN example.com.
$TTL 300
@          IN SOA ns hostmaster 1 2 3 4 60
@          IN A 192.0.2.1
@          IN A 192.0.2.2
@          IN AAAA 2001:db8::1
@          IN MX 10 mx1
@          IN MX 20 mx2
@          IN TXT "v=spf1 " "ip4:192.0.2.0/24 -all"
www        IN CNAME web
web        IN CNAME host.example.net.
host.example.net. IN A 192.0.2.7
once       0 IN A 192.0.2.8
brief      1 IN A 192.0.2.9
*.wild     IN TXT "wild"
loop       IN CNAME pool
pool       IN CNAME loop
1.2.0.192.in-addr.arpa. IN PTR host
7.1.0.10.in-addr.arpa.  IN PTR ten
host.test.              IN A 192.0.2.10
)";

Name name(std::string_view text) { return *parse_query_name(text); }

std::unique_ptr<UnboundResolver> make_resolver(const UnboundOptions& options) {
  auto made = UnboundResolver::create(options);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error());
  return made.ok() ? *std::move(made) : nullptr;
}

/// A server and a resolver that asks it.
class UnboundResolverTest : public testing::Test {
 protected:
  UnboundOptions options() const {
    UnboundOptions result;
    result.nameservers = {server_.address()};
    return result;
  }

  /// Replaces the resolver by one with this timeout.
  void use_timeout(std::chrono::milliseconds timeout) {
    UnboundOptions changed = options();
    changed.timeout = timeout;
    resolver_ = make_resolver(changed);
  }

  Lookup start(std::string_view asked, RecordType type) {
    return resolver_->start(name(asked), type, budget_);
  }
  Answer ask(std::string_view asked, RecordType type) { return start(asked, type).get(); }
  DnsStatus status(std::string_view asked, RecordType type) { return ask(asked, type).status; }

  DnsServer server_{kZone};
  std::unique_ptr<UnboundResolver> resolver_ = make_resolver(options());
  LookupBudget budget_{Clock::now() + 60s, 100'000};
};

TEST_F(UnboundResolverTest, AnswersEachType) {
  const Answer a = ask("example.com", RecordType::a);
  EXPECT_EQ(a.status, DnsStatus::answered);
  EXPECT_EQ(a.addresses,
            (std::vector{*parse_ip_address("192.0.2.1"), *parse_ip_address("192.0.2.2")}));
  EXPECT_EQ(a.ttl, 300s);
  EXPECT_FALSE(a.authenticated);
  EXPECT_EQ(ask("example.com", RecordType::aaaa).addresses,
            std::vector{*parse_ip_address("2001:db8::1")});
  EXPECT_EQ(ask("example.com", RecordType::mx).exchanges,
            (std::vector<MxRecord>{{10, name("mx1.example.com")}, {20, name("mx2.example.com")}}));
  EXPECT_EQ(ask("1.2.0.192.in-addr.arpa", RecordType::ptr).names,
            std::vector{name("host.example.com")});
  EXPECT_EQ(ask("example.com", RecordType::txt).texts,
            std::vector<std::string>{"v=spf1 ip4:192.0.2.0/24 -all"});
}

TEST_F(UnboundResolverTest, FollowsAliases) {
  const Answer answer = ask("www.example.com", RecordType::a);
  EXPECT_EQ(answer.status, DnsStatus::answered);
  EXPECT_EQ(answer.addresses, std::vector{*parse_ip_address("192.0.2.7")});
}

TEST_F(UnboundResolverTest, AliasesInALoopAreServerFailure) {
  EXPECT_EQ(status("loop.example.com", RecordType::a), DnsStatus::server_failure);
}

TEST_F(UnboundResolverTest, TellsNoDataFromNoDomain) {
  const Answer no_data = ask("www.example.com", RecordType::txt);
  EXPECT_EQ(no_data.status, DnsStatus::no_data);
  const Answer no_domain = ask("nothing.example.com", RecordType::txt);
  EXPECT_EQ(no_domain.status, DnsStatus::no_domain);
  EXPECT_EQ(no_domain.ttl, 60s);  // RFC 2308 5: the SOA's MINIMUM
}

TEST_F(UnboundResolverTest, ServfailAndRefusedAreServerFailure) {
  server_.behave("broken.example.com", {.rcode = 2});
  server_.behave("closed.example.com", {.rcode = 5});
  for (const char* asked : {"broken.example.com", "closed.example.com"}) {
    const Answer answer = ask(asked, RecordType::txt);
    EXPECT_EQ(answer.status, DnsStatus::server_failure) << asked;
    EXPECT_FALSE(answer.error.empty());
  }
}

TEST_F(UnboundResolverTest, LeavesPrivateReverseZonesAndTestToTheNameServer) {
  EXPECT_EQ(status("7.1.0.10.in-addr.arpa", RecordType::ptr), DnsStatus::answered);
  EXPECT_EQ(status("host.test", RecordType::a), DnsStatus::answered);
}

TEST_F(UnboundResolverTest, NeverAsksForNamesThatDoNotExistByDefinition) {  // RFC 6761 6.4
  EXPECT_EQ(status("example.invalid", RecordType::a), DnsStatus::no_domain);
  EXPECT_EQ(server_.question_count("example.invalid"), 0);
}

TEST_F(UnboundResolverTest, AsksForNamesWithOddOctets) {
  const std::string odd("a b\\\"\xff\x01;@$.wild.example.com");
  EXPECT_EQ(status(odd, RecordType::txt), DnsStatus::answered);
  EXPECT_EQ(status(std::string("nul\0.wild.example.com", 21), RecordType::txt),
            DnsStatus::answered);
  EXPECT_EQ(server_.question_count(), 2);
}

TEST_F(UnboundResolverTest, AsksForTheRootAndForTheLongestName) {
  EXPECT_EQ(resolver_->start(Name(), RecordType::txt, budget_).get().status, DnsStatus::no_domain);
  std::string longest;
  while (longest.size() < 253 - 17) longest += "x.";
  longest += "wild.example.com";
  ASSERT_EQ(longest.size(), 252u);
  EXPECT_EQ(status(longest, RecordType::txt), DnsStatus::answered);
}

TEST_F(UnboundResolverTest, ATruncatedReplyIsAskedForAgainOverTcp) {
  server_.behave("example.com", {.truncate = true});
  EXPECT_EQ(ask("example.com", RecordType::txt).texts.size(), 1u);
  EXPECT_EQ(server_.tcp_question_count(), 1);
}

TEST_F(UnboundResolverTest, ATextRecordOfSixtyFourKilobytesArrivesWhole) {
  server_.add_text("big.example.com", std::vector<std::string>(254, std::string(255, 'x')), 300);
  const Answer answer = ask("big.example.com", RecordType::txt);
  ASSERT_EQ(answer.status, DnsStatus::answered) << answer.error;
  EXPECT_EQ(answer.texts, std::vector<std::string>{std::string(size_t{254} * 255, 'x')});
  EXPECT_EQ(server_.tcp_question_count(), 1);
}

TEST_F(UnboundResolverTest, AnswersOfManyRecordsArriveWhole) {
  for (int i = 0; i < 400; ++i) {
    server_.add_text("many.example.com", {std::string(100, 'y') + std::to_string(i)}, 300);
  }
  EXPECT_EQ(ask("many.example.com", RecordType::txt).texts.size(), 400u);
}

// Time.

TEST_F(UnboundResolverTest, ASlowAnswerWithinTheTimeoutIsTaken) {
  server_.behave("example.com", {.delay = 700ms});
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::answered);
}

TEST_F(UnboundResolverTest, ASlowAnswerBeyondTheTimeoutIsTimedOutAtTheTimeout) {
  use_timeout(300ms);
  server_.behave("example.com", {.delay = 3s});
  const auto before = Clock::now();
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::timed_out);
  const auto waited = Clock::now() - before;
  EXPECT_GE(waited, 300ms);
  EXPECT_LT(waited, 2s);
}

TEST_F(UnboundResolverTest, TheDeadlineOfTheMessageComesFirst) {
  server_.behave("example.com", {.delay = 3s});
  LookupBudget hurried(Clock::now() + 200ms);
  const auto before = Clock::now();
  const Answer answer = resolver_->start(name("example.com"), RecordType::a, hurried).get();
  EXPECT_EQ(answer.status, DnsStatus::timed_out);
  EXPECT_EQ(answer.limit, Limit::message_time);
  EXPECT_LT(Clock::now() - before, 2s);
}

TEST_F(UnboundResolverTest, ItsOwnPatienceIsNoLimitOfTheMessage) {
  use_timeout(100ms);
  server_.behave("example.com", {.delay = 3s});
  LookupBudget budget(Clock::now() + 10s);
  const Answer answer = resolver_->start(name("example.com"), RecordType::a, budget).get();
  EXPECT_EQ(answer.status, DnsStatus::timed_out);
  EXPECT_FALSE(answer.limit);
}

TEST_F(UnboundResolverTest, AMessageWithoutTimeLeftAsksNothing) {
  LookupBudget late(Clock::now() - 1s);
  const Answer answer = resolver_->start(name("example.com"), RecordType::a, late).get();
  EXPECT_EQ(answer.status, DnsStatus::timed_out);
  EXPECT_EQ(answer.limit, Limit::message_time);
  EXPECT_EQ(resolver_->questions_sent(), 0u);
}

TEST_F(UnboundResolverTest, AnAnswerThatComesLateServesTheNextMessage) {
  server_.behave("example.com", {.delay = 500ms});
  LookupBudget hurried(Clock::now() + 100ms);
  EXPECT_EQ(resolver_->start(name("example.com"), RecordType::a, hurried).get().status,
            DnsStatus::timed_out);
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::answered);
  EXPECT_EQ(resolver_->questions_sent(), 1u);
  EXPECT_EQ(resolver_->counters().merged, 1u);
}

TEST_F(UnboundResolverTest, ThePumpThreadFirstDoesWhatItIsTold) {
  UnboundOptions told = options();
  std::atomic<pid_t> pump = 0;
  told.at_thread_start = [&pump] { pump = gettid(); };
  resolver_ = make_resolver(told);
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::answered);
  EXPECT_NE(pump, 0);
  EXPECT_NE(pump, gettid());
}

TEST_F(UnboundResolverTest, ADeadNameServerIsNeverDoesNotExist) {
  UnboundOptions dead = options();
  {
    const DnsServer gone;  // its port is free again afterwards
    dead.nameservers = {gone.address()};
  }
  dead.timeout = 300ms;
  resolver_ = make_resolver(dead);
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::timed_out);
}

TEST_F(UnboundResolverTest, ALostQuestionIsAskedAgain) {
  server_.behave("example.com", {.drop = 1});
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::answered);
  EXPECT_EQ(server_.question_count("example.com"), 2);
}

TEST_F(UnboundResolverTest, OneDeadNameServerOfTwoDoesNotMatter) {
  UnboundOptions two = options();
  {
    const DnsServer gone;
    two.nameservers.push_back(gone.address());
  }
  resolver_ = make_resolver(two);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(status("n" + std::to_string(i) + ".wild.example.com", RecordType::txt),
              DnsStatus::answered);
  }
}

TEST_F(UnboundResolverTest, DomainsThatNeverAnswerDoNotStopOthers) {
  use_timeout(600ms);
  for (int i = 0; i < 50; ++i) {
    server_.behave("mute" + std::to_string(i) + ".example.com", {.drop = -1});
  }
  int mute = 0;
  for (const auto end = Clock::now() + 4s; Clock::now() < end;) {
    std::vector<Lookup> hopeless;
    hopeless.reserve(10);
    for (int i = 0; i < 10; ++i) {
      hopeless.push_back(
          start("mute" + std::to_string(mute++ % 50) + ".example.com", RecordType::txt));
    }
    for (Lookup& lookup : hopeless) {
      const DnsStatus outcome = lookup.get().status;
      EXPECT_TRUE(outcome == DnsStatus::timed_out || outcome == DnsStatus::server_failure);
    }
    EXPECT_EQ(status("fine" + std::to_string(mute) + ".wild.example.com", RecordType::txt),
              DnsStatus::answered);
  }
}

TEST_F(UnboundResolverTest, AfterSilenceTheNextQuestionGetsAFreshContext) {
  use_timeout(400ms);
  server_.behave("mute.example.com", {.drop = -1});
  EXPECT_EQ(status("mute.example.com", RecordType::txt), DnsStatus::timed_out);
  EXPECT_EQ(resolver_->counters().contexts, 1u);
  const auto end = Clock::now() + 30s;
  while (resolver_->counters().failures == 0 && Clock::now() < end) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(status("a.wild.example.com", RecordType::txt), DnsStatus::answered);
  EXPECT_EQ(status("b.wild.example.com", RecordType::txt), DnsStatus::answered);
  EXPECT_EQ(resolver_->counters().contexts, 2u);
}

/// Has malloc make a heap that the next thread takes over, and fills the address space above it:
/// the stack of a thread that does not choose its own comes to lie below that heap.
void leave_a_heap_behind() {
  HighThread thread;
  ASSERT_TRUE(
      thread.start([] { const std::vector<std::string> blocks(100, std::string(100, 'x')); }));
  thread.join();
  for (int i = 0; i < 64; ++i) {
    ASSERT_NE(mmap(nullptr, 8 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
              MAP_FAILED);
  }
}

TEST_F(UnboundResolverTest, ManyQuestionsOverTcpShareConnectionsInAFreshContextToo) {
  leave_a_heap_behind();
  use_timeout(1s);
  for (uint64_t context = 1; context <= 3; ++context) {
    std::vector<Lookup> lookups;
    for (int i = 0; i < 200; ++i) {
      const std::string asked = fmt::format("{}-{}.wild.example.com", context, i);
      server_.behave(asked, {.truncate = true});
      lookups.push_back(start(asked, RecordType::txt));
    }
    for (Lookup& lookup : lookups) ASSERT_EQ(lookup.get().status, DnsStatus::answered);
    ASSERT_EQ(resolver_->counters().contexts, context);
    // Silence: the next question gets a fresh context.
    const std::string mute = fmt::format("mute{}.example.com", context);
    server_.behave(mute, {.drop = -1});
    start(mute, RecordType::txt);
    const auto end = Clock::now() + 30s;
    while (resolver_->counters().failures < context && Clock::now() < end) {
      std::this_thread::sleep_for(10ms);
    }
  }
}

TEST_F(UnboundResolverTest, AnOutageEndsWithTheNameServersReturn) {
  use_timeout(800ms);
  server_.behave(".", {.drop = -1});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(status("a" + std::to_string(i) + ".wild.example.com", RecordType::txt),
              DnsStatus::timed_out);
  }
  server_.behave(".", {});
  EXPECT_EQ(status("b.wild.example.com", RecordType::txt), DnsStatus::answered);
}

// Hostile replies.

TEST_F(UnboundResolverTest, GarbageIsAFailure) {
  use_timeout(400ms);
  const std::pair<const char*, std::string> replies[] = {
      {"short.example.com", ""},
      {"noise.example.com", "garbage that is no DNS message at all"},
      {"header.example.com", std::string("\x81\x80\0\1\0\1\0\0\0\0", 10)},
      {"lying.example.com",
       std::string("\x81\x80\0\1\xff\xff\0\0\0\0\5lying\7example\3com\0\0\1\0\1"
                   "\xc0\x0c\0\1\0\1\0\0\1\0\xff\xff",
                   45)},
  };
  for (const auto& [asked, octets] : replies) server_.behave(asked, {.raw = octets});
  for (const auto& [asked, octets] : replies) {
    EXPECT_TRUE(ask(asked, RecordType::a).failed()) << asked;
  }
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::answered);
}

TEST_F(UnboundResolverTest, AReplyWithAnotherIdIsIgnored) {
  use_timeout(300ms);
  server_.behave("example.com", {.wrong_id = true});
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::timed_out);
}

// Cache and merging.

TEST_F(UnboundResolverTest, ACachedAnswerIsThereAtOnceAndAsksNobody) {
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::answered);
  EXPECT_EQ(status("nothing.example.com", RecordType::a), DnsStatus::no_domain);
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::answered);
  EXPECT_EQ(status("nothing.example.com", RecordType::a), DnsStatus::no_domain);
  EXPECT_EQ(server_.question_count(), 2);
  EXPECT_EQ(resolver_->counters().cached, 2u);
  EXPECT_EQ(resolver_->questions_sent(), 2u);
}

TEST_F(UnboundResolverTest, AnAnswerIsForgottenAfterItsTtl) {
  EXPECT_EQ(status("brief.example.com", RecordType::a), DnsStatus::answered);
  const auto end = Clock::now() + 10s;
  while (resolver_->questions_sent() == 1 && Clock::now() < end) {
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(status("brief.example.com", RecordType::a), DnsStatus::answered);
  }
  EXPECT_EQ(resolver_->questions_sent(), 2u);
  EXPECT_GT(resolver_->counters().cached, 5u);
}

TEST_F(UnboundResolverTest, AnAnswerWithoutTtlIsNotKept) {
  EXPECT_EQ(status("once.example.com", RecordType::a), DnsStatus::answered);
  EXPECT_EQ(status("once.example.com", RecordType::a), DnsStatus::answered);
  EXPECT_EQ(resolver_->questions_sent(), 2u);
  EXPECT_EQ(resolver_->counters().cached, 0u);
}

TEST_F(UnboundResolverTest, ATimeoutIsNotKept) {
  LookupBudget hurried(Clock::now() + 50ms);
  server_.behave("example.com", {.delay = 400ms});
  EXPECT_EQ(resolver_->start(name("example.com"), RecordType::a, hurried).get().status,
            DnsStatus::timed_out);
  EXPECT_EQ(status("example.com", RecordType::a), DnsStatus::answered);
}

TEST_F(UnboundResolverTest, IdenticalQuestionsInFlightAreAskedOnce) {
  server_.behave("example.com", {.delay = 200ms});
  std::vector<Lookup> lookups;
  lookups.reserve(100);
  for (int i = 0; i < 100; ++i) lookups.push_back(start("Example.COM", RecordType::txt));
  for (Lookup& lookup : lookups) EXPECT_EQ(lookup.get().status, DnsStatus::answered);
  EXPECT_EQ(server_.question_count("example.com"), 1);
  EXPECT_EQ(resolver_->counters().merged, 99u);
}

TEST_F(UnboundResolverTest, ManyQuestionsFromManyThreadsAreAllAnswered) {
  std::vector<std::thread> threads;
  threads.reserve(8);
  std::atomic<int> answered{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t, &answered] {
      std::vector<Lookup> lookups;
      lookups.reserve(500);
      for (int i = 0; i < 500; ++i) {  // each name is asked by two threads
        lookups.push_back(
            start(std::to_string(t / 2 * 500 + i) + ".wild.example.com", RecordType::txt));
      }
      for (Lookup& lookup : lookups) answered += lookup.get().status == DnsStatus::answered;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 4000);
  const ResolverCounters counters = resolver_->counters();
  EXPECT_EQ(counters.sent + counters.merged + counters.cached, 4000u);
  EXPECT_GE(counters.sent, 2000u);
}

TEST_F(UnboundResolverTest, QuestionsInFlightAreBounded) {
  server_.behave(".", {.drop = -1});
  for (size_t i = 0; i < UnboundResolver::kMostInFlight; ++i) {
    start(std::to_string(i) + ".wild.example.com", RecordType::txt);
  }
  const Answer refused = ask("one.more.wild.example.com", RecordType::txt);
  EXPECT_EQ(refused.status, DnsStatus::server_failure);
  EXPECT_NE(refused.error.find("too many"), std::string::npos);
  EXPECT_EQ(resolver_->counters().refused, 1u);
}

// Local data, DNSSEC, options, the end.

TEST_F(UnboundResolverTest, LocalDataIsAskedFirst) {
  auto zone = ZoneData::parse("example.com. 300 IN A 198.51.100.1\n", "local");
  ASSERT_TRUE(zone.ok());
  UnboundOptions with_data = options();
  with_data.local_data = std::make_shared<const ZoneData>(*std::move(zone));
  resolver_ = make_resolver(with_data);
  EXPECT_EQ(ask("example.com", RecordType::a).addresses,
            std::vector{*parse_ip_address("198.51.100.1")});
  EXPECT_EQ(server_.question_count(), 0);
  EXPECT_EQ(resolver_->counters().local, 1u);
  EXPECT_EQ(ask("host.example.net", RecordType::a).addresses,
            std::vector{*parse_ip_address("192.0.2.7")});
}

/// A file with this text that is gone after the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) { std::ofstream(path_) << text; }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = testing::TempDir() + "signet_anchor_" + std::to_string(getpid());
};

TEST_F(UnboundResolverTest, ASignedAnswerIsAuthenticated) {
  const TemporaryFile anchor(server_.sign("example.com"));
  UnboundOptions validating = options();
  validating.trust_anchor_file = anchor.path();
  resolver_ = make_resolver(validating);
  const Answer answer = ask("example.com", RecordType::txt);
  EXPECT_EQ(answer.status, DnsStatus::answered) << answer.error;
  EXPECT_TRUE(answer.authenticated);
  EXPECT_TRUE(ask("example.com", RecordType::txt).authenticated) << "from the cache";
}

TEST_F(UnboundResolverTest, AnAnswerThatShouldBeSignedAndIsNotIsServerFailure) {
  const TemporaryFile anchor(DnsServer(kZone).sign("example.com"));
  UnboundOptions validating = options();
  validating.trust_anchor_file = anchor.path();
  resolver_ = make_resolver(validating);
  const Answer answer = ask("example.com", RecordType::txt);
  EXPECT_EQ(answer.status, DnsStatus::server_failure);
  EXPECT_TRUE(answer.error.starts_with("DNSSEC: ")) << answer.error;
  EXPECT_TRUE(answer.texts.empty());
  EXPECT_FALSE(answer.authenticated);
}

TEST(UnboundOptions, BadNameServersAreRefusedWithTheirText) {
  for (const char* bad : {"", "example.com", "192.0.2.1@", "192.0.2.1@0", "192.0.2.1@65536",
                          "192.0.2.1@53x", "192.0.2.1:53", "192.0.2.1@853#tls.example.com"}) {
    UnboundOptions options;
    options.nameservers = {bad};
    const auto made = UnboundResolver::create(options);
    ASSERT_FALSE(made.ok()) << bad;
    EXPECT_NE(made.error().find(std::string("\"") + bad + '"'), std::string::npos) << made.error();
  }
}

TEST(UnboundOptions, GoodNameServersAreTaken) {
  UnboundOptions options;
  options.nameservers = {"192.0.2.1", "2001:db8::1", "127.0.0.1@5353", "::1@53"};
  EXPECT_TRUE(UnboundResolver::create(options).ok());
}

TEST(UnboundOptions, ResolvConfIsTheDefault) {
  const auto made = UnboundResolver::create(UnboundOptions{});
  EXPECT_EQ(made.ok(), std::filesystem::exists("/etc/resolv.conf"));
}

TEST(UnboundOptions, ABadTrustAnchorFileIsFoundAtStart) {
  UnboundOptions options;
  options.nameservers = {"127.0.0.1"};
  options.trust_anchor_file = "/nonexistent/root.key";
  auto made = UnboundResolver::create(options);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().find("/nonexistent/root.key"), std::string::npos);

  const TemporaryFile garbage("this is no trust anchor\n");
  options.trust_anchor_file = garbage.path();
  made = UnboundResolver::create(options);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().find(garbage.path()), std::string::npos) << made.error();
}

TEST_F(UnboundResolverTest, TheEndWakesEveryoneWhoWaits) {
  server_.behave(".", {.drop = -1});
  UnboundOptions patient = options();
  patient.timeout = 60s;
  resolver_ = make_resolver(patient);
  std::vector<Lookup> lookups;
  lookups.reserve(200);
  for (int i = 0; i < 200; ++i) {
    lookups.push_back(start(std::to_string(i) + ".wild.example.com", RecordType::txt));
  }
  std::thread waiter([&lookups] {
    for (Lookup& lookup : lookups) EXPECT_EQ(lookup.get().status, DnsStatus::timed_out);
  });
  const auto before = Clock::now();
  while (server_.question_count() < 50 && Clock::now() < before + 10s) {
    std::this_thread::sleep_for(1ms);
  }
  resolver_.reset();
  waiter.join();
  EXPECT_LT(Clock::now() - before, 30s);
}

TEST_F(UnboundResolverTest, AResolverThatNeverAskedEndsToo) {
  for (int i = 0; i < 20; ++i) resolver_ = make_resolver(options());
  EXPECT_EQ(server_.question_count(), 0);
}

}  // namespace
}  // namespace signet
