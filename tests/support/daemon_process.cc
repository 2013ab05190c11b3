// SPDX-License-Identifier: BSD-2-Clause
//
// Started with posix_spawn, which a process with many threads may use; read out of proc(5).

#include "tests/support/daemon_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <sstream>
#include <thread>

#include "tests/support/milter_client.h"

namespace signet {
namespace {

using namespace std::chrono_literals;

constexpr const char* kLogFile = "signet.log";
constexpr const char* kConfigFile = "signet.conf";

std::string own_user() {
  const passwd* entry = getpwuid(geteuid());
  if (entry == nullptr) throw std::runtime_error("nobody has our user id");
  return entry->pw_name;
}

pid_t start(std::vector<std::string> words, const std::string& log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t process = -1;
  const int error =
      posix_spawn(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(words[0] + " cannot be started");
  return process;
}

}  // namespace

DaemonProcess::DaemonProcess(const std::string& build, const TemporaryFolder& folder,
                             const std::string& config)
    : folder_(folder), socket_("local:" + (folder.path() / "socket").string()) {
  const auto path = configure(config);
  process_ = start({build + "/milter/signet-milter", "-c", path.string(), "-f"},
                   folder_.path() / kLogFile);
  wait_until_it_listens();
}

std::filesystem::path DaemonProcess::configure(const std::string& config) const {
  return folder_.write(kConfigFile, fmt::format("Socket {}\nUserID {}\nLogTarget stderr\n{}",
                                                socket_, own_user(), config));
}

void DaemonProcess::reload(const std::string& config) {
  const auto reloads = [&] {
    const std::vector<std::string> lines = log();
    return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find(" reloaded: ") != std::string::npos;
    });
  };
  const auto before = reloads();
  configure(config);
  kill(process_, SIGUSR1);
  for (int i = 0; i < 2000 && reloads() == before; ++i) std::this_thread::sleep_for(10ms);
  if (reloads() == before) throw std::runtime_error("not reloaded:\n" + folder_.read(kLogFile));
}

DaemonProcess::~DaemonProcess() {
  if (process_ < 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

void DaemonProcess::wait_until_it_listens() const {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!MilterClient::connect(socket_, 1s)) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("signet-milter does not listen:\n" + folder_.read(kLogFile));
    }
    std::this_thread::sleep_for(10ms);
  }
}

ProcessFigures DaemonProcess::figures() const {
  ProcessFigures figures;
  const auto entry = std::filesystem::path("/proc") / std::to_string(process_);
  std::ifstream status(entry / "status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "Threads:") words >> figures.threads;
    if (key == "VmRSS:") words >> figures.resident_kib;
  }
  const std::filesystem::directory_iterator open_files(entry / "fd");
  figures.descriptors = std::distance(begin(open_files), end(open_files));
  return figures;
}

ProcessFigures DaemonProcess::settle(const ProcessFigures& base,
                                     std::chrono::seconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    const ProcessFigures now = figures();
    const bool is_back = now.threads <= base.threads && now.descriptors <= base.descriptors;
    if (is_back || std::chrono::steady_clock::now() > deadline) return now;
    std::this_thread::sleep_for(50ms);
  }
}

std::vector<std::string> DaemonProcess::log() const {
  std::istringstream text(folder_.read(kLogFile));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::string DaemonProcess::sanitizer_findings() const {
  const std::string text = folder_.read(kLogFile);
  size_t first = text.size();
  for (const char* words : {"WARNING: ThreadSanitizer", "ERROR: AddressSanitizer",
                            "ERROR: LeakSanitizer", ": runtime error: "}) {
    first = std::min(first, text.find(words));
  }
  return text.substr(first);
}

int DaemonProcess::stop() {
  kill(process_, SIGTERM);
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace signet
