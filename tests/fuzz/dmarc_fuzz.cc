// SPDX-License-Identifier: BSD-2-Clause
//
// A whole evaluation over a DNS that the input describes, line by line: the Author Domain; the
// authenticated domains, `s` or `d` in front of each; then one line for each record, see
// LineResolver.

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "dns/dmarc.h"
#include "tests/fuzz/line_resolver.h"
#include "tests/fuzz/require.h"

namespace {

using signet::AuthenticatedDomain;
using signet::DmarcResult;
using signet::DmarcVerdict;
using signet::Name;
using signet::require;

constexpr size_t kMaxAuthenticated = 9;  // what a session hands over: SPF and eight signatures

std::vector<AuthenticatedDomain> parse_authenticated(const std::string& line) {
  std::vector<AuthenticatedDomain> domains;
  std::istringstream words(line);
  for (std::string word; words >> word && domains.size() < kMaxAuthenticated;) {
    const auto method =
        word[0] == 's' ? AuthenticatedDomain::Method::spf : AuthenticatedDomain::Method::dkim;
    if (const auto name = signet::parse_domain(std::string_view(word).substr(1))) {
      domains.push_back({method, *name});
    }
  }
  return domains;
}

void check_policy(const DmarcVerdict& verdict) {
  const Name& author = verdict.author_domain;
  require(!verdict.reason.empty());
  require(verdict.effective_policy <= verdict.policy);
  require(author.is_at_or_below(verdict.organizational_domain));
  require(author.is_at_or_below(verdict.policy_domain));
  // RFC 9989 9.2: none where there is no record, pass and fail only where there is one.
  const bool applied = verdict.record && verdict.record->p;
  if (verdict.result == DmarcResult::none || verdict.result == DmarcResult::permerror) {
    require(!applied);
  }
  if (verdict.result == DmarcResult::pass || verdict.result == DmarcResult::fail) require(applied);
  const bool aligned = verdict.spf_aligned || verdict.dkim_aligned;
  require((verdict.result == DmarcResult::pass) == aligned);
}

/// What aligns is, or lies below, the Organizational Domain, or is the Author Domain itself.
void check_alignment(const DmarcVerdict& verdict, const std::vector<AuthenticatedDomain>& domains) {
  if (verdict.result != DmarcResult::pass) return;
  bool possible = false;
  for (const auto& [method, domain] : domains) {
    const bool strict = method == AuthenticatedDomain::Method::spf ? verdict.record->strict_spf
                                                                   : verdict.record->strict_dkim;
    const bool below = !strict && !verdict.organizational_domain.is_root() &&
                       domain.is_at_or_below(verdict.organizational_domain);
    possible = possible || below || domain == verdict.author_domain;
  }
  require(possible);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::istringstream lines(std::string(reinterpret_cast<const char*>(data), size));
  std::string author_line;
  std::string authenticated_line;
  std::getline(lines, author_line);
  std::getline(lines, authenticated_line);
  const auto author = signet::parse_domain(author_line);
  if (!author) return 0;
  const auto authenticated = parse_authenticated(authenticated_line);
  signet::LineResolver resolver;
  for (std::string line; std::getline(lines, line);) resolver.read(line);

  signet::LookupBudget budget(signet::Deadline::max());
  signet::DmarcTreeWalk walk(resolver, budget, *author);
  require(resolver.questions() <= signet::kMaxDmarcWalkQueries);
  const auto verdict = evaluate_dmarc(resolver, budget, walk, authenticated, false);
  check_policy(verdict);
  check_alignment(verdict, authenticated);
  require(resolver.questions() <=
          signet::kMaxDmarcWalkQueries * (1 + static_cast<int>(authenticated.size())) + 1);

  // A DNS error elsewhere turns fail into temperror and nothing else.
  signet::DmarcTreeWalk again(resolver, budget, *author);
  const auto doubtful = evaluate_dmarc(resolver, budget, again, authenticated, true);
  require(doubtful.result == verdict.result ||
          (verdict.result == DmarcResult::fail && doubtful.result == DmarcResult::temperror));
  return 0;
}
