// SPDX-License-Identifier: BSD-2-Clause
//
// The threads that serve libmilter's connections, in the place of its own pool (its worker.c, which
// is left out of the copy that we link). That one has a thread which polls all idle connections and
// passes each that is ready to a worker, and is told through a pipe of each that is idle again: for
// every answer of the MTA the processors change threads three times. Under load it also starts a
// thread for every third message, begins as many messages at once as there are connections, and may
// leave two connections that are ready to one worker, of which the second then waits for the first.
//
// Here workers wait for connections themselves, all by one epoll(7): the kernel wakes one worker
// for each connection that is ready, and under load a worker finds the next without any sleep. Only
// a few have their turn at a time, one for each processor. A worker that waits for something else
// (the DNS, the rest of a packet) says so, and another has its turn meanwhile. If a connection is
// ready and none has been taken for 20 ms, all workers being busy, more come: nobody waits for long
// because of others with large messages, or with a log on a slow disk. A message that has come but
// has to wait for the DNS occupies no worker: its end is kept back until it need not wait.

#pragma once

#include <libmilter/mfapi.h>

#include <chrono>
#include <functional>

namespace signet {

/// Asked when all of a message has come but its end is not yet told to xxfi_eom: whether that would
/// wait. Then `go_on` is called once it is worth asking again; on any thread, at any time until
/// then, also when the connection is gone. It must not throw.
using EndWaits = bool (*)(SMFICTX* context, const std::function<void()>& go_on);

#ifdef SIGNET_BUFFERED_LIBMILTER
/// While one of these lives, the thread waits for something, or may. Any thread; cheap.
class WaitingWorker {
 public:
  WaitingWorker();
  ~WaitingWorker();
  WaitingWorker(const WaitingWorker&) = delete;
  WaitingWorker& operator=(const WaitingWorker&) = delete;
};

/// How long a connection may be idle until it is closed; two hours by default. Call it before
/// libmilter has a thread, beside smfi_settimeout(), which is for the rest of a packet.
void set_idle_timeout(std::chrono::seconds timeout);

/// While its end waits, a connection has no thread. Call it before libmilter has a thread.
void set_end_waits(EndWaits end_waits);

/// On a worker: whether the end of the message at hand is not to be told yet. Then the worker is to
/// leave the connection as if nothing more had come, and put_end_back() is called before another
/// comes back to it.
bool hold_end();
#else
struct WaitingWorker {
  WaitingWorker() {}
};
inline void set_idle_timeout(std::chrono::seconds /*timeout*/) {}
inline void set_end_waits(EndWaits /*end_waits*/) {}
#endif

}  // namespace signet

extern "C" {

/// libmilter calls it once, before the first connection. MI_SUCCESS, or MI_FAILURE without threads.
int mi_pool_controller_init();

/// libmilter calls it for the connection that its listening thread has just accepted. At MI_FAILURE
/// it closes the connection itself.
int mi_start_session(SMFICTX* context);
}
