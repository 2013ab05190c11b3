// SPDX-License-Identifier: BSD-2-Clause
//
// What Google Benchmark measured, as a table of one task per line: what OpenSSL alone takes for it,
// and beside it what each engine takes, in microseconds and as a multiple of the former.

#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace signet {

/// The name of a benchmark is TASK + "/" + who does it; "bare" is the measure of all others.
class RatioTable : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;

  /// `performers`: the columns after "bare". Tasks that were not measured are left out.
  void print(const std::vector<std::string>& tasks,
             const std::vector<std::string>& performers) const;
  /// Of `performer` in the tasks whose names begin with `prefix`; 0 if there are none.
  double largest_ratio(std::string_view prefix, std::string_view performer) const;

 private:
  using Times = std::vector<double>;  ///< CPU microseconds of one call, one per repetition

  const Times* find(const std::string& task, std::string_view performer) const;
  std::string cell(const std::string& task, const std::string& performer) const;

  std::map<std::string, Times> times_;
};

}  // namespace signet
