// SPDX-License-Identifier: BSD-2-Clause
//
// Octets enter the buffer in poll() alone, by a recv() that does not wait. Everything that is no
// connected socket (the listening socket, the pipe of libmilter's pool) is refused by recv() and
// goes on to the real poll().

#include "milter/libmilter/input.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "milter/libmilter/worker_pool.h"

namespace signet {
namespace {

/// Longer than the packets of most headers together; that of a body is 64 KiB.
constexpr size_t kBufferOctets = 16 * 1024;
/// From here on the rest of a packet goes straight to where libmilter wants it.
constexpr size_t kWorthACall = 4 * 1024;
/// A wait of so many milliseconds is no reason to care for others: libmilter gives a connection
/// that much, to see whether more comes, before it lets its worker go.
constexpr int kShortWait = 1;

/// What one thread has fetched of one connection and not yet handed on.
class InputBuffer {
 public:
  bool holds(int descriptor) const { return descriptor == descriptor_ && begin_ < end_; }

  /// Fetches what has come; only if nothing is left. The result is that of recv().
  ssize_t fill(int descriptor) {
    assert(begin_ == end_);
    const ssize_t got = recv(descriptor, octets_.data(), octets_.size(), MSG_DONTWAIT);
    descriptor_ = descriptor;
    begin_ = 0;
    end_ = got > 0 ? static_cast<size_t>(got) : 0;
    return got;
  }

  size_t take(void* octets, size_t size) {
    const size_t taken = std::min(size, end_ - begin_);
    std::memcpy(octets, octets_.data() + begin_, taken);
    begin_ += taken;
    return taken;
  }

  void forget(int descriptor) {
    if (descriptor == descriptor_) begin_ = end_ = 0;
  }

 private:
  int descriptor_ = -1;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::array<char, kBufferOctets> octets_;
};

thread_local InputBuffer buffer;

int ready(pollfd& descriptor) {
  descriptor.revents = POLLIN;
  return 1;
}

}  // namespace
}  // namespace signet

extern "C" {

int signet_libmilter_poll(pollfd* descriptors, nfds_t count, int milliseconds) {
  using namespace signet;  // NOLINT(google-build-using-namespace): C has none
  if (count != 1 || (descriptors->events & POLLIN) == 0) {
    return poll(descriptors, count, milliseconds);
  }
  if (buffer.holds(descriptors->fd)) return ready(*descriptors);
  // At the end of the stream read() says so; of other errors the real poll() does.
  if (buffer.fill(descriptors->fd) >= 0) return ready(*descriptors);
  const bool is_connection = errno == EAGAIN || errno == EWOULDBLOCK;
  if (is_connection && milliseconds > kShortWait) make_room_for_waiting();
  return poll(descriptors, count, milliseconds);
}

ssize_t signet_libmilter_read(int descriptor, void* octets, size_t size) {
  using namespace signet;  // NOLINT(google-build-using-namespace)
  if (!buffer.holds(descriptor)) return read(descriptor, octets, size);
  const size_t taken = buffer.take(octets, size);
  if (size - taken < kWorthACall) return static_cast<ssize_t>(taken);
  const ssize_t more =
      recv(descriptor, static_cast<char*>(octets) + taken, size - taken, MSG_DONTWAIT);
  // An error or the end of the stream is there at the next call, too.
  return static_cast<ssize_t>(taken) + std::max<ssize_t>(more, 0);
}

int signet_libmilter_close(int descriptor) {
  signet::buffer.forget(descriptor);
  return close(descriptor);
}
}
