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

TEST(VerdictResults, AnIdentityIsShownAsFarAsItIsPlain) {
  const Address identities[] = {
      {"alice@example.com", "alice@example.com"},
      {"@example.com", "@example.com"},
      {"dkim=pass@example.com", "@example.com"},
      {"@exam\"ple.com", "(absent)"},
      {"example.com", "(absent)"},
  };
  for (const Address& row : identities) {
    InboundResults results;
    results.dkim.emplace_back().identity = row.identity;
    EXPECT_EQ(property(methods_of(results)[2], "i"), row.shown) << row.identity;
  }
}

TEST(VerdictResults, AKeyForTestingIsNamedSo) {  // RFC 6376 3.6.1, t=y
  InboundResults results;
  DkimVerdict& verdict = results.dkim.emplace_back();
  verdict.result = DkimResult::pass;
  verdict.key_bits = 2048;
  verdict.testing = true;
  EXPECT_EQ(methods_of(results)[2].comment, "2048-bit key, t=y");
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

TEST(VerdictResults, WithoutRuleAndReasonDmarcTellsThePolicyAlone) {
  InboundResults results;
  results.dmarc.result = DmarcResult::pass;
  results.dmarc.record.emplace();
  results.dmarc.record->p = DmarcPolicy::reject;
  EXPECT_EQ(methods_of(results).back().comment, "p=reject dis=none");
}

TEST(VerdictResults, APolicyOfOursBesideARecordWithoutOneIsTold) {
  InboundResults results;
  results.dmarc.record.emplace();
  results.disposition.policy = DmarcPolicy::quarantine;
  results.disposition.rule = "PolicyTable line 3 quarantine";
  const AuthMethod method = methods_of(results).back();
  EXPECT_EQ(method.comment, "dis=quarantine; PolicyTable line 3 quarantine");
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

TEST(VerdictResults, AuthenticationWithoutALoginNamesNone) {  // a TLS client certificate
  Client client;
  client.auth_type = "EXTERNAL";
  EXPECT_EQ(property(auth_method(client), "auth"), "(absent)");
}

}  // namespace
}  // namespace signet
