// SPDX-License-Identifier: BSD-2-Clause
//
// The lookup algorithm of RFC 1034 4.3.2 over a map of owner names, with wildcards (RFC 4592).

#include "tests/support/wire_zone.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "dns/name.h"

namespace signet {
namespace {

constexpr int kMostAliases = 16;

std::string take_text(char* text) {
  const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
  return text != nullptr ? text : "";
}

std::string parent_of(const std::string& key) {
  const size_t dot = key.find('.');
  return dot + 1 >= key.size() ? "." : key.substr(dot + 1);
}

LdnsRecord copy(const ldns_rr& record) { return LdnsRecord(ldns_rr_clone(&record)); }

/// The record as an answer for `owner`, which differs from the record's own under a wildcard.
LdnsRecord copy_for(const ldns_rr& record, const ldns_rdf& owner) {
  LdnsRecord result = copy(record);
  ldns_rdf_deep_free(ldns_rr_owner(result.get()));
  ldns_rr_set_owner(result.get(), ldns_rdf_clone(&owner));
  return result;
}

/// True if `record` is of the type, or is the signature of such records and wanted.
bool is_wanted(const ldns_rr& record, ldns_rr_type type, bool with_signatures) {
  const ldns_rr_type own = ldns_rr_get_type(&record);
  if (own == type) return true;
  return with_signatures && own == LDNS_RR_TYPE_RRSIG &&
         ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(&record)) == type;
}

}  // namespace

std::string wire_key(const ldns_rdf& name) { return ascii_lower(take_text(ldns_rdf2str(&name))); }

WireZone::WireZone(std::string_view text) {
  if (text.empty()) return;
  std::string copy_of_text(text);
  const std::unique_ptr<FILE, decltype(&std::fclose)> file(
      fmemopen(copy_of_text.data(), copy_of_text.size(), "r"), &std::fclose);
  uint32_t ttl = 3600;
  ldns_rdf* origin = ldns_dname_new_frm_str(".");
  ldns_rdf* previous = nullptr;
  int line = 1;
  ldns_status status = LDNS_STATUS_OK;
  while (std::feof(file.get()) == 0) {
    ldns_rr* record = nullptr;
    status = ldns_rr_new_frm_fp_l(&record, file.get(), &ttl, &origin, &previous, &line);
    if (status == LDNS_STATUS_OK) {
      add(LdnsRecord(record));
    } else if (status != LDNS_STATUS_SYNTAX_EMPTY && status != LDNS_STATUS_SYNTAX_TTL &&
               status != LDNS_STATUS_SYNTAX_ORIGIN) {
      break;
    } else {
      status = LDNS_STATUS_OK;
    }
  }
  ldns_rdf_deep_free(origin);
  ldns_rdf_deep_free(previous);
  if (status != LDNS_STATUS_OK) {
    throw std::invalid_argument(
        fmt::format("zone text, line {}: {}", line, ldns_get_errorstr_by_id(status)));
  }
}

void WireZone::add(LdnsRecord record) {
  records_[wire_key(*ldns_rr_owner(record.get()))].push_back(std::move(record));
}

bool WireZone::exists(const std::string& name) const {
  if (records_.contains(name)) return true;
  // RFC 4592 2.2.2: an empty non-terminal exists.
  const std::string suffix = "." + name;
  for (const auto& [owner, unused] : records_) {
    if (owner.ends_with(suffix)) return true;
  }
  return false;
}

const WireZone::Records* WireZone::find(const std::string& name) const {
  if (const auto found = records_.find(name); found != records_.end()) return &found->second;
  if (exists(name)) return nullptr;
  // RFC 4592 3.3.1: the wildcard counts that sits right below the closest encloser.
  for (std::string encloser = parent_of(name);; encloser = parent_of(encloser)) {
    const auto wildcard = records_.find(encloser == "." ? "*." : "*." + encloser);
    if (wildcard != records_.end()) return &wildcard->second;
    if (encloser == "." || exists(encloser)) return nullptr;
  }
}

void WireZone::push_soa(std::string name, bool with_signatures, ldns_pkt& reply) const {
  for (;; name = parent_of(name)) {
    if (const auto found = records_.find(name); found != records_.end()) {
      bool pushed = false;
      for (const auto& record : found->second) {
        if (!is_wanted(*record, LDNS_RR_TYPE_SOA, with_signatures)) continue;
        ldns_pkt_push_rr(&reply, LDNS_SECTION_AUTHORITY, copy(*record).release());
        pushed = true;
      }
      if (pushed) return;
    }
    if (name == ".") return;
  }
}

void WireZone::answer(const ldns_rr& question, bool with_signatures, ldns_pkt& reply) const {
  const ldns_rr_type type = ldns_rr_get_type(&question);
  LdnsName owner(ldns_rdf_clone(ldns_rr_owner(&question)));
  for (int aliases = 0; aliases < kMostAliases; ++aliases) {
    const std::string name = wire_key(*owner);
    const Records* records = find(name);
    if (records == nullptr) {
      if (!exists(name)) ldns_pkt_set_rcode(&reply, LDNS_RCODE_NXDOMAIN);
      return push_soa(name, with_signatures, reply);
    }
    bool found = false;
    LdnsName target;
    for (const auto& record : *records) {
      const bool alias = ldns_rr_get_type(record.get()) == LDNS_RR_TYPE_CNAME;
      if (!alias && !is_wanted(*record, type, with_signatures)) continue;
      ldns_pkt_push_rr(&reply, LDNS_SECTION_ANSWER, copy_for(*record, *owner).release());
      found = true;
      if (alias) target.reset(ldns_rdf_clone(ldns_rr_rdf(record.get(), 0)));
    }
    if (!found) return push_soa(name, with_signatures, reply);
    if (!target || type == LDNS_RR_TYPE_CNAME) return;
    owner = std::move(target);
  }
}

std::string WireZone::sign(std::string_view zone) {
  const std::unique_ptr<ldns_key_list, LdnsFree> keys(ldns_key_list_new());
  ldns_key* key = ldns_key_new_frm_algorithm(LDNS_SIGN_ECDSAP256SHA256, 256);
  if (key == nullptr) throw std::runtime_error("ldns makes no ECDSA key");
  ldns_key_set_pubkey_owner(key, ldns_dname_new_frm_str(std::string(zone).c_str()));
  ldns_key_set_flags(key, LDNS_KEY_ZONE_KEY | LDNS_KEY_SEP_KEY);
  LdnsRecord dnskey(ldns_key2rr(key));
  ldns_rr_set_ttl(dnskey.get(), 3600);
  ldns_key_set_keytag(key, ldns_calc_keytag(dnskey.get()));
  ldns_key_list_push_key(keys.get(), key);
  std::string anchor = take_text(ldns_rr2str(dnskey.get()));
  add(std::move(dnskey));

  for (auto& [owner, records] : records_) {
    std::map<ldns_rr_type, std::unique_ptr<ldns_rr_list, LdnsFree>> sets;
    for (const auto& record : records) {
      auto& set = sets[ldns_rr_get_type(record.get())];
      if (!set) set.reset(ldns_rr_list_new());
      ldns_rr_list_push_rr(set.get(), copy(*record).release());
    }
    for (const auto& [type, set] : sets) {
      const std::unique_ptr<ldns_rr_list, LdnsFree> made(ldns_sign_public(set.get(), keys.get()));
      if (!made) throw std::runtime_error("ldns cannot sign " + owner);
      while (ldns_rr* rrsig = ldns_rr_list_pop_rr(made.get())) records.emplace_back(rrsig);
    }
  }
  return anchor;
}

}  // namespace signet
