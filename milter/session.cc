// SPDX-License-Identifier: BSD-2-Clause
//
// One message from MAIL to its Actions. Verifying is InboundMessage's, signing OutboundMessage's;
// here the results become header fields, a reply or a hold, in the order the MTA has to apply them.

#include "milter/session.h"

#include <algorithm>

#include "milter/field/auth_results.h"
#include "milter/field/received_spf.h"
#include "milter/field/verdict_results.h"

namespace signet {
namespace {

constexpr std::string_view kResultsField = "Authentication-Results";

// One before and one after STARTTLS. There may be no message, and then all of it is in vain.
constexpr int kHelosAskedAbout = 2;

// Postfix hands folded values over with a lone LF; on the wire each fold was a CRLF.
std::string with_crlf_folds(std::string_view value) {
  std::string wire;
  wire.reserve(value.size() + 8);
  for (size_t lf = value.find('\n'); lf != value.npos; lf = value.find('\n')) {
    wire += value.substr(0, lf);
    if (!wire.ends_with('\r')) wire += '\r';
    wire += '\n';
    value.remove_prefix(lf + 1);
  }
  wire += value;
  return wire;
}

std::string without_brackets(std::string_view address) {
  if (address.size() >= 2 && address.front() == '<' && address.back() == '>') {
    address = address.substr(1, address.size() - 2);
  }
  return std::string(address);
}

Action results_field(const std::string& authserv_id, std::vector<AuthMethod> methods) {
  return InsertHeader{std::string(kResultsField),
                      to_string(AuthResults{authserv_id, std::move(methods)})};
}

// AuthResultsFields: what stands in each field, the lowest first. RFC 8601 2.2 allows both ways.
std::vector<std::vector<AuthMethod>> results_by_field(const Config& config,
                                                      std::vector<AuthMethod> methods) {
  std::vector<std::vector<AuthMethod>> fields;
  if (config.auth_results_fields == AuthResultsFields::one) {
    fields.push_back(std::move(methods));
    return fields;
  }
  for (AuthMethod& method : methods) {
    if (fields.empty() || fields.back().front().method != method.method) fields.emplace_back();
    fields.back().push_back(std::move(method));
  }
  std::reverse(fields.begin(), fields.end());
  return fields;
}

Action received_spf_field(const MessageReport& report, const std::string& receiver) {
  const InboundResults& inbound = *report.inbound;
  return InsertHeader{"Received-SPF",
                      to_string(ReceivedSpf{inbound.spf, *inbound.spf_client,
                                            inbound.spf_client_helo, report.mail_from, receiver})};
}

// The reply that takes the place of everything else, if the message is refused.
std::optional<Reply> refusal(const Config& config, const MessageReport& report) {
  if (report.inbound) {
    const Disposition& disposition = report.inbound->disposition;
    const std::string text = reply_text(disposition.reply);
    if (disposition.step == Disposition::Step::reject) {
      return Reply{550, disposition.enhanced_code, text};
    }
    if (disposition.step == Disposition::Step::tempfail) {
      return Reply{451, disposition.enhanced_code, text};
    }
  }
  if (report.outbound && report.outbound->has_to_wait) {
    return Reply{451, "4.7.5", "no DKIM key matches its published record, try again later"};
  }
  // Either the whole message waits or it goes out as it came; nothing in between.
  if (report.outbound && !report.outbound->failure.empty() &&
      config.on_sign_failure == FailureAction::tempfail) {
    return Reply{451, "4.7.5", "DKIM signing failed, try again later"};
  }
  return std::nullopt;
}

std::string action_word(const std::vector<Action>& actions) {
  for (const Action& action : actions) {
    if (const auto* reply = std::get_if<Reply>(&action)) {
      return reply->code >= 500 ? "reject" : "tempfail";
    }
    if (std::holds_alternative<Quarantine>(action)) return "hold";
  }
  return "accept";
}

std::chrono::microseconds elapsed_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

}  // namespace

std::vector<Action> Session::actions_for(const Message& message) {
  const MessageReport& report = message.report;
  const Config& config = message.runtime->config;
  if (const std::optional<Reply> reply = refusal(config, report)) return {*reply};

  std::vector<Action> actions;
  // RFC 8601 5: highest first, because the MTA renumbers after each removal.
  for (auto it = message.forged_results.rbegin(); it != message.forged_results.rend(); ++it) {
    actions.push_back(DeleteHeader{std::string(kResultsField), *it});
  }
  if (report.outbound) {
    for (const HeaderField& field : report.outbound->signatures) {
      actions.push_back(InsertHeader{field.name, field.value});
    }
  }
  if (report.inbound) {
    if (config.received_spf && report.inbound->spf_client) {
      actions.push_back(received_spf_field(report, message.authserv_id));
    }
    for (auto& methods : results_by_field(config, methods_of(*report.inbound))) {
      actions.push_back(results_field(message.authserv_id, std::move(methods)));
    }
    if (report.inbound->disposition.step == Disposition::Step::hold) {
      actions.push_back(Quarantine{reply_text("DMARC: " + report.inbound->disposition.rule)});
    }
  }
  if (config.add_auth_results_for_authenticated && report.client.authenticated()) {
    actions.push_back(results_field(message.authserv_id, {auth_method(report.client)}));
  }
  return actions;
}

void Session::connect(std::optional<IpAddress> address, std::string mta_name) {
  message_.reset();
  client_address_ = address;
  mta_name_ = std::move(mta_name);
  helo_.clear();
  helos_ = 0;
}

void Session::helo(std::string name) {
  helo_ = std::move(name);
  if (!client_address_ || ++helos_ > kHelosAskedAbout) return;
  const std::shared_ptr<const Runtime> runtime = runtimes_.get();
  Client client;
  client.address = client_address_;
  if (decide_role(runtime->config, client).verify) {
    ask_about_helo(*runtime, *client_address_, helo_);
  }
}

void Session::mail_from(std::string_view address, Client client, std::chrono::sys_seconds now) {
  message_ = std::make_unique<Message>();
  Message& message = *message_;
  message.runtime = runtimes_.get();
  const Config& config = message.runtime->config;
  message.began = std::chrono::steady_clock::now();
  message.received = now;
  message.host = mta_name_.empty() ? message.runtime->host_name : mta_name_;
  message.authserv_id = config.authserv_id.empty() ? message.host : config.authserv_id;

  MessageReport& report = message.report;
  report.client = std::move(client);
  report.client.address = client_address_;
  report.helo = helo_;
  report.mail_from = without_brackets(address);
  report.role = decide_role(config, report.client);
  if (report.role.verify) start_verifying();
  if (report.role.sign) message.outbound.emplace(message.runtime);
}

void Session::start_verifying() {
  Message& message = *message_;
  const MessageReport& report = message.report;
  message.inbound.emplace(
      message.runtime, background_,
      Envelope{client_address_, helo_, report.mail_from, message.host, report.role.trusted},
      message.received);
}

void Session::header(std::string_view name, std::string_view value) {
  if (message_) take({std::string(name), with_crlf_folds(value)});
}

void Session::take(HeaderField field) {
  if (message_->runtime->config.verify && is_named(field, kResultsField)) {
    ++message_->results_seen;
    // RFC 8601 5: what claims to be ours, and from outside what has a version nobody knows.
    if (claims_authserv_id(field.value, message_->authserv_id) ||
        (!message_->report.role.trusted && has_unknown_version(field.value))) {
      message_->forged_results.push_back(message_->results_seen);
    }
  }
  if (message_->inbound) message_->inbound->header(field);
  if (message_->outbound) message_->outbound->header(std::move(field));
}

/// SenderLogins: mail of a login that may not use its author's domain is no mail of ours, so it is
/// read again as what it is.
void Session::check_sender_login() {
  Message& message = *message_;
  const Client& client = message.report.client;
  const SigningRules& rules = message.runtime->rules;
  if (!client.authenticated() || !rules.limits_logins()) return;
  const Author author = message.outbound->author();
  const Name* domain = rules.forbidden_domain(client.auth_login, author);
  if (domain == nullptr) return;
  message.report.role =
      stranger_role(message.runtime->config,
                    "SenderLogins: " + client.auth_login + " may not use " + domain->text());
  std::vector<HeaderField> fields = std::move(*message.outbound).take_fields();
  message.outbound.reset();
  message.results_seen = 0;
  message.forged_results.clear();
  if (message.report.role.verify) start_verifying();
  for (HeaderField& field : fields) take(std::move(field));
}

void Session::end_of_headers() {
  if (!message_ || message_->header_ended) return;
  message_->header_ended = true;
  if (message_->outbound) check_sender_login();
  if (message_->inbound) message_->inbound->end_of_headers();
  if (message_->outbound) message_->outbound->end_of_headers();
}

void Session::body(std::string_view octets) {
  if (!message_) return;
  end_of_headers();
  message_->report.body_octets += octets.size();
  if (message_->inbound) message_->inbound->body(octets);
  if (message_->outbound) message_->outbound->body(octets);
}

bool Session::end_waits(const std::shared_ptr<AnswerListener>& news) {
  if (!message_ || !message_->inbound) return false;
  end_of_headers();
  if (!message_->ended) message_->ended = std::chrono::steady_clock::now();
  return message_->inbound->waits(news);
}

bool Session::may_wait() { return message_ && message_->inbound && message_->inbound->may_wait(); }

std::vector<Action> Session::end_of_message(std::string queue_id, std::chrono::sys_seconds now) {
  if (!message_) return {};
  end_of_headers();
  const std::unique_ptr<Message> message = std::move(message_);
  const auto ended = message->ended.value_or(std::chrono::steady_clock::now());
  MessageReport& report = message->report;
  report.queue_id = std::move(queue_id);
  report.forged_results_removed = static_cast<int>(message->forged_results.size());

  if (message->inbound) {
    report.inbound = message->inbound->finish(now);
    message->runtime->limit_counters->count(report.inbound->limits);
  }
  if (message->outbound) report.outbound = message->outbound->finish(now);
  std::vector<Action> actions = actions_for(*message);
  report.action = action_word(actions);
  report.shadow = message->runtime->config.shadow;
  if (report.shadow) actions.clear();
  report.since_mail = elapsed_since(message->began);
  report.at_end = elapsed_since(ended);
  report_ = std::move(report);
  return actions;
}

}  // namespace signet
