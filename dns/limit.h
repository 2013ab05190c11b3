// SPDX-License-Identifier: BSD-2-Clause
//
// Limit: the budgets of one message, each named for the keyword that sets it. What a sender can
// make us do is bounded, and whoever stops at such a bound says so beside the reason that is shown
// to people: in a LimitSet, which goes with the verdicts into the message's log line and counters.
// A verdict that a limit took part in is permerror, temperror or policy, never pass and never fail.
// The one exception is RFC 7208's own: of too many PTR names the rest is ignored.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace signet {

enum class Limit : uint8_t {
  message_time,
  dns_questions,
  spf_terms,
  spf_void_lookups,
  spf_mx_hosts,
  spf_ptr_names,
  dmarc_queries,
  tag_list_octets,  ///< of a DKIM-Signature field, a key record, a DMARC record
  header_fields,
  header_octets,
  signatures_present,
  signatures,
  signed_fields,
  body_hashes,
  least_key_bits,
  most_key_bits,
};

inline constexpr std::array<Limit, 16> kAllLimits = {
    Limit::message_time,  Limit::dns_questions, Limit::spf_terms,          Limit::spf_void_lookups,
    Limit::spf_mx_hosts,  Limit::spf_ptr_names, Limit::dmarc_queries,      Limit::tag_list_octets,
    Limit::header_fields, Limit::header_octets, Limit::signatures_present, Limit::signatures,
    Limit::signed_fields, Limit::body_hashes,   Limit::least_key_bits,     Limit::most_key_bits,
};

/// The keyword of signet.conf that sets it, so that a log line says what could be changed.
std::string_view to_string(Limit limit);

/// The limits that were reached.
class LimitSet {
 public:
  void add(std::optional<Limit> limit) {
    if (limit) bits_ |= bit(*limit);
  }
  void add(LimitSet others) { bits_ |= others.bits_; }
  bool has(Limit limit) const { return (bits_ & bit(limit)) != 0; }
  bool empty() const { return bits_ == 0; }
  friend bool operator==(const LimitSet&, const LimitSet&) = default;

 private:
  static uint32_t bit(Limit limit) { return uint32_t{1} << static_cast<unsigned>(limit); }
  uint32_t bits_ = 0;
};

}  // namespace signet
