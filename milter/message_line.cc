// SPDX-License-Identifier: BSD-2-Clause
//
// The keys of the log line in their order. A key is left out if it has nothing to say, so a reader
// that splits at spaces sees only what happened.

#include "milter/message_line.h"

#include <fmt/format.h>

#include "milter/field/verdict_results.h"
#include "milter/log.h"

namespace signet {
namespace {

// Collects `key=value` pairs; values that are outside data are encoded here and nowhere else.
class Line {
 public:
  void add(std::string_view key, std::string_view raw) {
    if (!text_.empty()) text_ += ' ';
    text_ += key;
    text_ += '=';
    text_ += log_value(raw);
  }
  void add_if(std::string_view key, std::string_view raw) {
    if (!raw.empty()) add(key, raw);
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string milliseconds(std::chrono::microseconds duration) {
  return fmt::format("{:.1f}ms", static_cast<double>(duration.count()) / 1000.0);
}

void add_client(const MessageReport& report, Line& line) {
  const Client& client = report.client;
  line.add("client", client.address ? to_string(*client.address) : "local");
  line.add_if("login", client.auth_login);
  line.add_if("listener", client.listener);
  line.add("helo", report.helo);
  line.add("mail_from", "<" + report.mail_from + ">");
}

void add_author(const Author& author, Line& line) {
  for (const std::string& address : author.addresses) line.add("from", address);
  line.add_if("from_problem", author.problem);
}

void add_inbound(const InboundResults& results, Line& line) {
  add_author(results.author, line);
  line.add("spf", to_string(results.spf.result));
  line.add_if("spf_why", results.spf.problem.empty() ? results.spf.mechanism : results.spf.problem);
  line.add("spf_helo", to_string(results.spf_helo.result));
  if (results.dkim.empty()) line.add("dkim", "none");
  const ShownSignatures signatures = choose_signatures_shown(results.dkim);
  for (const DkimVerdict* verdict : signatures.shown) {
    line.add("dkim", fmt::format("{}:{}/{}", to_string(verdict->result), verdict->domain.text(),
                                 verdict->selector));
    if (verdict->result != DkimResult::pass) line.add_if("dkim_why", verdict->reason);
  }
  if (signatures.omitted > 0) line.add("dkim_omitted", std::to_string(signatures.omitted));
  line.add("dmarc", to_string(results.dmarc.result));
  line.add_if("dmarc_domain", results.dmarc.author_domain.text());
  line.add_if("dmarc_why", results.dmarc.reason);
  line.add("policy", to_string(results.disposition.policy));
  line.add_if("policy_rule", results.disposition.rule);
  if (results.disposition.policy_override) {
    line.add("policy_override", to_string(*results.disposition.policy_override));
  }
  line.add("dns_questions", std::to_string(results.dns_questions));
  for (const Limit limit : kAllLimits) {
    if (results.limits.has(limit)) line.add("limit", to_string(limit));
  }
}

void add_outbound(const OutboundResults& results, Line& line) {
  add_author(results.author, line);
  for (const std::string& key : results.signed_with) line.add("signed", key);
  for (const KeyNotUsed& key : results.keys_not_used) {
    line.add("key_not_used", fmt::format("{}: {}", key.key, key.why));
  }
  line.add_if("sign_rule", results.rule);
  line.add_if("unsigned_why", results.unsigned_reason);
  line.add_if("sign_failure", results.failure);
  for (const std::string& warning : results.warnings) line.add("warning", warning);
}

}  // namespace

std::string to_log_line(const MessageReport& report) {
  Line line;
  line.add("queue_id", report.queue_id);
  line.add("action", report.shadow ? "accept" : report.action);
  if (report.shadow) line.add("shadow", report.action);
  line.add("role", report.role.outbound ? "outbound" : "inbound");
  line.add("role_rule", report.role.rule);
  add_client(report, line);
  if (report.inbound) add_inbound(*report.inbound, line);
  if (report.outbound) add_outbound(*report.outbound, line);
  if (report.role.outbound && !report.role.sign) line.add("unsigned_why", "Mode v");
  if (report.forged_results_removed > 0) {
    line.add("forged_results_removed", std::to_string(report.forged_results_removed));
  }
  line.add("body_octets", std::to_string(report.body_octets));
  line.add("time", milliseconds(report.since_mail));
  line.add("time_at_end", milliseconds(report.at_end));
  return std::move(line).text();
}

}  // namespace signet
