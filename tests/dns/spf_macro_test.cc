// SPDX-License-Identifier: BSD-2-Clause
//
// SPF macros: the examples of RFC 7208 7.4, the grammar of 7.1 to its edges, and what hostile
// records and senders try to make of an expansion.

#include "dns/spf/spf_macro.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace signet {
namespace {

using namespace std::string_literals;

/// The values of the examples in RFC 7208 7.4.
SpfMacroValues example_values() {
  SpfMacroValues values;
  values.local_part = "strong-bad";
  values.sender_domain = "email.example.com";
  values.domain = "email.example.com";
  values.client = *parse_ip_address("192.0.2.3");
  values.validated_name = "mx.example.org";
  values.helo = "mx.example.org";
  values.receiver = "mail.receiver.example";
  values.now = std::chrono::sys_seconds(std::chrono::seconds(1234567890));
  return values;
}

std::string explanation_of(const std::string& text, const SpfMacroValues& values) {
  const auto parsed = parse_spf_explain_string(text);
  return parsed ? expand_spf_explain_string(*parsed, values) : "syntax: " + parsed.error();
}

std::string name_of(const std::string& text, const SpfMacroValues& values) {
  const auto spec = parse_spf_domain_spec(text);
  if (!spec) return "syntax: " + spec.error();
  const auto name = expand_spf_domain_spec(*spec, values);
  return name ? name->text() : "no name: " + name.error();
}

struct Expansion {
  std::string macros;
  std::string expansion;
};

TEST(SpfMacro, ExpandsTheExamplesOfTheRfc) {  // RFC 7208 7.4
  const std::vector<Expansion> table = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
  };
  for (const auto& row : table) {
    EXPECT_EQ(explanation_of(row.macros, example_values()), row.expansion) << row.macros;
  }
}

TEST(SpfMacro, BuildsTheNamesOfTheRfc) {  // RFC 7208 7.4
  const std::vector<Expansion> table = {
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
  };
  for (const auto& row : table) EXPECT_EQ(name_of(row.macros, example_values()), row.expansion);
}

TEST(SpfMacro, WritesAnIpv6AddressAsNibbles) {  // RFC 7208 7.4
  SpfMacroValues values = example_values();
  values.client = *parse_ip_address("2001:db8::cb01");
  EXPECT_EQ(name_of("%{ir}.%{v}._spf.%{d2}", values),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf."
            "example.com");
  EXPECT_EQ(explanation_of("%{c}", values), "2001:db8::cb01");
}

TEST(SpfMacro, ExpandsWhatOnlyAnExplanationMayHold) {  // RFC 7208 7.2
  EXPECT_EQ(explanation_of("%{c} %{r} %{t} %{v} %{h} %{p}", example_values()),
            "192.0.2.3 mail.receiver.example 1234567890 in-addr mx.example.org mx.example.org");
  SpfMacroValues nameless = example_values();
  nameless.receiver = "";
  EXPECT_EQ(explanation_of("%{r}", nameless), "unknown");  // RFC 7208 7.3
}

TEST(SpfMacro, ReplacesTheThreeEscapes) {  // RFC 7208 7.1
  EXPECT_EQ(explanation_of("50%% of%_it%-", example_values()), "50% of it%20");
}

TEST(SpfMacro, EscapesForUrlsIfTheLetterIsUpperCase) {  // RFC 7208 7.3
  SpfMacroValues values = example_values();
  values.local_part = "a~b-c_d.e+f=g/h i\x80";
  EXPECT_EQ(explanation_of("%{L}", values), "a~b-c_d.e%2Bf%3Dg%2Fh%20i%80");
  EXPECT_EQ(explanation_of("%{LR+}", values), "f%3Dg%2Fh%20i%80.a~b-c_d.e");
}

TEST(SpfMacro, SplitsAtEachOfSeveralDelimitersAndKeepsEmptyParts) {  // RFC 7208 7.3
  SpfMacroValues values = example_values();
  values.local_part = "-a+b,,c-";
  EXPECT_EQ(explanation_of("%{l-+,}", values), ".a.b..c.");
  EXPECT_EQ(explanation_of("%{l2-+,}", values), "c.");
  EXPECT_EQ(explanation_of("%{lr-+,}", values), ".c..b.a.");
}

TEST(SpfMacro, TakesAnyNumberOfPartsFromOneUp) {  // RFC 7208 7.3
  SpfMacroValues values = example_values();
  values.domain = "a.b";
  for (const std::string digits : {"2", "02", "127", "128", "4294967297", "99999999999999999999"}) {
    EXPECT_EQ(explanation_of("%{d" + digits + "}", values), "a.b") << digits;
  }
}

TEST(SpfMacro, RefusesWhatTheGrammarDoesNotHold) {  // RFC 7208 7.1, 7.3
  for (const std::string& text :
       {"%"s,      "%a"s,     "a%"s,     "%{"s,    "%{}"s,   "%{x}"s,  "%{d"s,  "%{d0}"s,
        "%{d00}"s, "%{dr2}"s, "%{d.r}"s, "%{d:}"s, "%{dd}"s, "%{ d}"s, "%{-}"s, "%{%}"s,
        "%\0"s,    "%{\0}"s,  "%{d\0}"s, "%(d)"s,  "\x80"s,  "\x7f"s,  "a\tb"s, "a\rb"s}) {
    EXPECT_FALSE(parse_spf_macro_string(text)) << text;
    EXPECT_FALSE(parse_spf_explain_string(text)) << text;
  }
}

TEST(SpfMacro, AllowsSpaceAndTheLettersCRTOnlyInExplanations) {  // RFC 7208 7.1, 7.2
  for (const std::string text : {"a b", "%{c}", "%{r}", "%{t}", "%{C}", "%{R}", "%{T}"}) {
    EXPECT_FALSE(parse_spf_macro_string(text)) << text;
    EXPECT_TRUE(parse_spf_explain_string(text)) << text;
  }
}

TEST(SpfMacro, RequiresADomainToEndInAToplabelOrAMacro) {  // RFC 7208 7.1
  for (const std::string text :
       {"a.b", "a.b.", ".b", "a.1b", "a.b1", "a.1-2", "a.xn--zckzah", "%{d}", "a%%", "%_", "a.%{d}",
        "%{d}.b", "a!#&'()*;<>?@[]^`{|}~\"$\\/:.b", "a..b", "-.b"}) {
    EXPECT_TRUE(parse_spf_domain_spec(text)) << text;
  }
  for (const std::string text :
       {"", ".", "..", "b", "b.", "a.", "a..", "a.1", "a.12.", "a.-b", "a.b-", "a.b_c", "a.b:80",
        "%{d}b", "%{d}.", "%{d}..", "%%b", "a.b%", "a.b c"}) {
    EXPECT_FALSE(parse_spf_domain_spec(text)) << text;
  }
}

TEST(SpfMacro, CutsLabelsFromTheLeftUntil253OctetsAreLeft) {  // RFC 7208 7.3
  const std::string label(61, 'x');
  const std::string tail = label + "." + label + "." + label + ".example.com";  // 197 octets
  SpfMacroValues values = example_values();
  values.local_part = "cut." + std::string(55, 'y');  // the last label makes it 253
  EXPECT_EQ(name_of("%{l}." + tail, values), std::string(55, 'y') + "." + tail);
  EXPECT_EQ(name_of("%{l}." + tail, values).size(), 253U);
  values.local_part = "cut." + std::string(56, 'y');
  EXPECT_EQ(name_of("%{l}." + tail, values), tail);
  EXPECT_EQ(name_of("%{l}." + tail + ".", values), tail) << "a final dot does not count";
}

TEST(SpfMacro, FindsNoNameInAnExpansionThatIsNone) {  // RFC 7208 4.8
  SpfMacroValues values = example_values();
  for (const std::string local : {"", ".", "a..b", "a.", ".a"}) {
    values.local_part = local;
    EXPECT_TRUE(name_of("%{l}.example.com", values).starts_with("no name")) << local;
  }
  values.local_part = std::string(64, 'a');
  EXPECT_TRUE(name_of("%{l}.example.com", values).starts_with("no name"));
  values.local_part = std::string(300, 'a');
  EXPECT_TRUE(name_of("%{l}", values).starts_with("no name"));
  values.helo = "";
  EXPECT_TRUE(name_of("%{h}", values).starts_with("no name"));
  values.helo = ".";
  EXPECT_TRUE(name_of("%{h}", values).starts_with("no name"));
}

TEST(SpfMacro, ExpandsAMegabyteOfMacrosOverAMegabyteOfSender) {
  SpfMacroValues values = example_values();
  values.local_part = std::string(1 << 20, '=');
  values.helo = std::string(1 << 20, '.');
  std::string macros;
  for (int i = 0; i < 10'000; ++i) macros += "%{l1r=}%{S=}%{h99r}";
  const std::string text = explanation_of(macros, values);
  EXPECT_EQ(text.size(), kMaxSpfExplanationOctets);
  EXPECT_FALSE(name_of(macros, values).starts_with("syntax"));
}

TEST(SpfMacro, MakesOneLineOfPrintableAsciiOfAnyExplanation) {  // RFC 7208 6.2
  SpfMacroValues values = example_values();
  values.local_part = "a\r\n550 b\x01\x7f\x80\xff\0c"s;
  EXPECT_EQ(explanation_of("%{l}", values), "a??550 b?????c");
  EXPECT_EQ(explanation_of(std::string(10'000, 'e'), values).size(), kMaxSpfExplanationOctets);
}

TEST(SpfMacro, TellsWhichLettersItUses) {
  const auto spec = parse_spf_domain_spec("%{L}.%{d2}.example.com");
  ASSERT_TRUE(spec);
  EXPECT_TRUE(spec->uses_any_of("sl"));
  EXPECT_TRUE(spec->uses_any_of("d"));
  EXPECT_FALSE(spec->uses_any_of("p"));
  EXPECT_FALSE(spec->is_constant());
  EXPECT_TRUE(parse_spf_domain_spec("a%%%_%-.example.com")->is_constant());
}

}  // namespace
}  // namespace signet
