// SPDX-License-Identifier: BSD-2-Clause
//
// CPU time, and of all repetitions the fastest: what disturbs a measurement makes it longer, never
// shorter. The ratio of the medians stands beside it, so that a lucky repetition shows.

#include "tests/bench/ratio_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace signet {
namespace {

double fastest(const std::vector<double>& times) {
  return *std::min_element(times.begin(), times.end());
}

double median(std::vector<double> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

}  // namespace

bool RatioTable::ReportContext(const Context& context) {
  PrintBasicContext(&std::cerr, context);
  return true;
}

void RatioTable::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    if (run.run_type != Run::RT_Iteration || run.error_occurred || run.iterations == 0) continue;
    times_[run.run_name.function_name].push_back(1e6 * run.cpu_accumulated_time /
                                                 static_cast<double>(run.iterations));
  }
}

const RatioTable::Times* RatioTable::find(const std::string& task,
                                          std::string_view performer) const {
  const auto entry = times_.find(fmt::format("{}/{}", task, performer));
  return entry == times_.end() ? nullptr : &entry->second;
}

std::string RatioTable::cell(const std::string& task, const std::string& performer) const {
  const Times* bare = find(task, "bare");
  const Times* times = find(task, performer);
  if (bare == nullptr || times == nullptr) return "-";
  return fmt::format("{:.1f} us {:.2f} ({:.2f})", fastest(*times), fastest(*times) / fastest(*bare),
                     median(*times) / median(*bare));
}

void RatioTable::print(const std::vector<std::string>& tasks,
                       const std::vector<std::string>& performers) const {
  fmt::print(
      "\nCPU time of one message: the fastest repetition, its ratio to the bare work, and in "
      "brackets the ratio of the medians\n\n{:28}{:>12}",
      "", "bare");
  for (const std::string& performer : performers) fmt::print("{:>26}", performer);
  for (const std::string& task : tasks) {
    const Times* bare = find(task, "bare");
    if (bare == nullptr) continue;
    fmt::print("\n{:28}{:>9.1f} us", task, fastest(*bare));
    for (const std::string& performer : performers) fmt::print("{:>26}", cell(task, performer));
  }
  fmt::print("\n");
}

double RatioTable::largest_ratio(std::string_view prefix, std::string_view performer) const {
  double largest = 0;
  for (const auto& [name, times] : times_) {
    const size_t slash = name.rfind('/');
    if (!name.starts_with(prefix) || name.substr(slash + 1) != performer) continue;
    const Times* bare = find(name.substr(0, slash), "bare");
    if (bare != nullptr) largest = std::max(largest, fastest(times) / fastest(*bare));
  }
  return largest;
}

}  // namespace signet
