// SPDX-License-Identifier: BSD-2-Clause
//
// How libmilter's workers share the processors. By itself libmilter starts a thread for each
// connection that has become ready while no worker is idle, and ends all but two of those that have
// nothing to do: under load that is a thread for every third message, and as many messages are
// begun at once as there are connections, of which each then ends late.
//
// Here a thread that has ended stays for a while and is used again, and only a few workers have
// their turn at a time; the connections of the others wait in line. A worker that waits itself (for
// the DNS, for the rest of a packet) says so, and its turn is somebody else's meanwhile. Who has
// been in line for 20 ms gets a turn beyond the number, and the kernel shares out the processors:
// nobody waits for long because of others with large messages, or with a log on a slow disk.
//
// To libmilter a worker counts as idle until it has really woken, so of two connections that become
// ready at the same time it would leave both to one worker, and if that one waits, the other
// connection waits with it. Here each has its own place in the line.

#pragma once

#include <pthread.h>

#include <ctime>

namespace signet {

#ifdef SIGNET_BUFFERED_LIBMILTER
/// While one of these lives, the thread waits for something, or may. Any thread; cheap.
class WaitingWorker {
 public:
  WaitingWorker();
  ~WaitingWorker();
  WaitingWorker(const WaitingWorker&) = delete;
  WaitingWorker& operator=(const WaitingWorker&) = delete;
};
#else
struct WaitingWorker {
  WaitingWorker() {}
};
#endif

}  // namespace signet

extern "C" {

/// pthread_create(3), now or when there is a turn, or the work is given to a thread that is there.
/// `thread` is left alone; libmilter does not ask for it.
int signet_libmilter_thread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                   void* (*start)(void*), void* argument);

/// pthread_detach(3): threads of libmilter are that from the start.
int signet_libmilter_thread_detach(pthread_t thread);

/// pthread_cond_signal(3), which libmilter calls for an idle worker when a connection is ready.
int signet_libmilter_cond_signal(pthread_cond_t* condition);

/// pthread_cond_timedwait(3): a worker is idle, because no connection is ready. Woken by the above
/// alone, never for nothing.
int signet_libmilter_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                    const timespec* until);
}
