// SPDX-License-Identifier: BSD-2-Clause
//
// How libmilter takes connections when file descriptors run short. By itself it takes them as long
// as there is a descriptor, so that none is left for the DNS or for key files at a reload; and once
// there is none it asks for the next connection again and again, which costs a whole processor.
//
// Here some descriptors are kept back. A connection that would need one of these is closed at once:
// to the MTA that is a filter which is not there, and its client is told to come again.

#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <functional>

namespace signet {

/// Told how many connections have been closed since it was told last.
using DescriptorAlarm = std::function<void(size_t turned_away)>;

#ifdef SIGNET_BUFFERED_LIBMILTER
/// Call it before libmilter has a thread. The alarm is raised by the one that listens, with the
/// first sign of shortage and then every ten seconds at most.
void set_descriptor_alarm(DescriptorAlarm alarm);
#else
inline void set_descriptor_alarm(const DescriptorAlarm& /*alarm*/) {}
#endif

/// The connection that the thread at hand has taken last.
int last_accepted();

}  // namespace signet

extern "C" {

/// accept(2); with ECONNABORTED, which libmilter passes over, in the place of a
/// connection that was closed for want of descriptors.
int signet_libmilter_accept(int listener, sockaddr* address, socklen_t* size);
}
