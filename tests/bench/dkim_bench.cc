// SPDX-License-Identifier: BSD-2-Clause
//
// What DKIM costs, in one run: signing and verifying by both engines, beside what OpenSSL alone
// takes for hashing every octet once and making or checking one signature. README.md says how to
// read it.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/bare_openssl.h"
#include "tests/bench/engine_work.h"
#include "tests/bench/mail_sample.h"
#include "tests/bench/ratio_table.h"

namespace signet {
namespace {

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;
/// What we want to hold, as a multiple of the bare work with RSA of 2048 bits.
constexpr double kSigningGoal = 1.15;
constexpr double kVerifyingGoal = 1.6;

struct Size {
  const char* name;
  size_t octets;
};
constexpr std::array<Size, 3> kSizes = {{{"4KiB", 4 * kKiB}, {"50KiB", 50 * kKiB}, {"1MiB", kMiB}}};

struct Performer {
  const char* name;
  DkimEngine engine;
  bool relaxed;
};
constexpr std::array<Performer, 4> kPerformers = {
    {{"native relaxed", DkimEngine::native, true},
     {"native simple", DkimEngine::native, false},
     {"libopendkim relaxed", DkimEngine::libopendkim, true},
     {"libopendkim simple", DkimEngine::libopendkim, false}}};

using Work = std::function<void()>;
using Key = std::shared_ptr<const SigningKey>;
using Mail = std::shared_ptr<const MailSample>;

/// A benchmark of Google's: `prepare` once, then what it returned over and over.
void add(const std::string& name, std::function<Work()> prepare) {
  benchmark::RegisterBenchmark(name.c_str(), [prepare](benchmark::State& state) {
    const Work work = prepare();
    for (auto _ : state) work();
  })->Unit(benchmark::kMicrosecond);
}

void add_bare(const std::string& task, const Mail& mail, const Key& key) {
  const auto sign = [header = mail->header(), mail, key] {
    return bare_sign(key->evp(), key->type(), header, mail->body);
  };
  add("sign/" + task + "/bare",
      [=]() -> Work { return [=] { benchmark::DoNotOptimize(sign()); }; });
  add("verify/" + task + "/bare", [=, header = mail->header()]() -> Work {
    return [=, signature = sign()] {
      if (!bare_verify(key->evp(), key->type(), header, mail->body, signature)) std::terminate();
    };
  });
}

void add_engine(const std::string& task, const Mail& mail, const Key& key,
                const Performer& performer) {
  const auto engine = std::make_shared<EngineWork>(performer.engine, key, performer.relaxed);
  add(fmt::format("sign/{}/{}", task, performer.name), [=]() -> Work {
    return [=] { benchmark::DoNotOptimize(engine->sign(mail->fields, mail->body)); };
  });
  add(fmt::format("verify/{}/{}", task, performer.name), [=]() -> Work {
    return [=, signature = engine->sign(mail->fields, mail->body)] {
      engine->verify(mail->fields, signature, mail->body);
    };
  });
}

/// Adds all benchmarks. Returns the tasks, in the order of the table.
std::vector<std::string> add_benchmarks() {
  std::vector<std::string> tasks;
  for (const DkimKeyType type : {DkimKeyType::rsa, DkimKeyType::ed25519}) {
    const Key key = make_bench_key(type);
    for (const BodyShape shape : {BodyShape::text, BodyShape::base64}) {
      for (const Size& size : kSizes) {
        const auto mail = std::make_shared<MailSample>(make_mail(size.octets, shape));
        const std::string task =
            fmt::format("{}/{}/{}", to_string(type), to_string(shape), size.name);
        add_bare(task, mail, key);
        for (const Performer& performer : kPerformers) add_engine(task, mail, key, performer);
        tasks.push_back(task);
      }
    }
  }
  std::vector<std::string> both;
  for (const std::string& task : tasks) both.push_back("sign/" + task);
  for (const std::string& task : tasks) both.push_back("verify/" + task);
  return both;
}

void print_goal(const RatioTable& table, std::string_view operation, double goal) {
  const std::string prefix = fmt::format("{}/rsa/", operation);
  const double largest = std::max(table.largest_ratio(prefix, "native relaxed"),
                                  table.largest_ratio(prefix, "native simple"));
  if (largest == 0) return;
  fmt::print("{} with RSA, native: at most {:.2f} times the bare work (goal {}: {})\n", operation,
             largest, goal, largest <= goal ? "met" : "missed");
}

/// What suits a machine that does other things too: many short repetitions, in random order. What
/// the user says comes later and counts more.
std::vector<std::string> with_defaults(int argc, char** argv) {
  std::vector<std::string> arguments = {argv[0], "--benchmark_repetitions=50",
                                        "--benchmark_min_time=0.004",
                                        "--benchmark_enable_random_interleaving=true"};
  for (int i = 1; i < argc; ++i) arguments.emplace_back(argv[i]);
  return arguments;
}

int run(int argc, char** argv) {
  std::vector<std::string> arguments = with_defaults(argc, argv);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  auto count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 64;
  const std::vector<std::string> tasks = add_benchmarks();
  RatioTable table;
  if (benchmark::RunSpecifiedBenchmarks(&table) == 0) return 1;
  std::vector<std::string> performers;
  for (const Performer& performer : kPerformers) performers.emplace_back(performer.name);
  table.print(tasks, performers);
  fmt::print("\n");
  print_goal(table, "sign", kSigningGoal);
  print_goal(table, "verify", kVerifyingGoal);
  return 0;
}

}  // namespace
}  // namespace signet

int main(int argc, char** argv) {
  try {
    return signet::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "dkim_bench: {}\n", error.what());
    return 1;
  }
}
