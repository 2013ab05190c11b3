// SPDX-License-Identifier: BSD-2-Clause
//
// Words that are no option: a slip of the keyboard, or a keyword of OpenDKIM's or OpenDMARC's whose
// place here is another.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "milter/config/config_options.h"

namespace signet {
namespace {

struct ForeignKeyword {
  std::string_view keyword;
  std::string_view hint;
};

constexpr std::array<ForeignKeyword, 17> kForeignKeywords = {{
    {"AutoRestart", "systemd restarts Signet, see signet.service"},
    {"Background", "Signet stays in the foreground; see signet.service"},
    {"BaseDirectory", "write absolute paths"},
    {"ExternalIgnoreList", "use InternalHosts"},
    {"IgnoreAuthenticatedClients", "mail of authenticated clients is never refused"},
    {"IgnoreHosts", "use InternalHosts"},
    {"LogWhy", "the log line of a message always says why"},
    {"MTA", "use SigningListeners and VerifyingListeners"},
    {"PublicSuffixList", "DMARC needs none since RFC 9989"},
    {"RejectFailures", "use DMARCReject"},
    {"SPFIgnoreResults", "SPF is always checked here"},
    {"SPFSelfValidate", "SPF is always checked here"},
    {"SubDomains", "use SignSubdomains"},
    {"Syslog", "use LogTarget"},
    {"SyslogSuccess", "use LogLevel"},
    {"TrustedAuthservIDs", "results of other programs are not used"},
    {"UMask", "use SocketMode"},
}};

/// More slips than this make another word.
constexpr size_t kMaxSlips = 2;

/// Letters to insert, delete or replace to get from one word to the other (Levenshtein distance).
size_t slips_between(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest_keyword(std::string_view keyword) {
  std::string_view nearest;
  size_t fewest = kMaxSlips + 1;
  for (const ConfigOption& row : config_options()) {
    const size_t longer = std::max(row.keyword.size(), keyword.size());
    if (longer - std::min(row.keyword.size(), keyword.size()) > kMaxSlips) continue;
    const size_t slips = slips_between(ascii_lower(keyword), ascii_lower(row.keyword));
    if (slips >= fewest || slips >= row.keyword.size() / 2) continue;
    fewest = slips;
    nearest = row.keyword;
  }
  return nearest;
}

std::string_view hint_for_foreign_keyword(std::string_view keyword) {
  for (const ForeignKeyword& foreign : kForeignKeywords) {
    if (equals_ignoring_case(foreign.keyword, keyword)) return foreign.hint;
  }
  return {};
}

}  // namespace signet
