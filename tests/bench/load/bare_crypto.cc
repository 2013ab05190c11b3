// SPDX-License-Identifier: BSD-2-Clause
//
// bare_crypto POOL SECONDS: the least that the mail of a pool can cost, whoever checks it: every
// octet hashed once, and one RSA signature of 2048 bits made (of mail with a login) or verified.
// As many threads as processors, since a filter under load has neighbours too. Prints JSON: CPU
// milliseconds for a message, and for its hash alone.

#include <fmt/format.h>
#include <time.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/bare_openssl.h"
#include "tests/bench/engine_work.h"
#include "tests/bench/load/mail_pool.h"

namespace signet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostMessages = 50;  // one is like the other

struct BareMessage {
  std::string header, body;
  std::string signature;  // empty: to be signed
};

struct BareCost {
  double all = 0, hash = 0;  // CPU seconds
  size_t messages = 0;
};

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<BareMessage> prepare(const std::string& path, const SigningKey& key) {
  std::vector<PoolMessage> pool = read_pool(path);
  if (pool.size() > kMostMessages) pool.resize(kMostMessages);
  std::vector<BareMessage> messages;
  for (const PoolMessage& mail : pool) {
    const size_t end = mail.text.find("\r\n\r\n") + 4;
    BareMessage message{mail.text.substr(0, end), mail.text.substr(end), {}};
    if (mail.login.empty()) {
      message.signature = bare_sign(key.evp(), key.type(), message.header, message.body);
    }
    messages.push_back(std::move(message));
  }
  return messages;
}

void handle(const BareMessage& message, const SigningKey& key) {
  if (message.signature.empty()) {
    bare_sign(key.evp(), key.type(), message.header, message.body);
  } else if (!bare_verify(key.evp(), key.type(), message.header, message.body, message.signature)) {
    throw std::runtime_error("a bare signature does not verify");
  }
}

BareCost work_until(Clock::time_point end, const std::vector<BareMessage>& messages,
                    const SigningKey& key) {
  BareCost cost;
  while (Clock::now() < end) {
    const double start = cpu_seconds();
    for (const BareMessage& message : messages) bare_hash(message.header, message.body);
    const double hashed = cpu_seconds();
    for (const BareMessage& message : messages) handle(message, key);
    cost.hash += hashed - start;
    cost.all += cpu_seconds() - hashed;
    cost.messages += messages.size();
  }
  return cost;
}

int run(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: bare_crypto POOL SECONDS\n");
    return 64;
  }
  const auto key = make_bench_key(DkimKeyType::rsa);
  const std::vector<BareMessage> messages = prepare(argv[1], *key);
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(std::atof(argv[2])));
  std::vector<BareCost> costs(std::thread::hardware_concurrency());
  std::vector<std::thread> threads;
  for (BareCost& cost : costs) {
    threads.emplace_back([&] { cost = work_until(end, messages, *key); });
  }
  BareCost sum;
  for (size_t i = 0; i < costs.size(); ++i) {
    threads[i].join();
    sum.all += costs[i].all;
    sum.hash += costs[i].hash;
    sum.messages += costs[i].messages;
  }
  const auto count = static_cast<double>(sum.messages);
  const nlohmann::json json{{"cpu_ms", 1000 * sum.all / count},
                            {"hash_ms", 1000 * sum.hash / count}};
  fmt::print("{}\n", json.dump());
  return 0;
}

}  // namespace
}  // namespace signet

int main(int argc, char** argv) {
  try {
    return signet::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bare_crypto: {}\n", error.what());
    return 1;
  }
}
