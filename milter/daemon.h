// SPDX-License-Identifier: BSD-2-Clause
//
// The life of the process: configuration, socket, privileges, signals, reload, the end. SIGUSR1
// (and SIGHUP) reload; SIGTERM and SIGINT drain: new connections are turned away, messages in
// flight are finished, then the process ends.

#pragma once

#include <string>

namespace signet {

/// Exit statuses, as in <sysexits.h>.
inline constexpr int kExitOk = 0;
inline constexpr int kExitUnavailable = 69;  ///< EX_UNAVAILABLE: the socket or the system says no
inline constexpr int kExitConfig = 78;       ///< EX_CONFIG: the configuration is wrong

struct DaemonOptions {
  std::string config_path = "/etc/signet/signet.conf";
  bool foreground = false;  ///< stay attached, log to stderr
};

/// Reads the configuration and everything it names, prints what is wrong to stderr.
int check_configuration(const std::string& config_path);

/// Runs until a signal ends it; returns the exit status.
int run_daemon(const DaemonOptions& options);

}  // namespace signet
