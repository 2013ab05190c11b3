// SPDX-License-Identifier: BSD-2-Clause
//
// Status, DNSSEC and TTL, then item after item to the end: a letter that tells what it is, and its
// octets. Numbers are in network order, as WireReader reads them.

#include "dns/unbound/packed_answer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <utility>

#include "dns/unbound/wire_reader.h"

namespace signet {
namespace {

// Letters of items.
constexpr uint8_t kV4 = '4';
constexpr uint8_t kV6 = '6';
constexpr uint8_t kText = 't';
constexpr uint8_t kExchange = 'm';
constexpr uint8_t kName = 'n';
constexpr uint8_t kError = 'e';

class Packer {
 public:
  void u8(uint8_t number) { octets_ += static_cast<char>(number); }
  void u16(uint16_t number) {
    u8(static_cast<uint8_t>(number >> 8));
    u8(static_cast<uint8_t>(number));
  }
  void u32(uint32_t number) {
    u16(static_cast<uint16_t>(number >> 16));
    u16(static_cast<uint16_t>(number));
  }
  void text(std::string_view text) {
    u32(static_cast<uint32_t>(text.size()));
    octets_ += text;
  }
  void address(const IpAddress& address) {
    u8(address.is_v4() ? kV4 : kV6);
    const auto* start = reinterpret_cast<const char*>(address.octets().data());
    octets_.append(start, address.is_v4() ? 4 : 16);
  }
  std::string take() { return std::move(octets_); }

 private:
  std::string octets_;
};

std::string read_text(WireReader& reader) {
  const auto octets = reader.octets(reader.u32());
  return {octets.begin(), octets.end()};
}

/// A Name is within the limits of names, so its text always gives it back.
Name read_name(WireReader& reader) {
  const std::string text = read_text(reader);
  return text.empty() ? Name() : *parse_query_name(text);
}

template <size_t kOctets>
std::array<uint8_t, kOctets> read_octets(WireReader& reader) {
  std::array<uint8_t, kOctets> octets{};
  std::ranges::copy(reader.octets(kOctets), octets.begin());
  return octets;
}

void read_item(WireReader& reader, Answer& answer) {
  switch (reader.u8()) {
    case kV4:
      answer.addresses.push_back(IpAddress::v4(read_octets<4>(reader)));
      break;
    case kV6:
      answer.addresses.push_back(IpAddress::v6(read_octets<16>(reader)));
      break;
    case kText:
      answer.texts.push_back(read_text(reader));
      break;
    case kExchange: {
      const uint16_t preference = reader.u16();
      answer.exchanges.push_back({preference, read_name(reader)});
      break;
    }
    case kName:
      answer.names.push_back(read_name(reader));
      break;
    default:
      answer.error = read_text(reader);
  }
}

}  // namespace

std::string pack_answer(const Answer& answer) {
  Packer packer;
  packer.u8(static_cast<uint8_t>(answer.status));
  packer.u8(answer.authenticated ? 1 : 0);
  packer.u32(static_cast<uint32_t>(std::clamp<int64_t>(answer.ttl.count(), 0, UINT32_MAX)));
  for (const IpAddress& address : answer.addresses) packer.address(address);
  for (const std::string& text : answer.texts) {
    packer.u8(kText);
    packer.text(text);
  }
  for (const MxRecord& mx : answer.exchanges) {
    packer.u8(kExchange);
    packer.u16(mx.preference);
    packer.text(mx.exchange.text());
  }
  for (const Name& name : answer.names) {
    packer.u8(kName);
    packer.text(name.text());
  }
  if (!answer.error.empty()) {
    packer.u8(kError);
    packer.text(answer.error);
  }
  return packer.take();
}

Answer unpack_answer(std::string_view packed) {
  WireReader reader({reinterpret_cast<const uint8_t*>(packed.data()), packed.size()});
  Answer answer;
  answer.status = static_cast<DnsStatus>(reader.u8());
  answer.authenticated = reader.u8() != 0;
  answer.ttl = std::chrono::seconds(reader.u32());
  while (reader.position() < packed.size() && !reader.failed()) read_item(reader, answer);
  assert(!reader.failed());
  return answer;
}

}  // namespace signet
