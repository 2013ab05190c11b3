// SPDX-License-Identifier: BSD-2-Clause
//
// Received fields of our own forwarders, as mail servers write them, and what a client can make
// such a host write by its HELO, its host name or its ident.

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
      // Postfix
      {" from mx.example.com (mail.example.com [192.0.2.7])\r\n\tby fwd.example.org (Postfix)",
       "mx.example.com", "192.0.2.7"},
      {" from mx.example.com (mail.example.com [IPv6:2001:db8::7]) by fwd.example.org",
       "mx.example.com", "2001:db8::7"},
      {" from mx (unknown [192.0.2.7])\n\t(using TLSv1.3 with cipher X (256/256 bits))\n"
       "\t(Authenticated sender: joe) by x",
       "mx", "192.0.2.7"},
      {" from [10.0.0.1] (unknown [192.0.2.7]) by x", "[10.0.0.1]", "192.0.2.7"},
      // Sendmail
      {" FROM mx (unknown [192.0.2.7] (may be forged)) by x", "mx", "192.0.2.7"},
      {" from mx (IDENT:joe@mail.example.com [192.0.2.7])\n by x", "mx", "192.0.2.7"},
      {" from [10.0.0.1] ([192.0.2.7] (may be forged)) by x", "[10.0.0.1]", "192.0.2.7"},
      {" from mx (x [::ffff:192.0.2.7] (authenticated bits=0))\n by x", "mx", "192.0.2.7"},
      // Exim
      {" from mail.example.com ([192.0.2.7])\n\tby x with esmtp", "mail.example.com", "192.0.2.7"},
      {" from mail.example.com ([192.0.2.7] helo=mx)\n\tby x", "mx", "192.0.2.7"},
      {" from mail.example.com ([192.0.2.7]:2525 helo=mx ident=joe) by x", "mx", "192.0.2.7"},
      {" from mail.example.com ([192.0.2.7] ident=joe) by x", "mail.example.com", "192.0.2.7"},
      {" from mail.example.com ([2001:db8::7]:25 helo=[10.0.0.1]) by x", "[10.0.0.1]",
       "2001:db8::7"},
      {" from [192.0.2.7] (helo=mx) by x", "mx", "192.0.2.7"},
      {" from [2001:db8::7] (port=2525 helo=mx ident=joe) by x", "mx", "2001:db8::7"},
  };
  for (const auto& c : cases) {
    const auto client = parse_received_client(c.body);
    ASSERT_TRUE(client) << c.body;
    EXPECT_EQ(client->helo, c.helo) << c.body;
    EXPECT_EQ(to_string(client->address), c.address) << c.body;
  }
}

TEST(ReceivedClient, IsAbsentWhereNoAddressStands) {
  for (const char* body :
       {"", " by x (Postfix, from userid 0)", " from mx by x", " from mx (unknown) by [192.0.2.7]",
        " from mx (x [192.0.2.7", " from mx (x [192.0.2.7]", " from mx (x [192.0.2.7])",
        " from mx (x [not an address]) by y", " from mx (x []) by y", " from mx ([) by y",
        " from (x [192.0.2.7]) by y", " from mx (x) (y [192.0.2.7]) by z", " from [192.0.2.7] by y",
        " from [192.0.2.7] () by y", " from [192.0.2.7] (port=25) by y",
        " from mx (helo=y) by z"}) {
    EXPECT_FALSE(parse_received_client(body)) << body;
  }
}

// 10.0.0.1 is what the client would like to be taken for.
TEST(ReceivedClient, IsAbsentWhereTheClientMayHaveMovedTheAddress) {
  for (const char* body : {
           // by HELO
           " from [192.0.2.9] (helo=[10.0.0.1]) by x",
           " from [192.0.2.9] (helo=[192.0.2.9]) by x",
           " from [192.0.2.9] (helo=x [10.0.0.1]) by x",
           " from mx ([192.0.2.9] helo=x[10.0.0.1]) by x",
           " from mx ([192.0.2.9] helo=x [10.0.0.1]) by x",
           " from mx ([192.0.2.9] helo=x helo=[10.0.0.1]) by x",
           " from x(y [10.0.0.1]) (z [192.0.2.9]) by x",
           // by a PTR record
           " from mx ([10.0.0.1].evil.example [192.0.2.9]) by x",
           " from mx ([10.0.0.1] evil.example [192.0.2.9]) by x",
           " from mx (evil [10.0.0.1] [192.0.2.9]) by x",
           " from mx (evil [10.0.0.1] (may be forged) [192.0.2.9] (may be forged)) by x",
           " from mx (evil [10.0.0.1]) [192.0.2.9]) by x",
           " from mx (evil [10.0.0.1]) (x [192.0.2.9]) by x",
           " from mx (evil [10.0.0.1] \\(x [192.0.2.9]) by x",
           " from [10.0.0.1] (helo=x [192.0.2.9]) by x",
           " from mx ([10.0.0.1] helo=x [192.0.2.9] (may be forged)) by x",
           // by ident
           " from mx (x@[10.0.0.1] [192.0.2.9]) by x",
           " from mx ([192.0.2.9] helo=x ident=[10.0.0.1]) by x",
           " from [192.0.2.9] (helo=x ident=y port=25) by x",
           " from [192.0.2.9] (port=x helo=y) by x",
           " from mx ([192.0.2.9] (forged [10.0.0.1])) by x",
           " from mx ([192.0.2.9]x helo=y) by x",
           " from mx ([192.0.2.9]: helo=y) by x",
       }) {
    EXPECT_FALSE(parse_received_client(body)) << body;
  }
}

}  // namespace
}  // namespace signet
