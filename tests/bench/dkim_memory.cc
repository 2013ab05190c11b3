// SPDX-License-Identifier: BSD-2-Clause
//
// What a verifier holds at most while a body goes through it: for our own, the size of the body
// must not matter.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <string_view>

#include "tests/bench/counted_memory.h"
#include "tests/bench/engine_work.h"
#include "tests/bench/mail_sample.h"

namespace signet {
namespace {

constexpr std::array<size_t, 3> kBodyMiB = {1, 10, 50};

struct Row {
  std::string_view name;
  DkimEngine engine;
  bool relaxed;
};
constexpr std::array<Row, 4> kRows = {{{"native relaxed", DkimEngine::native, true},
                                       {"native simple", DkimEngine::native, false},
                                       {"libopendkim relaxed", DkimEngine::libopendkim, true},
                                       {"libopendkim simple", DkimEngine::libopendkim, false}}};

/// The most octets that a verifier adds to what is held while `mail`'s body comes `times` times.
size_t verifier_memory(const EngineWork& work, const MailSample& mail, size_t times) {
  const HeaderField signature = work.sign(mail.fields, mail.body, times);
  const size_t before = held_octets();
  forget_most_held();
  work.verify(mail.fields, signature, mail.body, times);
  return most_held_octets() - before;
}

/// True if it was the same for every size.
bool print_row(const Row& row, const std::shared_ptr<const SigningKey>& key) {
  const MailSample mail = make_mail(1 << 20, BodyShape::text);
  const EngineWork work(row.engine, key, row.relaxed);
  verifier_memory(work, mail, 1);  // what is made once and kept
  fmt::print("\n{:22}", row.name);
  std::array<size_t, kBodyMiB.size()> octets{};
  for (size_t i = 0; i < octets.size(); ++i) {
    octets[i] = verifier_memory(work, mail, kBodyMiB[i]);
    fmt::print("{:>12}", octets[i]);
  }
  return std::all_of(octets.begin(), octets.end(), [&](size_t o) { return o == octets[0]; });
}

int run() {
  fmt::print("Octets that a verifier holds at most, by the size of the body\n\n{:22}", "");
  for (const size_t size : kBodyMiB) fmt::print("{:>8} MiB", size);
  const auto key = make_bench_key(DkimKeyType::rsa);
  bool same = true;
  for (const Row& row : kRows) {
    const bool same_in_row = print_row(row, key);
    same = same && (same_in_row || row.engine == DkimEngine::libopendkim);
  }
  fmt::print("\n\nThe native verifier's memory {} on the size of the body.\n",
             same ? "does not depend" : "DEPENDS");
  return same ? 0 : 1;
}

}  // namespace
}  // namespace signet

int main() {
  try {
    return signet::run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "dkim_memory: {}\n", error.what());
    return 1;
  }
}
