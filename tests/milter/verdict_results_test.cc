// SPDX-License-Identifier: BSD-2-Clause
//
// Findings as methods of an Authentication-Results field.

#include "milter/field/verdict_results.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

std::string property(const AuthMethod& method, std::string_view name) {
  for (const AuthProperty& p : method.properties) {
    if (p.property == name) return p.value;
  }
  return "(absent)";
}

InboundResults with_mail_from(const char* identity) {
  InboundResults results;
  results.spf.result = SpfResult::pass;
  results.spf.identity = identity;
  return results;
}

struct Address {
  const char* identity;
  const char* shown;
};

TEST(VerdictResults, MailFromIsShownAsFarAsItIsPlain) {  // RFC 8601 2.7.2
  const Address addresses[] = {
      {"alice@example.com", "alice@example.com"},
      {"bounce+bob=example.org@example.com", "bounce+bob=example.org@example.com"},
      {"\"a b\"@example.com", "example.com"},
      {"dkim=pass@example.com", "example.com"},
      {"x+DMARC=pass@example.com", "example.com"},
      {"a(b)@example.com", "example.com"},
      {"j\xc3\xb6rg@example.com", "j\xc3\xb6rg@example.com"},
      {"a@b\"c", "(absent)"},
  };
  for (const Address& address : addresses) {
    const AuthMethod method = methods_of(with_mail_from(address.identity)).front();
    EXPECT_EQ(property(method, "mailfrom"), address.shown) << address.identity;
  }
}

TEST(VerdictResults, EverySignatureHasItsProperties) {  // RFC 8601 2.7.1, RFC 6008
  InboundResults results;
  DkimVerdict verdict;
  verdict.result = DkimResult::fail;
  verdict.reason = "body hash differs";
  verdict.domain = *parse_domain("example.com");
  verdict.identity = "\"x y\"@example.com";
  verdict.selector = "s1";
  verdict.algorithm = "rsa-sha256";
  verdict.signature_start = "abcdefgh";
  results.dkim = {verdict};
  const AuthMethod method = methods_of(results)[2];
  EXPECT_EQ(method.result, "fail");
  EXPECT_EQ(method.comment, "body hash differs");
  EXPECT_EQ(property(method, "d"), "example.com");
  EXPECT_EQ(property(method, "i"), "@example.com");
  EXPECT_EQ(property(method, "s"), "s1");
  EXPECT_EQ(property(method, "a"), "rsa-sha256");
  EXPECT_EQ(property(method, "b"), "abcdefgh");
}

TEST(VerdictResults, DmarcTellsPolicyDispositionAndRule) {  // RFC 9989 9.1
  InboundResults results;
  results.dmarc.result = DmarcResult::fail;
  results.dmarc.author_domain = *parse_domain("example.com");
  results.dmarc.record.emplace();
  results.dmarc.record->p = DmarcPolicy::reject;
  results.dmarc.record->sp = DmarcPolicy::none;
  results.disposition.policy = DmarcPolicy::quarantine;
  results.disposition.rule = "uncorroborated: mailing list";
  const AuthMethod method = methods_of(results).back();
  EXPECT_EQ(method.comment, "p=reject sp=none dis=quarantine; uncorroborated: mailing list");
  EXPECT_EQ(property(method, "from"), "example.com");
  EXPECT_EQ(property(method, "dmarc"), "quarantine");
}

TEST(VerdictResults, AHeapOfSignaturesThatWereNotJudgedIsCounted) {
  InboundResults results;
  DkimVerdict unjudged;
  unjudged.result = DkimResult::policy;
  results.dkim.assign(50, unjudged);
  DkimVerdict judged;
  judged.result = DkimResult::pass;
  results.dkim.push_back(judged);
  const std::vector<AuthMethod> methods = methods_of(results);
  ASSERT_EQ(methods.size(), 2u + 8u + 1u + 1u + 1u);  // spf, shown, pass, the rest, dmarc
  EXPECT_EQ(methods[10].result, "pass");
  EXPECT_EQ(methods[11].comment, "42 more signatures");
}

TEST(VerdictResults, WithoutARecordThereIsNoPolicy) {
  InboundResults results;
  results.dmarc.author_domain = *parse_domain("example.com");
  const AuthMethod method = methods_of(results).back();
  EXPECT_EQ(method.result, "none");
  EXPECT_EQ(property(method, "dmarc"), "(absent)");
}

TEST(VerdictResults, AuthenticationNamesMechanismAndLogin) {  // RFC 8601 2.7.4
  Client client;
  client.auth_type = "PLAIN";
  client.auth_login = "alice";
  const AuthMethod method = auth_method(client);
  EXPECT_EQ(method.result, "pass");
  EXPECT_EQ(method.comment, "PLAIN");
  EXPECT_EQ(property(method, "auth"), "alice");
}

}  // namespace
}  // namespace signet
