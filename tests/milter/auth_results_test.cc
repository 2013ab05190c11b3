// SPDX-License-Identifier: BSD-2-Clause
//
// Authentication-Results written, read back, and recognised when forged. The writer is tested
// against the strict parser: whatever the values hold, what comes out has exactly the methods and
// properties that went in. The forgeries are a table of spellings, and so are the foreign fields
// that must survive.

#include "milter/field/auth_results.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "milter/field/field_lexer.h"

namespace signet {
namespace {

using namespace std::string_literals;

AuthResults one_value(std::string value) {
  return {"mx.example.com", {{"spf", "pass", "", "", {{"smtp", "mailfrom", std::move(value)}}}}};
}

std::string written_value(std::string value) {
  const std::string text = to_string(one_value(std::move(value)));
  return text.substr(text.rfind("mailfrom=") + 9);
}

TEST(AuthResultsWriter, PutsOneMethodOnEachLine) {  // RFC 8601 B.4
  const AuthResults results = {
      "mx.example.com",
      {{"spf", "pass", "", "", {{"smtp", "mailfrom", "example.net"}}},
       {"dkim", "fail", "body hash", "bad signature", {{"header", "d", "example.net"}}},
       {"dmarc",
        "fail",
        "p=reject sp=none dis=quarantine; not a list",
        "",
        {{"header", "from", "example.com"}, {"policy", "dmarc", "quarantine"}}}}};
  EXPECT_EQ(to_string(results),
            " mx.example.com;\r\n"
            "\tspf=pass smtp.mailfrom=example.net;\r\n"
            "\tdkim=fail (body hash) reason=\"bad signature\" header.d=example.net;\r\n"
            "\tdmarc=fail (p=reject sp=none dis=quarantine; not a list) header.from=example.com"
            " policy.dmarc=quarantine");
}

TEST(AuthResultsWriter, SaysNoneIfNothingWasChecked) {  // RFC 8601 B.2
  EXPECT_EQ(to_string({"mx.example.com", {}}), " mx.example.com; none");
}

TEST(AuthResultsWriter, QuotesAnAuthservIdThatIsNoToken) {
  EXPECT_EQ(to_string({"mx/1", {}}), " \"mx/1\"; none");
  EXPECT_EQ(to_string({"", {}}), " \"\"; none");
  EXPECT_EQ(to_string({"b\xc3\xbc"
                       "cher.example",
                       {}}),
            " \"b\xc3\xbc"
            "cher.example\"; none");
}

struct Written {
  std::string value;
  std::string written;
};

// RFC 8601 2.2: pvalue = value / [ [ local-part ] "@" ] domain-name
TEST(AuthResultsWriter, WritesEachValueInTheNarrowestForm) {
  const Written cases[] = {
      {"example.com", "example.com"},
      {"rsa-sha256", "rsa-sha256"},
      {"192.0.2.1", "192.0.2.1"},
      {"sel._domainkey", "sel._domainkey"},
      {"2001:db8::1", "\"2001:db8::1\""},
      {"aB+/cd==", "\"aB+/cd==\""},
      {"", "\"\""},
      {"alice@example.com", "alice@example.com"},
      {"bounce+a=b.example/1?@example.com", "bounce+a=b.example/1?@example.com"},
      {"@example.com", "@example.com"},
      {"\"a b\"@example.com", "\"a b\"@example.com"},
      {"\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com"},
      {"\"a\"b\"@example.com", "\"\\\"a\\\"b\\\"@example.com\""},
      {"\"a\\\"@example.com", "\"\\\"a\\\\\\\"@example.com\""},
      {"a b@example.com", "\"a b@example.com\""},
      {"a..b@example.com", "\"a..b@example.com\""},
      {"alice@localhost", "\"alice@localhost\""},
      {"alice@_x.example.com", "\"alice@_x.example.com\""},
      {"alice@-x.example.com", "\"alice@-x.example.com\""},
      {"alice@[192.0.2.1]", "\"alice@[192.0.2.1]\""},
      {"ren\xc3\xa9@b\xc3\xbc"
       "cher.example",
       "ren\xc3\xa9@b\xc3\xbc"
       "cher.example"},
      {"b\xc3\xbc"
       "cher.example",
       "b\xc3\xbc"
       "cher.example"},
      {"ren\xc3\xa9", "\"ren\xc3\xa9\""},
      {"a;b", "\"a;b\""},
      {"(a)", "\"(a)\""},
      {"a\\", "\"a\\\\\""},
      {"\"", "\"\\\"\""},
  };
  for (const Written& test : cases) EXPECT_EQ(written_value(test.value), test.written);
}

TEST(AuthResultsWriter, ReplacesWhatNoFieldMayHold) {
  const Written cases[] = {
      {"a\r\nb", "\"a??b\""}, {"a\0b"s, "\"a?b\""},        {"a\tb", "\"a?b\""},
      {"a\x7f", "\"a?\""},    {"\xff\xfe", "\"??\""},      {"a\xc3", "\"a?\""},
      {"\xc0\xae", "\"??\""}, {"\xed\xa0\x80", "\"???\""}, {"\xc2\x9b", "\"?\""},
  };
  for (const Written& test : cases) EXPECT_EQ(written_value(test.value), test.written);
}

TEST(AuthResultsWriter, CutsValuesBetweenCharacters) {
  EXPECT_EQ(written_value(std::string(255, 'a')), std::string(255, 'a'));
  EXPECT_EQ(written_value(std::string(256, 'a')), std::string(255, 'a'));
  EXPECT_EQ(written_value(std::string(254, 'a') + "\xc3\xa9"), std::string(254, 'a'));
}

TEST(AuthResultsWriter, EscapesComments) {
  AuthResults results = one_value("example.com");
  results.methods[0].comment = "a) dkim=pass (\\b\r\n";
  EXPECT_EQ(
      to_string(results),
      " mx.example.com;\r\n\tspf=pass (a\\) dkim=pass \\(\\\\b?\?) smtp.mailfrom=example.com");
}

TEST(AuthResultsWriter, KeepsKeywordsToTheirGrammar) {  // RFC 5321 4.1.2: Keyword
  const AuthResults results = {"id", {{"s p;f", "", "", "", {{"-", "a-b-", "v"}}}}};
  EXPECT_EQ(to_string(results), " id;\r\n\tspf=unknown unknown.a-b=v");
}

TEST(AuthResultsWriter, FoldsAMethodThatIsTooLongForALine) {  // RFC 5322 2.1.1
  AuthResults results = {"id",
                         {{"dkim", "pass", std::string(300, '('), std::string(300, '"'), {}}}};
  for (int i = 0; i < 20; ++i) {
    results.methods[0].properties.push_back(
        {std::string(99, 'p'), std::string(99, 'q'), std::string(300, '\\')});
  }
  const std::string text = to_string(results);
  size_t start = 0;
  for (size_t end = text.find("\r\n"); end != text.npos; end = text.find("\r\n", start)) {
    EXPECT_LE(end - start, 998u);
    start = end + 2;
  }
  const auto parsed = parse_auth_results(text);
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(parsed->methods[0].properties.size(), 20u);
}

TEST(AuthResultsRoundTrip, GivesBackSaneResults) {
  const AuthResults cases[] = {
      {"mx.example.com", {}},
      {"an id; with \"marks\"", {}},
      one_value(""),
      one_value("\"a b\"@example.com"),
      one_value("a\\b\"c(d)e;f"),
      one_value("@example.com"),
      {"mx.example.com",
       {{"dkim",
         "pass",
         "2048-bit (good) \\ key",
         "a \"reason\"",
         {{"header", "d", "example.com"}, {"header", "b", "aB/+="}, {"header", "s", "s1"}}},
        {"none", "none", "", "", {}},
        {"reason", "reason", "", "x", {{"reason", "reason", "reason"}}},
        {"auth", "pass", "", "", {{"smtp", "auth", "ren\xc3\xa9"}}}}},
  };
  for (const AuthResults& results : cases) {
    const auto parsed = parse_auth_results(to_string(results));
    ASSERT_TRUE(parsed) << parsed.error() << to_string(results);
    EXPECT_EQ(*parsed, results) << to_string(results);
  }
}

/// Up to 40 octets, most of them marks of the grammar.
std::string random_octets(std::mt19937& random) {
  static constexpr std::string_view kMarks = "\"\\();=@./\r\n\t \0-_,:<>[]?\x7f\xc3\xa9\xff aZ09";
  std::string text;
  const size_t count = random() % 40;
  for (size_t i = 0; i < count; ++i) {
    const bool is_mark = random() % 4 != 0;
    text += is_mark ? kMarks[random() % kMarks.size()] : static_cast<char>(random() % 256);
  }
  return text;
}

/// What a reader gets of what was written: the same methods with as many properties, a comment and
/// a reason where there was one; and writing what was read changes nothing.
testing::AssertionResult is_intact(const AuthResults& results) {
  const std::string text = to_string(results);
  const auto wrong = [&](const std::string& what) {
    return testing::AssertionFailure() << what << ": " << testing::PrintToString(text);
  };
  const auto parsed = parse_auth_results(text);
  if (!parsed) return wrong(parsed.error());
  if (parsed->methods.size() != results.methods.size()) return wrong("other methods");
  for (size_t i = 0; i < parsed->methods.size(); ++i) {
    const AuthMethod& was = results.methods[i];
    const AuthMethod& is = parsed->methods[i];
    if (is.properties.size() != was.properties.size()) return wrong("other properties");
    if (is.comment.empty() != was.comment.empty()) return wrong("other comment");
    if (is.reason.empty() != was.reason.empty()) return wrong("other reason");
  }
  if (to_string(*parsed) != text) return wrong("written otherwise again");
  return testing::AssertionSuccess();
}

/// One place into which a stranger's octets are written.
struct OpenField {
  const char* name;
  std::string& (*in)(AuthResults&);
};

class AuthResultsField : public testing::TestWithParam<OpenField> {};

TEST_P(AuthResultsField, HoldsWhateverIsWrittenIntoIt) {
  std::mt19937 random(20260502);
  AuthResults results = {
      "id", {{"a", "b", "c", "d", {{"e", "f", "g"}, {"h", "i", "j"}}}, {"k", "l", "", "", {}}}};
  for (int i = 0; i < SIGNET_RANDOM_STRINGS; ++i) {
    GetParam().in(results) = random_octets(random);
    ASSERT_TRUE(is_intact(results));
  }
}

AuthMethod& first(AuthResults& results) { return results.methods[0]; }

INSTANTIATE_TEST_SUITE_P(
    All, AuthResultsField,
    testing::Values(
        OpenField{"AuthservId", [](AuthResults& r) -> std::string& { return r.authserv_id; }},
        OpenField{"Method", [](AuthResults& r) -> std::string& { return first(r).method; }},
        OpenField{"Result", [](AuthResults& r) -> std::string& { return first(r).result; }},
        OpenField{"Comment", [](AuthResults& r) -> std::string& { return first(r).comment; }},
        OpenField{"Reason", [](AuthResults& r) -> std::string& { return first(r).reason; }},
        OpenField{"Ptype",
                  [](AuthResults& r) -> std::string& { return first(r).properties[0].ptype; }},
        OpenField{"Property",
                  [](AuthResults& r) -> std::string& { return first(r).properties[0].property; }},
        OpenField{"Value",
                  [](AuthResults& r) -> std::string& { return first(r).properties[0].value; }}),
    [](const auto& row) { return row.param.name; });

TEST(AuthResultsParser, ReadsTheExamplesOfTheRfc) {  // RFC 8601 B.2 to B.7
  const char* const cases[] = {
      " example.org 1; none",
      " example.com;\r\n          spf=pass smtp.mailfrom=example.net",
      " example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n"
      "          spf=pass smtp.mailfrom=example.net",
      " example.com; iprev=pass\r\n policy.iprev=192.0.2.200",
      " example.com;\r\n dkim=pass reason=\"good signature\"\r\n"
      "   header.i=@mail-router.example.net;\r\n"
      " dkim=fail reason=\"bad signature\"\r\n   header.i=@newyork.example.com",
      " foo.example.net (foobar) 1 (baz);\r\n"
      "    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
      "      policy (A dot can go here) . (like that) expired\r\n"
      "      (this surprised me) = (as I wasn't expecting it) 1362471462",
  };
  for (const char* const body : cases) {
    const auto parsed = parse_auth_results(body);
    EXPECT_TRUE(parsed) << parsed.error() << body;
    EXPECT_TRUE(reads_as_auth_results(body)) << body;
  }
}

TEST(AuthResultsParser, TakesAFieldApart) {
  const auto parsed = parse_auth_results(
      " (x) \"mx\\.example.com\" 1 ;\n dkim / 1 = fail (not \\(ours\\) (at all)) (more) reason="
      "\"bad\n sig\" header . d = \"example.com\" (c) header.i=\"a b\"@example.com (d) ; spf=none");
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(
      *parsed,
      (AuthResults{"mx.example.com",
                   {{"dkim",
                     "fail",
                     "not (ours) (at all)",
                     "bad sig",
                     {{"header", "d", "example.com"}, {"header", "i", "\"a b\"@example.com"}}},
                    {"spf", "none", "", "", {}}}}));
}

struct Broken {
  std::string body;
  bool is_forgiven;
};

TEST(AuthResultsParser, RefusesWhatTheGrammarDoesNotHave) {
  const Broken cases[] = {
      {"", false},
      {" ", false},
      {";", false},
      {" id", false},
      {" id none", false},
      {" id;", true},
      {" id; none;", false},
      {" id; spf", false},
      {" id; spf=", false},
      {" id; =pass", false},
      {" id; spf-=pass", false},
      {" id; spf=pass;", true},
      {" id; spf=pass; none", false},
      {" id; spf=pass; ;", false},
      {" id 2; none", true},
      {" id 1 2; none", false},
      {" id/1; none", true},
      {" id/1; spf=pass", true},
      {" i=d; none", false},
      {" \"id; none", false},
      {" (id; none", false},
      {" id; (none", false},
      {" id; spf(=pass", false},
      {" id; spf=(pass", false},
      {" id; spf=pass (x", false},
      {" id; spf=pass (x) (y", false},
      {" id (x; none", false},
      {" id 1 (x; none", false},
      {" id; spf/2=pass", true},
      {" id; spf/(=pass", false},
      {" id; spf=pass smtp", false},
      {" id; spf=pass smtp(", false},
      {" id; spf=pass smtp.", false},
      {" id; spf=pass smtp.(", false},
      {" id; spf=pass smtp.mailfrom", false},
      {" id; spf=pass smtp.mailfrom(", false},
      {" id; spf=pass smtp.mailfrom=", false},
      {" id; spf=pass smtp.mailfrom=(", false},
      {" id; spf=pass smtp.mailfrom=a (", false},
      {" id; spf=pass smtp.mailfrom=\"a", false},
      {" id; spf=pass smtp.mailfrom=\"a\"@b", true},
      {" id; spf=pass smtp.mailfrom=\"a\r\n b\"@example.com", true},
      {" id; spf=pass smtp.mailfrom=<a@b.example>", true},
      {" id; spf=pass action=none", true},
      {" id; dkim=pass header.b=a/b=", true},
      {" id; dkim=pass header.d=a.example reason=x", true},
      {" id; dkim=pass reason=x reason=y", true},
      {" id; dkim=pass reason=", false},
      {" id; dkim=pass reason=(", false},
      {" id; dkim=pass reason=\"x", false},
      {" id; dkim=pass reason=x (", false},
      {" id; dkim=pass .d=x", false},
      {" id; x_y=pass", true},
      {" id; spf=pass\r\nsmtp.mailfrom=a", false},
      {" id; spf=pass\0"s, false},
      {" id; spf=pass (\xff)", false},
      {" \xc3\xbc.example; none", true},
  };
  for (const Broken& test : cases) {
    SCOPED_TRACE(testing::PrintToString(test.body));
    EXPECT_FALSE(parse_auth_results(test.body));
    EXPECT_EQ(reads_as_auth_results(test.body), test.is_forgiven);
  }
}

TEST(AuthResultsParser, SaysWhereItStopped) {
  EXPECT_EQ(parse_auth_results(" id; spf=pass smtp").error(), "octet 18: expected \".\"");
  EXPECT_EQ(parse_auth_results(" id\x01").error(),
            "octet 3: no control octet, broken fold or malformed UTF-8 wanted");
}

constexpr std::string_view kOurs = "example.com";

// RFC 8601 5, 7.1: each of these some reader would take for a field of example.com.
TEST(AuthResultsClaim, EverySpellingOfOurIdIsRecognised) {
  const std::string cases[] = {
      " example.com; dkim=pass header.d=bank.example",
      "example.com;dkim=pass",
      " EXAMPLE.com; dkim=pass",
      "\texample.com\t;\tdkim=pass",
      "\r\n example.com; dkim=pass",
      "\n\texample.com\n ; dkim=pass",
      " \"example.com\"; dkim=pass",
      " \"Example.Com\" ; dkim=pass",
      " \"exam\\ple.com\"; dkim=pass",
      " \"exam\\ple.com\"1; dkim=pass",
      " \"exam\\ple.com\"x; dkim=pass",
      " \"\\e\\x\\a\\m\\p\\l\\e\\.\\c\\o\\m\"; dkim=pass",
      " \"exam\r\n ple.com\"; dkim=pass",
      " \" example.com \"; dkim=pass",
      " (hello) example.com; dkim=pass",
      " (a (nested) \\) one) example.com; dkim=pass",
      " example.com (hello); dkim=pass",
      " (;) example.com; dkim=pass",
      " (foreign.example; dkim=fail) example.com; dkim=pass",
      " (\"unbalanced) example.com; dkim=pass",
      " ()example.com(); dkim=pass",
      " example.com 1; dkim=pass",
      " example.com 2; dkim=pass",
      " example.com\r\n 1 ; dkim=pass",
      " example.com (x) 1 (y); dkim=pass",
      " example.com/1; dkim=pass",
      " example.com/job-17; dkim=pass",
      " example.com / 1; dkim=pass",
      " example.com.; dkim=pass",
      " .example.com; dkim=pass",
      " example.com; none",
      " example.com",
      " example.com;",
      " example.com dkim=pass",
      " example.com, dkim=pass",
      " example.com: dkim=pass",
      " <example.com>; dkim=pass",
      " [example.com]; dkim=pass",
      " 'example.com'; dkim=pass",
      " @example.com; dkim=pass",
      " =example.com; dkim=pass",
      " authserv-id=example.com; dkim=pass",
      " \"\" example.com; dkim=pass",
      " \"\"example.com; dkim=pass",
      " \"example\".com; dkim=pass",
      " \"example.com; dkim=pass",
      " example.com\"; dkim=pass",
      " (example.com; dkim=pass",
      " example(x).com; dkim=pass",
      " exam(x\\)ple.com) ; dkim=pass",
      " exam(a(b)ple.com; dkim=pass",
      " example .com; dkim=pass",
      " example.\r\n com; dkim=pass",
      " example.\\com; dkim=pass",
      " example.com\\; dkim=pass",
      " example.com{x}; dkim=pass",
      " example.com (\\",
      " exam\x7fple.com; dkim=pass",
      " foreign.example example.com; dkim=pass",
      " foreign.example (example.com); dkim=pass",
      " (example.com) foreign.example; dkim=pass",
      " \"foreign.example; example.com\"; dkim=pass",
      " (\\( ) foreign.example; x=y ) example.com; dkim=pass",
      " \"(\" ; dkim=fail \")\" example.com; dkim=pass",
      " (\"(\") foreign.example; x=y ) example.com; dkim=pass",
      " =?utf-8?q?example.com?=; dkim=pass",
      " =?utf-8?b?ZXhhbXBsZS5jb20=?=; dkim=pass",
      " \"=?utf-8?q?=65xample.com?=\"; dkim=pass",
      " example.com\0; dkim=pass"s,
      " example.\0com; dkim=pass"s,
      " example.com\x01; dkim=pass",
      " example.com\xff; dkim=pass",
      " exam\xffple.com; dkim=pass",
      " example.com\xc2\xa0; dkim=pass",
      " \xef\xbb\xbf\x65xample.com; dkim=pass",
      " exam\xe2\x80\x8bple.com; dkim=pass",
      " exam\xc2\xadple.com; dkim=pass",
      " example.com\xe3\x80\x80; dkim=pass",
      " \xef\xbd\x85xample.com; dkim=pass",
      " example\xe3\x80\x82\x63om; dkim=pass",
      " example.com\r\rX: y; dkim=pass",
      " foreign.example; dkim=pass (example.com",
      " foreign.example; dkim=pass reason=\"example.com",
      " foreign.example; example.com; dkim=pass",
      " foreign.example; dkim=pass\r\nAuthentication-Results: example.com; dkim=pass",
      " foreign.example; dkim=pass\n\n example.com; dkim=pass",
      " spf=pass (sender) smtp.mailfrom=example.com; dkim=pass",
      " ; example.com; dkim=pass",
      "; dkim=pass header.d=example.com",
      " " + std::string(5000, ' ') + "example.com; dkim=pass",
      " (" + std::string(70000, 'x') + ") example.com; dkim=pass",
      " " + std::string(5000, '(') + std::string(5000, ')') + " example.com; dkim=pass",
      " example.com; dkim=pass " + std::string(60000, 'x'),
  };
  for (const std::string& body : cases) {
    EXPECT_TRUE(claims_authserv_id(body, kOurs)) << testing::PrintToString(body.substr(0, 100));
  }
}

TEST(AuthResultsClaim, ForeignFieldsAreLeftAlone) {
  const std::string cases[] = {
      " foreign.example; dkim=pass header.d=example.com",
      " notexample.com; dkim=pass",
      " example.com.evil.example; dkim=pass",
      " mx.example.com; dkim=pass",
      " example.community; dkim=pass",
      " example-com; dkim=pass",
      " my-example.com; dkim=pass",
      " example_com; dkim=pass",
      " _example.com; dkim=pass",
      " exampleXcom; dkim=pass",
      " example.co; dkim=pass",
      " com; dkim=pass",
      " \"mx.example.com\"; dkim=pass",
      " (hello) foreign.example (world) 1 (!); spf=pass smtp.mailfrom=example.com",
      " (Pr\xc3\xbc\x66ung) foreign.example; dkim=pass",
      " \xc3\xa9xample.com; dkim=pass",
      " xn--xample-9ua.com; dkim=pass",
      " foreign.example; dkim=pass reason=\"example.com; dkim=pass\" header.d=example.com",
      " foreign.example; dkim=pass (example.com; dkim=pass) header.d=example.com",
      " \"(x)\" foreign.example; dkim=pass",
      " foreign.example (\\",
      // Not by the grammar, but written by large sites.
      " mx.foreign.example; dkim=pass header.i=@example.com header.b=aB/cd+E=; spf=pass",
      " foreign.example; spf=pass (foreign.example: domain of a@example.com designates 192.0.2.1)",
      " foreign.example; dmarc=pass (p=REJECT) header.s=a/b header.from=example.com",
      " foreign.example; spf=pass smtp.mailfrom=<a@example.com>; compauth=pass reason=100",
      " foreign.example; dmarc=pass action=none header.from=example.com;compauth=pass",
      " foreign.example; spf=pass smtp.mailfrom=example.com;",
      " foreign.example/7; spf=pass smtp.mailfrom=example.com",
      " foreign.example; none",
      " foreign.example; dkim=pass " + std::string(60000, ' ') + "header.d=example.com",
      // Wreckage, but nothing in it is ours.
      "",
      ";;;",
      " foreign.example (((",
      " foreign.example; dkim=pass (mx.example.com",
  };
  for (const std::string& body : cases) {
    EXPECT_FALSE(claims_authserv_id(body, kOurs)) << testing::PrintToString(body.substr(0, 100));
  }
}

TEST(AuthResultsClaim, InternationalIdsAreComparedAsULabels) {  // RFC 8601 5
  const std::string u_label =
      "b\xc3\xbc"
      "cher.example";
  const std::string a_label = "xn--bcher-kva.example";
  for (const std::string& ours : {u_label, a_label}) {
    EXPECT_TRUE(claims_authserv_id(" " + u_label + "; dkim=pass", ours));
    EXPECT_TRUE(claims_authserv_id(" " + a_label + "; dkim=pass", ours));
    EXPECT_TRUE(claims_authserv_id(" XN--Bcher-KVA.example. 1; dkim=pass", ours));
    EXPECT_TRUE(
        claims_authserv_id(" \"B\xc3\x9c"
                           "cher.example\"; dkim=pass",
                           ours));
    EXPECT_TRUE(claims_authserv_id(" foreign.example; dkim=pass (" + u_label, ours));
    EXPECT_TRUE(claims_authserv_id(" b\xc3\xbc\"\"cher.example; dkim=pass", ours));
    EXPECT_FALSE(
        claims_authserv_id(" k\xc3\xbc"
                           "che.example; dkim=pass",
                           ours));
    EXPECT_FALSE(claims_authserv_id(" mx." + u_label + "; dkim=pass", ours));
    EXPECT_FALSE(claims_authserv_id(" bcher.example; dkim=pass", ours));
  }
  for (const std::string_view ours : {kOurs, std::string_view(a_label)}) {
    // More words to convert than an id can have.
    const std::string five = " \xc3\xa4 \xc3\xb6 \xc3\xbc \xc3\xa9 \xc3\xa8";
    EXPECT_TRUE(claims_authserv_id(five + "; dkim=pass", ours));
    EXPECT_TRUE(claims_authserv_id(five + " \xc3\xaa; dkim=pass", ours));
    // A word that is no name.
    EXPECT_TRUE(claims_authserv_id(" \xc3\xbc..example; dkim=pass", ours));
  }
}

TEST(AuthResultsClaim, AnIdNeedNotBeAHostName) {
  EXPECT_TRUE(claims_authserv_id(" \"Our Gate/1\"; none", "our gate/1"));
  EXPECT_TRUE(claims_authserv_id(" our gate/1; none", "our gate/1"));
  EXPECT_FALSE(claims_authserv_id(" \"your gate/1\"; none", "our gate/1"));
  EXPECT_FALSE(claims_authserv_id(" our; none", "our gate/1"));
  EXPECT_FALSE(claims_authserv_id(" example.com; none", ""));
  EXPECT_FALSE(claims_authserv_id(" example.com; none", "\"\""));
}

TEST(AuthResultsClaim, WhateverWeWriteWeRecognise) {
  std::mt19937 random(20260503);
  for (int i = 0; i < 20000; ++i) {
    const std::string value = random_octets(random);
    ASSERT_TRUE(claims_authserv_id(to_string(one_value(value)), "MX.example.com"));
    AuthResults foreign = one_value(std::string(value).append("mx.example.com").append(value));
    foreign.authserv_id = "foreign.example";
    ASSERT_FALSE(claims_authserv_id(to_string(foreign), "mx.example.com")) << to_string(foreign);
  }
}

// Linear work on these takes a second or two; quadratic work runs into the test's timeout.
TEST(AuthResultsClaim, AMegabyteOfAnythingIsReadInLinearTime) {
  for (const std::string_view unit :
       {"(",          ")",           "((",     "()",   "\"",   "\\",     ";",         " ",
        "\r\n ",      ".",           "=",      "a.b=", ";a=b", " a.b=c", "\xc3\xbc ", "\xff",
        "example.co", "example.com", "xn--a ", "/",    "1 ",   "\n"}) {
    std::string body;
    while (body.size() < 1048576) body += unit;
    claims_authserv_id(body, kOurs);
    claims_authserv_id(" foreign.example; a=b" + body, kOurs);
    claims_authserv_id(" foreign.example; a=b " + body, kOurs);
    has_unknown_version(body);
    (void)parse_auth_results(" foreign.example; a=b" + body);
  }
}

TEST(AuthResultsVersion, AnyButOneIsUnknown) {  // RFC 8601 2.6, 5
  for (const char* const body :
       {" id 2; none", " id 01; none", " (x) \"id\" (y) 22 (z) ; none", " id\r\n 3", " id/1 0;"}) {
    EXPECT_TRUE(has_unknown_version(body)) << body;
  }
  for (const char* const body :
       {" id; none", " id 1; none", " 2; none", " id (2); none", "", " \"id", " (id", " id (",
        " id 2 (", " id 2x; none", " \"id 2\"; none"}) {
    EXPECT_FALSE(has_unknown_version(body)) << body;
  }
}

}  // namespace
}  // namespace signet
