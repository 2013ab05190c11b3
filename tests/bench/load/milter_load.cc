// SPDX-License-Identifier: BSD-2-Clause
//
// milter_load --socket SOCKET... --mail POOL [OPTION...]: puts the load of an MTA on a filter, or
// on a list of filters, and tells as JSON how long they took and what they found out.
//
// As many sessions at a time as there are connections, each in a thread of its own, blocking. All
// packets of all messages are made before the first is sent, so the filter is what takes time.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <ctime>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/load/load_session.h"

namespace signet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostErrors = 100;

struct Options {
  std::vector<std::string> sockets;
  std::string mail;
  size_t connections = 1;
  double seconds = 0;
  size_t messages = 0;
  size_t first = 0;    // in the pool
  unsigned pause = 0;  // milliseconds
  size_t give_up = 0;  // one session in so many
  bool hold = false;
};

/// What the sessions came to, put together by all threads.
struct Tally {
  std::mutex mutex;
  std::vector<double> at_end, in_all;  // milliseconds
  size_t spf_pass = 0, dkim_pass = 0, dmarc_pass = 0, has_signature = 0;
  size_t rejected = 0, tempfailed = 0, errors = 0;
  std::string first_error;

  void add(const Result<SessionResult>& result) {
    const std::lock_guard lock(mutex);
    if (!result) {
      if (errors++ == 0) first_error = result.error();
      return;
    }
    at_end.push_back(result->at_end.count());
    in_all.push_back(result->in_all.count());
    spf_pass += result->spf_pass ? 1 : 0;
    dkim_pass += result->dkim_pass ? 1 : 0;
    dmarc_pass += result->dmarc_pass ? 1 : 0;
    has_signature += result->has_signature ? 1 : 0;
    rejected += result->answer == 'r' || result->answer == 'y' ? 1 : 0;
    tempfailed += result->answer == 't' ? 1 : 0;
  }

  size_t error_count() {
    const std::lock_guard lock(mutex);
    return errors;
  }
};

nlohmann::json quantiles(std::vector<double> values) {
  nlohmann::json json;
  std::sort(values.begin(), values.end());
  const auto at = [&](double part) {
    return values.empty()
               ? 0
               : values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
  };
  return {{"p50", at(0.5)}, {"p95", at(0.95)}, {"p99", at(0.99)}, {"max", at(1)}};
}

nlohmann::json report(Tally& tally, const Options& options, double seconds) {
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  const auto messages = static_cast<double>(tally.at_end.size());
  return {{"connections", options.connections},
          {"messages", tally.at_end.size()},
          {"seconds", seconds},
          {"messages_per_second", messages / seconds},
          {"at_end_ms", quantiles(tally.at_end)},
          {"in_all_ms", quantiles(tally.in_all)},
          {"spf_pass", tally.spf_pass},
          {"dkim_pass", tally.dkim_pass},
          {"dmarc_pass", tally.dmarc_pass},
          {"signed", tally.has_signature},
          {"rejected", tally.rejected},
          {"tempfailed", tally.tempfailed},
          {"errors", tally.errors},
          {"first_error", tally.first_error},
          {"load_cpu_seconds",
           static_cast<double>(cpu.tv_sec) + 1e-9 * static_cast<double>(cpu.tv_nsec)}};
}

template <class Work>
void in_threads(size_t count, const Work& work) {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

/// What happens there; nothing if the body comes in one piece.
MiddleOfBody middle_of_body(const Options& options, bool given_up) {
  if (options.pause == 0 && options.give_up == 0) return {};
  return [pause = options.pause, given_up] {
    if (pause > 0) std::this_thread::sleep_for(std::chrono::milliseconds(pause));
    return !given_up;
  };
}

/// Sessions one after the other in each thread, until the time or the messages are over.
void send_all(const Options& options, const std::vector<LoadedMilter>& milters, Tally& tally) {
  const size_t pool = milters.front().scripts.size();
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(options.seconds));
  std::atomic<size_t> next{0};
  in_threads(options.connections, [&] {
    while (tally.error_count() < kMostErrors) {
      const size_t number = next++;
      if (options.messages > 0 && number >= options.messages) return;
      if (options.seconds > 0 && Clock::now() >= end) return;
      const bool given_up = options.give_up > 0 && number % options.give_up == 0;
      tally.add(
          run_session(milters, (options.first + number) % pool, middle_of_body(options, given_up)));
    }
  });
}

/// One session in each thread, which stops in the middle of its message. Says `held` when all
/// have, and lets go at the end of standard input.
void hold_all(const Options& options, const std::vector<LoadedMilter>& milters, Tally& tally) {
  std::atomic<size_t> next{0};
  std::atomic<size_t> held{0};
  std::atomic<bool> released{false};
  std::thread speaker([&] {
    while (held + tally.error_count() < options.connections) usleep(1000);
    fmt::print("held\n");
    std::fflush(stdout);
    char octet = 0;
    while (read(STDIN_FILENO, &octet, 1) > 0) {
    }
    released = true;
    released.notify_all();
  });
  in_threads(options.connections, [&] {
    const size_t number = next++ % milters.front().scripts.size();
    tally.add(run_session(milters, number, [&] {
      ++held;
      released.wait(false);
      return false;
    }));
  });
  speaker.join();
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("The load of an MTA for a filter, or a list of filters.");
  app.add_option("--socket", options.sockets,
                 "unix:PATH or inet:PORT@ADDRESS; once for each filter")
      ->required();
  app.add_option("--mail", options.mail, "The pool of messages")->required();
  app.add_option("--connections", options.connections, "Sessions at a time");
  app.add_option("--seconds", options.seconds, "How long");
  app.add_option("--messages", options.messages, "How many at most");
  app.add_option("--first", options.first, "Where in the pool to begin");
  app.add_option("--give-up", options.give_up, "One session in so many ends in its body");
  app.add_option("--pause", options.pause, "Milliseconds between the halves of a body");
  app.add_flag("--hold", options.hold, "One session each, stopped in the middle of the body");
  CLI11_PARSE(app, argc, argv);

  std::vector<PoolMessage> pool = read_pool(options.mail);
  if (options.hold && pool.size() > options.connections) pool.resize(options.connections);
  const bool in_halves = options.hold || options.pause > 0 || options.give_up > 0;
  std::vector<LoadedMilter> milters;
  for (const std::string& socket : options.sockets) {
    milters.push_back(load_milter(socket, pool, in_halves));
  }
  Tally tally;
  const auto start = Clock::now();
  if (options.hold) {
    hold_all(options, milters, tally);
  } else {
    send_all(options, milters, tally);
  }
  const std::chrono::duration<double> seconds = Clock::now() - start;
  fmt::print("{}\n", report(tally, options, seconds.count()).dump());
  return 0;
}

}  // namespace
}  // namespace signet

int main(int argc, char** argv) {
  try {
    return signet::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "milter_load: {}\n", error.what());
    return 1;
  }
}
