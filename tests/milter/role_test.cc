// SPDX-License-Identifier: BSD-2-Clause
//
// Who is signed for and who is verified: the order of the rules.

#include "milter/role.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

struct Case {
  const char* name;
  const char* address;  // "" for one that nobody knows
  const char* login;
  const char* listener;
  bool outbound;
  bool trusted;
  const char* rule;
};

Config listeners() {
  Config config;
  config.signing_listeners = {"submission"};
  config.verifying_listeners = {"proxied"};
  return config;
}

Client client_of(const Case& c) {
  Client client;
  if (*c.address != '\0') client.address = *parse_ip_address(c.address);
  client.auth_login = c.login;
  client.listener = c.listener;
  return client;
}

class RoleTable : public testing::TestWithParam<Case> {};

TEST_P(RoleTable, IsDecidedByTheFirstRuleThatFits) {
  const Role role = decide_role(listeners(), client_of(GetParam()));
  EXPECT_EQ(role.outbound, GetParam().outbound);
  EXPECT_EQ(role.sign, GetParam().outbound);
  EXPECT_EQ(role.verify, !GetParam().outbound);
  EXPECT_EQ(role.trusted, GetParam().trusted);
  EXPECT_EQ(role.rule, GetParam().rule);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, RoleTable,
    testing::Values(
        Case{"Stranger", "192.0.2.1", "", "smtpd", false, false, "external"},
        Case{"Authenticated", "192.0.2.1", "alice", "smtpd", true, true, "authenticated"},
        Case{"AuthenticatedOnVerifyingListener", "192.0.2.1", "alice", "proxied", true, true,
             "authenticated"},
        Case{"Loopback", "127.0.0.1", "", "smtpd", true, true, "InternalHosts 127.0.0.1/32"},
        Case{"Loopback6", "::1", "", "smtpd", true, true, "InternalHosts ::1/128"},
        Case{"MappedLoopback", "::ffff:127.0.0.1", "", "", true, true,
             "InternalHosts 127.0.0.1/32"},
        Case{"UnknownAddress", "", "", "", false, false, "external"},
        Case{"SigningListener", "192.0.2.1", "", "submission", true, true,
             "SigningListeners submission"},
        Case{"InternalOnVerifyingListener", "127.0.0.1", "", "proxied", false, true,
             "VerifyingListeners proxied"},
        Case{"OtherLoopback", "127.0.0.2", "", "", false, false, "external"}),
    [](const auto& row) { return row.param.name; });

TEST(Role, ModeLimitsWhatIsDone) {
  Config config;
  config.sign = false;
  Client client;
  client.address = *parse_ip_address("127.0.0.1");
  EXPECT_FALSE(decide_role(config, client).sign);
  EXPECT_TRUE(decide_role(config, client).outbound);
  config.verify = false;
  client.address = *parse_ip_address("192.0.2.1");
  EXPECT_FALSE(decide_role(config, client).verify);
}

TEST(Role, ASaslMechanismWithoutLoginIsAuthenticated) {
  Client client;
  client.address = *parse_ip_address("192.0.2.1");
  client.auth_type = "EXTERNAL";
  EXPECT_EQ(decide_role(Config{}, client).rule, "authenticated");
}

TEST(Role, OnlyTheMtaItselfAndUnixSocketsAreLocalWithoutAnAddress) {
  EXPECT_EQ(to_string(*client_address("localhost", nullptr)), "127.0.0.1");
  EXPECT_EQ(client_address("unknown", nullptr), std::nullopt);
  sockaddr unix_peer{};
  unix_peer.sa_family = AF_UNIX;
  EXPECT_EQ(to_string(*client_address("anything", &unix_peer)), "127.0.0.1");
}

TEST(Role, AStrangersRoleIsToVerifyAndNoTrust) {
  Config config;
  const Role role = stranger_role(config, "why");
  EXPECT_FALSE(role.outbound || role.sign || role.trusted);
  EXPECT_TRUE(role.verify);
  EXPECT_EQ(role.rule, "why");
  config.verify = false;
  EXPECT_FALSE(stranger_role(config, "why").verify);
}

}  // namespace
}  // namespace signet
