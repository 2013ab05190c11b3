// SPDX-License-Identifier: BSD-2-Clause
//
// The names and addresses are those of mail_sample.cc: the author is at example.com.

#include "tests/bench/session_work.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "milter/message_line.h"
#include "tests/bench/engine_work.h"

namespace signet {
namespace {

constexpr size_t kThreads = 4;
/// Postfix sends a body in pieces of this many octets (its MILTER_CHUNK_SIZE).
constexpr size_t kPieceOctets = 65'535;

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::shared_ptr<const Runtime> make_runtime(std::shared_ptr<Resolver> resolver,
                                            std::shared_ptr<const SigningKey> key) {
  auto runtime = std::make_shared<Runtime>();
  runtime->resolver = std::move(resolver);
  runtime->keys.add(std::move(key));
  runtime->host_name = "mx.example.org";
  DkimVerifyOptions& limits = runtime->config.dkim_verify;
  limits.maximum_signatures = 1000;
  limits.maximum_signatures_present = 1000;
  limits.maximum_header_fields = 100'000;
  return runtime;
}

}  // namespace

WarmResolver::WarmResolver() : cache_(50'000, 50'000 * 1024) {
  no_domain_.status = DnsStatus::no_domain;
  no_domain_.ttl = std::chrono::hours(1);
}

void WarmResolver::add_domain(const std::string& domain, const std::string& selector,
                              const std::string& key_record) {
  add_text(domain, "v=spf1 ip4:192.0.2.0/24 -all");
  add_text("mail." + domain, "v=spf1 a -all");
  add_text("_dmarc." + domain, "v=DMARC1; p=reject; rua=mailto:dmarc-reports@" + domain);
  add_text(selector + "._domainkey." + domain, key_record);
  Answer address;
  address.status = DnsStatus::answered;
  address.ttl = std::chrono::hours(1);
  address.addresses = {IpAddress::v4({192, 0, 2, 1})};
  cache_.store({*parse_domain("mail." + domain), RecordType::a}, address,
               std::chrono::steady_clock::now());
}

void WarmResolver::add_text(const std::string& name, std::string text) {
  Answer answer;
  answer.status = DnsStatus::answered;
  answer.ttl = std::chrono::hours(1);
  answer.texts.push_back(std::move(text));
  cache_.store({*parse_domain(name), RecordType::txt}, answer, std::chrono::steady_clock::now());
}

Lookup WarmResolver::ask(const Name& name, RecordType type, Deadline /*deadline*/) {
  const auto now = std::chrono::steady_clock::now();
  const Question question{name, type};
  if (auto known = cache_.find(question, now)) return Lookup(std::move(known));
  cache_.store(question, no_domain_, now);
  return Lookup(std::make_shared<const Answer>(no_domain_));
}

SessionWork::SessionWork()
    : key_(make_bench_key(DkimKeyType::rsa)),
      resolver_(std::make_shared<WarmResolver>()),
      runtime_(make_runtime(resolver_, key_)),
      slot_(runtime_),
      background_(kThreads),
      session_(connect()) {
  resolver_->add_domain(key_->domain().text(), key_->selector(), key_->record());
}

std::unique_ptr<Session> SessionWork::connect() {
  auto session = std::make_unique<Session>(slot_, background_);
  session->connect(*parse_ip_address("192.0.2.1"), "mx.example.org");
  session->helo("mail.example.com");
  return session;
}

SessionMail SessionWork::with_signatures(const MailSample& mail, size_t signatures,
                                         size_t times) const {
  SessionMail signed_mail{mail.fields, mail.body, times};
  if (signatures > 0) {
    const EngineWork engine(DkimEngine::native, key_, true);
    const HeaderField signature = engine.sign(mail.fields, mail.body, times);
    signed_mail.fields.insert(signed_mail.fields.begin(), signatures, signature);
  }
  for (HeaderField& field : signed_mail.fields) std::erase(field.value, '\r');
  return signed_mail;
}

void SessionWork::begin(Session& session, bool of_ours) {
  Client client;
  client.listener = of_ours ? "submission" : "smtpd";
  if (of_ours) {
    client.auth_type = "PLAIN";
    client.auth_login = "author@example.com";
  }
  session.mail_from("<author@example.com>", std::move(client), now());
}

void SessionWork::feed_header(Session& session, const SessionMail& mail) {
  for (const HeaderField& field : mail.fields) session.header(field.name, field.value);
  session.end_of_headers();
}

void SessionWork::feed_body(Session& session, const SessionMail& mail) {
  const std::string_view body = mail.body;
  for (size_t time = 0; time < mail.times; ++time) {
    for (size_t i = 0; i < body.size(); i += kPieceOctets) {
      session.body(body.substr(i, kPieceOctets));
    }
  }
}

void SessionWork::deliver(Session& session, const SessionMail& mail, bool of_ours) {
  begin(session, of_ours);
  feed_header(session, mail);
  feed_body(session, mail);
  const std::vector<Action> actions = session.end_of_message("4FxQ7L2sQzz1y", now());
  const std::string line = to_log_line(session.report());
  if (actions.empty() || line.empty()) throw std::runtime_error("nothing came of the message");
}

void SessionWork::verify(const SessionMail& mail) {
  deliver(*session_, mail, false);
  const InboundResults& results = *session_->report().inbound;
  const bool signatures_pass =
      std::all_of(results.dkim.begin(), results.dkim.end(),
                  [](const DkimVerdict& v) { return v.result == DkimResult::pass; });
  if (signatures_pass && results.spf.result == SpfResult::pass &&
      results.dmarc.result == DmarcResult::pass) {
    return;
  }
  throw std::runtime_error("does not pass: " + to_log_line(session_->report()));
}

void SessionWork::sign(const SessionMail& mail) {
  deliver(*session_, mail, true);
  if (session_->report().outbound->signatures.size() == 1) return;
  throw std::runtime_error("not signed: " + to_log_line(session_->report()));
}

}  // namespace signet
