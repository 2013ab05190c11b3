// SPDX-License-Identifier: BSD-2-Clause
//
// What the From field says, and every known way of making it say something else: the table of
// traps is the specification. Each case gives the domains that are found and whether they may be
// trusted.

#include "milter/field/from_field.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace signet {
namespace {

std::vector<std::string> texts(const std::vector<Name>& names) {
  std::vector<std::string> result;
  result.reserve(names.size());
  for (const Name& name : names) result.push_back(name.text());
  return result;
}

using Strings = std::vector<std::string>;

struct Accepted {
  std::string from;
  std::string domain;
  std::string address;  ///< the first
};

class AcceptedFrom : public testing::TestWithParam<Accepted> {};

TEST_P(AcceptedFrom, HasOneAuthorDomain) {
  const Author author = find_author({GetParam().from});
  EXPECT_EQ(author.problem, "");
  EXPECT_EQ(texts(author.domains), Strings{GetParam().domain});
  ASSERT_FALSE(author.addresses.empty());
  EXPECT_EQ(author.addresses[0], GetParam().address);
}

const Accepted kPlain[] = {
    {" alice@example.com", "example.com", "alice@example.com"},
    {"alice@example.com", "example.com", "alice@example.com"},
    {" Alice <alice@Example.COM>", "example.com", "alice@Example.COM"},
    {" \"Alice A.\" <alice@example.com>", "example.com", "alice@example.com"},
    {" <alice@example.com>", "example.com", "alice@example.com"},
    {" alice@example.com (Alice)", "example.com", "alice@example.com"},
    {" a+b=c/d!e#f$g%h&i'j*k?l^m_n`o{p|q}r~s-t@example.com", "example.com",
     "a+b=c/d!e#f$g%h&i'j*k?l^m_n`o{p|q}r~s-t@example.com"},
    {" root@localhost", "localhost", "root@localhost"},
    {" a@_x.example.com", "_x.example.com", "a@_x.example.com"},
};
INSTANTIATE_TEST_SUITE_P(Plain, AcceptedFrom, testing::ValuesIn(kPlain));

// RFC 5322 2.2.3, 3.2.2: a milter gets folds as LF or as CRLF.
const Accepted kFolded[] = {
    {" Alice\n <alice@example.com>", "example.com", "alice@example.com"},
    {" Alice\r\n\t<alice@example.com>", "example.com", "alice@example.com"},
    {"\r\n alice@example.com\r\n \r\n ", "example.com", "alice@example.com"},
    {" \"Alice\r\n A.\" <alice@example.com>", "example.com", "alice@example.com"},
    {" (a\n b) alice@example.com", "example.com", "alice@example.com"},
};
INSTANTIATE_TEST_SUITE_P(Folded, AcceptedFrom, testing::ValuesIn(kFolded));

// RFC 5322 3.2.2: what is in a comment is no address.
const Accepted kComments[] = {
    {" (b@evil.example) alice@example.com", "example.com", "alice@example.com"},
    {" alice@example.com (<b@evil.example>, c@evil.example)", "example.com", "alice@example.com"},
    {" (a (b (c@evil.example) \\) \\( ) \\\\) alice@example.com", "example.com",
     "alice@example.com"},
    {" alice (x) @ (y) example.com (z)", "example.com", "alice@example.com"},
    {" < (x) alice@example.com (y) > (z)", "example.com", "alice@example.com"},
    {" Alice (\"quote) <alice@example.com>", "example.com", "alice@example.com"},
    {" (Ren\xc3\xa9) alice@example.com", "example.com", "alice@example.com"},
};
INSTANTIATE_TEST_SUITE_P(Comments, AcceptedFrom, testing::ValuesIn(kComments));

// RFC 5322 3.2.4: nor is what is in a quoted string, whatever it looks like.
const Accepted kQuoted[] = {
    {" \"b@evil.example\" <alice@example.com>", "example.com", "alice@example.com"},
    {" \"<b@evil.example>\" <alice@example.com>", "example.com", "alice@example.com"},
    {" \"Alice, <b@evil.example>,\" alice <alice@example.com>", "example.com", "alice@example.com"},
    {" \"\\\" <b@evil.example>\" <alice@example.com>", "example.com", "alice@example.com"},
    {" \"a\\\\\" <alice@example.com>", "example.com", "alice@example.com"},
    {" \"b@evil.example\"@example.com", "example.com", "\"b@evil.example\"@example.com"},
    {" \"a b\\\"c\"@example.com", "example.com", "\"a b\\\"c\"@example.com"},
    {" \"(\" <alice@example.com>", "example.com", "alice@example.com"},
    {" \"\" <alice@example.com>", "example.com", "alice@example.com"},
};
INSTANTIATE_TEST_SUITE_P(Quoted, AcceptedFrom, testing::ValuesIn(kQuoted));

// RFC 2047 5 (1): an encoded-word in a display name is an atom here, whatever it decodes to.
const Accepted kEncodedWords[] = {
    {" =?utf-8?q?b=40evil.example?= <alice@example.com>", "example.com", "alice@example.com"},
    {" =?utf-8?b?PGJAZXZpbC5leGFtcGxlPg==?= <alice@example.com>", "example.com",
     "alice@example.com"},
    {" =?utf-8?q?A?=\r\n =?utf-8?q?B?= <alice@example.com>", "example.com", "alice@example.com"},
    {" a=?b@example.com", "example.com", "a=?b@example.com"},
};
INSTANTIATE_TEST_SUITE_P(EncodedWords, AcceptedFrom, testing::ValuesIn(kEncodedWords));

// RFC 6854 3: groups are allowed in From.
const Accepted kGroups[] = {
    {" Authors: alice@example.com;", "example.com", "alice@example.com"},
    {" Authors: alice@example.com, Bob <bob@example.com>;", "example.com", "alice@example.com"},
    {" Nobody:;, alice@example.com", "example.com", "alice@example.com"},
    {" \"b@evil.example\": alice@example.com; (c)", "example.com", "alice@example.com"},
    {" A:,,alice@example.com,;", "example.com", "alice@example.com"},
};
INSTANTIATE_TEST_SUITE_P(Groups, AcceptedFrom, testing::ValuesIn(kGroups));

// RFC 5322 4.1, 4.4: obsolete forms that leave the domain alone.
const Accepted kObsolete[] = {
    {" John Q. Public <alice@example.com>", "example.com", "alice@example.com"},
    {" Dr. . <alice@example.com>", "example.com", "alice@example.com"},
    {" ,alice@example.com,,", "example.com", "alice@example.com"},
    {" alice . b@example.com", "example.com", "alice.b@example.com"},
    {" \"a\".b.\"c\"@example.com", "example.com", "\"a\".b.\"c\"@example.com"},
};
INSTANTIATE_TEST_SUITE_P(Obsolete, AcceptedFrom, testing::ValuesIn(kObsolete));

// RFC 9989 5.3.1: precisely one domain is what counts, not one mailbox; compared without case.
const Accepted kOneDomain[] = {
    {" alice@example.com, bob@EXAMPLE.com", "example.com", "alice@example.com"},
    {" a@b\xc3\xbc"
     "cher.example, b@xn--bcher-kva.example",
     "xn--bcher-kva.example",
     "a@b\xc3\xbc"
     "cher.example"},
};
INSTANTIATE_TEST_SUITE_P(OneDomain, AcceptedFrom, testing::ValuesIn(kOneDomain));

// RFC 6532 3.2, RFC 9989 5.3.1: UTF-8 everywhere; a U-label is converted to an A-label.
const Accepted kInternational[] = {
    {" Ren\xc3\xa9 <ren\xc3\xa9@example.com>", "example.com", "ren\xc3\xa9@example.com"},
    {" a@b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example",
     "a@b\xc3\xbc"
     "cher.example"},
    {" a@\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.example", "xn--e1afmkfd.example",
     "a@\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.example"},
    {" \"\\\xc3\xa9\" <a@example.com>", "example.com", "a@example.com"},
    {" \xf0\x9f\x93\xa7 <a@example.com>", "example.com", "a@example.com"},
};
INSTANTIATE_TEST_SUITE_P(International, AcceptedFrom, testing::ValuesIn(kInternational));

struct Refused {
  std::string from;
  std::string problem;  ///< a part of it
  Strings domains;      ///< for policy to evaluate
};

class RefusedFrom : public testing::TestWithParam<Refused> {};

TEST_P(RefusedFrom, SaysWhyAndWhichDomainsToAsk) {
  const Author author = find_author({GetParam().from});
  EXPECT_FALSE(author.ok());
  EXPECT_NE(author.problem.find(GetParam().problem), std::string::npos) << author.problem;
  EXPECT_EQ(texts(author.domains), GetParam().domains);
}

const Refused kNoAddress[] = {
    {"", "no address", {}},
    {" ", "no address", {}},
    {" \r\n ", "no address", {}},
    {" (alice@example.com)", "no address", {}},
    {" ,", "no address", {}},
    {" Nobody:;", "no address", {}},
    {" Nobody: (a@example.com) ;", "no address", {}},
    {";", "octet 0: expected an address", {}},
    {":;", "octet 0: expected an address", {}},
    {" <>", "empty address", {}},
    {" Alice <>", "empty address", {}},
    {" < (a@example.com) >", "empty address", {"example.com"}},
    {" alice", "expected an address", {}},
    {" \"alice@example.com\"", "expected an address", {"example.com"}},
    {" =?utf-8?q?alice=40example.com?=", "expected an address", {}},
    {" <alice>", "expected \"@\"", {}},
};
INSTANTIATE_TEST_SUITE_P(NoAddress, RefusedFrom, testing::ValuesIn(kNoAddress));

// RFC 9989 11.5: each domain is to be evaluated.
const Refused kSeveral[] = {
    {" a@one.example, b@two.example", "2 Author Domains", {"one.example", "two.example"}},
    {" G: a@one.example;, b@two.example", "2 Author Domains", {"one.example", "two.example"}},
    {" a@one.example, b@two.example, c@one.example, d@three.example",
     "3 Author Domains",
     {"one.example", "two.example", "three.example"}},
    {" a@sub.example.com, b@example.com", "2 Author Domains", {"sub.example.com", "example.com"}},
    {" a@a.example,a@b.example,a@c.example,a@d.example,a@e.example,a@f.example",
     "more than 5 Author Domains",
     {"a.example", "b.example", "c.example", "d.example", "e.example"}},
};
INSTANTIATE_TEST_SUITE_P(Several, RefusedFrom, testing::ValuesIn(kSeveral));

// RFC 5322 4.4 would have the route ignored; programs do not agree on that.
const Refused kRoutes[] = {
    {" <@a.example:alice@example.com>", "source route", {"a.example", "example.com"}},
    {" X <@a.example,@b.example:alice@example.com>",
     "source route",
     {"a.example", "b.example", "example.com"}},
    {" <,@a.example:alice@example.com>", "source route", {"a.example", "example.com"}},
};
INSTANTIATE_TEST_SUITE_P(Routes, RefusedFrom, testing::ValuesIn(kRoutes));

const Refused kBadDomains[] = {
    {" a@[192.0.2.1]", "address literal", {}},
    {" a@[IPv6:2001:db8::1]", "address literal", {}},
    {" a@[192.0.2.1], b@example.com", "address literal", {"example.com"}},
    {" a@192.0.2.1", "bad domain name", {}},
    {" a@", "bad domain name", {}},
    {" <a@>", "bad domain name", {}},
    {" a@.", "bad domain name", {}},
    {" a@example.com.", "bad domain name", {"example.com"}},
    {" a@.example.com", "bad domain name", {}},
    {" a@example..com", "bad domain name", {}},
    {" a@exa!mple.com", "bad domain name", {}},
    {" a@\"example.com\"", "bad domain name", {}},
    {" a@=?utf-8?q?example.com?=", "bad domain name", {}},
    {" a@" + std::string(64, 'x') + ".example", "bad domain name", {}},
    {" a@" + std::string(100000, 'x'), "bad domain name", {}},
    {" a@\xef\xbd\x85xample.com", "bad domain name", {}},
    {" a@example\xe3\x80\x82"
     "com",
     "bad domain name",
     {}},
    {" a@ex\xc2\xadmple.com\xe2\x80\x8b", "bad domain name", {}},
    {" a@example . com", "inside a domain name", {"example"}},
    {" a@evil.example (x) .victim.example", "inside a domain name", {"evil.example"}},
    {" a@evil.\r\n victim.example", "bad domain name", {"evil"}},
};
INSTANTIATE_TEST_SUITE_P(BadDomains, RefusedFrom, testing::ValuesIn(kBadDomains));

const Refused kBroken[] = {
    {" a@one.example <b@two.example>", "octet 15: address differs", {"one.example", "two.example"}},
    {" a@one.example <b@one.example>", "address differs", {"one.example"}},
    {" a@one.example b@two.example", "expected \",\"", {"one.example", "two.example"}},
    {" a@one.example@two.example", "expected \",\"", {"one.example", "two.example"}},
    {" <a@one.example@two.example>", "expected \">\"", {"one.example", "two.example"}},
    {" <a@one.example> <b@two.example>", "expected \",\"", {"one.example", "two.example"}},
    {" <a@one.example>b@two.example", "expected \",\"", {"one.example", "two.example"}},
    {" <<a@one.example>>", "bad local part", {"one.example"}},
    {" <a@one.example", "expected \">\"", {"one.example"}},
    {" a@one.example>", "expected \",\"", {"one.example"}},
    {" A, B <a@one.example>", "expected an address", {"one.example"}},
    {" [A] <a@one.example>", "expected an address", {"one.example"}},
    {" A: B <a@one.example>", "group without", {"one.example"}},
    {" A: B: a@one.example;;", "expected an address", {"one.example"}},
    {" A: a@one.example; b@two.example", "expected \",\"", {"one.example", "two.example"}},
    {" a@one.example;", "expected \",\"", {"one.example"}},
    {" : a@one.example;", "expected an address", {"one.example"}},
    {" . A <a@one.example>", "expected an address", {"one.example"}},
    {" @one.example", "bad local part", {"one.example"}},
    {" <a b@one.example>", "bad local part", {"one.example"}},
    {" a..b@one.example", "bad local part", {"one.example"}},
    {" .a@one.example", "bad local part", {"one.example"}},
    {" a.@one.example", "bad local part", {"one.example"}},
    {" a\"b\"@one.example", "bad local part", {"one.example"}},
    {" a\\@b@one.example", "expected an address", {"b", "one.example"}},
    {" \"A <a@one.example>", "quoted string without end", {"one.example"}},
    {" \"A\\\" <a@one.example>", "quoted string without end", {"one.example"}},
    {" \"A\\", "quoted string without end", {}},
    {" (A <a@one.example>", "comment without end", {"one.example"}},
    {" A) <a@one.example>", "expected an address", {"one.example"}},
    {" a@one.example (b", "comment without end", {"one.example"}},
    {" a (b", "comment without end", {}},
    {" <(b", "comment without end", {}},
    {" a@(b", "comment without end", {}},
    {" <a (b", "comment without end", {}},
    {" a@one.example, (b", "comment without end", {"one.example"}},
    {" =?utf-8?q?a?=@one.example", "encoded word", {"one.example"}},
    {" <\"=?utf-8?q?b=40two.example=3e?=\"@one.example>", "encoded word", {"one.example"}},
    {" a@@one.example", "bad domain name", {"one.example"}},
    {" mailto:a@one.example", "group without", {"one.example"}},
};
INSTANTIATE_TEST_SUITE_P(Broken, RefusedFrom, testing::ValuesIn(kBroken));

using namespace std::string_literals;

// RFC 5322 4 had control octets once; RFC 6532 3.1 wants well-formed UTF-8.
const Refused kOctets[] = {
    {" a@one.example\0.two.example"s, "octet 14: control", {"one.example"}},
    {" \0a@one.example"s, "control", {"one.example"}},
    {" A\x01 <a@one.example>", "control", {"one.example"}},
    {" \"A\x7f\" <a@one.example>", "control", {"one.example"}},
    {" (A\x1b) a@one.example", "control", {"one.example"}},
    {" A\r <a@one.example>", "broken fold", {"one.example"}},
    {" a@one.example\rb@two.example", "broken fold", {"one.example", "two.example"}},
    {" A\n<a@one.example>", "broken fold", {"one.example"}},
    {" a@one.example\r\n", "broken fold", {"one.example"}},
    {" a@one.example\n", "broken fold", {"one.example"}},
    {" \"A\\\r\n B\" <a@one.example>", "quoted string without end", {"one.example"}},
    {" (A\\\n B) <a@one.example>", "comment without end", {"one.example"}},
    {" Ren\xe9 <a@one.example>", "malformed UTF-8", {"one.example"}},
    {" a@b\xfc"
     "cher.example",
     "malformed UTF-8",
     {}},
    {" \xc0\x80 <a@one.example>", "malformed UTF-8", {"one.example"}},
    {" \xed\xa0\x80 <a@one.example>", "malformed UTF-8", {"one.example"}},
    {" \xe0\x80\x80 <a@one.example>", "malformed UTF-8", {"one.example"}},
    {" \xf0\x80\x80\x80 <a@one.example>", "malformed UTF-8", {"one.example"}},
    {" \xf4\x90\x80\x80 <a@one.example>", "malformed UTF-8", {"one.example"}},
    {" \xf8\x88\x80\x80\x80 <a@one.example>", "malformed UTF-8", {"one.example"}},
    {" a@one.example \xc3", "malformed UTF-8", {"one.example"}},
};
INSTANTIATE_TEST_SUITE_P(Octets, RefusedFrom, testing::ValuesIn(kOctets));

TEST(FromField, NoFieldIsAProblem) {  // RFC 5322 3.6: From occurs exactly once
  const Author author = find_author({});
  EXPECT_EQ(author.problem, "no From field");
  EXPECT_TRUE(author.domains.empty());
}

TEST(FromField, TwoFieldsAreAProblemEvenOfOneDomain) {  // RFC 9989 4.4: a repeated From
  const Author author = find_author({" a@example.com", " a@example.com"});
  EXPECT_EQ(author.problem, "2 From fields");
  EXPECT_EQ(texts(author.domains), Strings{"example.com"});
}

TEST(FromField, DomainsOfAllFieldsAreGathered) {  // RFC 9989 11.5
  const Author author = find_author({" a@one.example", " <b@two.example", " ", " c@three.example"});
  EXPECT_EQ(author.problem, "4 From fields");
  EXPECT_EQ(texts(author.domains), (Strings{"one.example", "two.example", "three.example"}));
}

TEST(FromField, AddressesAreListedAsWritten) {
  const Author author = find_author({" A <a@Example.com>, \"b c\"@example.com (x)"});
  EXPECT_EQ(author.addresses, (Strings{"a@Example.com", "\"b c\"@example.com"}));
}

TEST(FromField, AtMostFiveDomainsAndAddressesAreKept) {
  std::string from;
  for (int i = 0; i < 30; ++i) from += " a@d" + std::to_string(i) + ".example,";
  const Author author = find_author({from});
  EXPECT_EQ(author.domains.size(), kMaxAuthorDomains);
  EXPECT_EQ(author.addresses.size(), kMaxAuthorDomains);
  EXPECT_EQ(author.problem, "more than 5 Author Domains");
}

TEST(FromField, FiftyAddressesOfOneDomainAreReadAndOneMoreIsNot) {
  std::string from;
  for (int i = 0; i < 50; ++i) from += " a@example.com,";
  EXPECT_EQ(find_author({from}).problem, "");
  const Author author = find_author({from + " a@example.com"});
  EXPECT_NE(author.problem.find("more than 50 addresses"), std::string::npos) << author.problem;
  EXPECT_EQ(texts(author.domains), Strings{"example.com"});
}

std::string repeated(std::string_view text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(FromField, HundredThousandNestedCommentsAreOneComment) {
  const std::string nested = repeated("(", 100000) + repeated(")", 100000);
  EXPECT_TRUE(find_author({" " + nested + "a@example.com"}).ok());
  EXPECT_FALSE(find_author({" (" + nested + "a@example.com"}).ok());
}

TEST(FromField, AMegabyteOfCommentsChangesNothing) {
  const Author author = find_author({" a" + repeated("(b@evil.example)", 65536) + "@example.com"});
  EXPECT_EQ(author.problem, "");
  EXPECT_EQ(texts(author.domains), Strings{"example.com"});
}

// Linear work on these takes a second or two; quadratic work runs into the test's timeout.
TEST(FromField, AMegabyteOfAnythingIsReadInLinearTime) {
  for (const std::string_view unit : {"@",
                                      "a@b,",
                                      "a@b ",
                                      "<",
                                      ">",
                                      "\"",
                                      "\\",
                                      "(",
                                      ")",
                                      "((",
                                      "()",
                                      "a.",
                                      ".",
                                      ",",
                                      ":",
                                      ";",
                                      "g:;",
                                      "g:;,",
                                      "@\xc3\xbc.x,",
                                      "a@\xc3\xbc.x,",
                                      "=?",
                                      "\r\n ",
                                      "\n",
                                      "@ ",
                                      "@.",
                                      "\xc3",
                                      "\"a\" ",
                                      "a@b.c,",
                                      "<a@b>,",
                                      "\xf0\x9f\x93\xa7",
                                      "xn--",
                                      "a@xn--a,",
                                      "-"}) {
    const std::string body = repeated(unit, 1048576 / unit.size());
    find_author({body});
    find_author({" a@example.com" + body});
    find_author({std::string(body.rbegin(), body.rend()), body, body, body, body, body});
  }
}

TEST(FromField, ThousandsOfFieldsAreCountedButNotRead) {
  const Author author = find_author(std::vector<std::string>(10000, " a@\xc3\xbc.example"));
  EXPECT_EQ(author.problem, "10000 From fields");
  EXPECT_EQ(author.domains.size(), 1u);
}

/// Text drawn from octets that mean something to the grammar.
std::string random_field(std::mt19937& random) {
  static constexpr std::string_view kPieces[] = {
      "a",         "b.c",  "@",  "<",     ">",           "\"",   "\\",
      "(",         ")",    ",",  ":",     ";",           ".",    "[",
      "]",         " ",    "\t", "\r\n ", "\n ",         "\n",   std::string_view("\0", 1),
      "\xc3\xa9",  "\xff", "=?", "?=",    "x@y.example", "xn--", "-",
      "e.example", "\x7f"};
  std::string text;
  const size_t count = random() % 24;
  for (size_t i = 0; i < count; ++i) text += kPieces[random() % std::size(kPieces)];
  return text;
}

TEST(FromField, WhateverIsReadTheAnswerIsConsistent) {
  std::mt19937 random(20260501);
  for (int i = 0; i < 100000; ++i) {
    const std::string from = random_field(random);
    const Author author = find_author({from});
    SCOPED_TRACE(testing::PrintToString(from));
    ASSERT_LE(author.domains.size(), kMaxAuthorDomains);
    if (author.ok()) {
      ASSERT_EQ(author.domains.size(), 1u);
      ASSERT_FALSE(author.addresses.empty());
    }
    ASSERT_TRUE(std::ranges::all_of(author.problem, [](char c) { return c >= 0x20 && c < 0x7f; }));
  }
}

TEST(FromField, TheSameAddressUnquotedAsItsOwnDisplayNameIsOneAuthor) {
  const Author author = find_author({" alice@example.com <Alice@Example.com>"});
  EXPECT_TRUE(author.ok()) << author.problem;
  EXPECT_EQ(author.domains.size(), 1u);
  EXPECT_EQ(author.addresses.size(), 1u);
}

TEST(FromField, AnotherAddressUnquotedAsDisplayNameIsAProblem) {
  for (const char* value : {" ceo@bank.example <x@evil.example>", " a@example.com <b@example.com>",
                            " a@example.com <a@example.com> <a@example.com>", " a@example.com <>",
                            " a@example.com <a@example.com"}) {
    EXPECT_FALSE(find_author({value}).ok()) << value;
  }
}

}  // namespace
}  // namespace signet
