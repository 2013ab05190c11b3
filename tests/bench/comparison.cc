// SPDX-License-Identifier: BSD-2-Clause
//
// CPU time, since other processes may want the machine as well; of all threads, because what they
// do in the background is a part of the task.

#include "tests/bench/comparison.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <utility>

namespace signet {
namespace {

double cpu_microseconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}

/// The value that `part` of the others are below; 0 of none.
double quantile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  const auto place = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<size_t>(place)];
}

std::string cell(const Comparison& comparison, size_t index) {
  if (comparison.microseconds(index) == 0) return "-";
  const auto [low, middle, high] = comparison.ratio(index);
  return fmt::format("{:.1f} us  {:.2f} ({:.2f}-{:.2f})", comparison.microseconds(index), middle,
                     low, high);
}

}  // namespace

Comparison::Comparison(std::string task, std::vector<Work> works, int calls)
    : task_(std::move(task)), works_(std::move(works)), calls_(calls), times_(works_.size()) {}

void Comparison::round() {
  for (size_t i = 0; i < works_.size(); ++i) {
    if (!works_[i]) continue;
    works_[i]();  // so that nobody pays for what the one before left in the caches
    const double start = cpu_microseconds();
    for (int call = 0; call < calls_; ++call) works_[i]();
    times_[i].push_back((cpu_microseconds() - start) / calls_);
  }
}

double Comparison::microseconds(size_t index) const { return quantile(times_[index], 0.5); }

std::array<double, 3> Comparison::ratio(size_t index) const {
  std::vector<double> ratios;
  for (size_t i = 0; i < times_[index].size(); ++i) {
    ratios.push_back(times_[index][i] / times_.front()[i]);
  }
  return {quantile(ratios, 0.25), quantile(ratios, 0.5), quantile(ratios, 0.75)};
}

void print_table(const std::vector<Comparison>& comparisons,
                 const std::vector<std::string>& names) {
  fmt::print("\n{:28}", "");
  for (const std::string& name : names) fmt::print("{:>30}", name);
  for (const Comparison& comparison : comparisons) {
    if (comparison.rounds() == 0) continue;
    fmt::print("\n{:28}{:>27.1f} us", comparison.task(), comparison.microseconds(0));
    for (size_t i = 1; i < names.size(); ++i) fmt::print("{:>30}", cell(comparison, i));
  }
  fmt::print(
      "\n\nCPU time of one message (the median), how many times the bare work that is (the "
      "median of all rounds), and in brackets its quartiles.\n");
}

}  // namespace signet
