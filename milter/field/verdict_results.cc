// SPDX-License-Identifier: BSD-2-Clause
//
// What is told of each finding, and what is not: names that strangers make up are shown only as far
// as they cannot be mistaken for a result.

#include "milter/field/verdict_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace signet {
namespace {

// RFC 8601 2.7 and what is registered besides.
constexpr std::array<std::string_view, 6> kMethods = {"spf", "dkim", "dmarc",
                                                      "arc", "auth", "iprev"};

// With MaximumSignatures judged, that is all a reader can use; a sender may add hundreds.
constexpr int kMaximumUnjudgedShown = 8;

bool holds_only(std::string_view text, std::string_view marks) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0 ||
           marks.find(c) != std::string_view::npos;
  });
}

// A reader that searches the field for "dkim=pass" must not find it in a name a stranger made up.
bool imitates_result(std::string_view text) {
  const std::string lower = ascii_lower(text);
  return std::any_of(kMethods.begin(), kMethods.end(), [&](std::string_view method) {
    return lower.find(std::string(method) + "=") != std::string::npos;
  });
}

bool is_plain_local_part(std::string_view text) {
  return holds_only(text, "!#$%&'*+-/=?^_`{|}~.") && !imitates_result(text);
}

bool is_plain_domain(std::string_view text) { return holds_only(text, "-._:[]"); }

// An address for smtp.mailfrom, or a HELO name for smtp.helo. RFC 8601 2.7.2: the local part may
// be left out, and is if it is not plain; a domain that is not plain leaves nothing.
std::string plain_address(std::string_view address) {
  const size_t at = address.rfind('@');
  if (at == std::string_view::npos) return std::string(is_plain_domain(address) ? address : "");
  const std::string_view domain = address.substr(at + 1);
  if (!is_plain_domain(domain)) return "";
  return std::string(is_plain_local_part(address.substr(0, at)) ? address : domain);
}

// The same for header.i, where a domain alone is written "@example.com" (RFC 6376 3.5).
std::string plain_identity(std::string_view identity) {
  const size_t at = identity.rfind('@');
  if (at == std::string_view::npos || !is_plain_domain(identity.substr(at + 1))) return "";
  return std::string(is_plain_local_part(identity.substr(0, at)) ? identity : identity.substr(at));
}

AuthMethod spf_method(const SpfVerdict& verdict, const char* property) {
  AuthMethod method;
  method.method = "spf";
  method.result = to_string(verdict.result);
  method.comment = verdict.problem.empty() ? verdict.mechanism : verdict.problem;
  const std::string identity = plain_address(verdict.identity);
  if (!identity.empty()) method.properties.push_back({"smtp", property, identity});
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
  add("i", plain_identity(verdict.identity));
  add("s", verdict.selector);
  add("a", verdict.algorithm);
  add("b", verdict.signature_start);
  return method;
}

void add_dkim_methods(const std::vector<DkimVerdict>& verdicts, std::vector<AuthMethod>& methods) {
  const ShownSignatures signatures = choose_signatures_shown(verdicts);
  for (const DkimVerdict* verdict : signatures.shown) methods.push_back(dkim_method(*verdict));
  if (signatures.omitted > 0) {
    methods.push_back(
        {"dkim", "policy", fmt::format("{} more signatures", signatures.omitted), "", {}});
  }
  if (verdicts.empty()) methods.push_back({"dkim", "none", "no signature", "", {}});
}

// Whether there is a policy to tell of: the domain's, or one that was applied in its place.
bool tells_policy(const InboundResults& results) {
  const auto& record = results.dmarc.record;
  return (record && record->p) || results.disposition.policy != DmarcPolicy::none ||
         results.disposition.policy_override;
}

// `p=reject sp=none dis=quarantine; why`, the tags as published.
std::string dmarc_comment(const InboundResults& results) {
  const DmarcVerdict& verdict = results.dmarc;
  const Disposition& disposition = results.disposition;
  if (!tells_policy(results)) return verdict.reason;
  std::string comment;
  if (verdict.record && verdict.record->p) {
    const DmarcRecord& record = *verdict.record;
    comment = fmt::format("p={} ", to_string(*record.p));
    if (record.sp) comment += fmt::format("sp={} ", to_string(*record.sp));
    if (record.np) comment += fmt::format("np={} ", to_string(*record.np));
    if (record.testing) comment += "t=y ";
  }
  comment += fmt::format("dis={}", to_string(disposition.policy));
  const std::string& why = disposition.rule.empty() ? verdict.reason : disposition.rule;
  if (!why.empty()) comment += "; " + why;
  return comment;
}

AuthMethod dmarc_method(const InboundResults& results) {
  AuthMethod method;
  method.method = "dmarc";
  method.result = to_string(results.dmarc.result);
  method.comment = dmarc_comment(results);
  if (!results.dmarc.author_domain.is_root()) {
    method.properties.push_back({"header", "from", results.dmarc.author_domain.text()});
  }
  if (tells_policy(results)) {
    method.properties.push_back(
        {"policy", "dmarc", std::string(to_string(results.disposition.policy))});
  }
  return method;
}

}  // namespace

ShownSignatures choose_signatures_shown(const std::vector<DkimVerdict>& verdicts) {
  ShownSignatures signatures;
  int unjudged = 0;
  for (const DkimVerdict& verdict : verdicts) {
    const bool judged = verdict.result == DkimResult::pass || verdict.result == DkimResult::fail;
    if (judged || ++unjudged <= kMaximumUnjudgedShown) {
      signatures.shown.push_back(&verdict);
    } else {
      ++signatures.omitted;
    }
  }
  return signatures;
}

std::vector<AuthMethod> methods_of(const InboundResults& results) {
  std::vector<AuthMethod> methods;
  methods.push_back(spf_method(results.spf, "mailfrom"));
  methods.push_back(spf_method(results.spf_helo, "helo"));
  add_dkim_methods(results.dkim, methods);
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
