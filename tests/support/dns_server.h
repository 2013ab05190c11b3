// SPDX-License-Identifier: BSD-2-Clause
//
// DnsServer: a small real name server for tests, benches and the demo. It listens on 127.0.0.1, UDP
// and TCP, on one port that the kernel chooses, and answers from zone text (RFC 1035 5) with one
// thread of its own. It can also be slow, mute, wrong or hostile, name by name. CNAMEs are followed
// inside the text, wildcards and empty non-terminals work, replies too long for UDP are truncated.
//
// It counts the questions that arrive. Every member may be called from any thread.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace signet {

/// What the server does with questions for one name. The default is an honest answer.
struct DnsBehaviour {
  std::chrono::milliseconds delay{0};  ///< before the reply leaves
  int drop = 0;                        ///< so many questions get no reply; -1: none ever does
  int drop_each = 0;                   ///< of so many questions one gets no reply; 0: all get one
  bool truncate = false;               ///< UDP replies carry TC and no records
  bool dead_tcp = false;               ///< questions over TCP get no reply
  bool wrong_id = false;               ///< the reply's id is not the question's
  std::optional<int> rcode =
      std::nullopt;  ///< 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED: instead of records
  std::optional<std::string> raw =
      std::nullopt;  ///< these octets, after the question's id, are the reply
};

class DnsServer {
 public:
  /// Starts to listen. Throws std::invalid_argument if the text does not parse (with its line), and
  /// std::runtime_error if there is no port.
  explicit DnsServer(std::string_view zone_text = {});
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  uint16_t port() const;
  /// As `Nameservers` wants it: `127.0.0.1@40123`.
  std::string address() const;

  /// From now on, for this name; "." is for all names without a behaviour of their own.
  void behave(std::string_view name, const DnsBehaviour& behaviour);

  /// Adds a TXT record that zone text cannot hold (its lines are limited to some 10,000 octets).
  void add_text(std::string_view name, const std::vector<std::string>& strings, uint32_t ttl);

  /// Signs all records with a new key of `zone` (ECDSA P-256) and returns the DNSKEY record, the
  /// text of a trust anchor file. Names that do not exist are not proven not to.
  std::string sign(std::string_view zone);

  /// Questions that arrived, over UDP and TCP, dropped ones included.
  int question_count() const;
  /// Questions for one name, of any type.
  int question_count(std::string_view name) const;
  /// Questions that came over TCP.
  int tcp_question_count() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace signet
