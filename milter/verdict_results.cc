// SPDX-License-Identifier: BSD-2-Clause

#include "milter/verdict_results.h"

#include <fmt/format.h>

namespace signet {
namespace {

AuthMethod spf_method(const SpfVerdict& verdict, const char* property) {
  AuthMethod method;
  method.method = "spf";
  method.result = to_string(verdict.result);
  method.comment = verdict.problem.empty() ? verdict.mechanism : verdict.problem;
  if (!verdict.identity.empty()) method.properties.push_back({"smtp", property, verdict.identity});
  return method;
}

AuthMethod dkim_method(const DkimVerdict& verdict) {
  AuthMethod method;
  method.method = "dkim";
  method.result = to_string(verdict.result);
  if (verdict.result == DkimResult::pass) {
    method.comment = verdict.key_bits > 0 ? fmt::format("{}-bit key", verdict.key_bits) : "";
    if (verdict.testing) method.comment += ", t=y";
  } else {
    method.comment = verdict.reason;
  }
  const auto add = [&](const char* property, const std::string& value) {
    if (!value.empty()) method.properties.push_back({"header", property, value});
  };
  add("d", verdict.domain.text());
  add("i", verdict.identity);
  add("s", verdict.selector);
  add("a", verdict.algorithm);
  add("b", verdict.signature_start);
  return method;
}

// `p=reject sp=none dis=quarantine; why`, the tags as published.
std::string dmarc_comment(const DmarcVerdict& verdict, const Disposition& disposition) {
  if (!verdict.record || !verdict.record->p) return verdict.reason;
  const DmarcRecord& record = *verdict.record;
  std::string comment = fmt::format("p={}", to_string(*record.p));
  if (record.sp) comment += fmt::format(" sp={}", to_string(*record.sp));
  if (record.np) comment += fmt::format(" np={}", to_string(*record.np));
  if (record.testing) comment += " t=y";
  comment += fmt::format(" dis={}", to_string(disposition.policy));
  const std::string& why = disposition.rule.empty() ? verdict.reason : disposition.rule;
  if (!why.empty()) comment += "; " + why;
  return comment;
}

AuthMethod dmarc_method(const InboundResults& results) {
  AuthMethod method;
  method.method = "dmarc";
  method.result = to_string(results.dmarc.result);
  method.comment = dmarc_comment(results.dmarc, results.disposition);
  if (!results.dmarc.author_domain.is_root()) {
    method.properties.push_back({"header", "from", results.dmarc.author_domain.text()});
  }
  if (results.dmarc.record && results.dmarc.record->p) {
    method.properties.push_back(
        {"policy", "dmarc", std::string(to_string(results.disposition.policy))});
  }
  return method;
}

}  // namespace

std::vector<AuthMethod> methods_of(const InboundResults& results) {
  std::vector<AuthMethod> methods;
  methods.push_back(spf_method(results.spf, "mailfrom"));
  methods.push_back(spf_method(results.spf_helo, "helo"));
  for (const DkimVerdict& verdict : results.dkim) methods.push_back(dkim_method(verdict));
  if (results.dkim.empty()) methods.push_back({"dkim", "none", "no signature", "", {}});
  methods.push_back(dmarc_method(results));
  return methods;
}

AuthMethod auth_method(const Client& client) {
  AuthMethod method;
  method.method = "auth";
  method.result = "pass";
  method.comment = client.auth_type;
  if (!client.auth_login.empty()) method.properties.push_back({"smtp", "auth", client.auth_login});
  return method;
}

}  // namespace signet
