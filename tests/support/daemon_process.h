// SPDX-License-Identifier: BSD-2-Clause
//
// DaemonProcess: one running signet-milter, for tests that play the MTA to it. It listens on a
// socket in a folder of its own, logs into a file there, and is killed with the object if nobody
// has stopped it before.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace signet {

/// What /proc says of a process.
struct ProcessFigures {
  long threads = 0;
  long descriptors = 0;
  long resident_kib = 0;
};

class DaemonProcess {
 public:
  /// `build`: a folder of cmake, whose milter/signet-milter is meant. `folder` may hold keys and
  /// tables, and outlives the process. `config` says everything but Socket, UserID and LogTarget.
  /// Throws std::runtime_error with the log if it does not listen within 20 seconds.
  DaemonProcess(const std::string& build, const TemporaryFolder& folder, const std::string& config);
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  const std::string& socket() const { return socket_; }
  pid_t pid() const { return process_; }

  /// Another configuration, by SIGUSR1. Throws std::runtime_error if it is not taken.
  void reload(const std::string& config);

  ProcessFigures figures() const;
  /// Waits until there are no more threads and descriptors than in `base`, at most `timeout`, and
  /// returns what there is then.
  ProcessFigures settle(const ProcessFigures& base, std::chrono::seconds timeout) const;
  /// The lines of the log so far.
  std::vector<std::string> log() const;
  /// What a sanitizer has said in the log, if it has said something.
  std::string sanitizer_findings() const;

  /// SIGTERM, and the exit status; 128 and the signal's number if one ended it.
  int stop();

 private:
  std::filesystem::path configure(const std::string& config) const;
  void wait_until_it_listens() const;

  const TemporaryFolder& folder_;
  const std::string socket_;
  pid_t process_ = -1;
};

}  // namespace signet
