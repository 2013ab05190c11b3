// SPDX-License-Identifier: BSD-2-Clause
//
// The read buffer below libmilter, called as libmilter calls it, on both ends of a socket.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "milter/libmilter/input.h"

namespace signet {
namespace {

class LibmilterInput : public testing::Test {
 protected:
  void SetUp() override { connect(); }
  void TearDown() override {
    signet_libmilter_close(filter());
    hang_up();
  }

  void connect() { ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
  int filter() const { return ends_[0]; }

  void send(std::string_view octets) {
    ASSERT_EQ(write(ends_[1], octets.data(), octets.size()), static_cast<ssize_t>(octets.size()));
  }
  void hang_up() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

  /// What poll() says about reading from the MTA.
  int poll_input(int milliseconds = 0) {
    pollfd descriptor{filter(), POLLIN, 0};
    const int count = signet_libmilter_poll(&descriptor, 1, milliseconds);
    EXPECT_EQ(descriptor.revents != 0, count == 1);
    return count;
  }
  /// What one read() gives.
  std::string read_input(size_t size) {
    std::string octets(size, '?');
    const ssize_t got = signet_libmilter_read(filter(), octets.data(), size);
    EXPECT_GE(got, 0);
    octets.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return octets;
  }
  /// Octets that the kernel still holds.
  size_t unfetched() const {
    std::array<char, 100'000> octets;
    const ssize_t got = recv(filter(), octets.data(), octets.size(), MSG_PEEK | MSG_DONTWAIT);
    return got < 0 ? 0 : static_cast<size_t>(got);
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

TEST_F(LibmilterInput, ManySmallReadsTakeOneFetch) {
  send("abcdefgh");
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(unfetched(), 0u);
  EXPECT_EQ(read_input(3), "abc");
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(read_input(5), "defgh");
  EXPECT_EQ(poll_input(), 0);
}

TEST_F(LibmilterInput, NothingIsReadyWhileTheMtaIsSilentAndTheWaitIsAsLongAsAskedFor) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(poll_input(50), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(45));
}

TEST_F(LibmilterInput, OneMillisecondIsNotWaited) {
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(poll_input(1), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(200));
}

TEST_F(LibmilterInput, AWaitEndsWhenSomethingComes) {
  std::thread mta([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    send("x");
  });
  EXPECT_EQ(poll_input(10'000), 1);
  EXPECT_EQ(read_input(5), "x");
  mta.join();
}

TEST_F(LibmilterInput, ALongPacketArrivesWholeAndInOrder) {
  std::string sent;
  for (int i = 0; sent.size() < 65'540; ++i) sent += std::to_string(i) + ' ';
  send(sent);
  std::string got;
  while (got.size() < sent.size()) {
    ASSERT_EQ(poll_input(), 1);
    got += read_input(sent.size() - got.size());
  }
  EXPECT_EQ(got, sent);
  EXPECT_EQ(poll_input(), 0);
}

TEST_F(LibmilterInput, TheRestOfALongPacketIsReadStraightIntoPlace) {
  send(std::string(60'000, 'x'));
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(read_input(60'000).size(), 60'000u);
}

TEST_F(LibmilterInput, OfALongPacketThatComesInPiecesThereIsNoDetourAfterTheFirst) {
  send("first");
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(read_input(60'000), "first");
  send("second");
  EXPECT_EQ(poll_input(10'000), 1);
  EXPECT_EQ(unfetched(), 6u);
  EXPECT_EQ(read_input(59'995), "second");
  send(std::string(59'989, 'x') + "next packet");
  EXPECT_EQ(poll_input(10'000), 1);
  EXPECT_EQ(read_input(59'989).size(), 59'989u);
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(unfetched(), 0u);
  EXPECT_EQ(read_input(100), "next packet");
}

TEST_F(LibmilterInput, WhatIsLeftIsReadBeforeTheEndOfTheStream) {
  send("last");
  hang_up();
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(read_input(2), "la");
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(read_input(2), "st");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(poll_input(), 1);
    EXPECT_EQ(read_input(5), "");
  }
}

TEST_F(LibmilterInput, AClosedConnectionLeavesNothingToTheNextOfTheSameNumber) {
  send("of the first connection");
  EXPECT_EQ(poll_input(), 1);
  const int number = filter();
  signet_libmilter_close(number);
  hang_up();
  connect();
  ASSERT_EQ(filter(), number);
  EXPECT_EQ(poll_input(), 0);
  send("second");
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(read_input(100), "second");
}

TEST_F(LibmilterInput, QuitNcIsTheEndOfTheStream) {
  const std::string quit_nc("\0\0\0\1K", 5);
  send(std::string("\0\0\0\6B", 5) + quit_nc + quit_nc);  // once as data
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(read_input(5).back(), 'B');
  EXPECT_EQ(read_input(5), quit_nc);
  EXPECT_EQ(read_input(3), quit_nc.substr(0, 3));
  EXPECT_EQ(read_input(2), "");
}

TEST_F(LibmilterInput, AnotherThreadGoesOnWhereTheFirstHasEmptiedItsBuffer) {
  send("one");
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(read_input(3), "one");
  std::thread([this] {
    send("two");
    EXPECT_EQ(poll_input(), 1);
    EXPECT_EQ(read_input(3), "two");
  }).join();
  send("three");
  EXPECT_EQ(poll_input(), 1);
  EXPECT_EQ(read_input(5), "three");
}

TEST_F(LibmilterInput, WritingIsNotHeldUpByWhatIsToBeRead) {
  send("input");
  pollfd descriptor{filter(), POLLOUT, 0};
  EXPECT_EQ(signet_libmilter_poll(&descriptor, 1, 0), 1);
  EXPECT_EQ(descriptor.revents, POLLOUT);
  EXPECT_EQ(unfetched(), 5u);
}

TEST_F(LibmilterInput, WhatIsNoConnectionIsReadUnbuffered) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK), 0);
  pollfd descriptor{ends[0], POLLIN, 0};
  EXPECT_EQ(signet_libmilter_poll(&descriptor, 1, 0), 0);
  ASSERT_EQ(write(ends[1], "ab", 2), 2);
  EXPECT_EQ(signet_libmilter_poll(&descriptor, 1, 0), 1);
  char octet = 0;
  EXPECT_EQ(signet_libmilter_read(ends[0], &octet, 1), 1);
  EXPECT_EQ(octet, 'a');
  EXPECT_EQ(read(ends[0], &octet, 1), 1);
  EXPECT_EQ(octet, 'b');
  EXPECT_EQ(signet_libmilter_read(ends[0], &octet, 1), -1);
  for (const int end : ends) signet_libmilter_close(end);
}

TEST_F(LibmilterInput, SeveralDescriptorsAreLeftToTheKernel) {
  send("x");
  std::array<pollfd, 2> descriptors{pollfd{filter(), POLLIN, 0}, pollfd{filter(), POLLOUT, 0}};
  EXPECT_EQ(signet_libmilter_poll(descriptors.data(), 2, 0), 2);
  EXPECT_EQ(unfetched(), 1u);
}

TEST_F(LibmilterInput, AClosedDescriptorIsAnErrorAsEver) {
  const int number = dup(filter());
  close(number);
  pollfd descriptor{number, POLLIN, 0};
  EXPECT_EQ(signet_libmilter_poll(&descriptor, 1, 0), 1);
  EXPECT_EQ(descriptor.revents, POLLNVAL);
  char octet = 0;
  EXPECT_EQ(signet_libmilter_read(number, &octet, 1), -1);
  EXPECT_EQ(errno, EBADF);
}

}  // namespace
}  // namespace signet
