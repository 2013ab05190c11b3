// SPDX-License-Identifier: BSD-2-Clause
//
// The trace is a list of steps with their depth; here it becomes a tree by indentation.

#include "milter/command/spf_trace.h"

#include <fmt/format.h>

#include "milter/command/shown.h"
#include "milter/log.h"

namespace signet {

std::string spf_trace_text(const std::vector<SpfTraceStep>& trace) {
  std::string text;
  std::vector<Name> records;  // by depth, down to the one that is being read
  for (const SpfTraceStep& step : trace) {
    const auto depth = static_cast<size_t>(step.depth);
    const std::string indent(4 * depth + 2, ' ');
    if (depth >= records.size() || records[depth] != step.record) {
      records.resize(depth);
      records.push_back(step.record);
      text += fmt::format("{}{}\n", indent, log_value(step.record.text()));
    }
    records.resize(depth + 1);
    text += fmt::format("{:<48}  {}\n", fmt::format("{}  {}", indent, log_value(step.term)),
                        shown(step.outcome));
  }
  return text;
}

}  // namespace signet
