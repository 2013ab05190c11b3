// SPDX-License-Identifier: BSD-2-Clause
//
// ldns takes the message apart; this file picks what answers the question and copies it into plain
// values. Work is linear in the message, which has at most 65,535 octets: each record's names are
// read once, then the alias chain is walked over them, 16 steps at most.

#include "dns/dns_packet.h"

#include <fmt/format.h>
#include <ldns/ldns.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace signet {
namespace {

constexpr int kMostAliases = 16;

struct PacketFree {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using Packet = std::unique_ptr<ldns_pkt, PacketFree>;

/// One record of the message, with its owner as a Name.
struct OwnedRecord {
  Name owner;
  const ldns_rr* record;
};

std::span<const uint8_t> octets_of(const ldns_rdf* field) {
  if (field == nullptr) return {};
  return {ldns_rdf_data(field), ldns_rdf_size(field)};
}

/// The name in wire format (labels with their lengths, no pointers left), or nothing if a Name
/// cannot say it.
std::optional<Name> name_from(const ldns_rdf* field) {
  if (field == nullptr || ldns_rdf_get_type(field) != LDNS_RDF_TYPE_DNAME) return std::nullopt;
  const auto wire = octets_of(field);
  std::string text;
  for (size_t at = 0; at < wire.size() && wire[at] != 0; at += 1 + wire[at]) {
    if (wire[at] > wire.size() - at - 1) return std::nullopt;
    const auto label = wire.subspan(at + 1, wire[at]);
    // As text, `a.b` in one label would look like two: somebody else's name.
    const auto ambiguous = [](uint8_t octet) { return octet == '.' || octet == 0; };
    if (std::any_of(label.begin(), label.end(), ambiguous)) return std::nullopt;
    if (!text.empty()) text += '.';
    text.append(label.begin(), label.end());
  }
  if (text.empty()) return Name();
  auto name = parse_query_name(text);
  if (!name) return std::nullopt;
  return *std::move(name);
}

/// RFC 2181 8: a TTL with the top bit set counts as zero.
std::chrono::seconds ttl_from(uint32_t wire_value) {
  constexpr auto kMost = static_cast<uint32_t>(std::numeric_limits<int32_t>::max());
  return std::chrono::seconds(wire_value > kMost ? 0 : wire_value);
}

std::vector<OwnedRecord> records_of(const ldns_rr_list* section) {
  std::vector<OwnedRecord> records;
  const size_t count = ldns_rr_list_rr_count(section);
  records.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const ldns_rr* record = ldns_rr_list_rr(section, i);
    if (ldns_rr_get_class(record) != LDNS_RR_CLASS_IN) continue;
    if (auto owner = name_from(ldns_rr_owner(record))) {
      records.push_back({*std::move(owner), record});
    }
  }
  return records;
}

void add_address(const ldns_rr& record, Answer& answer) {
  const auto octets = octets_of(ldns_rr_rdf(&record, 0));
  if (octets.size() == 4) {
    std::array<uint8_t, 4> address;
    std::copy(octets.begin(), octets.end(), address.begin());
    answer.addresses.push_back(IpAddress::v4(address));
  } else if (octets.size() == 16) {
    std::array<uint8_t, 16> address;
    std::copy(octets.begin(), octets.end(), address.begin());
    answer.addresses.push_back(IpAddress::v6(address));
  }
}

/// RFC 7208 3.3, RFC 6376 3.6.2.2: the strings of one record are joined without spaces.
void add_text(const ldns_rr& record, Answer& answer) {
  std::string text;
  for (size_t i = 0; i < ldns_rr_rd_count(&record); ++i) {
    // Each field is a <character-string>: its length, then so many octets (RFC 1035 3.3).
    const auto string = octets_of(ldns_rr_rdf(&record, i));
    if (string.size() > 1) text.append(string.begin() + 1, string.end());
  }
  answer.texts.push_back(std::move(text));
}

void add_exchange(const ldns_rr& record, Answer& answer) {
  const auto preference = octets_of(ldns_rr_rdf(&record, 0));
  auto exchange = name_from(ldns_rr_rdf(&record, 1));
  if (preference.size() != 2 || !exchange) return;
  answer.exchanges.push_back(
      {static_cast<uint16_t>(preference[0] << 8 | preference[1]), *std::move(exchange)});
}

void add_name(const ldns_rr& record, Answer& answer) {
  if (auto name = name_from(ldns_rr_rdf(&record, 0))) answer.names.push_back(*std::move(name));
}

void add_record(const ldns_rr& record, RecordType type, Answer& answer) {
  switch (type) {
    case RecordType::a:
    case RecordType::aaaa:
      return add_address(record, answer);
    case RecordType::txt:
      return add_text(record, answer);
    case RecordType::mx:
      return add_exchange(record, answer);
    case RecordType::ptr:
    case RecordType::cname:
      return add_name(record, answer);
  }
}

bool has_records(const Answer& answer) {
  return !answer.addresses.empty() || !answer.texts.empty() || !answer.exchanges.empty() ||
         !answer.names.empty();
}

/// Where the CNAMEs that start at a name end, and the smallest TTL among them.
struct AliasChain {
  Name end;
  std::chrono::seconds ttl = std::chrono::seconds::max();
  bool too_long = false;
};

AliasChain follow_aliases(const std::vector<OwnedRecord>& records, const Name& name) {
  AliasChain chain{.end = name};
  for (int step = 0; step <= kMostAliases; ++step) {
    const auto alias = std::find_if(records.begin(), records.end(), [&](const auto& candidate) {
      return ldns_rr_get_type(candidate.record) == LDNS_RR_TYPE_CNAME &&
             candidate.owner == chain.end;
    });
    if (alias == records.end()) return chain;
    auto target = name_from(ldns_rr_rdf(alias->record, 0));
    if (!target) break;
    chain.end = *std::move(target);
    chain.ttl = std::min(chain.ttl, ttl_from(ldns_rr_ttl(alias->record)));
  }
  chain.too_long = true;
  return chain;
}

/// RFC 2308 5: a negative answer is kept for the lesser of its SOA's TTL and MINIMUM field, and not
/// at all without a SOA.
std::chrono::seconds negative_ttl(const ldns_pkt& packet) {
  const ldns_rr_list* authority = ldns_pkt_authority(&packet);
  for (size_t i = 0; i < ldns_rr_list_rr_count(authority); ++i) {
    const ldns_rr* record = ldns_rr_list_rr(authority, i);
    if (ldns_rr_get_type(record) != LDNS_RR_TYPE_SOA) continue;
    constexpr size_t kMinimumField = 6;  // RFC 1035 3.3.13
    const ldns_rdf* minimum = ldns_rr_rdf(record, kMinimumField);
    if (minimum == nullptr || ldns_rdf_size(minimum) != 4) continue;
    return std::min(ttl_from(ldns_rr_ttl(record)), ttl_from(ldns_rdf2native_int32(minimum)));
  }
  return std::chrono::seconds(0);
}

Answer negative(DnsStatus status, const ldns_pkt& packet, std::chrono::seconds alias_ttl) {
  Answer answer;
  answer.status = status;
  answer.ttl = std::min(negative_ttl(packet), alias_ttl);
  return answer;
}

bool answers_question(const ldns_pkt& packet, const Name& name, RecordType type) {
  if (ldns_pkt_qdcount(&packet) != 1) return false;
  const ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(&packet), 0);
  return question != nullptr && ldns_rr_get_class(question) == LDNS_RR_CLASS_IN &&
         static_cast<uint16_t>(ldns_rr_get_type(question)) == static_cast<uint16_t>(type) &&
         name_from(ldns_rr_owner(question)) == name;
}

}  // namespace

Answer dns_failure(std::string error) {
  Answer answer;
  answer.status = DnsStatus::server_failure;
  answer.error = std::move(error);
  return answer;
}

std::string rcode_text(int rcode) {
  switch (rcode) {
    case LDNS_RCODE_FORMERR:
      return "FORMERR";
    case LDNS_RCODE_SERVFAIL:
      return "SERVFAIL";
    case LDNS_RCODE_NXDOMAIN:
      return "NXDOMAIN";
    case LDNS_RCODE_NOTIMPL:
      return "NOTIMP";
    case LDNS_RCODE_REFUSED:
      return "REFUSED";
    default:
      return fmt::format("RCODE {}", rcode);
  }
}

Answer parse_dns_packet(std::span<const uint8_t> octets, const Name& name, RecordType type) {
  ldns_pkt* parsed = nullptr;
  const ldns_status status = ldns_wire2pkt(&parsed, octets.data(), octets.size());
  if (status != LDNS_STATUS_OK) {
    return dns_failure(
        fmt::format("the reply does not parse: {}", ldns_get_errorstr_by_id(status)));
  }
  const Packet packet(parsed);
  if (!answers_question(*packet, name, type)) {
    return dns_failure("the reply answers another question");
  }
  if (ldns_pkt_tc(parsed)) return dns_failure("the reply is truncated");
  const ldns_pkt_rcode rcode = ldns_pkt_get_rcode(parsed);
  if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) {
    return dns_failure(fmt::format("the name server says {}", rcode_text(rcode)));
  }

  const auto records = records_of(ldns_pkt_answer(parsed));
  AliasChain chain{.end = name};
  if (type != RecordType::cname) chain = follow_aliases(records, name);
  if (chain.too_long) return dns_failure("the CNAMEs loop or are too many");
  // RFC 6604 3: the rcode is about the name at the end of the aliases.
  if (rcode == LDNS_RCODE_NXDOMAIN) return negative(DnsStatus::no_domain, *packet, chain.ttl);

  Answer answer;
  answer.status = DnsStatus::answered;
  answer.ttl = chain.ttl;
  for (const auto& [owner, record] : records) {
    const auto record_type = static_cast<uint16_t>(ldns_rr_get_type(record));
    if (record_type != static_cast<uint16_t>(type) || owner != chain.end) continue;
    add_record(*record, type, answer);
    answer.ttl = std::min(answer.ttl, ttl_from(ldns_rr_ttl(record)));
  }
  if (!has_records(answer)) return negative(DnsStatus::no_data, *packet, chain.ttl);
  return answer;
}

}  // namespace signet
