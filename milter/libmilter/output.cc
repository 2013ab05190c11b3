// SPDX-License-Identifier: BSD-2-Clause
//
// libmilter takes EAGAIN as "ask poll() and try again", and counts itself what of a packet is left.
// So what is held is sent, and counted, here; of the packet behind it libmilter is told.

#include "milter/libmilter/output.h"

#include <libmilter/mfdef.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string>

#include "milter/libmilter/input.h"
#include "milter/libmilter/worker_pool.h"

namespace signet {
namespace {

/// More is sent at once. Our changes are a field of some hundred octets, mostly.
constexpr size_t kHeldOctets = 16 * 1024;
/// Of a packet: four octets of length, one of the command.
constexpr size_t kPacketStart = 5;
constexpr size_t kMostPieces = 2;

/// The commands that change the message.
constexpr std::array kChanges{SMFIR_ADDHEADER, SMFIR_CHGHEADER, SMFIR_INSHEADER, SMFIR_QUARANTINE};

size_t octets(std::span<const iovec> pieces) {
  size_t sum = 0;
  for (const iovec& piece : pieces) sum += piece.iov_len;
  return sum;
}

bool is_change(std::span<const iovec> packet) {
  if (packet.empty() || packet[0].iov_len != kPacketStart) return false;
  const char command = static_cast<const char*>(packet[0].iov_base)[kPacketStart - 1];
  return std::ranges::find(kChanges, command) != kChanges.end();
}

/// What one thread has not yet sent of its callback's changes.
class Output {
 public:
  bool has_to_wait(int descriptor) const { return descriptor == descriptor_ && has_to_wait_; }

  ssize_t write(int descriptor, std::span<const iovec> pieces) {
    if (descriptor != descriptor_) start(descriptor);
    has_to_wait_ = false;
    const size_t size = octets(pieces);
    if (!is_rest_ && is_change(pieces) && held_.size() + size <= kHeldOctets) {
      for (const iovec& piece : pieces) {
        held_.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      }
      return static_cast<ssize_t>(size);
    }
    return send(pieces, size);
  }

  void forget(int descriptor) {
    if (descriptor == descriptor_) start(-1);
  }

 private:
  void start(int descriptor) {
    descriptor_ = descriptor;
    held_.clear();
    has_to_wait_ = is_rest_ = false;
  }

  /// Sends what is held and then the pieces. Counted are the octets of the pieces.
  ssize_t send(std::span<const iovec> pieces, size_t size) {
    std::array<iovec, kMostPieces + 1> all{iovec{held_.data(), held_.size()}};
    std::copy(pieces.begin(), pieces.end(), all.begin() + 1);
    msghdr message{};
    message.msg_iov = all.data();
    message.msg_iovlen = pieces.size() + 1;
    const ssize_t sent = sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      has_to_wait_ = errno == EAGAIN || errno == EWOULDBLOCK;
      return sent;
    }
    const size_t of_held = std::min(static_cast<size_t>(sent), held_.size());
    held_.erase(0, of_held);
    const size_t of_pieces = static_cast<size_t>(sent) - of_held;
    has_to_wait_ = of_pieces < size;
    if (of_pieces > 0) {
      is_rest_ = has_to_wait_;
      return static_cast<ssize_t>(of_pieces);
    }
    errno = EAGAIN;
    return -1;
  }

  int descriptor_ = -1;
  std::string held_;
  bool has_to_wait_ = false;
  /// The next write goes on with the packet of the last one.
  bool is_rest_ = false;
};

thread_local Output output;

}  // namespace

int poll_output(pollfd& descriptor, int milliseconds) {
  if (output.has_to_wait(descriptor.fd)) {
    const WaitingWorker waiting;
    return poll(&descriptor, 1, milliseconds);
  }
  descriptor.revents = POLLOUT;
  return 1;
}

void forget_output(int descriptor) { output.forget(descriptor); }

}  // namespace signet

extern "C" ssize_t signet_libmilter_writev(int descriptor, const iovec* pieces, int count) {
  if (count < 0 || static_cast<size_t>(count) > signet::kMostPieces) {
    errno = EINVAL;
    return -1;
  }
  const ssize_t written = signet::output.write(descriptor, {pieces, static_cast<size_t>(count)});
  if (written > 0) signet::note_answer(descriptor);
  return written;
}
