// SPDX-License-Identifier: BSD-2-Clause
//
// The disposition as a table: evidence and configuration in, step, policy and rule out.

#include "milter/policy/disposition.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

using Step = Disposition::Step;

Name example() { return *parse_domain("example.com"); }

DmarcVerdict verdict(DmarcResult result, DmarcPolicy policy) {
  DmarcVerdict v;
  v.result = result;
  v.author_domain = example();
  v.record.emplace();
  v.record->p = policy;
  v.policy = v.effective_policy = policy;
  return v;
}

// A forged message: p=reject, SPF fail, no list, no signature.
Evidence forged(DmarcPolicy policy = DmarcPolicy::reject) {
  Evidence evidence;
  evidence.author.domains = {example()};
  evidence.dmarc = {verdict(DmarcResult::fail, policy)};
  evidence.spf.result = SpfResult::fail;
  return evidence;
}

TEST(Policy, PassChangesNothing) {
  Evidence evidence = forged();
  evidence.dmarc = {verdict(DmarcResult::pass, DmarcPolicy::reject)};
  EXPECT_EQ(decide_disposition(Config{}, evidence).step, Step::deliver);
  EXPECT_EQ(decide_disposition(Config{}, evidence).policy, DmarcPolicy::none);
}

TEST(Policy, TemperrorChangesNothing) {
  Evidence evidence = forged();
  evidence.dmarc = {verdict(DmarcResult::temperror, DmarcPolicy::reject)};
  EXPECT_EQ(decide_disposition(Config{}, evidence).step, Step::deliver);
}

TEST(Policy, TemperrorWaitsIfSoConfigured) {
  Config config;
  config.dmarc_on_temperror = FailureAction::tempfail;
  Evidence evidence = forged();
  evidence.dmarc = {verdict(DmarcResult::temperror, DmarcPolicy::reject)};
  const Disposition d = decide_disposition(config, evidence);
  EXPECT_EQ(d.step, Step::tempfail);
  EXPECT_EQ(d.enhanced_code, "4.7.0");
}

TEST(Policy, NoneDeliversAndSaysSo) {
  const Disposition d = decide_disposition(Config{}, forged(DmarcPolicy::none));
  EXPECT_EQ(d.step, Step::deliver);
  EXPECT_EQ(d.policy, DmarcPolicy::none);
  EXPECT_EQ(d.rule, "p=none");
}

TEST(Policy, CorroboratedRejectIsRefusedWithDmarcAndDomainInTheReply) {  // RFC 9989 7.2
  const Disposition d = decide_disposition(Config{}, forged());
  EXPECT_EQ(d.step, Step::reject);
  EXPECT_EQ(d.policy, DmarcPolicy::reject);
  EXPECT_NE(d.reply.find("DMARC"), std::string::npos);
  EXPECT_NE(d.reply.find("example.com"), std::string::npos);
}

struct Doubt {
  const char* name;
  void (*spoil)(Evidence&);
  const char* rule;
};

class UncorroboratedReject : public testing::TestWithParam<Doubt> {};

TEST_P(UncorroboratedReject, IsTreatedAsQuarantine) {  // RFC 9989 7.4, 8
  Evidence evidence = forged();
  GetParam().spoil(evidence);
  const Disposition d = decide_disposition(Config{}, evidence);
  EXPECT_EQ(d.step, Step::deliver);
  EXPECT_EQ(d.policy, DmarcPolicy::quarantine);
  EXPECT_EQ(d.rule, GetParam().rule);

  Config always;
  always.dmarc_reject = DmarcReject::always;
  EXPECT_EQ(decide_disposition(always, evidence).step, Step::reject);
}

INSTANTIATE_TEST_SUITE_P(
    Doubts, UncorroboratedReject,
    testing::Values(Doubt{"List", [](Evidence& e) { e.from_list = true; },
                          "uncorroborated: mailing list"},
                    Doubt{"Dkim", [](Evidence& e) { e.any_dkim_pass = true; },
                          "uncorroborated: a DKIM signature passed"},
                    Doubt{"SpfNone", [](Evidence& e) { e.spf.result = SpfResult::none; },
                          "uncorroborated: spf=none"},
                    Doubt{"SpfSoftfail", [](Evidence& e) { e.spf.result = SpfResult::softfail; },
                          "uncorroborated: spf=softfail"},
                    Doubt{"SpfTemperror", [](Evidence& e) { e.spf.result = SpfResult::temperror; },
                          "uncorroborated: spf=temperror"},
                    Doubt{"Forwarder", [](Evidence& e) { e.known_forwarder = true; },
                          "uncorroborated: known forwarder"}),
    [](const auto& row) { return row.param.name; });

TEST(Policy, OwnDomainNeedsNoOtherSign) {
  Evidence evidence = forged();
  evidence.spf.result = SpfResult::none;
  evidence.from_list = true;
  evidence.own_domain = true;
  EXPECT_EQ(decide_disposition(Config{}, evidence).step, Step::reject);
}

struct Override {
  const char* name;
  void (*arrange)(Config&, Evidence&);
  std::optional<PolicyOverride> kind;
};

class OverriddenPolicy : public testing::TestWithParam<Override> {};

TEST_P(OverriddenPolicy, IsNamedByItsKind) {  // RFC 9990 3.1.1.5
  Config config;
  Evidence evidence = forged();
  GetParam().arrange(config, evidence);
  EXPECT_EQ(decide_disposition(config, evidence).policy_override, GetParam().kind);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, OverriddenPolicy,
    testing::Values(Override{"CarriedOut", [](Config&, Evidence&) {}, std::nullopt},
                    Override{"List", [](Config&, Evidence& e) { e.from_list = true; },
                             PolicyOverride::mailing_list},
                    Override{"Forwarder", [](Config&, Evidence& e) { e.known_forwarder = true; },
                             PolicyOverride::trusted_forwarder},
                    Override{"Softfail",
                             [](Config&, Evidence& e) { e.spf.result = SpfResult::softfail; },
                             PolicyOverride::local_policy},
                    Override{"Never",
                             [](Config& c, Evidence&) { c.dmarc_reject = DmarcReject::never; },
                             PolicyOverride::local_policy},
                    Override{"Trusted", [](Config&, Evidence& e) { e.trusted = true; },
                             PolicyOverride::local_policy}),
    [](const auto& row) { return row.param.name; });

struct Signal {
  const char* name;
  void (*arrange)(Config&, Evidence&);
  Step step;
};

class CorroborationOption : public testing::TestWithParam<Signal> {};

TEST_P(CorroborationOption, DecidesWhetherItsSignalCounts) {
  Config config;
  Evidence evidence = forged();
  GetParam().arrange(config, evidence);
  EXPECT_EQ(decide_disposition(config, evidence).step, GetParam().step);
}

INSTANTIATE_TEST_SUITE_P(Signals, CorroborationOption,
                         testing::Values(Signal{"ListsNotSpared",
                                                [](Config& c, Evidence& e) {
                                                  c.spare_mailing_lists = false, e.from_list = true;
                                                },
                                                Step::reject},
                                         Signal{"SignedNotSpared",
                                                [](Config& c, Evidence& e) {
                                                  c.spare_signed = false, e.any_dkim_pass = true;
                                                },
                                                Step::reject},
                                         Signal{"SoftfailIsEnough",
                                                [](Config& c, Evidence& e) {
                                                  c.corroborating_spf = CorroboratingSpf::softfail;
                                                  e.spf.result = SpfResult::softfail;
                                                },
                                                Step::reject},
                                         Signal{"FailIsMoreThanSoftfail",
                                                [](Config& c, Evidence& e) {
                                                  c.corroborating_spf = CorroboratingSpf::softfail;
                                                  e.spf.result = SpfResult::fail;
                                                },
                                                Step::reject},
                                         Signal{"SoftfailIsEnoughButNoneIsNot",
                                                [](Config& c, Evidence& e) {
                                                  c.corroborating_spf = CorroboratingSpf::softfail;
                                                  e.spf.result = SpfResult::none;
                                                },
                                                Step::deliver},
                                         Signal{"AnyIsEnough",
                                                [](Config& c, Evidence& e) {
                                                  c.corroborating_spf = CorroboratingSpf::any;
                                                  e.spf.result = SpfResult::none;
                                                },
                                                Step::reject},
                                         Signal{"AnyButNotADnsError",
                                                [](Config& c, Evidence& e) {
                                                  c.corroborating_spf = CorroboratingSpf::any;
                                                  e.spf.result = SpfResult::temperror;
                                                },
                                                Step::deliver},
                                         Signal{"OwnDomainIgnored",
                                                [](Config& c, Evidence& e) {
                                                  c.own_domains = OwnDomains::ignore;
                                                  e.own_domain = e.from_list = true;
                                                },
                                                Step::deliver}),
                         [](const auto& row) { return row.param.name; });

// Mail from one of our domains that asks for nothing and proves nothing.
Evidence own_without_record() {
  Evidence evidence;
  evidence.author.domains = {example()};
  evidence.dmarc.emplace_back();
  evidence.dmarc.front().author_domain = example();
  evidence.own_domain = true;
  return evidence;
}

TEST(Policy, OwnDomainsStrictNeedsNoRecord) {
  Config config;
  EXPECT_EQ(decide_disposition(config, own_without_record()).step, Step::deliver);
  config.own_domains = OwnDomains::strict;
  const Disposition d = decide_disposition(config, own_without_record());
  EXPECT_EQ(d.step, Step::reject);
  EXPECT_EQ(d.rule, "OwnDomains strict");
  EXPECT_EQ(d.reply, "DMARC: message from example.com rejected, it is not authenticated");
}

TEST(Policy, OwnDomainsStrictLetsInWhatIsAuthenticated) {
  Config config;
  config.own_domains = OwnDomains::strict;
  Evidence proven = own_without_record();
  proven.author_authenticated = true;
  EXPECT_EQ(decide_disposition(config, proven).step, Step::deliver);
  Evidence passes = own_without_record();
  passes.dmarc = {verdict(DmarcResult::pass, DmarcPolicy::none)};
  EXPECT_EQ(decide_disposition(config, passes).step, Step::deliver);
  Evidence from_us = own_without_record();
  from_us.trusted = true;
  EXPECT_EQ(decide_disposition(config, from_us).step, Step::deliver);
}

TEST(Policy, OwnDomainsStrictDoesNotBlameADnsError) {
  Config config;
  config.own_domains = OwnDomains::strict;
  Evidence evidence = own_without_record();
  evidence.dmarc.front().result = DmarcResult::temperror;
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::deliver);
  config.dmarc_on_temperror = FailureAction::tempfail;
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::tempfail);
}

PolicyRule line(PolicyAction action, const char* reason = "") {
  PolicyRule rule;
  rule.action = action;
  rule.kind = PolicyOverride::trusted_forwarder;
  rule.reason = reason;
  rule.line = 12;
  return rule;
}

struct TableCase {
  PolicyAction action;
  Step step;
  DmarcPolicy policy;
  const char* code;
};

class TableAction : public testing::TestWithParam<TableCase> {};

TEST_P(TableAction, TakesThePlaceOfThePolicy) {
  const PolicyRule rule = line(GetParam().action, "we know");
  Evidence evidence = forged();
  evidence.rule = &rule;
  const Disposition d = decide_disposition(Config{}, evidence);
  EXPECT_EQ(d.step, GetParam().step);
  EXPECT_EQ(d.policy, GetParam().policy);
  EXPECT_EQ(d.enhanced_code, GetParam().code);
  EXPECT_EQ(d.rule,
            "PolicyTable line 12 " + std::string(to_string(GetParam().action)) + ": we know");
  EXPECT_TRUE(d.policy_override);
}

INSTANTIATE_TEST_SUITE_P(
    Actions, TableAction,
    testing::Values(TableCase{PolicyAction::accept, Step::deliver, DmarcPolicy::none, ""},
                    TableCase{PolicyAction::ignore, Step::deliver, DmarcPolicy::none, ""},
                    TableCase{PolicyAction::reject, Step::reject, DmarcPolicy::reject, "5.7.1"},
                    TableCase{PolicyAction::quarantine, Step::deliver, DmarcPolicy::quarantine, ""},
                    TableCase{PolicyAction::tempfail, Step::tempfail, DmarcPolicy::none, "4.7.1"},
                    TableCase{PolicyAction::strict, Step::reject, DmarcPolicy::reject, "5.7.1"}),
    [](const auto& row) { return std::string(to_string(row.param.action)); });

TEST(Policy, ATableLineIgnoresDmarcButNotSpf) {
  Config config;
  config.spf_reject = SpfReject::fail;
  PolicyRule rule = line(PolicyAction::ignore);
  Evidence evidence = forged();
  evidence.rule = &rule;
  EXPECT_EQ(decide_disposition(config, evidence).rule, "SPFReject");
  rule.action = PolicyAction::accept;
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::deliver);
}

TEST(Policy, ATableLineCountsForTrustedClientsToo) {
  const PolicyRule rule = line(PolicyAction::reject);
  Evidence evidence = forged();
  evidence.trusted = true;
  evidence.rule = &rule;
  EXPECT_EQ(decide_disposition(Config{}, evidence).step, Step::reject);
}

TEST(Policy, AStrictLineLeavesWhatPassesToItsPolicy) {
  const PolicyRule rule = line(PolicyAction::strict);
  Evidence evidence = forged();
  evidence.dmarc = {verdict(DmarcResult::pass, DmarcPolicy::reject)};
  evidence.rule = &rule;
  const Disposition d = decide_disposition(Config{}, evidence);
  EXPECT_EQ(d.step, Step::deliver);
  EXPECT_EQ(d.policy_override, std::nullopt);
}

TEST(Policy, RejectTextTellsDomainAndReason) {
  Config config;
  config.reject_text = "{domain} says no ({reason}), see https://example.org/{domain}";
  EXPECT_EQ(decide_disposition(config, forged()).reply,
            "example.com says no (DMARC fail, p=reject), see https://example.org/example.com");
  const PolicyRule rule = line(PolicyAction::reject, "spam");
  Evidence evidence = forged();
  evidence.rule = &rule;
  EXPECT_EQ(decide_disposition(config, evidence).reply,
            "example.com says no (spam), see https://example.org/example.com");
}

TEST(Policy, NeverOnlyMarks) {
  Config config;
  config.dmarc_reject = DmarcReject::never;
  config.quarantine_action = QuarantineAction::reject;
  const Disposition d = decide_disposition(config, forged());
  EXPECT_EQ(d.step, Step::deliver);
  EXPECT_EQ(d.policy, DmarcPolicy::quarantine);
}

TEST(Policy, QuarantineFollowsQuarantineAction) {
  Config config;
  const Evidence evidence = forged(DmarcPolicy::quarantine);
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::deliver);
  EXPECT_EQ(decide_disposition(config, evidence).policy, DmarcPolicy::quarantine);
  config.quarantine_action = QuarantineAction::hold;
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::hold);
  config.quarantine_action = QuarantineAction::reject;
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::reject);
}

TEST(Policy, TestModePolicyIsTheOneThatCounts) {  // RFC 9989 4.7, t=y
  Evidence evidence = forged();
  evidence.dmarc.front().effective_policy = DmarcPolicy::quarantine;
  EXPECT_EQ(decide_disposition(Config{}, evidence).policy, DmarcPolicy::quarantine);
}

TEST(Policy, TrustedMailIsNeverRefusedNorHeld) {
  Config config;
  config.dmarc_reject = DmarcReject::always;
  config.quarantine_action = QuarantineAction::hold;
  for (const DmarcPolicy policy : {DmarcPolicy::quarantine, DmarcPolicy::reject}) {
    Evidence evidence = forged(policy);
    evidence.trusted = true;
    EXPECT_EQ(decide_disposition(config, evidence).step, Step::deliver);
  }
  Evidence evidence = forged();
  evidence.trusted = true;
  evidence.author.problem = "2 From fields";
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::deliver);
}

TEST(Policy, BadFromIsRefusedWithTheReason) {
  Evidence evidence;
  evidence.author.problem = "no From field";
  const Disposition d = decide_disposition(Config{}, evidence);
  EXPECT_EQ(d.step, Step::reject);
  EXPECT_NE(d.reply.find("no From field"), std::string::npos);
}

TEST(Policy, BadFromFollowsItsOption) {
  Evidence evidence;
  evidence.author.problem = "no From field";
  Config config;
  config.bad_from = BadFromAction::quarantine;
  EXPECT_EQ(decide_disposition(config, evidence).policy, DmarcPolicy::quarantine);
  config.bad_from = BadFromAction::accept;
  EXPECT_EQ(decide_disposition(config, evidence).policy, DmarcPolicy::none);
}

TEST(Policy, AcceptingBadFromDoesNotForgiveAFailingAuthor) {  // RFC 9989 11.5
  Evidence evidence = forged();
  evidence.author.problem = "2 From fields";
  Config config;
  config.bad_from = BadFromAction::accept;
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::reject);
}

TEST(Policy, AcceptingBadFromDoesNotLowerTheMarkOfAFailingAuthor) {
  Evidence evidence = forged(DmarcPolicy::quarantine);
  evidence.author.problem = "2 From fields";
  Config config;
  config.bad_from = BadFromAction::accept;
  const Disposition d = decide_disposition(config, evidence);
  EXPECT_EQ(d.step, Step::deliver);
  EXPECT_EQ(d.policy, DmarcPolicy::quarantine);
  EXPECT_EQ(d.rule, "p=quarantine");
}

TEST(Policy, WithSeveralAuthorsTheStrictestFailureStands) {  // RFC 9989 11.5
  Author author;
  author.problem = "2 domains";
  const DmarcVerdict worst =
      overall_verdict(author, {verdict(DmarcResult::pass, DmarcPolicy::reject),
                               verdict(DmarcResult::fail, DmarcPolicy::none),
                               verdict(DmarcResult::fail, DmarcPolicy::quarantine)});
  EXPECT_EQ(worst.result, DmarcResult::fail);
  EXPECT_EQ(worst.effective_policy, DmarcPolicy::quarantine);
}

TEST(Policy, WithoutASingleAuthorThereIsNoPassAndADnsErrorStaysOne) {
  Author author;
  author.problem = "2 domains";
  const auto overall = [&author](DmarcResult result) {
    return overall_verdict(author, {verdict(result, DmarcPolicy::reject)}).result;
  };
  EXPECT_EQ(overall(DmarcResult::pass), DmarcResult::permerror);
  EXPECT_EQ(overall(DmarcResult::temperror), DmarcResult::temperror);
}

Evidence spf_only(SpfResult result) {
  Evidence evidence;
  evidence.author.domains = {example()};
  evidence.spf.result = result;
  evidence.spf.domain = example();
  return evidence;
}

TEST(Policy, SpfAloneRefusesNothingByDefault) {
  for (const SpfResult result : {SpfResult::fail, SpfResult::permerror, SpfResult::temperror}) {
    Evidence evidence = spf_only(result);
    evidence.spf_helo.result = SpfResult::fail;
    EXPECT_EQ(decide_disposition(Config{}, evidence).step, Step::deliver);
  }
}

TEST(Policy, SpfRejectFailRefusesWithItsOwnCode) {  // RFC 7372 3.2
  Config config;
  config.spf_reject = SpfReject::fail;
  Evidence evidence = spf_only(SpfResult::fail);
  evidence.spf.explanation = "see our site";
  const Disposition d = decide_disposition(config, evidence);
  EXPECT_EQ(d.step, Step::reject);
  EXPECT_EQ(d.enhanced_code, "5.7.23");
  EXPECT_EQ(d.reply,
            "SPF MAIL FROM check failed for example.com; example.com explains: see our site");
  EXPECT_EQ(decide_disposition(config, spf_only(SpfResult::softfail)).step, Step::deliver);
}

TEST(Policy, SpfRejectListedAsksForAPolicyOfMinusAllAlone) {
  Config config;
  config.spf_reject = SpfReject::listed;
  Evidence evidence = spf_only(SpfResult::fail);
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::deliver);
  evidence.spf.only_all_fail = true;
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::reject);
}

TEST(Policy, HeloRejectLooksAtHeloOnly) {
  Config config;
  config.helo_reject = SpfReject::fail;
  EXPECT_EQ(decide_disposition(config, spf_only(SpfResult::fail)).step, Step::deliver);
  Evidence evidence = spf_only(SpfResult::pass);
  evidence.spf_helo.result = SpfResult::fail;
  EXPECT_EQ(decide_disposition(config, evidence).rule, "HELOReject");
}

TEST(Policy, SpfErrorsFollowTheirOptions) {  // RFC 7372 3.2
  Config config;
  config.spf_on_permerror = SpfPermerrorAction::reject;
  config.spf_on_temperror = FailureAction::tempfail;
  const Disposition broken = decide_disposition(config, spf_only(SpfResult::permerror));
  EXPECT_EQ(broken.step, Step::reject);
  EXPECT_EQ(broken.enhanced_code, "5.7.24");
  const Disposition unanswered = decide_disposition(config, spf_only(SpfResult::temperror));
  EXPECT_EQ(unanswered.step, Step::tempfail);
  EXPECT_EQ(unanswered.enhanced_code, "4.7.24");
}

TEST(Policy, WhatDmarcRefusesIsRefusedInItsName) {
  Config config;
  config.spf_reject = SpfReject::fail;
  EXPECT_EQ(decide_disposition(config, forged()).enhanced_code, "5.7.1");
}

TEST(Policy, SpfNeverRefusesTrustedClients) {
  Config config;
  config.spf_reject = SpfReject::fail;
  Evidence evidence = spf_only(SpfResult::fail);
  evidence.trusted = true;
  EXPECT_EQ(decide_disposition(config, evidence).step, Step::deliver);
}

}  // namespace
}  // namespace signet
