// SPDX-License-Identifier: BSD-2-Clause
//
// A small filter on libmilter in a child process, for tests that play the MTA. It listens on a
// socket in a folder of its own and is killed with the object: libmilter cannot end without its
// process.

#pragma once

#include <fmt/format.h>
#include <libmilter/mfapi.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/milter_client.h"
#include "tests/support/temporary_folder.h"

namespace signet {

class FilterProcess {
 public:
  /// Serves the callbacks of `description`, whose name and version are filled in. `kind`: how the
  /// socket is spelled, "unix" or "local". Throws if it does not listen within five seconds.
  explicit FilterProcess(smfiDesc description, const std::string& kind = "unix") {
    socket_ = kind + ":" + (folder_.path() / "socket").string();
    child_ = fork();
    if (child_ == 0) serve(description, socket_);
    for (int i = 0; i < 500; ++i) {
      if (MilterClient::connect(socket_, std::chrono::seconds(1))) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    stop();
    throw std::runtime_error("the filter does not listen");
  }
  ~FilterProcess() { stop(); }
  FilterProcess(const FilterProcess&) = delete;
  FilterProcess& operator=(const FilterProcess&) = delete;

  const std::string& socket() const { return socket_; }
  /// How many threads the filter has now.
  size_t thread_count() const {
    const std::filesystem::directory_iterator tasks(fmt::format("/proc/{}/task", child_));
    return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
  }

 private:
  /// The child's whole life.
  [[noreturn]] static void serve(smfiDesc description, std::string socket) {
    std::string name = "test";
    description.xxfi_name = name.data();
    description.xxfi_version = SMFI_VERSION;
    const bool ready = smfi_register(description) == MI_SUCCESS &&
                       smfi_setconn(socket.data()) == MI_SUCCESS &&
                       smfi_opensocket(1) == MI_SUCCESS;
    _exit(ready && smfi_main() == MI_SUCCESS ? 0 : 1);
  }

  void stop() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
  }

  const TemporaryFolder folder_;
  std::string socket_;
  pid_t child_ = 0;
};

}  // namespace signet
