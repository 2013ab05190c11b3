// SPDX-License-Identifier: BSD-2-Clause

#include "milter/signing/sender_logins.h"

#include <fmt/format.h>

#include <algorithm>

#include "milter/config/config_values.h"
#include "milter/log.h"
#include "milter/signing/table_file.h"

namespace signet {

Result<SenderLogins> SenderLogins::parse(std::string_view text, const std::string& source) {
  SenderLogins table;
  TableErrors errors(source);
  for_each_table_line(text, errors, [&](const TableLine& line) {
    Result<Domains> domains = parse_domains(line.value);
    if (!domains) return errors.add(line.number, domains.error());
    domains->line = line.number;
    const auto [login, is_new] =
        table.logins_.try_emplace(ascii_lower(line.word), *std::move(domains));
    if (!is_new) {
      errors.add(line.number, fmt::format("want one line for each login, but {} stands on line {}",
                                          log_quoted(line.word), login->second.line));
    }
  });
  if (!errors.empty()) return errors.error();
  return table;
}

Result<SenderLogins::Domains> SenderLogins::parse_domains(std::string_view list) {
  constexpr std::string_view kSeparators = ", \t";
  Domains domains;
  while (!list.empty()) {
    const size_t end = std::min(list.find_first_of(kSeparators), list.size());
    std::string_view word = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    if (word.empty()) continue;
    if (word == "*") {
      domains.all = true;
      continue;
    }
    const bool below = word.starts_with('.');
    const Result<Name> name = parse_domain(below ? word.substr(1) : word);
    if (!name) return unwanted("a domain, .DOMAIN for those below it, or *", word);
    (below ? domains.above : domains.exact).push_back(*name);
  }
  if (!domains.all && domains.exact.empty() && domains.above.empty()) {
    return Error{"want LOGIN DOMAIN, DOMAIN..., got a login without domains"};
  }
  return domains;
}

bool SenderLogins::allows(std::string_view login, const Name& author_domain) const {
  auto found = logins_.find(ascii_lower(login));
  if (found == logins_.end()) found = logins_.find("*");
  if (found == logins_.end()) return false;
  const Domains& domains = found->second;
  return domains.all || std::ranges::count(domains.exact, author_domain) > 0 ||
         std::ranges::any_of(domains.above, [&](const Name& above) {
           return author_domain != above && author_domain.is_at_or_below(above);
         });
}

}  // namespace signet
