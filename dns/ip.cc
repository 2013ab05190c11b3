// SPDX-License-Identifier: BSD-2-Clause
//
// Addresses and networks: text in and out through inet_pton and inet_ntop, comparison by bits.

#include "dns/ip.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <optional>

namespace signet {
namespace {

// RFC 4291 2.5.5.2: ::ffff:0:0/96 holds the IPv4-mapped addresses.
constexpr std::array<uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedPrefixBits = 96;

/// A prefix length as RFC 7208 5.6 writes it: decimal, no sign, no leading zero.
std::optional<int> parse_prefix(std::string_view text, int limit) {
  int bits = 0;
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (bits < 0 || bits > limit) return std::nullopt;
  return bits;
}

std::string in_addr_arpa(const IpAddress& address) {
  const auto& o = address.octets();
  return fmt::format("{}.{}.{}.{}.in-addr.arpa", o[3], o[2], o[1], o[0]);
}

/// RFC 3596 2.5: one label for each nibble, the lowest first.
std::string ip6_arpa(const IpAddress& address) {
  std::string text;
  for (size_t i = address.octets().size(); i-- > 0;) {
    const uint8_t octet = address.octets()[i];
    text += fmt::format("{:x}.{:x}.", octet & 0xf, octet >> 4);
  }
  return text + "ip6.arpa";
}

}  // namespace

IpAddress IpAddress::v4(std::array<uint8_t, 4> octets) {
  IpAddress address;
  std::copy(octets.begin(), octets.end(), address.octets_.begin());
  return address;
}

IpAddress IpAddress::v6(std::array<uint8_t, 16> octets) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin())) {
    return v4({octets[12], octets[13], octets[14], octets[15]});
  }
  IpAddress address;
  address.v4_ = false;
  address.octets_ = octets;
  return address;
}

std::optional<IpAddress> ip_address_of(const sockaddr* peer) {
  if (peer != nullptr && peer->sa_family == AF_INET) {
    std::array<uint8_t, 4> octets{};
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in*>(peer)->sin_addr, 4);
    return IpAddress::v4(octets);
  }
  if (peer != nullptr && peer->sa_family == AF_INET6) {
    std::array<uint8_t, 16> octets{};
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in6*>(peer)->sin6_addr, 16);
    return IpAddress::v6(octets);
  }
  return std::nullopt;
}

Result<IpAddress> parse_ip_address(std::string_view text) {
  // inet_pton takes a C string: a NUL would hide what comes after it.
  if (text.size() < INET6_ADDRSTRLEN && text.find('\0') == std::string_view::npos) {
    const std::string c_text(text);
    std::array<uint8_t, 4> four{};
    if (inet_pton(AF_INET, c_text.c_str(), four.data()) == 1) return IpAddress::v4(four);
    std::array<uint8_t, 16> sixteen{};
    if (inet_pton(AF_INET6, c_text.c_str(), sixteen.data()) == 1) return IpAddress::v6(sixteen);
  }
  return Error{"want an IP address such as 192.0.2.1 or 2001:db8::1"};
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  const char* written = inet_ntop(family, address.octets().data(), text.data(), text.size());
  assert(written != nullptr);
  return written;
}

Name reverse_name(const IpAddress& address) {
  const auto name = parse_query_name(address.is_v4() ? in_addr_arpa(address) : ip6_arpa(address));
  assert(name.ok());
  return *name;
}

bool IpNetwork::contains(const IpAddress& other) const {
  if (address.is_v4() != other.is_v4()) return false;
  const size_t whole = static_cast<size_t>(prefix) / 8;
  const auto& mine = address.octets();
  const auto& theirs = other.octets();
  if (!std::equal(mine.begin(), mine.begin() + whole, theirs.begin())) return false;
  const int rest = prefix % 8;
  return rest == 0 || ((mine[whole] ^ theirs[whole]) >> (8 - rest)) == 0;
}

Result<IpNetwork> parse_ip_network(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = parse_ip_address(text.substr(0, slash));
  if (!address) return Error{address.error()};
  if (slash == std::string_view::npos) return IpNetwork{*address, address->bits()};
  // A mapped network is written in IPv6 bits and kept in IPv4 bits.
  const bool mapped = address->is_v4() && text.find(':') < slash;
  const int skipped = mapped ? kMappedPrefixBits : 0;
  const int limit = skipped + address->bits();
  const auto prefix = parse_prefix(text.substr(slash + 1), limit);
  if (!prefix || *prefix < skipped) {
    return Error{fmt::format("want a prefix length from {} to {} after the slash", skipped, limit)};
  }
  return IpNetwork{*address, *prefix - skipped};
}

std::string to_string(const IpNetwork& network) {
  return fmt::format("{}/{}", to_string(network.address), network.prefix);
}

}  // namespace signet
