// SPDX-License-Identifier: BSD-2-Clause
//
// How libmilter writes to the MTA. By itself it asks poll() before each writev(), and sends each
// change of the message by itself, so an MTA is woken for a header field and again for the reply
// that follows at once. Here a write just tries, poll() is asked only after one that could not go
// on, and the changes of one callback leave together with its reply, or with its "still at work".
//
// What is held back belongs to the thread: a callback and its reply stay on one.

#pragma once

#include <poll.h>
#include <sys/types.h>
#include <sys/uio.h>

namespace signet {

/// poll(2) for writing on one connection: "ready" unless the last write could not go on.
int poll_output(pollfd& descriptor, int milliseconds);

/// What is held back for this descriptor is forgotten.
void forget_output(int descriptor);

}  // namespace signet

extern "C" {

/// writev(2) that does not wait (EAGAIN), as libmilter calls it: a packet in two pieces, of which
/// the first is its length and its command, or what is left of one. A change of the message is held
/// back until the next packet that is none.
ssize_t signet_libmilter_writev(int descriptor, const iovec* pieces, int count);
}
