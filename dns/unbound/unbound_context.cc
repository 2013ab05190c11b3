// SPDX-License-Identifier: BSD-2-Clause
//
// Which of libunbound's many options are set, and why. Everything is asked of forwarders: those of
// `Nameservers`, or those of /etc/resolv.conf; libunbound as used here never goes to the root.

#include "dns/unbound/unbound_context.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dns/ip.h"
#include "dns/text_file.h"

namespace signet {
namespace {

constexpr size_t kMaxAnchorOctets = 1024 * 1024;

struct Setting {
  const char* option;
  const char* value;
};

constexpr Setting kSettings[] = {
    // AnswerCache stands in front; libunbound's own caches only need to hold what is in flight.
    {"msg-cache-size:", "128k"},
    {"rrset-cache-size:", "128k"},
    {"cache-max-ttl:", "86400"},
    {"cache-max-negative-ttl:", "3600"},
    {"serve-expired:", "no"},
    {"rrset-roundrobin:", "no"},  // records come in the order of the answer
    {"prefetch:", "no"},
    // Its default for a library is 2.
    {"outgoing-num-tcp:", "32"},
    // Milliseconds that an idle one of these is kept for the next question; the default is 60,000.
    {"tcp-reuse-timeout:", "5000"},
    {"num-queries-per-thread:", "4096"},
    // A name server on loopback is the usual case, not an attack.
    {"do-not-query-localhost:", "no"},
    // How long a silent name server is passed over while there are others; the default is 15
    // minutes.
    {"infra-host-ttl:", "60"},
    {"infra-keep-probing:", "yes"},
    // Private addresses' reverse zones are the operator's; see finalize().
    {"unblock-lan-zones:", "yes"},
    {"insecure-lan-zones:", "yes"},
};

Error refused(std::string_view what, int code) {
  return Error{fmt::format("libunbound does not take {}: {}", what, ub_strerror(code))};
}

/// libunbound opens a socket for each question to a name server; when it has none left, questions
/// queue. An eighth of the descriptors the process may have leaves enough to the mail, even with
/// several contexts at once.
int udp_sockets() {
  constexpr rlim_t kFewest = 64;
  constexpr rlim_t kMost = 1024;
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return kFewest;
  return static_cast<int>(std::clamp(descriptors.rlim_cur / 8, kFewest, kMost));
}

std::vector<std::pair<std::string, std::string>> computed_settings(const UnboundOptions& options) {
  return {
      {"module-config:", options.trust_anchor_file.empty() ? "iterator" : "validator iterator"},
      {"outgoing-range:", std::to_string(udp_sockets())},
      // With w = first_wait(), a question leaves after 0, 1, 2 and 4 w and is given up after 6 w:
      // libunbound sends it twice before it doubles the wait and tries (another server) again.
      {"infra-cache-min-rtt:", std::to_string(first_wait(options).count())},
      {"outbound-msg-retry:", "2"}};
}

std::optional<Error> apply_settings(ub_ctx* context, const UnboundOptions& options) {
  auto settings = computed_settings(options);
  for (const auto& [option, value] : kSettings) settings.emplace_back(option, value);
  for (const auto& [option, value] : settings) {
    const int code = ub_ctx_set_option(context, option.c_str(), value.c_str());
    if (code != 0) return refused(fmt::format("{} {}", option, value), code);
  }
  return std::nullopt;
}

/// `ADDRESS` or `ADDRESS@PORT`. libunbound would take much more, such as a name for TLS after `#`.
bool is_name_server(std::string_view text) {
  const size_t at = text.find('@');
  if (!parse_ip_address(text.substr(0, at))) return false;
  if (at == std::string_view::npos) return true;
  const std::string_view port = text.substr(at + 1);
  uint16_t number = 0;
  const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), number);
  return failure == std::errc() && end == port.data() + port.size() && number != 0;
}

std::optional<Error> set_name_servers(ub_ctx* context, const UnboundOptions& options) {
  if (options.nameservers.empty()) {
    const int code = ub_ctx_resolvconf(context, nullptr);
    if (code != 0) return refused("/etc/resolv.conf", code);
  }
  for (const std::string& server : options.nameservers) {
    if (!is_name_server(server)) {
      return Error{
          fmt::format("name server: want an address such as 192.0.2.1 or 127.0.0.1@5353, "
                      "got \"{}\"",
                      server)};
    }
    const int code = ub_ctx_set_fwd(context, server.c_str());
    if (code != 0) return refused("name server " + server, code);
  }
  return std::nullopt;
}

std::optional<Error> set_trust_anchor(ub_ctx* context, const std::string& path) {
  if (path.empty()) return std::nullopt;
  // libunbound reads the file much later and then tells little.
  const Result<std::string> text = read_text_file(path, kMaxAnchorOctets);
  if (!text) return Error{"trust anchor file " + text.error()};
  const int code = ub_ctx_add_ta_file(context, path.c_str());
  if (code != 0) return refused("trust anchor file " + path, code);
  return std::nullopt;
}

void ignore_answer(void*, int, void*, int, int, char*, int) {}

/// Makes libunbound read its configuration and set itself up for the event base, so that a failure
/// is found at start and not by the first message.
///
/// libunbound answers some zones itself with NXDOMAIN (RFC 6761, RFC 6303), because a resolver that
/// goes to the root must. This one asks another: whether 10.in-addr.arpa or host.test exist is for
/// the operator's name server to say, so those zones are opened (the private ones by kSettings). It
/// keeps `localhost`, `invalid` and `onion`, which nobody may look up (RFC 6761 6.3, 6.4, RFC 7686
/// 2).
std::optional<Error> finalize(ub_ctx* context, const UnboundOptions& options) {
  int code = ub_ctx_zone_remove(context, "test.");
  if (code == 0) code = ub_ctx_zone_remove(context, "home.arpa.");  // RFC 8375
  constexpr int kA = 1;
  constexpr int kInternet = 1;
  if (code == 0) {
    code = ub_resolve_event(context, "localhost.", kA, kInternet, nullptr, ignore_answer, nullptr);
  }
  if (code == 0) return std::nullopt;
  // The only thing read so late is the trust anchor file.
  if (options.trust_anchor_file.empty()) return refused("its configuration", code);
  return refused("trust anchor file " + options.trust_anchor_file, code);
}

}  // namespace

std::chrono::milliseconds first_wait(const UnboundOptions& options) {
  constexpr std::chrono::milliseconds kLibunboundsLeast{376};
  return std::max(options.timeout / 5, kLibunboundsLeast);
}

Result<UnboundContext> make_unbound_context(event_base* base, const UnboundOptions& options) {
  UnboundContext context(ub_ctx_create_event(base));
  if (!context) return Error{"libunbound makes no context"};
  // It would write to stderr by itself; what matters comes back with the answers.
  ub_ctx_debugout(context.get(), nullptr);
  auto error = apply_settings(context.get(), options);
  if (!error) error = set_name_servers(context.get(), options);
  if (!error) error = set_trust_anchor(context.get(), options.trust_anchor_file);
  if (!error) error = finalize(context.get(), options);
  if (error) return *std::move(error);
  return context;
}

}  // namespace signet
