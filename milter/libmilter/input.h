// SPDX-License-Identifier: BSD-2-Clause
//
// How libmilter reads from the MTA. By itself it takes two read() and up to three poll() for each
// packet, and a message of thirty fields comes in seventy packets. These take the place of its
// poll(), read() and close(): octets are fetched 16 KiB at a time, and the small reads are served
// from there.
//
// The buffer belongs to the thread, not to the connection. That works because of how libmilter's
// workers go about it: a worker stays with a connection, packet after packet, until poll() says
// that nothing is left to read; or it closes it. So a buffer with something in it always belongs to
// the connection that its thread is at, an idle connection holds no memory, and the worker pool,
// which waits for all idle connections, never misses octets that are here already.

#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstddef>

namespace signet {

/// The thread at hand has sent an answer: the MTA reads it before it sends more, so the next poll()
/// for a moment says "nothing there" without looking.
void note_answer(int descriptor);

/// The next to be read of a connection is the end of a message, which had been read already when
/// hold_end() held it. The buffer of the thread at hand must be empty.
void put_end_back(int descriptor);

}  // namespace signet

extern "C" {

/// poll(2). Of one connection that is to be read from it says "ready" while octets of it are in the
/// buffer, and else fills the buffer with what has come; but not of an end of message that
/// hold_end() holds. Waits no longer than poll() would; not at all if that is a millisecond.
/// Writing on one connection is the matter of output.h.
int signet_libmilter_poll(pollfd* descriptors, nfds_t count, int milliseconds);

/// read(2), from the buffer if that holds octets of this descriptor. May return fewer octets than
/// asked for, as read() may. At QUIT_NC, "the next client comes over this connection", the stream
/// ends: libmilter heeds it after a message only, and else takes the next client for the last one.
ssize_t signet_libmilter_read(int descriptor, void* octets, size_t size);

/// close(2); what the buffer holds of this descriptor is forgotten.
int signet_libmilter_close(int descriptor);
}
