// SPDX-License-Identifier: BSD-2-Clause
//
// The Received-SPF field of RFC 7208 9.1.

#include "milter/field/received_spf.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

ReceivedSpf field() {
  ReceivedSpf spf;
  spf.verdict.result = SpfResult::pass;
  spf.verdict.identity = "alice@example.com";
  spf.verdict.mechanism = "ip4:192.0.2.1";
  spf.client = *parse_ip_address("192.0.2.1");
  spf.helo = "client.example";
  spf.mail_from = "alice@example.com";
  spf.receiver = "mx.example";
  return spf;
}

TEST(ReceivedSpf, TellsResultClientAndMechanism) {
  EXPECT_EQ(to_string(field()),
            " pass (mx.example: domain of alice@example.com designates 192.0.2.1 as permitted "
            "sender)\r\n\tclient-ip=\"192.0.2.1\"; envelope-from=\"alice@example.com\";\r\n\t"
            "helo=\"client.example\"; receiver=\"mx.example\";\r\n\tidentity=mailfrom; "
            "mechanism=\"ip4:192.0.2.1\"");
}

TEST(ReceivedSpf, NamesTheProblem) {
  ReceivedSpf spf = field();
  spf.verdict.result = SpfResult::permerror;
  spf.verdict.problem = "two records";
  const std::string body = to_string(spf);
  EXPECT_TRUE(body.starts_with(" permerror (mx.example: two records)")) << body;
  EXPECT_NE(body.find("problem=\"two records\""), std::string::npos) << body;
}

TEST(ReceivedSpf, NothingBreaksOutOfIt) {
  ReceivedSpf spf = field();
  spf.verdict.identity = "a) pass (b@example.com";
  spf.helo = "x\"; identity=helo\r\nX-Forged: yes";
  spf.mail_from = "\\\"@\x01";
  const std::string body = to_string(spf);
  EXPECT_EQ(body.find("\r\nX-"), std::string::npos) << body;
  EXPECT_NE(body.find("a\\) pass \\(b@example.com"), std::string::npos) << body;
  EXPECT_NE(body.find("helo=\"x\\\"; identity=helo??X-Forged: yes\""), std::string::npos) << body;
}

}  // namespace
}  // namespace signet
