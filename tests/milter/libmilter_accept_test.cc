// SPDX-License-Identifier: BSD-2-Clause
//
// A filter on libmilter whose file descriptors run out.

#include <gtest/gtest.h>
#include <libmilter/mfapi.h>
#include <sys/resource.h>

#include <chrono>
#include <deque>
#include <optional>
#include <thread>

#include "milter/libmilter/accept.h"
#include "tests/support/filter_process.h"
#include "tests/support/milter_client.h"

namespace signet {
namespace {

using namespace std::chrono_literals;

constexpr rlim_t kDescriptors = 64;
constexpr rlim_t kReserved = kDescriptors / 4;

/// For the processes started while it lives; our own descriptors are open by then.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit lower{limit, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

class LibmilterAccept : public testing::Test {
 protected:
  LibmilterAccept() {
    const DescriptorLimit limit(kDescriptors);
    filter_.emplace(smfiDesc{});
  }

  /// A session that is past its negotiation; nothing if the filter hangs up.
  std::optional<MilterConversation> session() const {
    auto client = MilterClient::connect(filter_->socket(), 20s);
    if (!client) return std::nullopt;
    MilterConversation conversation(*std::move(client));
    if (!conversation.negotiate()) return std::nullopt;
    return conversation;
  }

  /// Sessions, until one is turned away.
  std::deque<MilterConversation> fill() const {
    std::deque<MilterConversation> sessions;
    while (auto next = session()) sessions.push_back(*std::move(next));
    return sessions;
  }

  std::optional<FilterProcess> filter_;
};

TEST_F(LibmilterAccept, ConnectionsAreTurnedAwayAndNotLeftWaitingBeforeDescriptorsRunOut) {
  const auto sessions = fill();
  EXPECT_GT(sessions.size(), 20);
  EXPECT_LT(sessions.size(), kDescriptors - kReserved);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(session());
}

TEST_F(LibmilterAccept, ThoseThatAreOpenAreServedOn) {
  auto sessions = fill();
  for (MilterConversation& open : sessions) EXPECT_TRUE(open.open());
}

TEST_F(LibmilterAccept, NewOnesAreTakenOnceOthersHaveGone) {
  auto sessions = fill();
  sessions.clear();
  std::optional<MilterConversation> next;
  // The filter closes its ends one by one.
  for (int i = 0; i < 500 && !next; ++i) {
    std::this_thread::sleep_for(10ms);
    next = session();
  }
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->open());
}

}  // namespace
}  // namespace signet
