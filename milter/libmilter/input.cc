// SPDX-License-Identifier: BSD-2-Clause
//
// Octets enter the buffer in poll() alone, by a recv() that does not wait. Everything that is no
// connected socket (the listening socket, the pipe of libmilter's pool) is refused by recv() and
// goes on to the real poll().

#include "milter/libmilter/input.h"

#include <arpa/inet.h>
#include <libmilter/mfdef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "milter/libmilter/output.h"
#include "milter/libmilter/worker_pool.h"

namespace signet {
namespace {

/// Longer than the packets of most headers together; that of a body is 64 KiB.
constexpr size_t kBufferOctets = 16 * 1024;
/// From here on the rest of a packet goes straight to where libmilter wants it.
constexpr size_t kWorthACall = 4 * 1024;
/// libmilter gives a connection so many milliseconds, to see whether more comes, before it lets its
/// worker go. That pays within a long body only: all that had come was in the buffer, and the MTA
/// mostly waits for an answer first.
constexpr int kLinger = 1;

/// SMFIC_BODYEOB without data: four octets of length, one of the command.
constexpr std::string_view kEndOfMessage{"\0\0\0\1E", 5};
static_assert(kEndOfMessage.back() == SMFIC_BODYEOB);

/// What one thread has fetched of one connection and not yet handed on.
class InputBuffer {
 public:
  bool holds(int descriptor) const { return descriptor == descriptor_ && begin_ < end_; }
  /// Whether libmilter is at a packet of which so much is missing that it goes straight into place.
  bool is_passed_by(int descriptor) const { return descriptor == descriptor_ && passed_by_; }
  /// The MTA has an answer to read before it sends more. Forgotten once it was asked.
  void note_answer(int descriptor) { is_answered_ = descriptor == descriptor_; }
  bool take_answer(int descriptor) {
    return std::exchange(is_answered_, false) && descriptor == descriptor_;
  }
  /// Whether the last packet was such a one, so that the next is probably on its way.
  bool follows_long_packet() const { return follows_long_packet_; }

  /// Fetches what has come; only if nothing is left. The result is that of recv().
  ssize_t fill(int descriptor) {
    assert(begin_ == end_);
    if (descriptor != descriptor_) follows_long_packet_ = false;
    const ssize_t got = recv(descriptor, octets_.data(), octets_.size(), MSG_DONTWAIT);
    descriptor_ = descriptor;
    begin_ = 0;
    end_ = got > 0 ? static_cast<size_t>(got) : 0;
    passed_by_ = is_answered_ = false;
    if (got > 0) follows_long_packet_ = false;
    return got;
  }

  /// Whether the packet that says so is all that is left.
  bool is_at_end_of_message() const {
    return std::string_view(octets_.data() + begin_, end_ - begin_) == kEndOfMessage;
  }
  void put_end_back(int descriptor) {
    assert(begin_ == end_);
    descriptor_ = descriptor;
    begin_ = 0;
    end_ = kEndOfMessage.copy(octets_.data(), kEndOfMessage.size());
    passed_by_ = follows_long_packet_ = is_answered_ = false;
  }

  size_t take(void* octets, size_t size) {
    const size_t taken = std::min(size, end_ - begin_);
    std::memcpy(octets, octets_.data() + begin_, taken);
    begin_ += taken;
    return taken;
  }

  /// So much is missing after a read.
  void note_missing(size_t octets) {
    passed_by_ = octets >= kWorthACall;
    follows_long_packet_ = follows_long_packet_ || passed_by_;
  }

  void forget(int descriptor) {
    if (descriptor != descriptor_) return;
    begin_ = end_ = 0;
    passed_by_ = follows_long_packet_ = is_answered_ = false;
  }

 private:
  int descriptor_ = -1;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool passed_by_ = false;
  bool follows_long_packet_ = false;
  bool is_answered_ = false;
  std::array<char, kBufferOctets> octets_;
};

/// Which of the octets that libmilter reads are the start of a packet: its length and its command.
/// libmilter reads these apart from the data, and a worker stays until it has all of a packet.
class PacketStarts {
 public:
  /// The command, if a start is complete with these octets; else 0.
  char add(int descriptor, const char* octets, size_t size) {
    if (descriptor != descriptor_) forget(descriptor_);
    descriptor_ = descriptor;
    if (data_left_ > 0) {
      data_left_ -= std::min(data_left_, size);
      return 0;
    }
    for (size_t i = 0; i < size && count_ < start_.size(); ++i) start_[count_++] = octets[i];
    if (count_ < start_.size()) return 0;
    uint32_t length = 0;
    std::memcpy(&length, start_.data(), sizeof length);
    data_left_ = std::max(ntohl(length), 1U) - 1;
    count_ = 0;
    return start_.back();
  }

  void forget(int descriptor) {
    if (descriptor == descriptor_) count_ = data_left_ = 0;
  }

 private:
  int descriptor_ = -1;
  std::array<char, MILTER_LEN_BYTES + 1> start_{};
  size_t count_ = 0;
  size_t data_left_ = 0;
};

thread_local InputBuffer buffer;
thread_local PacketStarts packet_starts;

int ready(pollfd& descriptor) {
  descriptor.revents = POLLIN;
  return 1;
}

/// The real poll(). If it has to wait, others get their worker.
int wait_for_input(pollfd& descriptor, int milliseconds) {
  if (const int count = poll(&descriptor, 1, 0); count != 0) return count;
  const WaitingWorker waiting;
  return poll(&descriptor, 1, milliseconds);
}

int poll_input(pollfd& descriptor, int milliseconds) {
  if (buffer.is_passed_by(descriptor.fd)) return wait_for_input(descriptor, milliseconds);
  const bool is_between_packets = milliseconds <= kLinger;
  const bool holds = buffer.holds(descriptor.fd);
  if (!holds && is_between_packets && buffer.take_answer(descriptor.fd)) {
    return descriptor.revents = 0;
  }
  // At the end of the stream read() says so; of other errors the real poll() does.
  if (holds || buffer.fill(descriptor.fd) >= 0) {
    const bool is_end = is_between_packets && buffer.is_at_end_of_message();
    if (!is_end || !hold_end()) return ready(descriptor);
    buffer.forget(descriptor.fd);
    return descriptor.revents = 0;
  }
  const bool is_connection = errno == EAGAIN || errno == EWOULDBLOCK;
  if (!is_connection) return poll(&descriptor, 1, milliseconds);
  if (!is_between_packets) return wait_for_input(descriptor, milliseconds);
  if (buffer.follows_long_packet()) return poll(&descriptor, 1, milliseconds);
  return descriptor.revents = 0;
}

ssize_t read_input(int descriptor, void* octets, size_t size) {
  if (!buffer.holds(descriptor)) {
    const ssize_t got = read(descriptor, octets, size);
    if (buffer.is_passed_by(descriptor) && got > 0) buffer.note_missing(size - got);
    return got;
  }
  const size_t taken = buffer.take(octets, size);
  if (size - taken < kWorthACall) return static_cast<ssize_t>(taken);
  const ssize_t more =
      recv(descriptor, static_cast<char*>(octets) + taken, size - taken, MSG_DONTWAIT);
  // An error or the end of the stream is there at the next call, too.
  const size_t got = taken + static_cast<size_t>(std::max<ssize_t>(more, 0));
  buffer.note_missing(size - got);
  return static_cast<ssize_t>(got);
}

}  // namespace

void note_answer(int descriptor) { buffer.note_answer(descriptor); }

void put_end_back(int descriptor) { buffer.put_end_back(descriptor); }

}  // namespace signet

extern "C" {

int signet_libmilter_poll(pollfd* descriptors, nfds_t count, int milliseconds) {
  if (count != 1) return poll(descriptors, count, milliseconds);
  return (descriptors->events & POLLIN) != 0 ? signet::poll_input(*descriptors, milliseconds)
                                             : signet::poll_output(*descriptors, milliseconds);
}

ssize_t signet_libmilter_read(int descriptor, void* octets, size_t size) {
  const ssize_t got = signet::read_input(descriptor, octets, size);
  if (got <= 0) return got;
  const char command = signet::packet_starts.add(descriptor, static_cast<const char*>(octets),
                                                 static_cast<size_t>(got));
  return command == SMFIC_QUIT_NC ? 0 : got;
}

int signet_libmilter_close(int descriptor) {
  signet::buffer.forget(descriptor);
  signet::forget_output(descriptor);
  signet::packet_starts.forget(descriptor);
  return close(descriptor);
}
}
