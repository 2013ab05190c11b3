// SPDX-License-Identifier: BSD-2-Clause

#include "milter/signing/sender_logins.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

bool allows(const std::string& text, const char* login, const char* domain) {
  const auto table = SenderLogins::parse(text, "logins");
  EXPECT_TRUE(table.ok()) << table.error();
  return table && table->allows(login, *parse_domain(domain));
}

TEST(SenderLogins, ALoginMayUseTheDomainsOfItsLine) {
  const char* const table =
      "# who may write as whom\n"
      "joe   example.com, Example.NET example.org\n"
      "ann\t.example.com,b\xc3\xbc"
      "cher.example # and no other\n"
      "root  *\n";
  const struct {
    const char* login;
    const char* domain;
    bool allowed;
  } cases[] = {
      {"joe", "example.com", true},
      {"joe", "example.net", true},
      {"joe", "example.org", true},
      {"joe", "a.example.com", false},
      {"joe", "com", false},
      {"Joe", "example.com", true},
      {"ann", "example.com", false},
      {"ann", "a.b.example.com", true},
      {"ann", "badexample.com", false},
      {"ann", "xn--bcher-kva.example", true},
      {"root", "any.where", true},
      {"bob", "example.com", false},
      {"", "example.com", false},
      {"*", "example.com", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(allows(table, c.login, c.domain), c.allowed) << c.login << ' ' << c.domain;
  }
}

TEST(SenderLogins, AStarStandsForLoginsWithoutALine) {
  const char* const table = "* example.com\njoe example.net\n";
  EXPECT_TRUE(allows(table, "bob", "example.com"));
  EXPECT_TRUE(allows(table, "", "example.com"));
  EXPECT_FALSE(allows(table, "bob", "example.net"));
  EXPECT_TRUE(allows(table, "joe", "example.net"));
  EXPECT_FALSE(allows(table, "joe", "example.com")) << "joe has a line of his own";
}

TEST(SenderLogins, AnEmptyTableAllowsNobodyAnything) {
  EXPECT_FALSE(allows("# nobody\n", "joe", "example.com"));
}

TEST(SenderLogins, EachErrorSaysWhatWasExpectedAndFound) {
  const auto table = SenderLogins::parse(
      "joe example.com\nann\nbob , ,\nJOE example.net\neve a..b\nmax *.example.com\nzoe *, x y@z\n",
      "logins");
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error(),
            "logins:2: want LOGIN DOMAIN, DOMAIN..., got a login without domains\n"
            "logins:3: want LOGIN DOMAIN, DOMAIN..., got a login without domains\n"
            "logins:4: want one line for each login, but \"JOE\" stands on line 1\n"
            "logins:5: want a domain, .DOMAIN for those below it, or *, got \"a..b\"\n"
            "logins:6: want a domain, .DOMAIN for those below it, or *, got \"*.example.com\"\n"
            "logins:7: want a domain, .DOMAIN for those below it, or *, got \"y@z\"");
}

}  // namespace
}  // namespace signet
