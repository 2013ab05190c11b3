// SPDX-License-Identifier: BSD-2-Clause
//
// dkim_proof [COUNT [SEED]]: signs COUNT odd messages (a million if not said) with both engines and
// has them verified by both, dkimpy and Mail::DKIM. Prints a line for each slice and the table of
// differences at the end; the exit status is 1 if one is not explained. With a seed of its own a
// run is over messages that no run before has seen.

#include "tests/support/dkim_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>

namespace signet {
namespace {

constexpr uint64_t kSlice = 10'000;

std::optional<uint64_t> parse_number(const char* text) {
  uint64_t number = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  if (error != std::errc() || stop != end || number == 0) return std::nullopt;
  return number;
}

int run(uint64_t count, uint64_t seed) {
  const auto began = std::chrono::steady_clock::now();
  DkimProofReport all;
  for (uint64_t first = 0; first < count; first += kSlice) {
    all.add(prove_dkim({.seed = seed, .first = first, .count = std::min(kSlice, count - first)}));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
    const double rate = static_cast<double>(all.messages) / seconds.count();
    fmt::print("{} of {} messages, {:.0f} s, {:.0f}/s, {} unexplained\n", all.messages, count,
               seconds.count(), rate, all.unexplained);
    (void)std::fflush(stdout);
  }
  fmt::print("{}", all.text());
  return all.unexplained == 0 ? 0 : 1;
}

}  // namespace
}  // namespace signet

int main(int argc, char** argv) try {
  const auto count = argc > 1 ? signet::parse_number(argv[1]) : 1'000'000;
  const auto seed = argc > 2 ? signet::parse_number(argv[2]) : 1;
  if (argc > 3 || !count || !seed) {
    fmt::print(stderr, "usage: dkim_proof [COUNT [SEED]]\n");
    return 64;
  }
  return signet::run(*count, *seed);
} catch (const std::exception& problem) {
  fmt::print(stderr, "dkim_proof: {}\n", problem.what());
  return 1;
}
