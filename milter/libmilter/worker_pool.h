// SPDX-License-Identifier: BSD-2-Clause
//
// How libmilter wakes its workers. It starts a thread for a connection that has become ready only
// if no worker is idle; but a worker counts as idle until it has really woken. So of two
// connections that become ready at the same time both may be left to one worker, and if that one
// then waits (for the DNS, for the rest of a packet), the other connection waits with it.
//
// The remedy: whoever is going to wait says so, and if connections have been promised a worker that
// has not come yet, another is started for them.

#pragma once

#include <pthread.h>

#include <ctime>

namespace signet {

#ifdef SIGNET_BUFFERED_LIBMILTER
/// Call it on a thread of libmilter before something that may take long. Any thread; cheap.
void make_room_for_waiting();
#else
inline void make_room_for_waiting() {}
#endif

}  // namespace signet

extern "C" {

/// pthread_create(3), and remembers what libmilter starts: from its first connection on a worker.
int signet_libmilter_thread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                   void* (*start)(void*), void* argument);

/// pthread_cond_signal(3): a connection is promised to an idle worker.
int signet_libmilter_cond_signal(pthread_cond_t* condition);

/// pthread_cond_timedwait(3): a worker is idle, because no connection is ready.
int signet_libmilter_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                    const timespec* until);
}
