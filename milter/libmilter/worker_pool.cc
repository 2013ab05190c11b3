// SPDX-License-Identifier: BSD-2-Clause
//
// `promised` counts the connections that libmilter has marked ready and signalled a worker for, and
// that none has come for. libmilter signals and waits with the lock of its pool held, so between
// these two the count is exact; a worker that takes a connection when it is done with another is
// not seen, and makes the count too high until the next worker goes idle. Too high costs at most a
// thread that finds nothing to do and ends.

#include "milter/libmilter/worker_pool.h"

#include <atomic>

namespace signet {
namespace {

using ThreadStart = void* (*)(void*);

std::atomic<ThreadStart> worker{nullptr};
std::atomic<int> promised{0};

/// One promise less, if there is any.
bool take_promise() {
  int count = promised.load();
  while (count > 0) {
    if (promised.compare_exchange_weak(count, count - 1)) return true;
  }
  return false;
}

}  // namespace

void make_room_for_waiting() {
  if (!take_promise()) return;
  pthread_t thread{};
  // A worker that starts without a connection takes one that is ready, detaches itself, and ends
  // when there are more idle ones than are needed. If there is no thread to be had, the promise
  // stands: the connection waits as it would without this.
  if (pthread_create(&thread, nullptr, worker.load(), nullptr) != 0) ++promised;
}

}  // namespace signet

extern "C" {

int signet_libmilter_thread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                   void* (*start)(void*), void* argument) {
  signet::worker = start;
  return pthread_create(thread, attributes, start, argument);
}

int signet_libmilter_cond_signal(pthread_cond_t* condition) {
  ++signet::promised;
  return pthread_cond_signal(condition);
}

int signet_libmilter_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                    const timespec* until) {
  // It has looked for a ready connection just now, under the lock, and found none.
  signet::promised = 0;
  const int result = pthread_cond_timedwait(condition, mutex, until);
  signet::take_promise();
  return result;
}
}
