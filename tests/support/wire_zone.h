// SPDX-License-Identifier: BSD-2-Clause
//
// WireZone: the records behind DnsServer, kept as ldns keeps them so that replies hold what a real
// server would send: the CNAMEs on the way, the SOA of a negative answer, signatures if asked for.
// (ZoneData, by contrast, gives finished Answers.) One thread at a time.

#pragma once

// ldns makes macros of bool, true and false unless stdbool.h was there before it, and not all of
// the standard library's headers survive that.
// clang-format off
#include <stdbool.h>
#include <ldns/ldns.h>
// clang-format on

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace signet {

struct LdnsFree {
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
  void operator()(ldns_rdf* field) const { ldns_rdf_deep_free(field); }
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(ldns_rr_list* list) const { ldns_rr_list_deep_free(list); }
  void operator()(ldns_key_list* keys) const { ldns_key_list_free(keys); }
};
using LdnsRecord = std::unique_ptr<ldns_rr, LdnsFree>;
using LdnsName = std::unique_ptr<ldns_rdf, LdnsFree>;
using LdnsPacket = std::unique_ptr<ldns_pkt, LdnsFree>;

class WireZone {
 public:
  /// Throws std::invalid_argument with the line and the reason if the text does not parse.
  explicit WireZone(std::string_view text);

  void add(LdnsRecord record);

  /// Adds a DNSKEY for `zone` and an RRSIG for every RRset; returns the DNSKEY as text.
  std::string sign(std::string_view zone);

  /// Fills the reply's sections and its rcode. `with_signatures`: the question had the DO bit.
  void answer(const ldns_rr& question, bool with_signatures, ldns_pkt& reply) const;

 private:
  using Records = std::vector<LdnsRecord>;

  const Records* find(const std::string& name) const;
  bool exists(const std::string& name) const;
  void push_soa(std::string name, bool with_signatures, ldns_pkt& reply) const;

  std::map<std::string, Records> records_;  // by owner, lower case, with the final dot
};

/// How names are spelled as keys here: presentation format, lower case, with the final dot.
std::string wire_key(const ldns_rdf& name);

}  // namespace signet
