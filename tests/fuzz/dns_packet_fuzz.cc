// SPDX-License-Identifier: BSD-2-Clause
//
// Any octets as a reply. The name and the type asked for are taken from the octets' own question,
// so that most inputs get past the first check; then it is asked for another name, which must fail.

#include <cstdint>

#include "dns/unbound/dns_packet.h"
#include "dns/unbound/wire_reader.h"
#include "tests/fuzz/require.h"

namespace {

using signet::Answer;
using signet::DnsStatus;
using signet::RecordType;
using signet::require;

/// True if nothing but the vector of this type is filled.
bool only_of_type(const Answer& answer, RecordType type) {
  const bool address = type == RecordType::a || type == RecordType::aaaa;
  const bool name = type == RecordType::ptr || type == RecordType::cname;
  return (address || answer.addresses.empty()) &&
         (type == RecordType::txt || answer.texts.empty()) &&
         (type == RecordType::mx || answer.exchanges.empty()) && (name || answer.names.empty());
}

void check(const Answer& answer, RecordType type, size_t size) {
  const size_t records =
      answer.addresses.size() + answer.texts.size() + answer.exchanges.size() + answer.names.size();
  require((answer.status == DnsStatus::answered) == (records > 0));
  require((answer.status == DnsStatus::server_failure) == !answer.error.empty());
  require(answer.status != DnsStatus::timed_out);
  require(!answer.authenticated);
  require(only_of_type(answer, type));
  require(answer.ttl.count() >= 0 && answer.ttl.count() <= 0x7fff'ffff);
  // RFC 1035 4.1.3: 10 octets and an owner for each record.
  require(records * 11 <= size);
  size_t text = 0;
  for (const auto& one : answer.texts) text += one.size();
  require(text <= size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> octets(data, size);
  signet::WireReader question(octets, 12);
  const auto name = signet::parse_query_name(question.name() + ".");
  const auto type = static_cast<RecordType>(question.u16());
  for (const RecordType asked : {RecordType::a, RecordType::cname, RecordType::ptr, RecordType::mx,
                                 RecordType::txt, RecordType::aaaa}) {
    const signet::Name root;
    const Answer answer = signet::parse_dns_packet(octets, name ? *name : root, asked);
    check(answer, asked, size);
    if (asked != type) require(answer.status == DnsStatus::server_failure);
    const Answer other =
        signet::parse_dns_packet(octets, *signet::prepend_labels("other", root), asked);
    if (!name || name->text() != "other") require(other.status == DnsStatus::server_failure);
  }
  return 0;
}
