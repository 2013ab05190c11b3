// SPDX-License-Identifier: BSD-2-Clause
//
// ZoneData: ldns reads the text, a hash table of names holds what it found, and find() answers the
// way an authoritative server would (RFC 1034 4.3.2 with RFC 4592 for wildcards), following CNAMEs
// for as long as they lead to names of this data.

#include "dns/zone_data.h"

#include <fmt/format.h>
#include <ldns/ldns.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "dns/text_file.h"

namespace signet {
namespace {

constexpr uint32_t kDefaultTtl = 300;  // seconds, where the text gives none
constexpr int kMaxCnames = 16;         // links of one chain
constexpr size_t kMaxTextOctets = 64UL * 1024 * 1024;

struct FreeRr {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
using RrPointer = std::unique_ptr<ldns_rr, FreeRr>;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// Reads one record after the other. ldns keeps $ORIGIN, $TTL and the previous owner in variables
/// of the caller, which it frees and replaces as it goes: those are the members.
class RecordReader {
 public:
  /// `text` must outlive the reader; it must not be empty.
  explicit RecordReader(std::string_view text)
      : file_(fmemopen(const_cast<char*>(text.data()), text.size(), "r")),
        origin_(ldns_dname_new_frm_str(".")) {}
  ~RecordReader() {
    ldns_rdf_deep_free(origin_);
    ldns_rdf_deep_free(previous_);
  }
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  bool at_end() const { return !file_ || std::feof(file_.get()) != 0; }
  /// The line of the last record read, counted from 1.
  int line() const { return line_; }

  /// The next record; nullptr for a line that holds none.
  Result<RrPointer> next() {
    ldns_rr* rr = nullptr;
    const ldns_status status =
        ldns_rr_new_frm_fp_l(&rr, file_.get(), &ttl_, &origin_, &previous_, &line_);
    switch (status) {
      case LDNS_STATUS_OK:
        return RrPointer(rr);
      case LDNS_STATUS_SYNTAX_EMPTY:
      case LDNS_STATUS_SYNTAX_TTL:
      case LDNS_STATUS_SYNTAX_ORIGIN:
        return RrPointer();
      case LDNS_STATUS_SYNTAX_INCLUDE:
        return Error{"$INCLUDE is not supported"};
      default:
        return Error{ldns_get_errorstr_by_id(status)};
    }
  }

 private:
  std::unique_ptr<std::FILE, CloseFile> file_;
  ldns_rdf* origin_;
  ldns_rdf* previous_ = nullptr;
  uint32_t ttl_ = kDefaultTtl;
  int line_ = 0;
};

std::string_view octets_of(const ldns_rdf& rdf) {
  return {reinterpret_cast<const char*>(ldns_rdf_data(&rdf)), ldns_rdf_size(&rdf)};
}

/// RFC 1035 3.1: a name in wire format, a length octet before each label.
Result<Name> name_of(const ldns_rdf& rdf) {
  std::string text;
  std::string_view wire = octets_of(rdf);
  while (!wire.empty() && wire[0] != 0) {
    const std::string_view label = wire.substr(1, static_cast<unsigned char>(wire[0]));
    if (label.find('.') != std::string_view::npos) return Error{"a label holds a dot"};
    text.append(label) += '.';
    wire.remove_prefix(std::min(wire.size(), 1 + label.size()));
  }
  return parse_query_name(text.empty() ? "." : text);
}

/// RFC 1035 3.3.14: one or more character strings; RFC 7208 3.3 and RFC 6376 3.6.2.2 join them.
std::string txt_of(const ldns_rr& rr) {
  std::string text;
  for (size_t i = 0; i < ldns_rr_rd_count(&rr); ++i) {
    text += octets_of(*ldns_rr_rdf(&rr, i)).substr(1);
  }
  return text;
}

template <size_t N>
std::array<uint8_t, N> address_of(const ldns_rdf& rdf) {
  std::array<uint8_t, N> octets{};
  const std::string_view data = octets_of(rdf);
  std::copy_n(data.begin(), std::min(N, data.size()), octets.begin());
  return octets;
}

/// The type's number; nothing if the text wrote one past 16 bits (`TYPE65536`), which ldns lets by.
std::optional<uint16_t> type_of(const ldns_rr& rr) {
  const auto number = static_cast<uint32_t>(ldns_rr_get_type(&rr));
  if (number > UINT16_MAX) return std::nullopt;
  return static_cast<uint16_t>(number);
}

/// Whether the record has, from its first field on, fields of these types. ldns sees to that for
/// what it parsed field by field, not for data given as hexadecimal octets (RFC 3597 5).
bool has_fields(const ldns_rr& rr, std::initializer_list<ldns_rdf_type> types) {
  size_t i = 0;
  return std::all_of(types.begin(), types.end(), [&](ldns_rdf_type type) {
    const ldns_rdf* field = ldns_rr_rdf(&rr, i++);
    return field != nullptr && ldns_rdf_get_type(field) == type;
  });
}

bool is_well_formed(const ldns_rr& rr) {
  if (!type_of(rr)) return false;
  switch (ldns_rr_get_type(&rr)) {
    case LDNS_RR_TYPE_A:
      return has_fields(rr, {LDNS_RDF_TYPE_A});
    case LDNS_RR_TYPE_AAAA:
      return has_fields(rr, {LDNS_RDF_TYPE_AAAA});
    case LDNS_RR_TYPE_TXT:
      return has_fields(rr, {LDNS_RDF_TYPE_STR});
    case LDNS_RR_TYPE_MX:
      return has_fields(rr, {LDNS_RDF_TYPE_INT16, LDNS_RDF_TYPE_DNAME});
    case LDNS_RR_TYPE_PTR:
    case LDNS_RR_TYPE_CNAME:
      return has_fields(rr, {LDNS_RDF_TYPE_DNAME});
    case LDNS_RR_TYPE_SOA:
      return has_fields(
          rr, {LDNS_RDF_TYPE_DNAME, LDNS_RDF_TYPE_DNAME, LDNS_RDF_TYPE_INT32, LDNS_RDF_TYPE_PERIOD,
               LDNS_RDF_TYPE_PERIOD, LDNS_RDF_TYPE_PERIOD, LDNS_RDF_TYPE_PERIOD});
    default:
      return true;
  }
}

/// Puts the one record's data into `answer`'s vector for its type; an Error if it holds a name
/// that cannot be a Name. Types that nobody asks for add nothing.
Result<Answer> with_record(Answer answer, const ldns_rr& rr) {
  const auto type = static_cast<RecordType>(ldns_rr_get_type(&rr));
  const ldns_rdf* first = ldns_rr_rdf(&rr, 0);
  if (type == RecordType::a) {
    answer.addresses.push_back(IpAddress::v4(address_of<4>(*first)));
  } else if (type == RecordType::aaaa) {
    answer.addresses.push_back(IpAddress::v6(address_of<16>(*first)));
  } else if (type == RecordType::txt) {
    answer.texts.push_back(txt_of(rr));
  } else if (type == RecordType::mx) {
    auto exchange = name_of(*ldns_rr_rdf(&rr, 1));
    if (!exchange) return Error{exchange.error()};
    answer.exchanges.push_back({ldns_rdf2native_int16(first), *std::move(exchange)});
  } else if (type == RecordType::ptr || type == RecordType::cname) {
    auto name = name_of(*first);
    if (!name) return Error{name.error()};
    answer.names.push_back(*std::move(name));
  }
  return answer;
}

Answer empty_answer(DnsStatus status, std::chrono::seconds ttl, std::string error = {}) {
  Answer answer;
  answer.status = status;
  answer.ttl = ttl;
  answer.error = std::move(error);
  return answer;
}

/// What the text says about one name. A node without sets is an empty non-terminal.
struct Node {
  std::map<uint16_t, Answer> sets;         ///< by type: of every one in the text, asked for or not
  std::map<uint16_t, DnsStatus> failures;  ///< by type: how its question fails
  const Answer* find(RecordType type) const {
    const auto found = sets.find(static_cast<uint16_t>(type));
    return found == sets.end() ? nullptr : &found->second;
  }
};

/// What a record of kFailureRecordType says.
struct Failure {
  uint16_t type = 0;
  DnsStatus status = DnsStatus::server_failure;
};

Result<Failure> failure_of(const ldns_rr& rr) {
  const ldns_rdf* data = ldns_rr_rdf(&rr, 0);
  const std::string_view octets = data == nullptr ? std::string_view() : octets_of(*data);
  const auto status = octets.size() == 3 ? static_cast<DnsStatus>(octets[2]) : DnsStatus::answered;
  if (status != DnsStatus::server_failure && status != DnsStatus::timed_out) {
    return Error{"want \\# 3 and the type and status (03 or 04) of a failure"};
  }
  const auto high = static_cast<unsigned char>(octets[0]);
  const auto low = static_cast<unsigned char>(octets[1]);
  return Failure{static_cast<uint16_t>(high << 8 | low), status};
}

/// What the data says about one name: an answer, or the CNAME that leads to it.
struct Step {
  Answer answer;
  bool is_alias = false;
};

}  // namespace

struct ZoneData::Records {
  std::unordered_map<Name, Node> nodes;
  std::unordered_map<Name, std::chrono::seconds> zones;  ///< owners of a SOA, and negative TTLs

  std::optional<Error> add(const ldns_rr& rr);
  std::optional<Name> zone_of(Name name) const;
  const Node* node_for(const Name& name, const Name& zone) const;
  std::optional<Step> find_once(const Name& name, RecordType type) const;
  std::optional<Answer> find(Name name, RecordType type) const;

 private:
  std::optional<Error> add_to_set(const Name& owner, const ldns_rr& rr);
};

std::optional<Error> ZoneData::Records::add(const ldns_rr& rr) {
  if (ldns_rr_get_class(&rr) != LDNS_RR_CLASS_IN) return Error{"want records of class IN"};
  if (!is_well_formed(rr)) return Error{"the record's data does not fit its type"};
  const auto owner = name_of(*ldns_rr_owner(&rr));
  if (!owner) return Error{owner.error()};
  if (ldns_rr_get_type(&rr) == LDNS_RR_TYPE_SOA) {
    // RFC 2308 5: negative answers live for the lesser of the SOA's own TTL and its MINIMUM.
    const uint32_t minimum = ldns_rdf2native_int32(ldns_rr_rdf(&rr, 6));
    zones[*owner] = std::chrono::seconds(std::min(minimum, ldns_rr_ttl(&rr)));
  }
  if (auto error = add_to_set(*owner, rr)) return error;
  // RFC 4592 2.2.2: every name above an existing name exists.
  for (Name above = owner->parent(); nodes.try_emplace(above).second && !above.is_root();) {
    above = above.parent();
  }
  return std::nullopt;
}

std::optional<Error> ZoneData::Records::add_to_set(const Name& owner, const ldns_rr& rr) {
  if (type_of(rr) == kFailureRecordType) {
    const auto failure = failure_of(rr);
    if (!failure) return Error{failure.error()};
    nodes[owner].failures[failure->type] = failure->status;
  }
  auto& sets = nodes[owner].sets;
  const std::chrono::seconds ttl(ldns_rr_ttl(&rr));
  const auto [set, added] = sets.try_emplace(*type_of(rr), empty_answer(DnsStatus::answered, ttl));
  auto grown = with_record(std::move(set->second), rr);
  if (!grown) return Error{grown.error()};
  // RFC 2181 5.2 wants one TTL for a set; the least of several is always safe.
  set->second = *std::move(grown);
  set->second.ttl = std::min(set->second.ttl, ttl);
  // RFC 1034 3.6.2: a CNAME stands alone.
  const auto alias = sets.find(static_cast<uint16_t>(RecordType::cname));
  if (alias != sets.end() && (sets.size() > 1 || alias->second.names.size() > 1)) {
    return Error{"a name with a CNAME has no other records"};
  }
  return std::nullopt;
}

/// The deepest zone whose SOA stands at `name` or above it.
std::optional<Name> ZoneData::Records::zone_of(Name name) const {
  while (!zones.contains(name)) {
    if (name.is_root()) return std::nullopt;
    name = name.parent();
  }
  return name;
}

/// RFC 4592 3.3.1: the node itself or, if the name does not exist, the wildcard right below its
/// closest encloser; nullptr if there is none either.
const Node* ZoneData::Records::node_for(const Name& name, const Name& zone) const {
  const auto exact = nodes.find(name);
  if (exact != nodes.end()) return &exact->second;
  Name encloser = name;
  while (!nodes.contains(encloser) && encloser != zone) encloser = encloser.parent();
  const auto wildcard_name = prepend_labels("*", encloser);
  if (!wildcard_name) return nullptr;
  const auto wildcard = nodes.find(*wildcard_name);
  return wildcard == nodes.end() ? nullptr : &wildcard->second;
}

std::optional<Step> ZoneData::Records::find_once(const Name& name, RecordType type) const {
  const auto zone = zone_of(name);
  const Node* node = nullptr;
  std::chrono::seconds negative_ttl(kDefaultTtl);
  if (zone) {
    node = node_for(name, *zone);
    negative_ttl = zones.at(*zone);
    if (node == nullptr) return Step{empty_answer(DnsStatus::no_domain, negative_ttl)};
  } else {
    const auto found = nodes.find(name);
    if (found == nodes.end() || found->second.sets.empty()) return std::nullopt;
    node = &found->second;
  }
  const auto failure = node->failures.find(static_cast<uint16_t>(type));
  if (failure != node->failures.end()) {
    return Step{
        empty_answer(failure->second, negative_ttl, "a failure that the local data asks for")};
  }
  if (const Answer* set = node->find(type)) return Step{*set};
  if (const Answer* alias = node->find(RecordType::cname)) return Step{*alias, true};
  return Step{empty_answer(DnsStatus::no_data, negative_ttl)};
}

std::optional<Answer> ZoneData::Records::find(Name name, RecordType type) const {
  auto step = find_once(name, type);
  if (!step) return std::nullopt;
  auto ttl = step->answer.ttl;
  for (int links = 0; step->is_alias; ++links) {
    // RFC 1034 3.6.2 leaves the length of a chain open; a loop must end somewhere.
    if (links == kMaxCnames) {
      return empty_answer(DnsStatus::server_failure, ttl,
                          fmt::format("more than {} CNAMEs in a row", kMaxCnames));
    }
    name = step->answer.names.front();
    step = find_once(name, type);
    if (!step) {
      return empty_answer(DnsStatus::server_failure, ttl,
                          "a CNAME of the local data leads to a name outside it");
    }
    ttl = std::min(ttl, step->answer.ttl);
  }
  step->answer.ttl = ttl;
  return std::move(step->answer);
}

ZoneData::ZoneData() : records_(std::make_unique<Records>()) {}
ZoneData::~ZoneData() = default;
ZoneData::ZoneData(ZoneData&&) noexcept = default;
ZoneData& ZoneData::operator=(ZoneData&&) noexcept = default;

Result<ZoneData> ZoneData::parse(std::string_view text, std::string_view source) {
  ZoneData data;
  if (text.empty()) return data;
  if (text.size() > kMaxTextOctets) return Error{fmt::format("{}: over 64 MiB", source)};
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + nul, '\n');
    return Error{fmt::format("{}:{}: want text, got a NUL octet", source, line)};
  }
  RecordReader reader(text);
  while (!reader.at_end()) {
    const auto rr = reader.next();
    std::optional<Error> error;
    if (!rr) error = Error{rr.error()};
    if (rr && *rr) error = data.records_->add(**rr);
    if (error) return Error{fmt::format("{}:{}: {}", source, reader.line(), error->text)};
  }
  return data;
}

Result<ZoneData> ZoneData::load(const std::string& path) {
  const Result<std::string> text = read_text_file(path, kMaxTextOctets);
  if (!text) return Error{text.error()};
  return parse(*text, path);
}

std::optional<Answer> ZoneData::find(const Name& name, RecordType type) const {
  return records_->find(name, type);
}

}  // namespace signet
