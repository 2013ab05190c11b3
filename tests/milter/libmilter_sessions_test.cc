// SPDX-License-Identifier: BSD-2-Clause
//
// libmilter with our layer below it, as a filter in a child process: packets that come in pieces,
// connections that pause, and callbacks that wait for each other.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "milter/libmilter/worker_pool.h"
#include "tests/support/filter_process.h"
#include "tests/support/milter_client.h"

namespace signet {
namespace {

using namespace std::chrono_literals;

constexpr int kCrowd = 12;
/// Shorter than the 10 s after which idle workers look round by themselves.
constexpr auto kPatience = 5s;

// ---- the filter, in the child

/// Where a crowd waits until all of it is there.
class MeetingPoint {
 public:
  /// Whether all came within kPatience.
  bool meet() {
    std::unique_lock lock(mutex_);
    const int crowd = arrived_ / kCrowd;
    ++arrived_;
    changed_.notify_all();
    return changed_.wait_for(lock, kPatience, [&] { return arrived_ >= (crowd + 1) * kCrowd; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;  // guarded by mutex_
};

MeetingPoint meeting_point;

/// Callbacks that keep their worker and do not say that they wait.
class Workshop {
 public:
  /// How many were at work then.
  int work(std::chrono::milliseconds time) {
    const int now = ++at_work_;
    std::this_thread::sleep_for(time);
    --at_work_;
    return now;
  }

 private:
  std::atomic<int> at_work_ = 0;
};

Workshop workshop;

/// Lets an end that waits go on after so long, by a thread of its own; or at once, before it is
/// known that it waits.
void bring_on(std::chrono::milliseconds delay, std::function<void()> go_on) {
  if (delay == 0ms) return go_on();
  std::thread([delay, go_on = std::move(go_on)] {
    std::this_thread::sleep_for(delay);
    go_on();
    go_on();  // once too often
  }).detach();
}

struct Received {
  std::string text;
  std::vector<std::chrono::milliseconds> waits;  // of the end, one after the other
  bool meets_others = false;
  std::chrono::milliseconds work{0};
};

Received& received(SMFICTX* context) { return *static_cast<Received*>(smfi_getpriv(context)); }

sfsistat on_negotiate(SMFICTX* context, unsigned long actions, unsigned long protocol,
                      unsigned long, unsigned long, unsigned long* our_actions,
                      unsigned long* our_protocol, unsigned long* f2, unsigned long* f3) {
  smfi_setpriv(context, std::make_unique<Received>().release());  // on_close() deletes it
  *our_actions = actions;
  *our_protocol = protocol & (SMFIP_NR_HDR | SMFIP_NR_BODY | SMFIP_NORCPT | SMFIP_NODATA);
  *f2 = *f3 = 0;
  return SMFIS_CONTINUE;
}

sfsistat on_header(SMFICTX* context, char* name, char* value) {
  received(context).text += std::string(name) + ":" + value + "\n";
  if (std::string_view(name) == "X-Meet") received(context).meets_others = true;
  if (std::string_view(name) == "X-Work") {
    received(context).work = std::chrono::milliseconds(std::stoi(value));
  }
  if (std::string_view(name) == "X-Wait") {
    received(context).waits.emplace_back(std::stoi(value));
  }
  return SMFIS_NOREPLY;
}

sfsistat on_body(SMFICTX* context, unsigned char* octets, size_t size) {
  received(context).text.append(reinterpret_cast<const char*>(octets), size);
  return SMFIS_NOREPLY;
}

sfsistat on_end_of_message(SMFICTX* context) {
  Received& message = received(context);
  bool all_came = true;
  if (message.meets_others) {
    const WaitingWorker waiting;
    all_came = meeting_point.meet();
  }
  std::string name = "X-Sum";
  std::string sum = std::to_string(std::hash<std::string>{}(message.text));
  if (message.work > 0ms) {
    sum = fmt::format("{} at once, thread {}", workshop.work(message.work), gettid());
  }
  smfi_insheader(context, 0, name.data(), sum.data());
  message = Received();
  return all_came ? SMFIS_ACCEPT : SMFIS_TEMPFAIL;
}

sfsistat on_close(SMFICTX* context) {
  // Nothing is there if the MTA left before it negotiated.
  const std::unique_ptr<Received> gone(static_cast<Received*>(smfi_getpriv(context)));
  smfi_setpriv(context, nullptr);
  return SMFIS_CONTINUE;
}

bool end_waits(SMFICTX* context, const std::function<void()>& go_on) {
  auto& waits = received(context).waits;
  if (waits.empty()) return false;
  const auto delay = waits.back();
  waits.pop_back();
  bring_on(delay, go_on);
  return true;
}

smfiDesc filter() {
  set_end_waits(end_waits);
  smfiDesc description{};
  description.xxfi_flags = SMFIF_ADDHDRS;
  description.xxfi_header = on_header;
  description.xxfi_body = on_body;
  description.xxfi_eom = on_end_of_message;
  description.xxfi_close = on_close;
  description.xxfi_negotiate = on_negotiate;
  return description;
}

// ---- the MTA

class LibmilterSessions : public testing::Test {
 protected:
  /// A session that is past its negotiation.
  MilterConversation session() const {
    auto client = MilterClient::connect(process_.socket(), 20s);
    if (!client) throw std::runtime_error(client.error());
    MilterConversation conversation(*std::move(client));
    if (const auto options = conversation.negotiate(); !options) {
      throw std::runtime_error(options.error());
    }
    return conversation;
  }

  FilterProcess process_{filter()};
};

std::string packet(char letter, std::string_view data) {
  const auto size = static_cast<uint32_t>(data.size() + 1);
  std::string octets;
  for (int shift = 24; shift >= 0; shift -= 8) octets += static_cast<char>(size >> shift & 0xff);
  return octets + letter + std::string(data);
}

/// The packets of one message, and what the filter must have read in them.
struct Stream {
  std::string octets;
  std::string text;

  void header(const std::string& name, const std::string& value) {
    octets += packet(SMFIC_HEADER, name + '\0' + value + '\0');
    text += name + ":" + value + "\n";
  }
  void body(const std::string& chunk) {
    octets += packet(SMFIC_BODY, chunk);
    text += chunk;
  }
};

Stream example(int fields, size_t body_octets) {
  Stream stream;
  for (int i = 0; i < fields; ++i) {
    stream.header("X-Field-" + std::to_string(i), std::string(i % 90, 'v'));
  }
  for (size_t sent = 0; sent < body_octets;) {
    const size_t size = std::min<size_t>(65'535, body_octets - sent);
    stream.body(std::string(size, static_cast<char>('a' + sent % 26)));
    sent += size;
  }
  stream.octets += packet(SMFIC_BODYEOB, "");
  return stream;
}

/// The packets up to the final answer; what X-Sum says is returned.
std::string sum_in_answer(MilterClient& client) {
  std::string sum;
  while (true) {
    const auto answer = client.receive();
    if (!answer) return "nothing: " + answer.error();
    if (answer->letter == SMFIR_INSHEADER) sum = answer->data.substr(4 + sizeof("X-Sum"));
    if (answer->letter == SMFIR_ACCEPT) return sum.substr(0, sum.size() - 1);
    if (answer->letter == SMFIR_TEMPFAIL) return "tempfail";
  }
}

std::string expected_sum(const Stream& stream) {
  return std::to_string(std::hash<std::string>{}(stream.text));
}

TEST_F(LibmilterSessions, AMessageArrivesWholeWhateverPiecesItComesIn) {
  const Stream stream = example(30, 5'000);
  for (const size_t piece : {1, 3, 7, 100, 1'000, 16'384, 100'000}) {
    MilterConversation conversation = session();
    for (size_t sent = 0; sent < stream.octets.size(); sent += piece) {
      ASSERT_TRUE(
          conversation.client().send_octets(std::string_view(stream.octets).substr(sent, piece)));
      ASSERT_TRUE(conversation.client().flush());
    }
    EXPECT_EQ(sum_in_answer(conversation.client()), expected_sum(stream)) << piece;
  }
}

TEST_F(LibmilterSessions, AConnectionMayPauseAnywhereAndIsServedOn) {
  const Stream stream = example(3, 40'000);
  for (const size_t pause_at : {0, 1, 4, 5, 6, 20, 30, 16'384, 16'400, 40'000}) {
    MilterConversation conversation = session();
    MilterClient& client = conversation.client();
    ASSERT_TRUE(client.send_octets(std::string_view(stream.octets).substr(0, pause_at)));
    ASSERT_TRUE(client.flush());
    std::this_thread::sleep_for(20ms);  // longer than a worker stays
    ASSERT_TRUE(client.send_octets(std::string_view(stream.octets).substr(pause_at)));
    EXPECT_EQ(sum_in_answer(client), expected_sum(stream)) << pause_at;
  }
}

TEST_F(LibmilterSessions, BodiesOfAnySizeArriveWholeOneAfterTheOther) {
  MilterConversation conversation = session();
  for (const size_t size : {0, 1, 16'383, 16'384, 16'385, 65'535, 65'536, 1'000'000}) {
    const Stream stream = example(2, size);
    ASSERT_TRUE(conversation.client().send_octets(stream.octets));
    EXPECT_EQ(sum_in_answer(conversation.client()), expected_sum(stream)) << size;
  }
}

TEST_F(LibmilterSessions, AllOfACrowdAreServedAlthoughEachWaitsForTheOthers) {
  for (int round = 0; round < 20; ++round) {
    std::vector<MilterConversation> crowd;
    for (int i = 0; i < kCrowd; ++i) crowd.push_back(session());
    Stream stream = example(5, 100);
    Stream meeting;
    meeting.header("X-Meet", "yes");
    meeting.octets += stream.octets;
    meeting.text += stream.text;
    for (auto& one : crowd) ASSERT_TRUE(one.client().send_octets(meeting.octets));
    for (auto& one : crowd) ASSERT_TRUE(one.client().flush());
    for (auto& one : crowd) {
      ASSERT_EQ(sum_in_answer(one.client()), expected_sum(meeting)) << "round " << round;
    }
  }
}

std::string work(std::string_view milliseconds) {
  std::string field = "X-Work";
  field += '\0';
  field += milliseconds;
  field += '\0';
  return packet(SMFIC_HEADER, field) + packet(SMFIC_BODYEOB, "");
}

/// What a crowd is told that comes with work, twenty times: how many at once, and by which threads.
class LibmilterWork : public LibmilterSessions {
 protected:
  LibmilterWork() {
    for (int round = 0; round < 20; ++round) {
      std::vector<MilterConversation> crowd;
      for (int i = 0; i < kCrowd; ++i) crowd.push_back(session());
      for (auto& one : crowd) one.client().send_octets(work("1")).ok();
      for (auto& one : crowd) one.client().flush().ok();
      for (auto& one : crowd) note(sum_in_answer(one.client()));
    }
  }

  std::vector<int> at_once_;
  std::set<int> threads_;

 private:
  void note(const std::string& answer) {
    int at_once = 0;
    int thread = 0;
    if (std::sscanf(answer.c_str(), "%d at once, thread %d", &at_once, &thread) != 2) return;
    at_once_.push_back(at_once);
    threads_.insert(thread);
  }
};

TEST_F(LibmilterWork, IsDoneForAllWithAFewAtATime) {
  ASSERT_EQ(at_once_.size(), 20 * kCrowd);
  // One that has waited for the rest of a packet goes on at once, and so does one that has been in
  // line for long, as on a busy machine: of single answers more may be said.
  std::ranges::nth_element(at_once_, at_once_.begin() + at_once_.size() / 2);
  EXPECT_LE(at_once_[at_once_.size() / 2], std::max(2U, std::thread::hardware_concurrency()) + 1);
}

TEST_F(LibmilterWork, IsDoneByThreadsThatStay) {
  ASSERT_EQ(at_once_.size(), 20 * kCrowd);
  EXPECT_LE(threads_.size(), std::thread::hardware_concurrency() + kCrowd);
}

TEST_F(LibmilterSessions, SomeThatKeepTheirTurnKeepNobodyElseWaitingForLong) {
  std::vector<MilterConversation> slow;
  for (int i = 0; i < kCrowd; ++i) {
    slow.push_back(session());
    ASSERT_TRUE(slow.back().client().send_octets(work("4000")));
  }
  for (auto& one : slow) ASSERT_TRUE(one.client().flush());
  std::this_thread::sleep_for(100ms);
  const auto start = std::chrono::steady_clock::now();
  const Stream stream = example(5, 100);
  MilterConversation conversation = session();
  ASSERT_TRUE(conversation.client().send_octets(stream.octets));
  EXPECT_EQ(sum_in_answer(conversation.client()), expected_sum(stream));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);  // a few times 20 ms, if undisturbed
}

TEST_F(LibmilterSessions, HalfPacketsOfOthersKeepNobodyWaiting) {
  std::vector<MilterConversation> halves;
  for (int i = 0; i < 50; ++i) {
    halves.push_back(session());
    ASSERT_TRUE(halves.back().client().send_octets(std::string("\0\0\1\0L", 5)));
  }
  for (auto& half : halves) ASSERT_TRUE(half.client().flush());
  const Stream stream = example(5, 100);
  MilterConversation conversation = session();
  ASSERT_TRUE(conversation.client().send_octets(stream.octets));
  EXPECT_EQ(sum_in_answer(conversation.client()), expected_sum(stream));
}

Stream waiting(const std::vector<std::string>& milliseconds) {
  Stream stream;
  for (const std::string& wait : milliseconds) stream.header("X-Wait", wait);
  const Stream rest = example(5, 100);
  return {stream.octets + rest.octets, stream.text + rest.text};
}

TEST_F(LibmilterSessions, AMessageWhoseEndWaitsArrivesWholeAndOnce) {
  for (const std::vector<std::string>& waits : std::vector<std::vector<std::string>>{
           {"1"}, {"0"}, {"20"}, {"0", "0"}, {"1", "0", "1"}, {"5", "5", "5"}}) {
    MilterConversation conversation = session();
    for (int i = 0; i < 3; ++i) {
      const Stream stream = waiting(waits);
      ASSERT_TRUE(conversation.client().send_octets(stream.octets));
      EXPECT_EQ(sum_in_answer(conversation.client()), expected_sum(stream));
    }
  }
}

TEST_F(LibmilterSessions, EndsThatWaitOccupyNoThread) {
  const size_t before = process_.thread_count();
  std::vector<MilterConversation> crowd;
  for (int i = 0; i < 100; ++i) crowd.push_back(session());
  // bring_on() has a thread for each; the pool must have none.
  const Stream stream = waiting({"300"});
  for (auto& one : crowd) ASSERT_TRUE(one.client().send_octets(stream.octets));
  for (auto& one : crowd) ASSERT_TRUE(one.client().flush());
  std::this_thread::sleep_for(100ms);
  EXPECT_LE(process_.thread_count(), before + crowd.size() + kCrowd);
  // Others are served meanwhile.
  const Stream other = example(5, 100);
  MilterConversation conversation = session();
  ASSERT_TRUE(conversation.client().send_octets(other.octets));
  EXPECT_EQ(sum_in_answer(conversation.client()), expected_sum(other));
  for (auto& one : crowd) EXPECT_EQ(sum_in_answer(one.client()), expected_sum(stream));
}

TEST_F(LibmilterSessions, AnMtaThatLeavesWhileItsEndWaitsDisturbsNobody) {
  for (int i = 0; i < 50; ++i) {
    MilterConversation leaver = session();
    ASSERT_TRUE(leaver.client().send_octets(waiting({"1"}).octets));
    ASSERT_TRUE(leaver.client().flush());
    if (i % 2 == 0) std::this_thread::sleep_for(1ms);
  }
  const Stream stream = waiting({"20"});
  MilterConversation conversation = session();
  ASSERT_TRUE(conversation.client().send_octets(stream.octets));
  EXPECT_EQ(sum_in_answer(conversation.client()), expected_sum(stream));
}

TEST_F(LibmilterSessions, WhatComesBehindAnEndIsNotHeldBack) {
  MilterConversation conversation = session();
  const Stream first = waiting({"20"});
  const Stream second = example(3, 10);
  ASSERT_TRUE(conversation.client().send_octets(first.octets + second.octets));
  EXPECT_EQ(sum_in_answer(conversation.client()), expected_sum(first));
  EXPECT_EQ(sum_in_answer(conversation.client()), expected_sum(second));
}

struct ShortIdleTimeout {
  ShortIdleTimeout() { set_idle_timeout(1s); }  // what a filter is started with from now on
  ~ShortIdleTimeout() { set_idle_timeout(std::chrono::hours(2)); }
};

class LibmilterIdle : ShortIdleTimeout, public LibmilterSessions {};

TEST_F(LibmilterIdle, AConnectionIsEndedThatIsIdleForTooLongAndNoOther) {
  MilterConversation idle = session();
  MilterConversation busy = session();
  const Stream stream = example(5, 100);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(busy.client().send_octets(stream.octets));
    ASSERT_EQ(sum_in_answer(busy.client()), expected_sum(stream));
    std::this_thread::sleep_for(150ms);
  }
  EXPECT_FALSE(idle.client().receive());
  ASSERT_TRUE(busy.client().send_octets(stream.octets));
  EXPECT_EQ(sum_in_answer(busy.client()), expected_sum(stream));
}

}  // namespace
}  // namespace signet
