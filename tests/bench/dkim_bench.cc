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
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/bare_openssl.h"
#include "tests/bench/comparison.h"
#include "tests/bench/engine_work.h"
#include "tests/bench/mail_sample.h"

namespace signet {
namespace {

constexpr size_t kKiB = 1024;
/// What we want to hold, as a multiple of the bare work with RSA of 2048 bits.
constexpr double kSigningGoal = 1.15;
constexpr double kVerifyingGoal = 1.6;

constexpr double kSecondsEach = 2;

struct Size {
  const char* name;
  size_t octets;
  int verifying_calls;  ///< in a turn, so that it is long enough to be measured
};
constexpr std::array<Size, 3> kSizes = {
    {{"4KiB", 4 * kKiB, 8}, {"50KiB", 50 * kKiB, 4}, {"1MiB", 1024 * kKiB, 1}}};

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
/// In the table the bare work comes before them.
constexpr size_t kNativePerformers = 2;

using Key = std::shared_ptr<const SigningKey>;
using Mail = std::shared_ptr<const MailSample>;
using Engines = std::vector<std::shared_ptr<const EngineWork>>;

Engines make_engines(const Key& key) {
  Engines engines;
  for (const Performer& p : kPerformers) {
    engines.push_back(std::make_shared<EngineWork>(p.engine, key, p.relaxed));
  }
  return engines;
}

std::vector<Work> signing(const Mail& mail, const Key& key, const Engines& engines) {
  std::vector<Work> works = {[=, header = mail->header()] {
    benchmark::DoNotOptimize(bare_sign(key->evp(), key->type(), header, mail->body));
  }};
  for (const auto& engine : engines) {
    works.emplace_back([=] { benchmark::DoNotOptimize(engine->sign(mail->fields, mail->body)); });
  }
  return works;
}

std::vector<Work> verifying(const Mail& mail, const Key& key, const Engines& engines) {
  const std::string header = mail->header();
  const std::string bare = bare_sign(key->evp(), key->type(), header, mail->body);
  std::vector<Work> works = {[=] {
    if (bare_verify(key->evp(), key->type(), header, mail->body, bare)) return;
    throw std::runtime_error("the bare signature does not verify");
  }};
  for (const auto& engine : engines) {
    works.emplace_back([=, signature = engine->sign(mail->fields, mail->body)] {
      engine->verify(mail->fields, signature, mail->body);
    });
  }
  return works;
}

std::vector<Comparison> make_comparisons() {
  std::vector<Comparison> comparisons;
  for (const bool signs : {true, false}) {
    for (const DkimKeyType type : {DkimKeyType::rsa, DkimKeyType::ed25519}) {
      const Key key = make_bench_key(type);
      const Engines engines = make_engines(key);
      for (const BodyShape shape : {BodyShape::text, BodyShape::base64}) {
        for (const Size& size : kSizes) {
          const auto mail = std::make_shared<MailSample>(make_mail(size.octets, shape));
          comparisons.emplace_back(
              fmt::format("{}/{}/{}/{}", signs ? "sign" : "verify", to_string(type),
                          to_string(shape), size.name),
              signs ? signing(mail, key, engines) : verifying(mail, key, engines),
              signs ? 1 : size.verifying_calls);
        }
      }
    }
  }
  return comparisons;
}

/// A benchmark of Google's for each comparison, which must stay where it is.
void register_all(std::vector<Comparison>& comparisons) {
  for (Comparison& comparison : comparisons) {
    benchmark::RegisterBenchmark(comparison.task().c_str(),
                                 [&](benchmark::State& state) {
                                   for (auto _ : state) comparison.round();
                                 })
        ->Unit(benchmark::kMillisecond)
        ->MinTime(kSecondsEach);
  }
}

void print_goal(const std::vector<Comparison>& comparisons, const std::string& task, double goal) {
  double largest = 0;
  for (const Comparison& comparison : comparisons) {
    if (!comparison.task().starts_with(task) || comparison.rounds() == 0) continue;
    for (size_t i = 1; i <= kNativePerformers; ++i) {
      largest = std::max(largest, comparison.ratio(i)[1]);
    }
  }
  if (largest == 0) return;
  fmt::print("{}, native: at most {:.2f} times the bare work (goal {}: {})\n", task, largest, goal,
             largest <= goal ? "met" : "missed");
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  std::vector<Comparison> comparisons = make_comparisons();
  register_all(comparisons);
  if (benchmark::RunSpecifiedBenchmarks() == 0) return 1;
  std::vector<std::string> names = {"bare"};
  for (const Performer& performer : kPerformers) names.emplace_back(performer.name);
  print_table(comparisons, names);
  print_goal(comparisons, "sign/rsa", kSigningGoal);
  print_goal(comparisons, "verify/rsa", kVerifyingGoal);
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
