// SPDX-License-Identifier: BSD-2-Clause
//
// One SPF check in a zone written in the test: me@example.com comes from an address, and
// example.com publishes a record.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dns/spf/spf_check.h"
#include "tests/support/zone_resolver.h"

namespace signet {

inline SpfRequest request_of(const std::string& client,
                             const std::string& mail_from = "me@example.com") {
  SpfRequest request;
  request.client = *parse_ip_address(client);
  request.helo = "helo.example.net";
  request.mail_from = mail_from;
  request.want_explanation = true;
  request.want_trace = true;
  return request;
}

inline SpfVerdict check_in_zone(const std::string& zone, const SpfRequest& request) {
  ZoneResolver resolver(zone);
  SpfVerdict verdict = check_spf_mail_from(resolver, test_budget(), request);
  EXPECT_EQ(verdict.questions, resolver.question_count());
  return verdict;
}

inline SpfVerdict check_in_zone(const std::string& zone, const std::string& client = "192.0.2.1") {
  return check_in_zone(zone, request_of(client));
}

/// A zone with one SPF record at example.com, and whatever else is given.
inline std::string with_record(const std::string& record, const std::string& others = "") {
  std::string strings;
  for (size_t i = 0; i < record.size(); i += 250) strings += " \"" + record.substr(i, 250) + "\"";
  return "example.com. IN TXT" + strings + "\n" + others;
}

struct SpfCase {
  std::string record;
  SpfResult result;
};

inline void expect_results(const std::vector<SpfCase>& table, const std::string& others,
                           const std::string& client = "192.0.2.1") {
  for (const SpfCase& row : table) {
    const SpfVerdict verdict = check_in_zone(with_record(row.record, others), client);
    EXPECT_EQ(verdict.result, row.result) << row.record << "\n" << verdict.problem;
  }
}

}  // namespace signet
