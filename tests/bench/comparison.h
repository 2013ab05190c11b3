// SPDX-License-Identifier: BSD-2-Clause
//
// One task done by several, who take turns: so each is measured beside the first one within a few
// milliseconds, and a machine that is busy at times is busy for all of them alike.

#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace signet {

/// Does the task once.
using Work = std::function<void()>;

class Comparison {
 public:
  /// `works`: the first one is the measure of the others; an empty one does not take part. Each
  /// turn is `calls` calls long.
  Comparison(std::string task, std::vector<Work> works, int calls);

  const std::string& task() const { return task_; }
  /// One turn for each.
  void round();
  size_t rounds() const { return times_.front().size(); }

  /// The CPU time of one call in microseconds, the median of all turns; 0 if it did not take part.
  double microseconds(size_t index) const;
  /// How many times as long as the first one it took: the quartiles of what each round gave, the
  /// median in the middle.
  std::array<double, 3> ratio(size_t index) const;

 private:
  std::string task_;
  std::vector<Work> works_;
  int calls_;
  std::vector<std::vector<double>> times_;  ///< by work, then by round
};

/// A line for each comparison that has rounds: what the first one took, and beside it the others.
void print_table(const std::vector<Comparison>& comparisons, const std::vector<std::string>& names);

}  // namespace signet
