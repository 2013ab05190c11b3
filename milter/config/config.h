// SPDX-License-Identifier: BSD-2-Clause
//
// Config: everything an administrator can choose, as one constant value. Each member is one row of
// the table in config_options.cc, from which the parser, the defaults, conf/signet.conf and the
// list in signet.conf(5) all come. A running daemon holds a std::shared_ptr<const Config>; reload
// makes a new one and swaps the pointer, so a message ends under the config it began with.

#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "crypto/dkim.h"
#include "dns/dmarc.h"
#include "dns/ip.h"
#include "dns/name.h"
#include "dns/result.h"
#include "dns/spf/spf_check.h"

namespace signet {

/// When a failing message whose Domain Owner asks for "reject" is refused (RFC 9989 7.4).
enum class DmarcReject { never, corroborated, always };
/// Which SPF results of MAIL FROM speak against a message whose domain asks for reject.
enum class CorroboratingSpf { fail, softfail, any };
/// What mail from our own domains is that comes from outside and proves nothing.
enum class OwnDomains { ignore, corroborate, strict };
/// One Authentication-Results field for all methods, or one for each.
enum class AuthResultsFields { one, each };
/// What quarantine means here.
enum class QuarantineAction { header, hold, reject };
/// A From that names no single Author Domain.
enum class BadFromAction { reject, quarantine, accept };
/// When an SPF result alone refuses a message. `listed`: only what a domain forbids that sends no
/// mail at all, its whole policy being "v=spf1 -all".
enum class SpfReject { never, listed, fail };
/// What an SPF permerror does.
enum class SpfPermerrorAction { accept, reject };
/// Which client SPF is asked about when our own forwarder or secondary MX delivers.
enum class IgnoredHostCheck { skip, received };
/// What happens to mail whose only keys do not match their published records.
enum class OnKeyMismatch { sign, skip, tempfail };
/// What happens to outgoing mail whose lines the next server may change: signed with a warning in
/// the log, or sent without a signature.
enum class FragileLines { warn, refuse };
/// What happens to a message that we fail to deal with.
enum class FailureAction { tempfail, accept };
enum class LogTarget { syslog, journald, stderr_ };
enum class LogLevel { error, warning, info, debug };

/// 127.0.0.1 and ::1.
inline std::vector<IpNetwork> loopback_networks() {
  constexpr std::array<uint8_t, 16> kOne = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return {{IpAddress::v4({127, 0, 0, 1}), 32}, {IpAddress::v6(kOne), 128}};
}

struct Config {
  // The socket and the process
  std::string socket = "local:/run/signet/signet.sock";  ///< local:PATH or inet:PORT@HOST
  std::string socket_owner;        ///< USER or USER:GROUP; empty: the service user's
  int socket_mode = 0660;          ///< octal permission bits
  std::string user_id = "signet";  ///< USER or USER:GROUP to run as; empty: stay
  std::string pid_file;
  std::chrono::seconds milter_timeout{7210};  ///< longest silence of the MTA
  std::chrono::seconds drain_timeout{30};     ///< wait for messages in flight at SIGTERM

  // What is logged
  LogTarget log_target = LogTarget::syslog;
  LogLevel log_level = LogLevel::info;
  std::string syslog_facility = "mail";

  // Who is who
  std::string authserv_id;  ///< empty: the MTA's name for itself, or this host's
  bool sign = true;         ///< Mode s or sv
  bool verify = true;       ///< Mode v or sv
  std::vector<IpNetwork> internal_hosts = loopback_networks();
  std::vector<std::string> signing_listeners;    ///< {daemon_name} of listeners that sign
  std::vector<std::string> verifying_listeners;  ///< {daemon_name} of listeners that verify

  // The DNS
  std::vector<std::string> nameservers;
  std::chrono::milliseconds dns_timeout{5000};
  std::chrono::milliseconds message_timeout{20000};
  std::string trust_anchor_file;
  std::string dns_data;
  int dns_cache_entries = 50'000;
  int maximum_dns_questions = 204;  ///< per message

  // SPF
  SpfReject spf_reject = SpfReject::never;   ///< for MAIL FROM
  SpfReject helo_reject = SpfReject::never;  ///< for HELO
  FailureAction spf_on_temperror = FailureAction::accept;
  SpfPermerrorAction spf_on_permerror = SpfPermerrorAction::accept;
  std::vector<IpNetwork> spf_ignore_hosts;  ///< our own forwarders and secondary MXs
  IgnoredHostCheck spf_ignored_host_check = IgnoredHostCheck::skip;
  bool received_spf = false;     ///< add the field of RFC 7208 9.1
  bool spf_explanation = false;  ///< put the domain's exp= into the reply
  SpfLimits spf_limits;

  // DKIM
  DkimEngine dkim_engine = DkimEngine::native;
  std::string key_directory = "/etc/signet/keys";
  std::optional<Name> domain;  ///< signed with key_file under selector
  std::string selector;
  std::string key_file;
  std::string key_table;         ///< OpenDKIM's; a path
  std::string signing_table;     ///< OpenDKIM's; a path, or refile:PATH
  bool sign_subdomains = false;  ///< sign for a.example.com with the keys of example.com
  std::string sender_logins;     ///< a path: which login may sign for which domains
  FragileLines long_lines = FragileLines::warn;       ///< over 998 octets
  FragileLines bare_newlines = FragileLines::warn;    ///< CR or LF alone
  std::chrono::seconds key_check_interval{4 * 3600};  ///< 0: keys are not compared with the DNS
  OnKeyMismatch on_key_mismatch = OnKeyMismatch::sign;
  DkimSignOptions dkim_sign;
  DkimVerifyOptions dkim_verify;
  FailureAction on_sign_failure = FailureAction::tempfail;

  // DMARC
  DmarcReject dmarc_reject = DmarcReject::corroborated;
  CorroboratingSpf corroborating_spf = CorroboratingSpf::fail;
  bool spare_mailing_lists = true;          ///< List-* fields speak for a message
  bool spare_signed = true;                 ///< so does any DKIM pass
  std::vector<IpNetwork> known_forwarders;  ///< so do these clients
  OwnDomains own_domains = OwnDomains::corroborate;
  std::vector<Name> protected_domains;  ///< ours, besides those we hold keys for
  std::string policy_table;             ///< a path
  std::string
      reject_text;  ///< of DMARC and PolicyTable, with {domain} and {reason}; empty: built in
  QuarantineAction quarantine_action = QuarantineAction::header;
  BadFromAction bad_from = BadFromAction::reject;
  FailureAction dmarc_on_temperror = FailureAction::accept;
  int maximum_dmarc_queries = kMaxDmarcWalkQueries;  ///< of one tree walk

  // What is told
  AuthResultsFields auth_results_fields = AuthResultsFields::one;
  bool shadow = false;  ///< find out everything, log it, and change nothing
  bool add_auth_results_for_authenticated = false;

  // When things go wrong
  FailureAction on_internal_error = FailureAction::tempfail;

  /// Where an option stands: `FILE:LINE` by keyword, for those that a file sets.
  std::map<std::string, std::string, std::less<>> places;
  /// `FILE:LINE: KEYWORD`, as far as there is one; for messages about what an option names.
  std::string place_of(std::string_view keyword) const;

  DmarcLimits dmarc_limits() const {
    return {maximum_dmarc_queries, static_cast<size_t>(dkim_verify.maximum_tag_list_octets)};
  }
};

/// What is wrong in a configuration, one line each: `FILE:LINE: KEYWORD: what was expected`.
struct ConfigErrors {
  std::vector<std::string> lines;
};

/// Parses the text of a configuration file; `source` is its name for messages. All errors are
/// found at once. Does not look at other files than those that list options name.
std::variant<Config, ConfigErrors> parse_config(std::string_view text, std::string_view source);

/// Reads and parses a file.
std::variant<Config, ConfigErrors> load_config(const std::string& path);

}  // namespace signet
