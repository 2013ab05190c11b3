// SPDX-License-Identifier: BSD-2-Clause
//
// The table of options: each value it takes and each it refuses, and that the documents printed
// from it are the files of this tree. If one of those fails, build the target `docs`.

#include "milter/config/config_options.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace signet {
namespace {

std::string file_of_tree(const std::string& path) {
  std::ifstream file(std::string{SIGNET_SOURCE_DIR} + '/' + path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The value as the option prints it after taking `text`, or the error.
std::string taken(std::string_view keyword, std::string_view text) {
  const ConfigOption* option = find_option(keyword);
  if (option == nullptr) return "no such option";
  Config config;
  const Result<bool> set = option->set(config, text);
  return set ? option->get(config) : set.error();
}

struct Case {
  std::string_view keyword;
  std::string_view text;
  std::string_view outcome;
};

class OptionValue : public testing::TestWithParam<Case> {};

TEST_P(OptionValue, IsTakenSo) {
  EXPECT_EQ(taken(GetParam().keyword, GetParam().text), GetParam().outcome);
}

INSTANTIATE_TEST_SUITE_P(
    Good, OptionValue,
    testing::Values(
        Case{"Socket", "local:/run/x.sock", "local:/run/x.sock"},
        Case{"Socket", "unix:/run/x.sock", "local:/run/x.sock"},
        Case{"Socket", "inet:8891@localhost", "inet:8891@localhost"},
        Case{"Socket", "INET:8891@127.0.0.1", "inet:8891@127.0.0.1"},
        Case{"Socket", "inet6:8891@::1", "inet6:8891@::1"},
        Case{"SocketOwner", "signet:postfix", "signet:postfix"}, Case{"SocketMode", "0600", "0600"},
        Case{"SocketMode", "660", "0660"}, Case{"UserID", "opendkim", "opendkim"},
        Case{"MaximumHeaderOctets", "65536", "65536"},
        Case{"MaximumTagListOctets", "65535", "65535"}, Case{"MaximumBodyHashes", "2", "2"},
        Case{"MaximumSPFTerms", "50", "50"}, Case{"MaximumSPFVoidLookups", "0", "0"},
        Case{"MaximumSPFMXHosts", "50", "50"}, Case{"MaximumSPFPTRNames", "1", "1"},
        Case{"MaximumDMARCQueries", "1", "1"}, Case{"DNSTimeout", "5", "5s"},
        Case{"DNSTimeout", "5s", "5s"}, Case{"DNSTimeout", "500ms", "500ms"},
        Case{"DNSTimeout", "1500ms", "1500ms"}, Case{"MilterTimeout", "2m", "2m"},
        Case{"MilterTimeout", "120", "2m"}, Case{"MilterTimeout", "1h", "1h"},
        Case{"SignatureTTL", "7d", "7d"}, Case{"SignatureTTL", "0", "0"},
        Case{"DrainTimeout", "0", "0"}, Case{"LogTarget", "STDERR", "stderr"},
        Case{"SyslogFacility", "Local3", "local3"},
        Case{"AuthservID", "mx.example.com", "mx.example.com"}, Case{"AuthservID", "MX1", "MX1"},
        Case{"AuthservID", "HOSTNAME", "HOSTNAME"},
        Case{"AuthservID",
             "b\xc3\xbc"
             "cher.example",
             "xn--bcher-kva.example"},
        Case{"Mode", "v", "v"}, Case{"Mode", "SV", "sv"}, Case{"Mode", "vs", "sv"},
        Case{"InternalHosts", "192.0.2.0/24,2001:db8::1 198.51.100.7",
             "192.0.2.0/24, 2001:db8::1, 198.51.100.7"},
        Case{"InternalHosts", "none", "none"},
        Case{"SigningListeners", "submission, smtps", "submission, smtps"},
        Case{"Nameservers", "127.0.0.1@5353, ::1", "127.0.0.1@5353, ::1"},
        Case{"Domain", "Example.COM", "example.com"},
        Case{"SigningTable", "refile:/a", "refile:/a"}, Case{"SigningTable", "file:/a", "/a"},
        Case{"KeyTable", "file:/a", "/a"}, Case{"SignHeaders", "From,To", "From, To"},
        Case{"ProtectedDomains", "A.example b.example", "a.example, b.example"},
        Case{"RejectText", "Not for {domain}: {reason}", "Not for {domain}: {reason}"},
        Case{"Selector", "2026a", "2026a"}, Case{"Canonicalization", "simple", "simple/simple"},
        Case{"Canonicalization", "relaxed", "relaxed/simple"},  // RFC 6376 3.5
        Case{"Canonicalization", "Simple/Relaxed", "simple/relaxed"},
        Case{"UnsignedBytes", "pass", "pass"}, Case{"DMARCReject", "always", "always"},
        Case{"AddAuthResultsForAuthenticated", "yes", "yes"}));

INSTANTIATE_TEST_SUITE_P(
    Bad, OptionValue,
    testing::Values(
        Case{"Socket", "/run/x.sock", "want local:/PATH or inet:PORT@HOST, got \"/run/x.sock\""},
        Case{"SigningTable", "regexp:/a",
             "want an absolute path, or refile: and an absolute path, got \"regexp:/a\""},
        Case{"SignHeaders", "From:", "want a header field name such as List-Id, got \"From:\""},
        Case{"RejectText", "see {url}",
             "want at most 200 octets of ASCII, with {domain} and {reason} where they belong, got "
             "\"see {url}\""},
        Case{"OwnDomains", "no", "want ignore|corroborate|strict, got \"no\""},
        Case{"Socket", "local:x", "want local: with an absolute path, got \"local:x\""},
        Case{"Socket", "inet:8891",
             "want inet:PORT@HOST, such as inet:8891@127.0.0.1, got \"inet:8891\""},
        Case{"Socket", "inet:0@::1", "want a port from 1 to 65535, got \"inet:0@::1\""},
        Case{"Socket", "inet:65536@::1", "want a port from 1 to 65535, got \"inet:65536@::1\""},
        Case{"Socket", "inet:25@::1",
             "want a host name, an IPv4 address after inet: or an IPv6 address after inet6:, got "
             "\"inet:25@::1\""},
        Case{"Socket", "tcp:25@::1", "want local:/PATH or inet:PORT@HOST, got \"tcp:25@::1\""},
        Case{"SocketOwner", "a:b:c", "want USER or USER:GROUP, got \"a:b:c\""},
        Case{"SocketOwner", "a:", "want USER or USER:GROUP, got \"a:\""},
        Case{"SocketMode", "0880", "want permissions in octal such as 0660, got \"0880\""},
        Case{"SocketMode", "1777", "want permissions in octal such as 0660, got \"1777\""},
        Case{"SocketMode", "6", "want permissions in octal such as 0660, got \"6\""},
        Case{"DNSTimeout", "fast", "want seconds such as 5s (or 500ms, 2m, 1h, 7d), got \"fast\""},
        Case{"DNSTimeout", "-5", "want seconds such as 5s (or 500ms, 2m, 1h, 7d), got \"-5\""},
        Case{"DNSTimeout", "5 s", "want seconds such as 5s (or 500ms, 2m, 1h, 7d), got \"5 s\""},
        Case{"DNSTimeout", "9999999999",
             "want seconds such as 5s (or 500ms, 2m, 1h, 7d), got \"9999999999\""},
        Case{"DNSTimeout", "999999999d", "want a time from 10ms to 1m, got \"999999999d\""},
        Case{"DNSTimeout", "0", "want a time from 10ms to 1m, got \"0\""},
        Case{"DrainTimeout", "1500ms", "want whole seconds, got \"1500ms\""},
        Case{"MessageTimeout", "5m", "want a time from 10ms to 299s, got \"5m\""},
        Case{"LogLevel", "loud", "want error|warning|info|debug, got \"loud\""},
        Case{"SyslogFacility", "post",
             "want a syslog facility such as mail, daemon or local0 to local7, got \"post\""},
        Case{"AuthservID", "mx; dmarc=pass",
             "want a domain, a word without spaces and special characters, or HOSTNAME, got \"mx; "
             "dmarc=pass\""},
        Case{"Mode", "x", "want s, v or sv, got \"x\""},
        Case{"InternalHosts", "10.0.0.0/33, ::/0, mail",
             "want an IP address or network such as 192.0.2.0/24, got \"10.0.0.0/33\"; "
             "want an IP address or network such as 192.0.2.0/24, got \"mail\""},
        Case{"InternalHosts", ",", "want a list, got \",\""},
        Case{"Nameservers", "dns.example",
             "want IP or IP@PORT such as 127.0.0.1@5353, got \"dns.example\""},
        Case{"Nameservers", "none", "want IP or IP@PORT such as 127.0.0.1@5353, got \"none\""},
        Case{"Nameservers", "127.0.0.1@0",
             "want IP or IP@PORT such as 127.0.0.1@5353, got \"127.0.0.1@0\""},
        Case{"PidFile", "signet.pid", "want an absolute path, got \"signet.pid\""},
        Case{"Domain", "example..com", "want a domain such as example.com, got \"example..com\""},
        Case{"Selector", "a/../b", "want a selector such as 2026a, got \"a/../b\""},
        Case{"Canonicalization", "relaxed/",
             "want simple or relaxed, as in relaxed/simple, got \"relaxed/\""},
        Case{"Canonicalization", "relaxed/simple/simple",
             "want simple or relaxed, as in relaxed/simple, got \"relaxed/simple/simple\""},
        Case{"MaximumSignatures", "0", "want a number from 1 to 100, got \"0\""},
        Case{"MaximumHeaderOctets", "65535", "want a number from 65536 to 67108864, got \"65535\""},
        Case{"MaximumTagListOctets", "65536", "want a number from 1024 to 65535, got \"65536\""},
        Case{"MaximumBodyHashes", "0", "want a number from 1 to 100, got \"0\""},
        Case{"MaximumSPFTerms", "51", "want a number from 1 to 50, got \"51\""},
        Case{"MaximumSPFVoidLookups", "-1", "want a number from 0 to 50, got \"-1\""},
        Case{"MaximumSPFMXHosts", "51", "want a number from 1 to 50, got \"51\""},
        Case{"MaximumSPFPTRNames", "0", "want a number from 1 to 50, got \"0\""},
        Case{"MaximumDMARCQueries", "9", "want a number from 1 to 8, got \"9\""},
        Case{"MinimumKeyBits", "512", "want a number from 1024 to 16384, got \"512\""},
        Case{"AddAuthResultsForAuthenticated", "maybe", "want yes|no, got \"maybe\""}));

TEST(ConfigOptions, ASocketPathFitsIntoASocketAddress) {
  const std::string longest = "local:/" + std::string(106, 'x');
  EXPECT_EQ(taken("Socket", longest), longest);
  EXPECT_EQ(taken("Socket", longest + 'x'),
            "want a socket path of at most 107 octets, got \"" + longest + "x\"");
}

TEST(ConfigOptions, EachDefaultIsAValueThatTheOptionTakes) {
  for (const ConfigOption& option : config_options()) {
    const std::string value = option.get(Config{});
    if (value.empty()) continue;
    EXPECT_EQ(taken(option.keyword, value), value) << option.keyword;
  }
}

TEST(ConfigOptions, EachKeywordOccursOnce) {
  std::set<std::string> seen;
  for (const ConfigOption& option : config_options()) {
    EXPECT_TRUE(seen.insert(ascii_lower(option.keyword)).second) << option.keyword;
  }
}

TEST(ConfigOptions, EachHelpIsSentencesThatMdocLeavesAlone) {
  for (const ConfigOption& option : config_options()) {
    ASSERT_FALSE(option.help.empty()) << option.keyword;
    EXPECT_TRUE(option.help.ends_with('.')) << option.keyword;
    EXPECT_FALSE(option.help.starts_with('.')) << option.keyword;
    EXPECT_EQ(option.help.find_first_of("\\\n"), std::string_view::npos) << option.keyword;
    EXPECT_EQ(option.help.find(" ."), std::string_view::npos) << option.keyword;
    EXPECT_EQ(option.help.find(" '"), std::string_view::npos) << option.keyword;
    EXPECT_FALSE(option.group.empty()) << option.keyword;
    EXPECT_FALSE(option.value.empty()) << option.keyword;
  }
}

TEST(ConfigOptions, AKeywordIsFoundInAnyCase) {
  ASSERT_NE(find_option("dnstimeout"), nullptr);
  EXPECT_EQ(find_option("dnstimeout")->keyword, "DNSTimeout");
  EXPECT_EQ(find_option("DNS"), nullptr);
  EXPECT_EQ(find_option(""), nullptr);
}

TEST(ConfigOptions, TheNearestKeywordIsWithinTwoSlips) {
  EXPECT_EQ(nearest_keyword("DNSTimout"), "DNSTimeout");
  EXPECT_EQ(nearest_keyword("dnstimeouts"), "DNSTimeout");
  EXPECT_EQ(nearest_keyword("InternalHost"), "InternalHosts");
  EXPECT_EQ(nearest_keyword("Sokcet"), "Socket");
  EXPECT_EQ(nearest_keyword("Foo"), "");
  EXPECT_EQ(nearest_keyword(""), "");
  EXPECT_EQ(nearest_keyword(std::string(5000, 'x')), "");
}

TEST(ConfigOptions, NoHintIsForAKeywordThatExists) {
  EXPECT_EQ(hint_for_foreign_keyword("umask"), "use SocketMode");
  for (const ConfigOption& option : config_options()) {
    EXPECT_EQ(hint_for_foreign_keyword(option.keyword), "") << option.keyword;
  }
}

TEST(Documents, TheSampleConfigurationIsPrintedFromTheTable) {
  EXPECT_EQ(file_of_tree("conf/signet.conf"), sample_config());
}

TEST(Documents, TheSampleConfigurationWithoutCommentSignsIsTheDefaults) {
  // A commented option is `#Keyword value`, help is `# text`.
  for (const ConfigOption& option : config_options()) {
    const std::string value = option.get(Config{});
    const std::string line = '\n' + ('#' + std::string{option.keyword}) + ' ' +
                             (value.empty() ? option.value : value) + '\n';
    EXPECT_NE(sample_config().find(line), std::string::npos) << option.keyword;
  }
}

TEST(Documents, TheListInTheManualIsPrintedFromTheTable) {
  const std::string manual = file_of_tree("man/signet.conf.5");
  constexpr std::string_view kBegin = ".\\\" BEGIN OPTIONS: written by the target docs\n";
  constexpr std::string_view kEnd = ".\\\" END OPTIONS\n";
  const size_t begin = manual.find(kBegin);
  const size_t end = manual.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(manual.substr(begin + kBegin.size(), end - begin - kBegin.size()), manual_options());
}

}  // namespace
}  // namespace signet
