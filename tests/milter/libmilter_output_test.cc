// SPDX-License-Identifier: BSD-2-Clause
//
// What stands between libmilter's writes and the MTA, called as libmilter calls it, on both ends of
// a socket.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "milter/libmilter/input.h"
#include "milter/libmilter/output.h"

namespace signet {
namespace {

class LibmilterOutput : public testing::Test {
 protected:
  void SetUp() override { connect(); }
  void TearDown() override {
    signet_libmilter_close(filter());
    close(ends_[1]);
  }

  void connect() { ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
  int filter() const { return ends_[0]; }

  static std::string packet(char command, const std::string& body) {
    const auto size = static_cast<uint32_t>(body.size() + 1);
    std::string octets;
    for (int shift = 24; shift >= 0; shift -= 8) octets += static_cast<char>(size >> shift);
    return octets + command + body;
  }

  /// One writev() of a packet, or of the rest of one from `sent` on.
  ssize_t write(std::string packet, size_t sent = 0) {
    constexpr size_t kStart = 5;
    std::array<iovec, 2> pieces{iovec{packet.data(), kStart},
                                iovec{packet.data() + kStart, packet.size() - kStart}};
    if (sent >= kStart) {
      pieces[1] = {packet.data() + sent, packet.size() - sent};
      return signet_libmilter_writev(filter(), &pieces[1], 1);
    }
    pieces[0] = {packet.data() + sent, kStart - sent};
    return signet_libmilter_writev(filter(), pieces.data(), pieces[1].iov_len > 0 ? 2 : 1);
  }

  int poll_output(int milliseconds) {
    pollfd descriptor{filter(), POLLOUT, 0};
    return signet_libmilter_poll(&descriptor, 1, milliseconds);
  }

  /// Writes a packet as libmilter does: poll, write, until nothing is left, or it would wait.
  size_t write_all(const std::string& packet) {
    size_t sent = 0;
    while (sent < packet.size() && poll_output(0) == 1) {
      const ssize_t more = write(packet, sent);
      if (more > 0) sent += static_cast<size_t>(more);
    }
    return sent;
  }

  /// What the MTA has got so far.
  std::string received() {
    std::string all;
    std::array<char, 100'000> octets;
    while (true) {
      const ssize_t got = recv(ends_[1], octets.data(), octets.size(), MSG_DONTWAIT);
      if (got <= 0) return all;
      all.append(octets.data(), static_cast<size_t>(got));
    }
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

TEST_F(LibmilterOutput, AReplyLeavesAtOnce) {
  EXPECT_EQ(write_all(packet('c', "")), 5u);
  EXPECT_EQ(received(), packet('c', ""));
}

TEST_F(LibmilterOutput, ChangesLeaveWithTheReplyInTheirOrder) {
  const std::string changes[] = {packet('m', "one"), packet('i', "two"), packet('q', "three"),
                                 packet('h', "four")};
  std::string all;
  for (const std::string& change : changes) {
    EXPECT_EQ(write_all(change), change.size());
    all += change;
  }
  EXPECT_EQ(received(), "");
  write_all(packet('a', ""));
  EXPECT_EQ(received(), all + packet('a', ""));
}

TEST_F(LibmilterOutput, ASignOfLifeTakesTheChangesWithIt) {
  write_all(packet('i', "field"));
  write_all(packet('p', ""));
  EXPECT_EQ(received(), packet('i', "field") + packet('p', ""));
}

TEST_F(LibmilterOutput, AReplyTextThatLooksLikeAChangeIsNone) {
  write_all(packet('y', "hhhhh"));
  EXPECT_EQ(received(), packet('y', "hhhhh"));
}

TEST_F(LibmilterOutput, MoreThanAFewChangesAreNotHeldBack) {
  const std::string large = packet('i', std::string(40'000, 'x'));
  write_all(packet('i', "small"));
  write_all(large);
  EXPECT_EQ(received(), packet('i', "small") + large);
}

TEST_F(LibmilterOutput, AnMtaThatDoesNotReadIsWaitedForAndGetsEveryOctetOnce) {
  std::string expected;
  std::string got;
  // Short, and of a size at which a rest of five octets with a command at their end comes about.
  const std::string reply = packet('y', "451 4.7.0 hhhhh");
  const std::string change = packet('i', std::string(3'000, 'x'));
  for (int round = 0; round < 3'000; ++round) {
    write_all(change);
    size_t sent = 0;
    while (sent < reply.size()) {
      const ssize_t more = write(reply, sent);
      if (more > 0) {
        sent += static_cast<size_t>(more);
        continue;
      }
      ASSERT_EQ(errno, EAGAIN);
      EXPECT_EQ(poll_output(0), 0);
      got += received();
      EXPECT_EQ(poll_output(1000), 1);
    }
    expected += change + reply;
  }
  got += received();
  EXPECT_TRUE(got == expected);
}

TEST_F(LibmilterOutput, AClosedConnectionLeavesNothingToTheNextOfTheSameNumber) {
  write_all(packet('i', "of the first"));
  const int number = filter();
  TearDown();
  connect();
  ASSERT_EQ(filter(), number);
  write_all(packet('c', ""));
  EXPECT_EQ(received(), packet('c', ""));
}

TEST_F(LibmilterOutput, AnMtaThatHasGoneIsAnErrorAndNoSignal) {
  EXPECT_EQ(write(packet('c', "")), 5);
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  close(ends[1]);
  char octets[] = "\0\0\0\1c";
  const iovec piece{octets, 5};
  EXPECT_EQ(signet_libmilter_writev(ends[0], &piece, 1), -1);
  EXPECT_EQ(errno, EPIPE);
  signet_libmilter_close(ends[0]);
}

}  // namespace
}  // namespace signet
