// SPDX-License-Identifier: BSD-2-Clause
//
// libmilter has a thread that waits in sigwait() for SIGTERM and SIGHUP, and stops at once when one
// of them comes. The kernel gives a signal to that thread if the main thread is still busy with the
// one before, so now and then a reload that is followed by a stop, or by SIGHUP, would cut off the
// messages in flight. This takes the place of the C library's function for the whole process, in
// which nobody else calls it, and lets that thread wait for ever.

#include <unistd.h>

#include <csignal>

extern "C" __attribute__((visibility("default"))) int sigwait(const sigset_t* /*set*/,
                                                              int* /*number*/) {
  while (true) pause();
}
