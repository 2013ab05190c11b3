// SPDX-License-Identifier: BSD-2-Clause
//
// Start, reload and end in the order they happen. Signals reach the main thread only; libmilter
// runs in a second one, so that its own handling of SIGTERM and SIGHUP, which is to stop at once,
// never sets in.

#include "milter/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "milter/background.h"
#include "milter/callbacks.h"
#include "milter/config/config.h"
#include "milter/config/config_values.h"
#include "milter/libmilter/accept.h"
#include "milter/log.h"
#include "milter/memory.h"
#include "milter/privileges.h"
#include "milter/runtime.h"
#include "milter/signing/key_monitor.h"

namespace signet {
namespace {

// For SPF checks to go on in when answers come. They don't wait there.
constexpr size_t kBackgroundThreads = 4;
/// How often memory is given back that nobody needs.
constexpr std::chrono::seconds kBetweenReturns{10};

// smfi_main() blocks SIGTERM and SIGHUP in the thread that calls it. So libmilter runs in a second
// thread, and the main thread gets the signals, by these handlers that only pass the number on.
int signal_pipe_end = -1;

void pass_on(int signal_number) {
  const int saved = errno;
  const auto octet = static_cast<unsigned char>(signal_number);
  [[maybe_unused]] const ssize_t written = write(signal_pipe_end, &octet, 1);
  errno = saved;
}

// Reads the signals that arrive, one at a time. Lives in the main thread.
class SignalQueue {
 public:
  SignalQueue() {
    if (pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
    signal_pipe_end = ends_[1];
    struct sigaction action {};
    action.sa_handler = pass_on;
    action.sa_flags = SA_RESTART;
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
      sigaction(number, &action, nullptr);
    }
    std::signal(SIGPIPE, SIG_IGN);
  }

  /// The next signal, or 0 after `timeout` (negative: wait for ever).
  int next(std::chrono::milliseconds timeout) const {
    pollfd waiting{ends_[0], POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) return 0;
    unsigned char octet = 0;
    return read(ends_[0], &octet, 1) == 1 ? octet : 0;
  }

 private:
  std::array<int, 2> ends_{};
};

void complain(const std::string& line) {
  std::fprintf(stderr, "signet-milter: %s\n", line.c_str());
}

// The parent's side of going into the background: its exit status is the child's readiness.
class Detachment {
 public:
  /// Forks; the parent never returns from here.
  static Detachment detach() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    const pid_t child = fork();
    if (child < 0) {
      complain(std::string("cannot fork: ") + std::strerror(errno));
      std::exit(kExitUnavailable);
    }
    if (child > 0) {
      close(ends[1]);
      unsigned char status = kExitUnavailable;
      if (read(ends[0], &status, 1) != 1) status = kExitUnavailable;
      std::_Exit(status);
    }
    close(ends[0]);
    setsid();
    return Detachment(ends[1]);
  }

  Detachment() = default;

  /// Lets go of terminal and folder, and then tells the waiting parent.
  void report(int status) {
    if (pipe_ < 0) return;
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int descriptor : {0, 1, 2}) dup2(null, descriptor);
    [[maybe_unused]] const int changed = chdir("/");
    const auto octet = static_cast<unsigned char>(status);
    [[maybe_unused]] const ssize_t written = write(pipe_, &octet, 1);
    close(pipe_);
    pipe_ = -1;
  }

 private:
  explicit Detachment(int pipe) : pipe_(pipe) {}
  int pipe_ = -1;
};

// An Error about tables has a line for each of their faults.
std::vector<std::string> lines_of(const std::string& error) {
  std::vector<std::string> lines;
  for_each_line(error, [&](int, std::string_view line) { lines.emplace_back(line); });
  return lines;
}

void log_keys(const Runtime& runtime, spdlog::logger& log) {
  for (const std::string& problem : runtime.key_problems()) log.warn("key not used: {}", problem);
  for (const std::string& problem : runtime.stale_keys()) {
    log.error("key not read again, the old one stays: {}", problem);
  }
  for (const std::string& warning : runtime.rules.warnings()) log.warn("{}", warning);
}

void log_limits(const Runtime& runtime, spdlog::logger& log) {
  const std::string reached = to_string(*runtime.limit_counters);
  if (!reached.empty()) log.info("limits reached since the start: {}", reached);
}

std::string summary(const Runtime& runtime) {
  const Config& config = runtime.config;
  return fmt::format("{} signing keys, mode {}{}, socket {}", runtime.all_signing_keys().size(),
                     config.sign ? "s" : "", config.verify ? "v" : "", config.socket);
}

// Who the configuration names.
struct Accounts {
  Account service;  // to run as
  Account socket;   // to own a local socket
};

Result<Accounts> find_accounts(const Config& config) {
  // Without root there is no choice.
  Accounts accounts{{"", geteuid(), getegid()}, {}};
  if (geteuid() == 0 && !config.user_id.empty()) {
    const Result<Account> account = find_account(config.user_id);
    if (!account) return Error{config.place_of("UserID") + ": " + account.error()};
    accounts.service = *account;
  }
  accounts.socket = accounts.service;
  if (!config.socket_owner.empty()) {
    const Result<Account> account = find_account(config.socket_owner);
    if (!account) return Error{config.place_of("SocketOwner") + ": " + account.error()};
    accounts.socket = *account;
  }
  return accounts;
}

// Opens the socket with the rights the configuration gives it.
Result<bool> open_socket(MilterService& service, const Config& config, const Account& owner) {
  const std::optional<std::string> path = unix_socket_path(config.socket);
  if (path) {
    if (const Result<bool> free = check_socket_free(*path); !free) return free;
  }
  umask(0177);  // nobody else may connect until hand_over_socket()
  const Result<bool> opened = open_milter(service, config.socket, config.milter_timeout);
  umask(0077);
  if (!opened || !path) return opened;
  return hand_over_socket(*path, owner, config.socket_mode);
}

class Daemon {
 public:
  Daemon(std::string config_path, std::shared_ptr<spdlog::logger> log)
      : config_path_(std::move(config_path)), log_(std::move(log)) {}

  /// Socket and pid file, with the rights we came with; then gives these up.
  Result<bool> open(const Config& config, const Accounts& accounts) {
    set_descriptor_alarm([&log = *log_](size_t turned_away) {
      log.error(
          "file descriptors run short, {} connections turned away; raise the limit (LimitNOFILE=)",
          turned_away);
    });
    Result<bool> done = open_socket(service_, config, accounts.socket);
    if (done) done = write_pid_file(config.pid_file, getpid());
    if (done) done = become(accounts.service);
    socket_path_ = unix_socket_path(config.socket);
    if (done) forbid_core_files();
    return done;
  }

  /// Keys and resolver, with the rights of the service user, as at every reload.
  Result<bool> load(Config config) {
    Result<std::shared_ptr<const Runtime>> runtime = build_runtime(std::move(config));
    if (!runtime) return Error{runtime.error()};
    log_keys(**runtime, *log_);
    runtimes_.replace(*std::move(runtime));
    return true;
  }

  /// Serves until a signal says stop, and ends the process.
  [[noreturn]] void run(const SignalQueue& signals) {
    std::thread([this] { listen(); }).detach();
    key_monitor_.start();
    sd_notify(0, "READY=1");
    log_->info("started: {}", summary(*runtimes_.get()));
    const int stop_signal = serve(signals);
    sd_notify(0, "STOPPING=1");
    drain(stop_signal);
    // In a folder that is not ours it stays, and the next start replaces it.
    if (socket_path_) unlink(socket_path_->c_str());
    log_limits(*runtimes_.get(), *log_);
    log_->info("stopped");
    log_->flush();
    end(gave_up_ ? kExitUnavailable : kExitOk);
  }

 private:
  void listen() {
    run_milter();
    // Nobody asked for it: end the process, so that whoever watches it can start it again.
    gave_up_ = true;
    log_->error("libmilter stopped listening by itself");
    pass_on(SIGTERM);
  }

  int serve(const SignalQueue& signals) {
    while (true) {
      const int number = signals.next(kBetweenReturns);
      if (number == SIGTERM || number == SIGINT) return number;
      if (number == SIGUSR1 || number == SIGHUP) reload();
      if (number == 0) give_back_memory();
    }
  }

  void reload() {
    auto loaded = load_config(config_path_);
    if (const auto* errors = std::get_if<ConfigErrors>(&loaded)) {
      for (const std::string& line : errors->lines) log_->error("{}", line);
      log_->error("reload failed, the old configuration stays");
      return;
    }
    auto& config = std::get<Config>(loaded);
    const Config& old = runtimes_.get()->config;
    if (config.socket != old.socket || config.user_id != old.user_id ||
        config.log_target != old.log_target) {
      log_->warn("changes of Socket, UserID and LogTarget take effect at the next start");
    }
    Result<std::shared_ptr<const Runtime>> runtime =
        build_runtime(std::move(config), runtimes_.get().get());
    if (!runtime) {
      for (const std::string& line : lines_of(runtime.error())) log_->error("{}", line);
      log_->error("reload failed, the old configuration stays");
      return;
    }
    set_log_level(*log_, (*runtime)->config.log_level);
    log_keys(**runtime, *log_);
    log_->info("reloaded: {}", summary(**runtime));
    log_limits(**runtime, *log_);
    runtimes_.replace(*std::move(runtime));
    key_monitor_.runtime_changed();
  }

  void drain(int stop_signal) {
    service_.draining = true;
    log_->info("signal {}: {} messages in flight", stop_signal, service_.messages_in_flight.load());
    if (service_.messages_in_flight == 0) return;
    const auto deadline = std::chrono::steady_clock::now() + runtimes_.get()->config.drain_timeout;
    while (service_.messages_in_flight > 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (service_.messages_in_flight > 0) {
      log_->warn("{} messages abandoned; the MTA will tempfail them",
                 service_.messages_in_flight.load());
    }
    // The callback of the last message has returned; libmilter still writes its answer.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }

  // libmilter is not stopped, and this object, which its threads use, not destroyed: smfi_stop()
  // frees locks that those threads still take. Now they wait for connections, or are cut off.
  [[noreturn]] void end(int status) {
    // Callbacks, and checks that nobody waits for any more, may need whatever exit() takes down.
    const bool keys_are_checked = !key_monitor_.stop();
    if (service_.connections > 0 || background_.is_working() || keys_are_checked) {
      std::_Exit(status);
    }
    runtimes_.replace(nullptr);  // ends the resolver's thread
    std::exit(status);
  }

  const std::string config_path_;
  RuntimeSlot runtimes_{nullptr};  // filled by load(), before anyone is served
  std::shared_ptr<spdlog::logger> log_;
  Background background_{kBackgroundThreads};
  KeyMonitor key_monitor_{runtimes_, log_};
  MilterService service_{runtimes_, background_, log_};
  std::optional<std::string> socket_path_;  // of a local socket
  std::atomic<bool> gave_up_{false};        // libmilter has stopped by itself
};

void complain_all(const ConfigErrors& errors) {
  for (const std::string& line : errors.lines) complain(line);
}

}  // namespace

int check_configuration(const std::string& config_path) {
  auto loaded = load_config(config_path);
  if (const auto* errors = std::get_if<ConfigErrors>(&loaded)) {
    complain_all(*errors);
    return kExitConfig;
  }
  auto& config = std::get<Config>(loaded);
  const Result<Accounts> accounts = find_accounts(config);
  if (!accounts) {
    complain(accounts.error());
    return kExitConfig;
  }
  // Root may read every key, but it is not root who will sign.
  if (geteuid() == 0) {
    if (const Result<bool> done = become(accounts->service); !done) {
      complain(config_path + ": " + done.error());
      return kExitConfig;
    }
  }
  const auto runtime = build_runtime(std::move(config));
  if (!runtime) {
    for (const std::string& line : lines_of(runtime.error())) complain(line);
    return kExitConfig;
  }
  const std::vector<std::string> problems = (*runtime)->key_problems();
  for (const std::string& problem : problems) complain("warning: key not used: " + problem);
  for (const std::string& warning : (*runtime)->rules.warnings()) complain("warning: " + warning);
  if ((*runtime)->config.sign && (*runtime)->all_signing_keys().empty() && !problems.empty()) {
    complain(config_path + ": none of the keys can be used, so no mail would be signed");
    return kExitConfig;
  }
  std::printf("%s: good: %s\n", config_path.c_str(), summary(**runtime).c_str());
  return kExitOk;
}

int run_daemon(const DaemonOptions& options) {
  auto loaded = load_config(options.config_path);
  if (const auto* errors = std::get_if<ConfigErrors>(&loaded)) {
    complain_all(*errors);
    return kExitConfig;
  }
  auto& config = std::get<Config>(loaded);
  const Result<Accounts> accounts = find_accounts(config);
  if (!accounts) {
    complain(accounts.error());
    return kExitConfig;
  }
  Result<std::shared_ptr<spdlog::logger>> log = make_logger(config, options.foreground);
  if (!log) {
    complain("LogTarget: " + log.error());
    return kExitConfig;
  }
  // The background has another working directory.
  const std::string config_path = std::filesystem::absolute(options.config_path);
  Detachment parent;
  if (!options.foreground) parent = Detachment::detach();
  raise_descriptor_limit();
  const SignalQueue signals;
  Daemon daemon(config_path, *log);
  int status = kExitUnavailable;
  Result<bool> ready = daemon.open(config, *accounts);
  if (ready) {
    status = kExitConfig;
    ready = daemon.load(std::move(config));
  }
  if (!ready) {
    for (const std::string& line : lines_of(ready.error())) {
      complain(line);
      (*log)->error("not started: {}", line);
    }
    parent.report(status);
    return status;
  }
  parent.report(kExitOk);
  daemon.run(signals);
}

}  // namespace signet
