// SPDX-License-Identifier: BSD-2-Clause
//
// RFC 7208 9.1, in the key=value form. Values are quoted as in Authentication-Results.

#include "milter/field/received_spf.h"

#include <fmt/format.h>

#include "milter/field/auth_results.h"

namespace signet {
namespace {

// RFC 7208 9.1: the comment says in words what the result means.
std::string in_words(const ReceivedSpf& field) {
  const SpfVerdict& verdict = field.verdict;
  const std::string client = to_string(field.client);
  const std::string& identity = verdict.identity;
  switch (verdict.result) {
    case SpfResult::pass:
      return fmt::format("domain of {} designates {} as permitted sender", identity, client);
    case SpfResult::fail:
      return fmt::format("domain of {} does not designate {} as permitted sender", identity,
                         client);
    case SpfResult::softfail:
      return fmt::format("domain of {} discourages use of {} as sender", identity, client);
    case SpfResult::neutral:
      return fmt::format("{} is neither permitted nor denied by domain of {}", client, identity);
    case SpfResult::none:
    case SpfResult::temperror:
    case SpfResult::permerror:
      return verdict.problem.empty() ? "no SPF policy" : verdict.problem;
  }
  return "";
}

}  // namespace

std::string to_string(const ReceivedSpf& field) {
  const SpfVerdict& verdict = field.verdict;
  std::string body = fmt::format(
      " {} {}\r\n\tclient-ip={}; envelope-from={};\r\n\thelo={}; receiver={};\r\n\t"
      "identity=mailfrom",
      to_string(verdict.result), field_comment(field.receiver + ": " + in_words(field)),
      field_quoted_string(to_string(field.client)), field_quoted_string(field.mail_from),
      field_quoted_string(field.helo), field_quoted_string(field.receiver));
  if (!verdict.mechanism.empty()) {
    body += "; mechanism=" + field_quoted_string(verdict.mechanism);
  }
  if (!verdict.problem.empty()) body += ";\r\n\tproblem=" + field_quoted_string(verdict.problem);
  return body;
}

}  // namespace signet
