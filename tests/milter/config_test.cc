// SPDX-License-Identifier: BSD-2-Clause
//
// Whole configuration files: what is read, and what is said about what cannot be. List files are
// written into a folder of the test's own.

#include "milter/config/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using Lines = std::vector<std::string>;

/// The error lines; empty if the text is a configuration.
Lines errors_of(std::string_view text) {
  const auto parsed = parse_config(text, "signet.conf");
  const auto* errors = std::get_if<ConfigErrors>(&parsed);
  return errors == nullptr ? Lines{} : errors->lines;
}

Config config_of(std::string_view text) {
  auto parsed = parse_config(text, "signet.conf");
  if (const auto* errors = std::get_if<ConfigErrors>(&parsed)) {
    ADD_FAILURE() << errors->lines.front();
    return {};
  }
  return std::get<Config>(parsed);
}

TEST(Config, AnEmptyFileIsTheDefaults) {
  const Config config = config_of("");
  EXPECT_EQ(config.socket, "local:/run/signet/signet.sock");
  EXPECT_EQ(config.socket_mode, 0660);
  EXPECT_EQ(config.dns_timeout, 5s);
  EXPECT_EQ(config.dmarc_reject, DmarcReject::corroborated);
  EXPECT_EQ(config.internal_hosts.size(), 2u);
  EXPECT_FALSE(config.domain);
}

TEST(Config, WhatAnOptionNamesCanBeTracedToItsLine) {
  const Config config = config_of("# comment\ndnsdata /d\n");
  EXPECT_EQ(config.place_of("DNSData"), "signet.conf:2: DNSData");
  EXPECT_EQ(config.place_of("KeyTable"), "KeyTable");
}

TEST(Config, AllMembersAreSetByTheirKeywords) {
  const Config config = config_of(
      "Socket inet:8891@localhost\nSocketOwner a:b\nSocketMode 0600\nUserID c\nPidFile /p\n"
      "MilterTimeout 1h\nDrainTimeout 3s\nLogTarget journald\nLogLevel debug\n"
      "SyslogFacility local1\nAuthservID mx.example.com\nMode s\nInternalHosts 192.0.2.1\n"
      "SigningListeners submission\nVerifyingListeners mx\nNameservers 127.0.0.1@5353\n"
      "DNSTimeout 250ms\nMessageTimeout 10s\nTrustAnchorFile /t\nDNSData /d\nDNSCacheEntries 7\n"
      "MaximumDNSQuestions 999\nKeyDirectory /k\nDomain example.com\nSelector sel\nKeyFile /f\n"
      "Canonicalization simple/relaxed\nSignatureTTL 1d\nMinimumKeyBits 2048\n"
      "MaximumKeyBits 8192\nClockDrift 1m\nMaximumSignatures 3\nMaximumSignaturesPresent 5\n"
      "MaximumSignedFields 11\nMaximumHeaderFields 13\nUnsignedBytes pass\n"
      "OnSignFailure accept\nDMARCReject never\nQuarantineAction hold\nBadFrom accept\n"
      "AddAuthResultsForAuthenticated yes\nOnInternalError accept\nSPFReject listed\n"
      "HELOReject fail\nDMARCOnTempError tempfail\nSPFOnTempError tempfail\nSPFOnPermError reject\n"
      "SPFIgnoreHosts 192.0.2.7\nSPFIgnoredHostCheck received\nReceivedSPF yes\n"
      "SPFExplanation yes\nDKIMEngine libopendkim\nKeyTable /kt\nSigningTable refile:/st\n"
      "SignSubdomains yes\nSenderLogins /sl\nSignHeaders From, To\nOversignHeaders From\n"
      "LongLines refuse\nBareNewlines refuse\nKeyCheckInterval 1h\nOnKeyMismatch skip\n"
      "CorroboratingSPF any\nSpareMailingLists no\nSpareSigned no\nKnownForwarders 192.0.2.9\n"
      "OwnDomains strict\nProtectedDomains a.example\nPolicyTable /pt\n"
      "RejectText no {domain} {reason}\nAuthResultsFields each\nShadow yes\n"
      "MaximumHeaderOctets 99999\nMaximumTagListOctets 2048\nMaximumBodyHashes 7\n"
      "MaximumSPFTerms 21\nMaximumSPFVoidLookups 22\nMaximumSPFMXHosts 23\n"
      "MaximumSPFPTRNames 24\nMaximumDMARCQueries 5\n");
  EXPECT_EQ(config.socket, "inet:8891@localhost");
  EXPECT_EQ(config.socket_owner, "a:b");
  EXPECT_EQ(config.socket_mode, 0600);
  EXPECT_EQ(config.user_id, "c");
  EXPECT_EQ(config.pid_file, "/p");
  EXPECT_EQ(config.milter_timeout, 3600s);
  EXPECT_EQ(config.drain_timeout, 3s);
  EXPECT_EQ(config.log_target, LogTarget::journald);
  EXPECT_EQ(config.log_level, LogLevel::debug);
  EXPECT_EQ(config.syslog_facility, "local1");
  EXPECT_EQ(config.authserv_id, "mx.example.com");
  EXPECT_TRUE(config.sign);
  EXPECT_FALSE(config.verify);
  EXPECT_EQ(config.internal_hosts, (std::vector<IpNetwork>{{IpAddress::v4({192, 0, 2, 1}), 32}}));
  EXPECT_EQ(config.signing_listeners, Lines{"submission"});
  EXPECT_EQ(config.verifying_listeners, Lines{"mx"});
  EXPECT_EQ(config.nameservers, Lines{"127.0.0.1@5353"});
  EXPECT_EQ(config.dns_timeout, 250ms);
  EXPECT_EQ(config.message_timeout, 10s);
  EXPECT_EQ(config.trust_anchor_file, "/t");
  EXPECT_EQ(config.dns_data, "/d");
  EXPECT_EQ(config.dns_cache_entries, 7);
  EXPECT_EQ(config.maximum_dns_questions, 999);
  EXPECT_EQ(config.key_directory, "/k");
  EXPECT_EQ(config.domain->text(), "example.com");
  EXPECT_EQ(config.selector, "sel");
  EXPECT_EQ(config.key_file, "/f");
  EXPECT_FALSE(config.dkim_sign.relaxed_header);
  EXPECT_TRUE(config.dkim_sign.relaxed_body);
  EXPECT_EQ(config.dkim_sign.signature_ttl, 86400s);
  EXPECT_EQ(config.dkim_verify.minimum_key_bits, 2048);
  EXPECT_EQ(config.dkim_verify.maximum_key_bits, 8192);
  EXPECT_EQ(config.dkim_verify.clock_drift, 60s);
  EXPECT_EQ(config.dkim_verify.maximum_signatures, 3);
  EXPECT_EQ(config.dkim_verify.maximum_signatures_present, 5);
  EXPECT_EQ(config.dkim_verify.maximum_signed_fields, 11);
  EXPECT_EQ(config.dkim_verify.maximum_header_fields, 13);
  EXPECT_EQ(config.dkim_verify.maximum_header_octets, 99'999);
  EXPECT_EQ(config.dkim_verify.maximum_tag_list_octets, 2048);
  EXPECT_EQ(config.dkim_verify.maximum_body_hashes, 7);
  EXPECT_EQ(config.spf_limits.terms, 21);
  EXPECT_EQ(config.spf_limits.void_lookups, 22);
  EXPECT_EQ(config.spf_limits.mx_names, 23);
  EXPECT_EQ(config.spf_limits.ptr_names, 24);
  EXPECT_EQ(config.dmarc_limits().queries, 5);
  EXPECT_EQ(config.dmarc_limits().record_octets, 2048u);
  EXPECT_TRUE(config.dkim_verify.unsigned_bytes_pass);
  EXPECT_EQ(config.on_sign_failure, FailureAction::accept);
  EXPECT_EQ(config.dmarc_reject, DmarcReject::never);
  EXPECT_EQ(config.quarantine_action, QuarantineAction::hold);
  EXPECT_EQ(config.bad_from, BadFromAction::accept);
  EXPECT_TRUE(config.add_auth_results_for_authenticated);
  EXPECT_EQ(config.on_internal_error, FailureAction::accept);
  EXPECT_EQ(config.spf_reject, SpfReject::listed);
  EXPECT_EQ(config.helo_reject, SpfReject::fail);
  EXPECT_EQ(config.dmarc_on_temperror, FailureAction::tempfail);
  EXPECT_EQ(config.spf_on_temperror, FailureAction::tempfail);
  EXPECT_EQ(config.spf_on_permerror, SpfPermerrorAction::reject);
  EXPECT_EQ(config.spf_ignore_hosts, (std::vector<IpNetwork>{{IpAddress::v4({192, 0, 2, 7}), 32}}));
  EXPECT_EQ(config.spf_ignored_host_check, IgnoredHostCheck::received);
  EXPECT_TRUE(config.received_spf);
  EXPECT_TRUE(config.spf_explanation);
  EXPECT_EQ(config.dkim_engine, DkimEngine::libopendkim);
  EXPECT_EQ(config.key_table, "/kt");
  EXPECT_EQ(config.signing_table, "refile:/st");
  EXPECT_TRUE(config.sign_subdomains);
  EXPECT_EQ(config.sender_logins, "/sl");
  EXPECT_EQ(config.dkim_sign.sign_headers, (Lines{"From", "To"}));
  EXPECT_EQ(config.dkim_sign.oversign_headers, Lines{"From"});
  EXPECT_EQ(config.long_lines, FragileLines::refuse);
  EXPECT_EQ(config.bare_newlines, FragileLines::refuse);
  EXPECT_EQ(config.key_check_interval, 3600s);
  EXPECT_EQ(config.on_key_mismatch, OnKeyMismatch::skip);
  EXPECT_EQ(config.corroborating_spf, CorroboratingSpf::any);
  EXPECT_FALSE(config.spare_mailing_lists);
  EXPECT_FALSE(config.spare_signed);
  EXPECT_EQ(config.known_forwarders, (std::vector<IpNetwork>{{IpAddress::v4({192, 0, 2, 9}), 32}}));
  EXPECT_EQ(config.own_domains, OwnDomains::strict);
  EXPECT_EQ(config.protected_domains, std::vector<Name>{*parse_domain("a.example")});
  EXPECT_EQ(config.policy_table, "/pt");
  EXPECT_EQ(config.reject_text, "no {domain} {reason}");
  EXPECT_EQ(config.auth_results_fields, AuthResultsFields::each);
  EXPECT_TRUE(config.shadow);
}

TEST(Config, CommentsBlankLinesTabsAndCaseDoNotMatter) {
  const Config config =
      config_of("# all of it\n\n  \t \n\tdnstimeout\t 3s \t# behind a value\nMODE v");
  EXPECT_EQ(config.dns_timeout, 3s);
  EXPECT_FALSE(config.sign);
}

TEST(Config, AHashSignWithinAWordIsNoComment) {
  EXPECT_EQ(config_of("KeyDirectory /etc/keys#1").key_directory, "/etc/keys#1");
}

TEST(Config, LinesMayEndInCrlfAndTheFileMayBeginWithAByteOrderMark) {
  EXPECT_EQ(config_of("\xef\xbb\xbfMode v\r\nDNSTimeout 3s\r\n").dns_timeout, 3s);
}

TEST(Config, AllErrorsAreFoundAtOnce) {
  EXPECT_EQ(errors_of("Mode q\nDNSTimeout fast\n\nSocket\n"),
            (Lines{"signet.conf:1: Mode: want s, v or sv, got \"q\"",
                   "signet.conf:2: DNSTimeout: want seconds such as 5s (or 500ms, 2m, 1h, 7d), "
                   "got \"fast\"",
                   "signet.conf:4: Socket: want local:PATH|inet:PORT@HOST, got nothing"}));
}

TEST(Config, AMisspelledKeywordGetsASuggestion) {
  EXPECT_EQ(errors_of("DNSTimout 5s"),
            Lines{"signet.conf:1: DNSTimout: no such option; did you mean DNSTimeout?"});
  EXPECT_EQ(errors_of("Whatever 5s"),
            Lines{"signet.conf:1: Whatever: no such option; see signet.conf(5)"});
}

TEST(Config, AKeywordOfOpenDkimGetsAHint) {
  EXPECT_EQ(errors_of("UMask 002"),
            Lines{"signet.conf:1: UMask: not an option of Signet; use SocketMode"});
}

TEST(Config, AKeywordGivenTwiceIsAnError) {
  EXPECT_EQ(errors_of("Mode s\nmode v"), Lines{"signet.conf:2: Mode: given before on line 1"});
}

TEST(Config, ControlOctetsAreErrors) {
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(errors_of("Mode\0s"sv), Lines{"signet.conf:1: want text, got a control octet"});
  EXPECT_EQ(errors_of("\n# \x1b[2J"), Lines{"signet.conf:2: want text, got a control octet"});
  EXPECT_EQ(errors_of("Mode s\r\r\n"), Lines{"signet.conf:1: want text, got a control octet"});
}

TEST(Config, AnOverLongLineIsAnError) {
  EXPECT_EQ(errors_of("# " + std::string(8190, 'x')), Lines{});
  EXPECT_EQ(errors_of("# " + std::string(8191, 'x')),
            Lines{"signet.conf:1: want lines of at most 8192 octets"});
}

TEST(Config, WhatIsQuotedInAnErrorIsEncoded) {
  EXPECT_EQ(errors_of("M\xc2\x9b\"de s"),
            Lines{"signet.conf:1: M\\xc2\\x9b\\x22de: no such option; see signet.conf(5)"});
}

TEST(Config, AfterAHundredErrorsTheRestIsCounted) {
  std::string text;
  for (int i = 0; i < 103; ++i) text += "Nonsense\n";
  const Lines lines = errors_of(text);
  ASSERT_EQ(lines.size(), 101u);
  EXPECT_EQ(lines.back(), "signet.conf: and 3 more errors");
}

TEST(Config, DomainSelectorAndKeyFileGoTogether) {
  EXPECT_EQ(errors_of("Domain example.com\nSelector s\nKeyFile /k"), Lines{});
  EXPECT_EQ(errors_of("Domain example.com\nSelector s"),
            (Lines{"signet.conf:1: Domain: want KeyFile too",
                   "signet.conf:2: Selector: want KeyFile too"}));
}

TEST(Config, KeyTableAndSigningTableGoTogether) {
  EXPECT_EQ(errors_of("KeyTable /k\nSigningTable refile:/s"), Lines{});
  EXPECT_EQ(errors_of("KeyTable /k"), Lines{"signet.conf:1: KeyTable: want SigningTable too"});
  EXPECT_EQ(errors_of("SigningTable /s"), Lines{"signet.conf:1: SigningTable: want KeyTable too"});
}

TEST(Config, LimitsMustBeInOrder) {
  EXPECT_EQ(errors_of("MinimumKeyBits 2048\nMaximumKeyBits 1024"),
            Lines{"signet.conf:2: MaximumKeyBits: want MinimumKeyBits to be at most "
                  "MaximumKeyBits, got 2048 and 1024"});
  EXPECT_EQ(errors_of("MessageTimeout 2s"),
            Lines{"signet.conf:1: MessageTimeout: want DNSTimeout to be at most MessageTimeout, "
                  "got 5s and 2s"});
  EXPECT_EQ(errors_of("MaximumSignatures 51").size(), 1u);
}

TEST(Config, AListenerCannotBothSignAndVerify) {
  EXPECT_EQ(errors_of("VerifyingListeners a, b\nSigningListeners b"),
            Lines{"signet.conf:1: VerifyingListeners: want other names than SigningListeners, "
                  "got \"b\""});
}

TEST(ListFile, HoldsOneEntryALineWithComments) {
  const TemporaryFolder folder;
  const std::string path = folder.write("hosts", "# ours\r\n192.0.2.0/24\n\n2001:db8::/32  # v6\n");
  EXPECT_EQ(config_of("InternalHosts ::1, " + path).internal_hosts.size(), 3u);
  EXPECT_EQ(config_of("InternalHosts file:" + path).internal_hosts.size(), 2u);
}

TEST(ListFile, ErrorsNameItsLines) {
  const TemporaryFolder folder;
  const std::string path = folder.write("hosts", "192.0.2.1\nnonsense\n\x01\n");
  EXPECT_EQ(errors_of("\nInternalHosts " + path),
            Lines{"signet.conf:2: InternalHosts: " + path +
                  ":2: want an IP address or network such as 192.0.2.0/24, got \"nonsense\"; " +
                  path + ":3: control octet or over-long line"});
}

TEST(ListFile, ThatIsNotThereIsAnError) {
  EXPECT_EQ(errors_of("InternalHosts /nonexistent/hosts"),
            Lines{"signet.conf:1: InternalHosts: /nonexistent/hosts: No such file or directory"});
}

TEST(ListFile, OfNonsenseGivesTenErrorsAndACount) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "x\n";
  const Lines lines = errors_of("InternalHosts " + folder.write("hosts", text).string());
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].ends_with("; and 4990 more errors"));
  EXPECT_LT(lines[0].size(), 2500u);
}

TEST(ConfigFile, IsReadByName) {
  const TemporaryFolder folder;
  const auto loaded = load_config(folder.write("signet.conf", "Mode v\n"));
  ASSERT_TRUE(std::holds_alternative<Config>(loaded));
  EXPECT_FALSE(std::get<Config>(loaded).sign);
}

TEST(ConfigFile, ErrorsNameIt) {
  const TemporaryFolder folder;
  const std::string path = folder.write("signet.conf", "Mode\n");
  const auto loaded = load_config(path);
  ASSERT_TRUE(std::holds_alternative<ConfigErrors>(loaded));
  EXPECT_EQ(std::get<ConfigErrors>(loaded).lines,
            Lines{path + ":1: Mode: want s|v|sv, got nothing"});
}

TEST(ConfigFile, MustBeARegularFileOfModestSize) {
  const TemporaryFolder folder;
  const std::string fifo = folder.path() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const std::string large = folder.write("large", std::string(1024 * 1024 + 1, '#'));
  const std::pair<std::string, std::string> cases[] = {
      {folder.path() / "absent", ": No such file or directory"},
      {folder.path(), ": not a regular file"},
      {fifo, ": not a regular file"},
      {large, ": larger than 1 MiB"},
  };
  for (const auto& [path, reason] : cases) {
    const auto loaded = load_config(path);
    ASSERT_TRUE(std::holds_alternative<ConfigErrors>(loaded)) << path;
    EXPECT_EQ(std::get<ConfigErrors>(loaded).lines, Lines{path + reason});
  }
}

}  // namespace
}  // namespace signet
