// SPDX-License-Identifier: BSD-2-Clause
//
// ZoneResolver: the DNS of a test, written as zone text. Two extra directives, each on a line of
// its own: `servfail NAME` and `timeout NAME` make every question for NAME fail that way. Names
// that the text does not hold do not exist (NXDOMAIN), whether or not there is a SOA. It counts
// and remembers the questions asked. A timeout is answered at once: no test waits.

#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dns/resolver.h"
#include "dns/zone_data.h"

namespace signet {

class ZoneResolver final : public Resolver {
 public:
  /// Throws std::invalid_argument with line and reason if the text does not parse.
  explicit ZoneResolver(std::string_view zone_text);

  /// From here on this is the DNS; throws as the constructor does.
  void replace(std::string_view zone_text);

  /// "TXT example.com", in the order asked.
  std::vector<std::string> questions() const;
  int question_count() const;
  void forget_questions();

 private:
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override;

  mutable std::mutex mutex_;
  ZoneData data_;                       // guarded by mutex_
  std::map<Name, DnsStatus> failing_;   // guarded by mutex_
  std::vector<std::string> questions_;  // guarded by mutex_
};

/// A fresh budget that a test need not think about: 10 seconds from now, 1000 questions. It stays
/// alive until 256 more were made.
LookupBudget& test_budget();

}  // namespace signet
