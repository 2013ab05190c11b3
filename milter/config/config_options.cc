// SPDX-License-Identifier: BSD-2-Clause
//
// The table itself. A row is a call of one of the constructors in option_shapes.h: it names the
// keyword, the member of Config, the range and the help. Defaults are not here: they are the
// initializers in config.h, and the documents print those.

#include "milter/config/config_options.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "milter/config/config_values.h"
#include "milter/config/option_shapes.h"

namespace signet {
namespace {

using namespace std::chrono_literals;
using Text = std::string_view;

// -- Values that one option alone has --

Result<IpNetwork> parse_host_or_network(Text text) {
  if (Result<IpNetwork> network = parse_ip_network(text)) return network;
  return unwanted("an IP address or network such as 192.0.2.0/24", text);
}

Result<std::optional<Name>> parse_signing_domain(Text text) {
  Result<Name> domain = parse_domain(text);
  if (!domain) return unwanted("a domain such as example.com", text);
  return std::optional{*std::move(domain)};
}

std::string print_signing_domain(const std::optional<Name>& domain) {
  return domain ? domain->text() : std::string{};
}

std::string print_authserv_id(const std::string& id) { return id.empty() ? "HOSTNAME" : id; }

/// Mode is two members: sign and verify.
ConfigOption mode_option(Text keyword, Text help) {
  return {.group = {},
          .keyword = keyword,
          .value = "s|v|sv",
          .help = help,
          .set = [](Config& config, Text text) -> Result<bool> {
            const std::string mode = ascii_lower(text);
            if (mode != "s" && mode != "v" && mode != "sv" && mode != "vs") {
              return unwanted("s, v or sv", text);
            }
            config.sign = mode.find('s') != std::string::npos;
            config.verify = mode.find('v') != std::string::npos;
            return true;
          },
          .get =
              [](const Config& config) {
                return std::string{config.sign ? "s" : ""} + (config.verify ? "v" : "");
              }};
}

/// Canonicalization is two members: header and body.
ConfigOption canonicalization_option(Text keyword, Text help) {
  const auto parse = [](Text text) -> Result<bool> {
    if (equals_ignoring_case(text, "relaxed")) return true;
    if (equals_ignoring_case(text, "simple")) return false;
    return Error{};
  };
  return {.group = {},
          .keyword = keyword,
          .value = "HEADER[/BODY]",
          .help = help,
          .set = [=](Config& config, Text text) -> Result<bool> {
            const size_t slash = text.find('/');
            const Result<bool> header = parse(text.substr(0, slash));
            // RFC 6376 3.5: with one name only, the body is "simple".
            const Result<bool> body =
                slash == Text::npos ? Result<bool>{false} : parse(text.substr(slash + 1));
            if (!header || !body) return unwanted("simple or relaxed, as in relaxed/simple", text);
            config.dkim_sign.relaxed_header = *header;
            config.dkim_sign.relaxed_body = *body;
            return true;
          },
          .get =
              [](const Config& config) {
                const auto word = [](bool relaxed) { return relaxed ? "relaxed" : "simple"; };
                return std::string{word(config.dkim_sign.relaxed_header)} + '/' +
                       word(config.dkim_sign.relaxed_body);
              }};
}

std::string print_domain(const Name& domain) { return domain.text(); }

Result<Name> parse_listed_domain(Text text) {
  Result<Name> domain = parse_domain(text);
  if (!domain) return unwanted("a domain such as example.com", text);
  return domain;
}

// -- Words of choices --

constexpr std::array<Choice<bool>, 2> kYesNo = {{{"yes", true}, {"no", false}}};
constexpr std::array<Choice<bool>, 2> kUnsignedBytes = {{{"policy", false}, {"pass", true}}};
constexpr std::array<Choice<LogTarget>, 3> kLogTargets = {{{"syslog", LogTarget::syslog},
                                                           {"journald", LogTarget::journald},
                                                           {"stderr", LogTarget::stderr_}}};
constexpr std::array<Choice<LogLevel>, 4> kLogLevels = {{{"error", LogLevel::error},
                                                         {"warning", LogLevel::warning},
                                                         {"info", LogLevel::info},
                                                         {"debug", LogLevel::debug}}};
constexpr std::array<Choice<FailureAction>, 2> kFailureActions = {
    {{"tempfail", FailureAction::tempfail}, {"accept", FailureAction::accept}}};
constexpr std::array<Choice<DkimEngine>, 2> kDkimEngines = {
    {{"native", DkimEngine::native}, {"libopendkim", DkimEngine::libopendkim}}};
constexpr std::array<Choice<OnKeyMismatch>, 3> kOnKeyMismatch = {
    {{"sign", OnKeyMismatch::sign},
     {"skip", OnKeyMismatch::skip},
     {"tempfail", OnKeyMismatch::tempfail}}};
constexpr std::array<Choice<FragileLines>, 2> kFragileLines = {
    {{"warn", FragileLines::warn}, {"refuse", FragileLines::refuse}}};
constexpr std::array<Choice<CorroboratingSpf>, 3> kCorroboratingSpf = {
    {{"fail", CorroboratingSpf::fail},
     {"softfail", CorroboratingSpf::softfail},
     {"any", CorroboratingSpf::any}}};
constexpr std::array<Choice<OwnDomains>, 3> kOwnDomains = {
    {{"ignore", OwnDomains::ignore},
     {"corroborate", OwnDomains::corroborate},
     {"strict", OwnDomains::strict}}};
constexpr std::array<Choice<AuthResultsFields>, 2> kAuthResultsFields = {
    {{"one", AuthResultsFields::one}, {"each", AuthResultsFields::each}}};
constexpr std::array<Choice<DmarcReject>, 3> kDmarcReject = {
    {{"never", DmarcReject::never},
     {"corroborated", DmarcReject::corroborated},
     {"always", DmarcReject::always}}};
constexpr std::array<Choice<QuarantineAction>, 3> kQuarantineActions = {
    {{"header", QuarantineAction::header},
     {"hold", QuarantineAction::hold},
     {"reject", QuarantineAction::reject}}};
constexpr std::array<Choice<BadFromAction>, 3> kBadFromActions = {
    {{"reject", BadFromAction::reject},
     {"quarantine", BadFromAction::quarantine},
     {"accept", BadFromAction::accept}}};

constexpr std::array<Choice<SpfReject>, 3> kSpfReject = {
    {{"never", SpfReject::never}, {"listed", SpfReject::listed}, {"fail", SpfReject::fail}}};
constexpr std::array<Choice<SpfPermerrorAction>, 2> kSpfPermerrorActions = {
    {{"accept", SpfPermerrorAction::accept}, {"reject", SpfPermerrorAction::reject}}};
constexpr std::array<Choice<IgnoredHostCheck>, 2> kIgnoredHostChecks = {
    {{"skip", IgnoredHostCheck::skip}, {"received", IgnoredHostCheck::received}}};

// -- The rows --

std::vector<ConfigOption> process_options() {
  return {
      text_option("Socket", "local:PATH|inet:PORT@HOST", &Config::socket, parse_socket,
                  "Where the MTA reaches Signet. A Postfix whose smtpd runs in a chroot, as "
                  "Debian's does, needs a path below /var/spool/postfix. For a TCP socket on an "
                  "IPv6 address write inet6:PORT@ADDRESS. Anyone who can connect can have mail "
                  "signed, so keep TCP sockets on the loopback interface."),
      text_option("SocketOwner", "USER[:GROUP]", &Config::socket_owner, parse_user,
                  "Who owns a local socket, if Signet is started by root. Without it the socket "
                  "belongs to the user and group that Signet runs as."),
      option("SocketMode", "MODE", &Config::socket_mode, parse_mode, print_mode,
             "The permissions of a local socket, in octal. The MTA must be able to write to it."),
      text_option("UserID", "USER[:GROUP]", &Config::user_id, parse_user,
                  "The user, and the group, that Signet runs as if it is started by root. systemd "
                  "starts it as the user signet."),
      path_option("PidFile", "FILE", &Config::pid_file,
                  "A file for the process id; systemd needs none."),
      seconds_option("MilterTimeout", &Config::milter_timeout, {10s, 24h},
                     "The longest silence of the MTA within a session before Signet drops the "
                     "connection. Keep it above the MTA's longest SMTP timeout."),
      seconds_option("DrainTimeout", &Config::drain_timeout, {0s, 10min},
                     "How long SIGTERM waits for messages in flight."),
  };
}

std::vector<ConfigOption> log_options() {
  return {
      choice_option("LogTarget", &Config::log_target, kLogTargets,
                    "Where the log goes. The flag -f, and so the systemd unit, overrides it with "
                    "stderr, which systemd connects with the journal."),
      choice_option("LogLevel", &Config::log_level, kLogLevels,
                    "The least severe lines that are logged. At info there is one line for each "
                    "message."),
      text_option("SyslogFacility", "FACILITY", &Config::syslog_facility, parse_facility,
                  "The facility for LogTarget syslog: mail, daemon, user, local0 to local7 and so "
                  "on."),
  };
}

std::vector<ConfigOption> role_options() {
  return {
      option("AuthservID", "NAME", &Config::authserv_id, parse_authserv_id, print_authserv_id,
             "The name under which results are written to Authentication-Results. Fields that "
             "already claim it are removed from incoming mail. HOSTNAME stands for the name that "
             "the MTA gives itself (the macro j), or else this host's. All servers of one site "
             "should use one name."),
      mode_option("Mode",
                  "What Signet does: s signs outgoing mail, v verifies incoming mail, sv does "
                  "both."),
      list_option("InternalHosts", "NETWORK, ...|none", &Config::internal_hosts,
                  parse_host_or_network, print_network,
                  "Clients whose mail is outgoing, like that of authenticated clients: it is "
                  "signed, and never refused on account of DMARC."),
      list_option("SigningListeners", "NAME, ...", &Config::signing_listeners, parse_listener,
                  as_it_is,
                  "Mail that comes in by a listener with one of these {daemon_name} values is "
                  "outgoing. In Postfix's master.cf a listener gets its name by "
                  "-o milter_macro_daemon_name=NAME."),
      list_option("VerifyingListeners", "NAME, ...", &Config::verifying_listeners, parse_listener,
                  as_it_is,
                  "Mail that comes in by a listener with one of these {daemon_name} values is "
                  "incoming, unless the client is authenticated."),
      choice_option("AuthResultsFields", &Config::auth_results_fields, kAuthResultsFields,
                    "Whether all results stand in one Authentication-Results field, or each method "
                    "has one of its own."),
      choice_option("Shadow", &Config::shadow, kYesNo,
                    "With yes everything is found out and logged, and nothing is done: no field is "
                    "added or removed, nothing is signed, held or refused. The log line says what "
                    "would have been done. For a look at what Signet would do beside another "
                    "filter."),
      choice_option("AddAuthResultsForAuthenticated", &Config::add_auth_results_for_authenticated,
                    kYesNo,
                    "Whether mail of authenticated clients gets an Authentication-Results field "
                    "with auth=pass."),
      choice_option("OnInternalError", &Config::on_internal_error, kFailureActions,
                    "What happens to a message when Signet itself fails: tempfail lets the client "
                    "try again later, accept lets the message through unchecked."),
  };
}

std::vector<ConfigOption> dns_options() {
  return {
      list_option("Nameservers", "IP[@PORT], ...", &Config::nameservers, parse_nameserver, as_it_is,
                  "Resolvers to ask. Without it those of /etc/resolv.conf are asked."),
      time_option("DNSTimeout", &Config::dns_timeout, {10ms, 60s},
                  "The longest wait for one answer."),
      time_option("MessageTimeout", &Config::message_timeout, {10ms, 299s},
                  "The longest wait for all answers that one message needs: for SPF from MAIL on "
                  "(RFC 7208 4.6.4 asks for at least 20 s), for DKIM and DMARC from the end of the "
                  "message on. What is not known by then is temperror. It must stay below the "
                  "MTA's milter timeouts; Postfix waits 300 s for the end of a message."),
      number_option("MaximumDNSQuestions", &Config::maximum_dns_questions, {160, 10'000},
                    "Questions that one message may cause. 64 of them are kept for DMARC and 13 "
                    "for SPF of HELO; two for each of MaximumSignatures are for DKIM, if that is "
                    "no more than half of the others; what the SPF limits allow, 111 with their "
                    "defaults, is for SPF of MAIL FROM, and what that leaves for HELO too; DMARC "
                    "gets the rest. None can use up another's share, and what is not asked for "
                    "lack of questions is temperror."),
      number_option("DNSCacheEntries", &Config::dns_cache_entries, {0, 10'000'000},
                    "Answers kept in memory, each for its time to live at most."),
      path_option("TrustAnchorFile", "FILE", &Config::trust_anchor_file,
                  "DS or DNSKEY records to begin DNSSEC validation from, such as "
                  "/usr/share/dns/root.key. Without it nothing is validated."),
      path_option("DNSData", "FILE", &Config::dns_data,
                  "Records in zone file form that are looked at before the DNS is asked: for "
                  "tests, and to try records before they are published."),
  };
}

std::vector<ConfigOption> signing_options() {
  return {
      choice_option("DKIMEngine", &Config::dkim_engine, kDkimEngines,
                    "Who computes signatures, for signing and verifying: native is Signet itself "
                    "with OpenSSL; libopendkim is that library, which is slower and has no verdict "
                    "on some messages. A body longer than 10 MiB, or half of that if two hashes "
                    "of it are wanted, is too much for it: Signet verifies that message itself."),
      path_option("KeyDirectory", "DIRECTORY", &Config::key_directory,
                  "Where the private keys are: DOMAIN/SELECTOR.pem. A message is signed with all "
                  "keys of the domain in its From field. A key file belongs to the user that "
                  "Signet runs as and only that user can read it (mode 0600), or it belongs to "
                  "root and the user's group can read it too (0640)."),
      option("Domain", "DOMAIN", &Config::domain, parse_signing_domain, print_signing_domain,
             "A domain whose key lies elsewhere; it needs Selector and KeyFile too."),
      text_option("Selector", "NAME", &Config::selector, parse_selector,
                  "The selector of the key in KeyFile."),
      path_option("KeyFile", "FILE", &Config::key_file,
                  "The private key for Domain and Selector, in PEM form."),
      text_option("KeyTable", "FILE", &Config::key_table, parse_table_path,
                  "OpenDKIM's table of keys, as it is: lines of NAME DOMAIN:SELECTOR:KEYFILE, "
                  "where the DOMAIN % stands for that of the From field. SigningTable refers to "
                  "the names."),
      text_option("SigningTable", "[refile:]FILE", &Config::signing_table, parse_signing_table,
                  "OpenDKIM's table that says which key signs for which author, as it is: lines of "
                  "PATTERN NAME [AUID]. A plain table is looked at for user@host, host, user@.host "
                  "and so on; with refile: the first line whose pattern fits counts. An author "
                  "whom no line fits is signed for from KeyDirectory."),
      choice_option("SignSubdomains", &Config::sign_subdomains, kYesNo,
                    "Whether mail from a subdomain without keys of its own is signed with those of "
                    "the nearest domain above it."),
      path_option("SenderLogins", "FILE", &Config::sender_logins,
                  "Which login may have mail signed for which domains. Each line holds a login and "
                  "its domains with commas between them; the login * stands for all that have no "
                  "line, and the domain * for all. Mail of another author is treated as incoming. "
                  "Without it every authenticated client may use every domain that has a key."),
      canonicalization_option(
          "Canonicalization",
          "How header and body are normalized before signing, each simple or relaxed. If only one "
          "is given it is the header's, and the body's is simple."),
      seconds_option("SignatureTTL", in(&Config::dkim_sign, &DkimSignOptions::signature_ttl),
                     {0s, 24h * 365},
                     "For how long a signature is valid (x=). With 0 it does not expire."),
      list_option("SignHeaders", "NAME, ...",
                  in(&Config::dkim_sign, &DkimSignOptions::sign_headers), parse_field_name,
                  as_it_is, "Header fields that are signed if they are there. From always is."),
      list_option("OversignHeaders", "NAME, ...",
                  in(&Config::dkim_sign, &DkimSignOptions::oversign_headers), parse_field_name,
                  as_it_is,
                  "Header fields that are signed once more than they are there, so that nobody can "
                  "add one without breaking the signature. From always is."),
      choice_option("LongLines", &Config::long_lines, kFragileLines,
                    "What happens to outgoing mail with a line of more than 998 octets, which a "
                    "server behind us may cut: warn signs it and says so in the log, refuse sends "
                    "it without a signature."),
      choice_option("BareNewlines", &Config::bare_newlines, kFragileLines,
                    "The same for mail with a CR or LF that stands alone, which a server behind us "
                    "may change."),
      seconds_option("KeyCheckInterval", &Config::key_check_interval, {0s, 24h * 30},
                     "How often each key is compared with its record in the DNS, besides at start "
                     "and reload. With 0 never, not even then."),
      choice_option("OnKeyMismatch", &Config::on_key_mismatch, kOnKeyMismatch,
                    "What happens if none of the keys for a message matches its record in the DNS: "
                    "sign uses them nevertheless, skip sends the message without a signature, "
                    "tempfail lets the client try again later. As long as one matches, those that "
                    "do not are left out."),
      choice_option("OnSignFailure", &Config::on_sign_failure, kFailureActions,
                    "What happens to outgoing mail that should be signed and cannot be: tempfail "
                    "lets the client try again later, accept sends it unsigned."),
  };
}

std::vector<ConfigOption> verifying_options() {
  const auto verify = [](auto member) { return in(&Config::dkim_verify, member); };
  return {
      number_option("MinimumKeyBits", verify(&DkimVerifyOptions::minimum_key_bits), {1024, 16'384},
                    "Signatures by shorter RSA keys do not pass (RFC 8301)."),
      number_option("MaximumKeyBits", verify(&DkimVerifyOptions::maximum_key_bits), {1024, 16'384},
                    "Signatures by longer RSA keys do not pass; they cost too much time."),
      seconds_option("ClockDrift", verify(&DkimVerifyOptions::clock_drift), {0s, 24h},
                     "How far the signer's clock may be off, when t= and x= are compared with "
                     "ours."),
      number_option("MaximumSignatures", verify(&DkimVerifyOptions::maximum_signatures), {1, 100},
                    "Signatures that are evaluated in one message, those of the From domain "
                    "first."),
      number_option("MaximumSignaturesPresent",
                    verify(&DkimVerifyOptions::maximum_signatures_present), {1, 1000},
                    "With more signatures than this in a message none is evaluated."),
      number_option("MaximumSignedFields", verify(&DkimVerifyOptions::maximum_signed_fields),
                    {1, 10'000}, "Field names that one signature may list (h=)."),
      number_option("MaximumHeaderFields", verify(&DkimVerifyOptions::maximum_header_fields),
                    {1, 100'000},
                    "Header fields of a message. With more none of its signatures is evaluated: "
                    "policy."),
      number_option("MaximumHeaderOctets", verify(&DkimVerifyOptions::maximum_header_octets),
                    {65'536, 64 * 1024 * 1024},
                    "Octets of all header fields of a message together. With more none of its "
                    "signatures is evaluated: policy. DKIMEngine libopendkim takes 1048576 at "
                    "most, whatever stands here."),
      number_option("MaximumTagListOctets", verify(&DkimVerifyOptions::maximum_tag_list_octets),
                    {1024, 65'535},
                    "Octets of one DKIM-Signature field, key record or DMARC record. A longer "
                    "signature is policy, a longer record permerror."),
      number_option("MaximumBodyHashes", verify(&DkimVerifyOptions::maximum_body_hashes), {1, 100},
                    "Hashes of the body that are computed for one message, those for the From "
                    "domain first; simple and relaxed canonicalization, and each l=, need one of "
                    "their own. Other signatures are policy. DKIMEngine libopendkim computes 4 at "
                    "most, whatever stands here."),
      choice_option("UnsignedBytes", verify(&DkimVerifyOptions::unsigned_bytes_pass),
                    kUnsignedBytes,
                    "The result of a good signature that leaves a part of the body unsigned (l=). "
                    "Anything can be put there, hence policy."),
  };
}

std::vector<ConfigOption> spf_options() {
  const auto limit = [](auto member) { return in(&Config::spf_limits, member); };
  return {
      choice_option("SPFReject", &Config::spf_reject, kSpfReject,
                    "Whether a message is refused (550 5.7.23) because SPF fails for MAIL FROM. "
                    "Forwarded mail fails SPF without anyone's fault, so the default is never. "
                    "listed refuses only for domains that send no mail at all, their whole policy "
                    "being \"v=spf1 -all\"; fail refuses for every fail."),
      choice_option("HELOReject", &Config::helo_reject, kSpfReject,
                    "The same for SPF of the name in HELO or EHLO."),
      choice_option("SPFOnTempError", &Config::spf_on_temperror, kFailureActions,
                    "What happens when the DNS does not answer for SPF of MAIL FROM: accept goes "
                    "on with temperror, tempfail lets the client try again later (451 4.7.24)."),
      choice_option("SPFOnPermError", &Config::spf_on_permerror, kSpfPermerrorActions,
                    "What happens when the SPF policy of MAIL FROM is broken: accept goes on with "
                    "permerror, reject refuses the message (550 5.7.24)."),
      list_option("SPFIgnoreHosts", "NETWORK, ...", &Config::spf_ignore_hosts,
                  parse_host_or_network, print_network,
                  "Our own forwarders and secondary MXs. SPF would judge them instead of the "
                  "client that came to them."),
      choice_option("SPFIgnoredHostCheck", &Config::spf_ignored_host_check, kIgnoredHostChecks,
                    "What SPF does with mail from SPFIgnoreHosts: skip checks nothing, received "
                    "checks the client that such a host reports in its Received field."),
      choice_option("ReceivedSPF", &Config::received_spf, kYesNo,
                    "Whether verified mail gets a Received-SPF field besides "
                    "Authentication-Results."),
      choice_option("SPFExplanation", &Config::spf_explanation, kYesNo,
                    "Whether a message refused by SPFReject fail is told the explanation that the "
                    "domain publishes (exp=). It is the text of a stranger."),
      number_option("MaximumSPFTerms", limit(&SpfLimits::terms), {1, 50},
                    "Mechanisms and modifiers of one policy that query the DNS. With more the "
                    "result is permerror; RFC 7208 4.6.4 sets 10. The time limit of SPF is "
                    "MessageTimeout."),
      number_option("MaximumSPFVoidLookups", limit(&SpfLimits::void_lookups), {0, 50},
                    "Answers without data that one policy may lead to. With more the result is "
                    "permerror (RFC 7208 4.6.4)."),
      number_option("MaximumSPFMXHosts", limit(&SpfLimits::mx_names), {1, 50},
                    "MX records that an mx mechanism may find. With more the result is permerror "
                    "(RFC 7208 4.6.4)."),
      number_option("MaximumSPFPTRNames", limit(&SpfLimits::ptr_names), {1, 50},
                    "Names of the client that a ptr mechanism looks at. The others are ignored, as "
                    "RFC 7208 4.6.4 wants it."),
  };
}

std::vector<ConfigOption> dmarc_options() {
  return {
      choice_option(
          "DMARCReject", &Config::dmarc_reject, kDmarcReject,
          "When to refuse a message that fails DMARC and whose domain asks for reject. "
          "RFC 9989 forbids doing so for that reason alone, because it loses mail that "
          "went through mailing lists and forwarders. Hence corroborated: refuse if SPF "
          "says fail, no DKIM signature passes and it is not mail of a list or of a known "
          "forwarder, or if the domain is one of ours; else do what QuarantineAction "
          "says. With always every such message is refused, with never it is delivered "
          "and only marked."),
      choice_option("CorroboratingSPF", &Config::corroborating_spf, kCorroboratingSpf,
                    "For DMARCReject corroborated: the SPF result of MAIL FROM that speaks against "
                    "a message. softfail includes fail; any includes none, neutral and permerror "
                    "too, and even pass for a domain that does not align."),
      choice_option("SpareMailingLists", &Config::spare_mailing_lists, kYesNo,
                    "For DMARCReject corroborated: whether a message with a List-Id or another "
                    "List field is not refused. Anybody can write such a field."),
      choice_option(
          "SpareSigned", &Config::spare_signed, kYesNo,
          "For DMARCReject corroborated: whether a message is not refused that has a DKIM "
          "signature that passes, of whatever domain."),
      list_option("KnownForwarders", "NETWORK, ...", &Config::known_forwarders,
                  parse_host_or_network, print_network,
                  "For DMARCReject corroborated: clients that forward mail, whose messages are not "
                  "refused."),
      choice_option("OwnDomains", &Config::own_domains, kOwnDomains,
                    "What is done with mail from our own domains that fails DMARC and comes from "
                    "outside: corroborate refuses it if the domain asks for reject, whatever else "
                    "there is; strict refuses it whatever the domain asks for, and without a DMARC "
                    "record too, unless SPF or DKIM passes for the very domain; ignore treats it "
                    "like any other. Our own domains are those we hold keys for, "
                    "ProtectedDomains, and all below them."),
      list_option("ProtectedDomains", "DOMAIN, ...", &Config::protected_domains,
                  parse_listed_domain, print_domain,
                  "Domains of ours that no key is held for here."),
      path_option("PolicyTable", "FILE", &Config::policy_table,
                  "What is done with the mail of certain authors, senders, clients, signers and "
                  "lists, whatever their domains ask for; see POLICY TABLE in this page."),
      text_option(
          "RejectText", "TEXT", &Config::reject_text, parse_reject_text,
          "The text of the reply to a message that DMARC or PolicyTable refuses, behind "
          "550 5.7.1. {domain} stands for the domain of the From field, {reason} for why in "
          "a few words. Without it a text of our own says as much."),
      choice_option("QuarantineAction", &Config::quarantine_action, kQuarantineActions,
                    "What quarantine means: header delivers the message, marked by dmarc=fail in "
                    "Authentication-Results for filters behind; hold puts it into the MTA's hold "
                    "queue; reject refuses it."),
      choice_option("BadFrom", &Config::bad_from, kBadFromActions,
                    "What happens to a message whose From field names no domain, several domains "
                    "or cannot be read, or that has not exactly one From field. It never passes "
                    "DMARC."),
      choice_option("DMARCOnTempError", &Config::dmarc_on_temperror, kFailureActions,
                    "What happens when a DNS error leaves it open whether a message passes: accept "
                    "goes on with temperror, tempfail lets the client try again later (451 4.7.0). "
                    "Whoever can break the DNS of a name below the author's domain can cause it."),
      number_option(
          "MaximumDMARCQueries", &Config::maximum_dmarc_queries, {1, kMaxDmarcWalkQueries},
          "Questions of one tree walk. RFC 9989 4.10 never needs more than 8; a walk that "
          "would need more than stands here is not made, and the result is permerror "
          "unless another domain aligns."),
  };
}

struct Group {
  Text heading;
  std::vector<ConfigOption> (*rows)();
};

constexpr std::array<Group, 8> kGroups = {{
    {"The socket and the process", process_options},
    {"What is logged", log_options},
    {"Whose mail is signed, whose is verified", role_options},
    {"The DNS", dns_options},
    {"DKIM: signing", signing_options},
    {"DKIM: verifying", verifying_options},
    {"SPF", spf_options},
    {"DMARC", dmarc_options},
}};

std::vector<ConfigOption> all_options() {
  std::vector<ConfigOption> all;
  for (const Group& group : kGroups) {
    for (ConfigOption& row : group.rows()) {
      row.group = group.heading;
      all.push_back(std::move(row));
    }
  }
  return all;
}

}  // namespace

std::span<const ConfigOption> config_options() {
  static const std::vector<ConfigOption> kOptions = all_options();
  return kOptions;
}

const ConfigOption* find_option(std::string_view keyword) {
  for (const ConfigOption& row : config_options()) {
    if (equals_ignoring_case(row.keyword, keyword)) return &row;
  }
  return nullptr;
}

}  // namespace signet
