// SPDX-License-Identifier: BSD-2-Clause
//
// IpAddress and IpNetwork: the client's address, and the CIDR networks that SPF records and the
// configuration compare it with. IPv4-mapped IPv6 addresses are IPv4 (RFC 7208 5).

#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dns/name.h"
#include "dns/result.h"

namespace signet {

/// An IPv4 or IPv6 address. `octets` holds 4 or 16 of them in network order; the rest are zero.
class IpAddress {
 public:
  /// 0.0.0.0
  IpAddress() = default;
  static IpAddress v4(std::array<uint8_t, 4> octets);
  /// An IPv4-mapped address (::ffff:a.b.c.d) becomes the IPv4 address it stands for.
  static IpAddress v6(std::array<uint8_t, 16> octets);

  bool is_v4() const { return v4_; }
  /// 32 or 128.
  int bits() const { return v4_ ? 32 : 128; }
  const std::array<uint8_t, 16>& octets() const { return octets_; }

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  bool v4_ = true;
  std::array<uint8_t, 16> octets_{};
};

/// The address of a peer; nothing for a null pointer or a family other than IPv4 and IPv6.
std::optional<IpAddress> ip_address_of(const sockaddr* peer);
/// Dotted quad or RFC 4291 text, without brackets, port or zone. Mapped IPv6 becomes IPv4.
Result<IpAddress> parse_ip_address(std::string_view text);
/// Dotted quad, or RFC 5952 text for IPv6.
std::string to_string(const IpAddress& address);
/// The name to ask for a PTR record: `1.2.0.192.in-addr.arpa`, `...ip6.arpa`.
Name reverse_name(const IpAddress& address);

/// An address and a prefix length in bits; host bits of the address are ignored in comparisons.
struct IpNetwork {
  IpAddress address;
  int prefix = 32;  ///< bits, 0 to address.bits()

  /// False if the families differ.
  bool contains(const IpAddress& other) const;
  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;
};

/// `192.0.2.0/24`, `2001:db8::/32`, or a lone address (its whole length is the prefix).
Result<IpNetwork> parse_ip_network(std::string_view text);
std::string to_string(const IpNetwork& network);

}  // namespace signet
