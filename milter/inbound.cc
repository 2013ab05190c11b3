// SPDX-License-Identifier: BSD-2-Clause
//
// The order in which questions go out and answers are waited for. What a sender controls (SPF, DKIM
// keys) has its own share of the questions and never the time that DMARC needs: RFC 9989 5.3.

#include "milter/inbound.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "milter/field/received_client.h"

namespace signet {
namespace {

// RFC 2369, RFC 2919: fields that a mailing list adds.
constexpr std::array<std::string_view, 4> kListFields = {"List-Id", "List-Unsubscribe", "List-Post",
                                                         "List-Help"};

// A From field twice is one too many already; further ones are counted, their text is not kept.
constexpr size_t kMaximumFromFields = 4;

bool is_list_field(const HeaderField& field) {
  return std::any_of(kListFields.begin(), kListFields.end(),
                     [&](std::string_view name) { return is_named(field, name); });
}

// Domains whose proof is there.
std::vector<AuthenticatedDomain> authenticated(const InboundResults& results) {
  std::vector<AuthenticatedDomain> domains;
  if (results.spf.result == SpfResult::pass) {
    domains.push_back({AuthenticatedDomain::Method::spf, results.spf.domain});
  }
  for (const DkimVerdict& verdict : results.dkim) {
    if (verdict.result == DkimResult::pass) {
      domains.push_back({AuthenticatedDomain::Method::dkim, verdict.domain});
    }
  }
  return domains;
}

// Domains whose proof a DNS error kept away.
std::vector<AuthenticatedDomain> unsettled(const InboundResults& results) {
  std::vector<AuthenticatedDomain> domains;
  if (results.spf.result == SpfResult::temperror) {
    domains.push_back({AuthenticatedDomain::Method::spf, results.spf.domain});
  }
  for (const DkimVerdict& verdict : results.dkim) {
    if (verdict.result == DkimResult::temperror) {
      domains.push_back({AuthenticatedDomain::Method::dkim, verdict.domain});
    }
  }
  return domains;
}

bool contains(const std::vector<IpNetwork>& networks, const IpAddress& client) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const IpNetwork& network) { return network.contains(client); });
}

// OwnDomains: one we hold a key for, or protect, or one below such a domain.
bool is_own(const Runtime& runtime, const Name& domain) {
  const auto& protected_domains = runtime.config.protected_domains;
  for (Name name = domain; !name.is_root(); name = name.parent()) {
    if (runtime.holds_key_of(name) || std::find(protected_domains.begin(), protected_domains.end(),
                                                name) != protected_domains.end()) {
      return true;
    }
  }
  return false;
}

// RFC 2919 3: the identifier stands in angle brackets behind a phrase.
std::string list_id_of(std::string_view value) {
  const size_t open = value.rfind('<');
  if (open == std::string_view::npos) return {};
  const size_t close = value.find('>', open);
  return std::string(value.substr(open + 1, std::min(close, value.size()) - open - 1));
}

std::optional<Name> domain_of(std::string_view address) {
  const size_t at = address.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto domain = parse_domain(address.substr(at + 1));
  return domain ? std::optional(*domain) : std::nullopt;
}

// What PolicyTable looks at.
PolicySubject policy_subject(const Envelope& envelope, const Author& author,
                             const std::vector<AuthenticatedDomain>& proven,
                             const std::string& list_id) {
  PolicySubject subject;
  if (author.ok()) subject.author = author.domains.front();
  subject.null_mail_from = envelope.mail_from.empty();
  subject.mail_from = domain_of(envelope.mail_from);
  subject.client = envelope.client;
  for (const AuthenticatedDomain& domain : proven) {
    if (domain.method == AuthenticatedDomain::Method::dkim) subject.dkim.push_back(domain.domain);
  }
  subject.list_id = list_id;
  return subject;
}

// Strict alignment of each author, whatever the DNS holds.
bool proves_all(const std::vector<AuthenticatedDomain>& proven, const Author& author) {
  return author.ok() &&
         std::all_of(author.domains.begin(), author.domains.end(), [&](const Name& domain) {
           return std::any_of(proven.begin(), proven.end(),
                              [&](const AuthenticatedDomain& one) { return one.domain == domain; });
         });
}

Deadline from_now(std::chrono::milliseconds timeout) {
  return std::chrono::steady_clock::now() + timeout;
}

// What HELO and DMARC leave to the others.
int unreserved_questions(const Config& config) {
  return config.maximum_dns_questions - DnsShares::kHelo - DnsShares::kLeastDmarc;
}

// However many signatures may be evaluated, half is left to SPF.
int questions_of_dkim(const Config& config) {
  return std::min(2 * config.dkim_verify.maximum_signatures, unreserved_questions(config) / 2);
}

LimitSet limits_reached(const InboundResults& results, const std::vector<DmarcVerdict>& dmarc) {
  LimitSet limits = results.spf.limits;
  limits.add(results.spf_helo.limits);
  for (const DkimVerdict& verdict : results.dkim) limits.add(verdict.limit);
  for (const DmarcVerdict& verdict : dmarc) limits.add(verdict.limits);
  return limits;
}

}  // namespace

DnsShares::DnsShares(Deadline deadline, const Config& config)
    : mail_from(deadline, std::min(config.spf_limits.questions(),
                                   unreserved_questions(config) - questions_of_dkim(config))),
      helo(deadline, kHelo),
      dkim(deadline, questions_of_dkim(config)),
      dmarc(deadline, config.maximum_dns_questions - mail_from.left() - kHelo - dkim.left()) {}

void DnsShares::extend(Deadline deadline) {
  dkim.set_deadline(deadline);
  dmarc.set_deadline(deadline);
}

void DnsShares::cancel() {
  for (LookupBudget* share : {&mail_from, &helo, &dkim, &dmarc}) share->cancel();
}

int DnsShares::used() const { return mail_from.used() + helo.used() + dkim.used() + dmarc.used(); }

bool DnsShares::answered_at_once() const {
  return mail_from.answered_at_once() && helo.answered_at_once() && dkim.answered_at_once() &&
         dmarc.answered_at_once();
}

void ask_about_helo(const Runtime& runtime, const IpAddress& client, std::string_view helo) {
  if (contains(runtime.config.spf_ignore_hosts, client)) return;
  LookupBudget budget(from_now(runtime.config.message_timeout), 1);
  prefetch_spf_helo(*runtime.resolver, budget, helo);
}

InboundMessage::InboundMessage(std::shared_ptr<const Runtime> runtime, Background& background,
                               Envelope envelope, std::chrono::sys_seconds now)
    : runtime_(std::move(runtime)),
      background_(background),
      envelope_(std::move(envelope)),
      began_(now),
      dns_(std::make_shared<DnsShares>(from_now(runtime_->config.message_timeout),
                                       runtime_->config)),
      dkim_(make_dkim_verifier(
          runtime_->config.dkim_engine, runtime_->config.dkim_verify, *runtime_->resolver,
          std::shared_ptr<LookupBudget>(dns_, &dns_->dkim), runtime_->public_keys)) {
  if (!envelope_.client) {
    no_spf_reason_ = "the client has no IP address";
  } else if (!contains(runtime_->config.spf_ignore_hosts, *envelope_.client)) {
    start_spf();
  } else {
    no_spf_reason_ = "the client is in SPFIgnoreHosts";
    awaits_received_ = runtime_->config.spf_ignored_host_check == IgnoredHostCheck::received;
  }
}

InboundMessage::~InboundMessage() { dns_->cancel(); }

// The topmost Received field was written by the client itself, which is one of ours; if it got the
// message from another of ours, that one's field is next.
void InboundMessage::take_reported_client(std::string_view received) {
  const std::optional<ReceivedClient> reported = parse_received_client(received);
  awaits_received_ = false;
  if (!reported) {
    no_spf_reason_ = "the client is in SPFIgnoreHosts and reports no other";
    return;
  }
  envelope_.client = reported->address;
  envelope_.helo = reported->helo;
  if (contains(runtime_->config.spf_ignore_hosts, reported->address)) {
    awaits_received_ = true;
  } else {
    start_spf();
  }
}

void InboundMessage::start_spf() {
  SpfRequest& request = spf_request_;
  request.client = *envelope_.client;
  request.helo = envelope_.helo;
  request.mail_from = envelope_.mail_from;
  request.receiver = envelope_.receiver;
  request.now = began_;
  // Fetched for refusals only: what SPFReject listed refuses has no exp=.
  request.want_explanation = runtime_->config.spf_explanation &&
                             runtime_->config.spf_reject == SpfReject::fail && !envelope_.trusted;
  const Deadline deadline = from_now(runtime_->config.message_timeout);
  dns_->mail_from.set_deadline(deadline);
  dns_->helo.set_deadline(deadline);
  const auto start = [&](LookupBudget& share, SpfIdentity identity) {
    return RunningSpf::start(runtime_->resolver, std::shared_ptr<LookupBudget>(dns_, &share),
                             background_, request, identity, runtime_->config.spf_limits);
  };
  spf_ = start(dns_->mail_from, SpfIdentity::mail_from);
  spf_helo_ = start(dns_->helo, SpfIdentity::helo);
}

void InboundMessage::header(const HeaderField& field) {
  dns_->extend(from_now(runtime_->config.message_timeout));
  dkim_->header(field);
  if (is_named(field, "From")) {
    from_values_.push_back(from_values_.size() < kMaximumFromFields ? field.value : "");
    if (from_values_.size() == 1) {
      author_ = find_author(from_values_);
      start_walks(author_);
    }
  } else if (is_list_field(field)) {
    from_list_ = true;
    if (list_id_.empty() && is_named(field, "List-Id")) {
      list_id_ = list_id_of(field.value);
    }
  } else if (awaits_received_ && is_named(field, "Received")) {
    take_reported_client(field.value);
  }
}

// All names of the walks go out at once; a domain whose walk is on its way already is left alone.
void InboundMessage::start_walks(const Author& author) {
  for (const Name& domain : author.domains) {
    const bool started = std::any_of(walks_.begin(), walks_.end(),
                                     [&](const auto& walk) { return walk->start() == domain; });
    if (started) continue;
    walks_.push_back(std::make_unique<DmarcTreeWalk>(*runtime_->resolver, dns_->dmarc, domain,
                                                     runtime_->config.dmarc_limits()));
  }
}

void InboundMessage::end_of_headers() {
  dns_->extend(from_now(runtime_->config.message_timeout));
  if (from_values_.size() != 1) {
    author_ = find_author(from_values_);
    start_walks(author_);
  }
  dkim_->end_of_headers(author_.ok() ? std::optional(author_.domains.front()) : std::nullopt);
  start_alignment_walks();
  ask_on();
}

// What may turn out to be authenticated, and then has to be compared with the authors.
std::vector<AuthenticatedDomain> InboundMessage::candidates() {
  std::vector<AuthenticatedDomain> candidates;
  const SpfVerdict* known = spf_ ? spf_->verdict({}) : nullptr;
  if (known != nullptr && known->result == SpfResult::pass) {
    candidates.push_back({AuthenticatedDomain::Method::spf, known->domain});
  } else if (spf_ && known == nullptr) {
    candidates.push_back(
        {AuthenticatedDomain::Method::spf, unfinished_spf_mail_from(spf_request_, "").domain});
  }
  for (Name& domain : dkim_->domains()) {
    candidates.push_back({AuthenticatedDomain::Method::dkim, std::move(domain)});
  }
  return candidates;
}

// Half of DMARC's share is left to what turns out to be needed.
void InboundMessage::start_alignment_walks() {
  for (const AuthenticatedDomain& candidate : candidates()) {
    for (const auto& walk : walks_) {
      if (dns_->dmarc.left() < DnsShares::kLeastDmarc / 2) return;
      prefetch_alignment(*runtime_->resolver, dns_->dmarc, *walk, candidate);
    }
  }
}

// What is to be asked because of the walks' answers, once these are there.
void InboundMessage::ask_on() {
  if (asked_on_) return;
  for (const auto& walk : walks_) {
    if (!walk->is_there()) return;
  }
  asked_on_ = true;
  for (const auto& walk : walks_) prefetch_dmarc(*runtime_->resolver, dns_->dmarc, *walk);
}

void InboundMessage::body(std::string_view octets) {
  ask_on();
  dkim_->body(octets);
}

/// SPF's questions aside.
Lookup* InboundMessage::open_question() {
  if (Lookup* key = dkim_->open_question()) return key;
  for (const auto& walk : walks_) {
    if (Lookup* question = walk->open_question()) return question;
  }
  return nullptr;
}

/// However often and by whichever way the end waits, there is one deadline.
Deadline InboundMessage::end_deadline() {
  if (!end_deadline_) {
    end_deadline_ = from_now(runtime_->config.message_timeout);
    dns_->extend(*end_deadline_);
  }
  return *end_deadline_;
}

bool InboundMessage::waits(const std::shared_ptr<AnswerListener>& news) {
  if (end_deadline() <= std::chrono::steady_clock::now()) return false;
  ask_on();
  // A check comes to its end by itself, MessageTimeout after MAIL at the latest.
  if (spf_ && spf_->listen(news)) return true;
  if (spf_helo_ && spf_helo_->listen(news)) return true;
  while (Lookup* question = open_question()) {
    if (!question->listen(news)) continue;  // it has been answered meanwhile
    tell_at(question->deadline(), news);
    return true;
  }
  return false;
}

/// One timer at a time: who is told asks again, and then there is another. Else a sender whose keys
/// come one by one would leave one for each.
void InboundMessage::tell_at(Deadline time, const std::shared_ptr<AnswerListener>& news) {
  const bool is_set = timer_news_.lock() == news && timer_ > std::chrono::steady_clock::now();
  if (is_set && timer_ <= time) return;
  timer_ = time;
  timer_news_ = news;
  background_.start_at(time, [later = timer_news_] {
    if (const auto present = later.lock()) present->answer_arrived();
  });
}

bool InboundMessage::may_wait() {
  const auto is_open = [](const std::shared_ptr<RunningSpf>& spf) {
    return spf && spf->verdict({}) == nullptr;
  };
  if (dns_->answered_at_once()) return false;
  return is_open(spf_) || is_open(spf_helo_) || open_question() != nullptr;
}

SpfVerdict InboundMessage::mail_from_verdict(Deadline deadline) {
  SpfVerdict verdict;
  verdict.problem = no_spf_reason_;
  if (!spf_) return verdict;
  if (const SpfVerdict* finished = spf_->verdict(deadline)) return *finished;
  return unfinished_spf_mail_from(spf_request_, "no verdict before MessageTimeout");
}

// Comes after MAIL FROM, whose share is free then.
SpfVerdict InboundMessage::helo_verdict(Deadline deadline) {
  SpfVerdict verdict;
  verdict.problem = no_spf_reason_;
  if (!spf_helo_) return verdict;
  if (const SpfVerdict* finished = spf_helo_->verdict(deadline)) {
    verdict = *finished;
    if (verdict.result != SpfResult::temperror || !dns_->helo.exhausted()) return verdict;
    LookupBudget rest(deadline, dns_->mail_from.left());
    verdict = check_spf_helo(*runtime_->resolver, rest, spf_request_, runtime_->config.spf_limits);
    helo_questions_again_ = rest.used();
    return verdict;
  }
  verdict.result = SpfResult::temperror;
  verdict.identity = spf_request_.helo;
  verdict.problem = "no verdict before MessageTimeout";
  verdict.limits.add(Limit::message_time);
  return verdict;
}

DmarcTreeWalk& InboundMessage::walk_of(const Name& domain) {
  const auto walk = std::find_if(walks_.begin(), walks_.end(),
                                 [&](const auto& w) { return w->start() == domain; });
  assert(walk != walks_.end());  // end_of_headers() started one for each author
  return **walk;
}

std::vector<DmarcVerdict> InboundMessage::evaluate_authors(const InboundResults& results) {
  const std::vector<AuthenticatedDomain> proven = authenticated(results);
  const std::vector<AuthenticatedDomain> open = unsettled(results);
  std::vector<DmarcVerdict> verdicts;
  for (const Name& domain : author_.domains) {
    DmarcTreeWalk& walk = walk_of(domain);
    // RFC 9989 5.3.6: a fail that a DNS error may have caused is a temperror.
    const bool may_be_missing = std::any_of(
        open.begin(), open.end(),
        [&](const AuthenticatedDomain& candidate) { return could_align(walk, candidate); });
    verdicts.push_back(
        evaluate_dmarc(*runtime_->resolver, dns_->dmarc, walk, proven, may_be_missing));
  }
  return verdicts;
}

Evidence InboundMessage::gather_evidence(const InboundResults& results,
                                         std::vector<DmarcVerdict> verdicts) const {
  const Config& config = runtime_->config;
  const std::vector<AuthenticatedDomain> proven = authenticated(results);
  Evidence evidence;
  evidence.author = author_;
  evidence.dmarc = std::move(verdicts);
  evidence.spf = results.spf;
  evidence.spf_helo = results.spf_helo;
  evidence.any_dkim_pass =
      std::any_of(results.dkim.begin(), results.dkim.end(),
                  [](const DkimVerdict& v) { return v.result == DkimResult::pass; });
  evidence.from_list = from_list_;
  evidence.known_forwarder =
      envelope_.client && contains(config.known_forwarders, *envelope_.client);
  evidence.own_domain = std::any_of(author_.domains.begin(), author_.domains.end(),
                                    [&](const Name& domain) { return is_own(*runtime_, domain); });
  evidence.author_authenticated = proves_all(proven, author_);
  evidence.trusted = envelope_.trusted;
  evidence.rule = runtime_->policy_table.find(policy_subject(envelope_, author_, proven, list_id_));
  return evidence;
}

InboundResults InboundMessage::finish(std::chrono::sys_seconds now) {
  const Deadline deadline = end_deadline();
  InboundResults results;
  results.author = author_;
  for (const Name& domain : author_.domains) {
    prefetch_dmarc(*runtime_->resolver, dns_->dmarc, walk_of(domain));
  }
  results.dkim = dkim_->finish(now);
  if (spf_) {
    results.spf_client = envelope_.client;
    results.spf_client_helo = envelope_.helo;
  }
  results.spf = mail_from_verdict(deadline);
  results.spf_helo = helo_verdict(deadline);

  const Evidence evidence = gather_evidence(results, evaluate_authors(results));
  results.dmarc = overall_verdict(author_, evidence.dmarc);
  results.disposition = decide_disposition(runtime_->config, evidence);
  results.limits = limits_reached(results, evidence.dmarc);
  results.dns_questions = dns_->used() + helo_questions_again_;
  return results;
}

}  // namespace signet
