// SPDX-License-Identifier: BSD-2-Clause
//
// Received fields of our own forwarders, as mail servers write them, and what no such host writes.

#include "milter/field/received_client.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

TEST(ReceivedClient, IsReadFromWhatMailServersWrite) {  // RFC 5321 4.4
  struct {
    const char* body;
    const char* helo;
    const char* address;
  } const cases[] = {
      {" from mx.example.com (mail.example.com [192.0.2.7])\r\n\tby fwd.example.org (Postfix)",
       "mx.example.com", "192.0.2.7"},
      {" from mx.example.com (mail.example.com [IPv6:2001:db8::7]) by fwd.example.org",
       "mx.example.com", "2001:db8::7"},
      {" from [192.0.2.9] (helo=[192.0.2.9]) by x", "[192.0.2.9]", "192.0.2.9"},
      {" FROM mx (unknown [192.0.2.7] (may be forged)) by x", "mx", "192.0.2.7"},
      {" from mx ([10.0.0.1].evil.example [192.0.2.7]) by x", "mx", "192.0.2.7"},
      {" from mx (x [::ffff:192.0.2.7])\n by x", "mx", "192.0.2.7"},
  };
  for (const auto& c : cases) {
    const auto client = parse_received_client(c.body);
    ASSERT_TRUE(client) << c.body;
    EXPECT_EQ(client->helo, c.helo);
    EXPECT_EQ(to_string(client->address), c.address);
  }
}

TEST(ReceivedClient, IsAbsentWhereNoAddressStands) {
  for (const char* body :
       {"", " by x (Postfix, from userid 0)", " from mx by x", " from mx (unknown) by [192.0.2.7]",
        " from mx (x [192.0.2.7", " from mx (x [not an address]) by y",
        " from (x [192.0.2.7]) by y", " from mx (x) (y [192.0.2.7]) by z"}) {
    EXPECT_FALSE(parse_received_client(body)) << body;
  }
}

}  // namespace
}  // namespace signet
