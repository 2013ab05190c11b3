// SPDX-License-Identifier: BSD-2-Clause
//
// The two identities (RFC 7208 2.3, 2.4) and the initial processing of RFC 7208 4.3, which makes of
// them a sender that check_host() can be asked about, or none.

#include "dns/spf/spf_check.h"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "dns/spf/spf_evaluation.h"
#include "dns/spf/spf_macro.h"

namespace signet {
namespace {

/// RFC 7208 4.3: what is no multi-label domain name gives none. A zero-length label at the end is
/// not malformed.
Result<Name> parse_checked_domain(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  Result<Name> domain = parse_domain(text);
  if (domain && domain->label_count() < 2) return Error{"a domain of one label"};
  return domain;
}

/// The two sides of an address; views into the request.
struct Sender {
  std::string_view local_part;
  std::string_view domain;

  std::string text() const { return fmt::format("{}@{}", local_part, domain); }
};

Sender sender_of(const SpfRequest& request) {
  const std::string_view address = request.mail_from;
  Sender sender{"", request.helo};  // RFC 7208 2.4: for the null reverse-path
  if (!address.empty()) {
    const size_t at = address.rfind('@');
    sender.local_part = at == std::string_view::npos ? "" : address.substr(0, at);
    sender.domain = at == std::string_view::npos ? address : address.substr(at + 1);
  }
  // RFC 7208 4.3: a sender without a local-part gets "postmaster".
  if (sender.local_part.empty()) sender.local_part = "postmaster";
  return sender;
}

SpfVerdict wait_for_verdict(SpfCheck check) {
  const auto bell = std::make_shared<AnswerBell>();
  while (true) {
    if (auto verdict = check.read()) return *std::move(verdict);
    if (check.listen(bell)) bell->wait_until(check.patience());
  }
}

}  // namespace

std::string_view to_string(SpfResult result) {
  switch (result) {
    case SpfResult::none:
      return "none";
    case SpfResult::neutral:
      return "neutral";
    case SpfResult::pass:
      return "pass";
    case SpfResult::fail:
      return "fail";
    case SpfResult::softfail:
      return "softfail";
    case SpfResult::temperror:
      return "temperror";
    case SpfResult::permerror:
      return "permerror";
  }
  assert(false);
  return "none";
}

SpfCheck::SpfCheck(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                   SpfIdentity identity, const SpfLimits& limits) {
  Sender sender{"postmaster", request.helo};
  if (identity == SpfIdentity::mail_from) sender = sender_of(request);
  identity_ = identity == SpfIdentity::mail_from ? sender.text() : request.helo;
  auto domain = parse_checked_domain(sender.domain);
  if (domain) {
    evaluation_ = std::make_unique<SpfEvaluation>(
        resolver, budget, request, limits,
        SpfSender{std::string(sender.local_part), *std::move(domain)});
  } else {
    problem_ = printable_ascii("no domain to check: " + domain.error(), kMaxSpfProblemOctets);
  }
}

SpfCheck::SpfCheck(SpfCheck&&) noexcept = default;
SpfCheck::~SpfCheck() = default;

std::optional<SpfVerdict> SpfCheck::read() {
  SpfVerdict verdict;
  verdict.problem = problem_;
  if (evaluation_) {
    auto evaluated = evaluation_->read();
    if (!evaluated) return std::nullopt;
    verdict = *std::move(evaluated);
  }
  verdict.identity = identity_;
  return verdict;
}

bool SpfCheck::listen(const std::shared_ptr<AnswerListener>& listener) {
  return evaluation_->lookups().listen(listener);
}

Deadline SpfCheck::patience() const { return evaluation_->lookups().patience(); }

SpfVerdict check_spf_mail_from(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                               const SpfLimits& limits) {
  return wait_for_verdict({resolver, budget, request, SpfIdentity::mail_from, limits});
}

void prefetch_spf_helo(Resolver& resolver, LookupBudget& budget, std::string_view helo) {
  const auto domain = parse_checked_domain(helo);
  if (domain) resolver.start(*domain, RecordType::txt, budget);
}

SpfVerdict unfinished_spf_mail_from(const SpfRequest& request, std::string problem) {
  const Sender sender = sender_of(request);
  SpfVerdict verdict;
  const Result<Name> domain = parse_checked_domain(sender.domain);
  if (!domain) return verdict;
  verdict.result = SpfResult::temperror;
  verdict.domain = *domain;
  verdict.identity = sender.text();
  verdict.problem = std::move(problem);
  verdict.limits.add(Limit::message_time);
  return verdict;
}

SpfVerdict check_spf_helo(Resolver& resolver, LookupBudget& budget, const SpfRequest& request,
                          const SpfLimits& limits) {
  return wait_for_verdict({resolver, budget, request, SpfIdentity::helo, limits});
}

}  // namespace signet
