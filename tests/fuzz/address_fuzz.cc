// SPDX-License-Identifier: BSD-2-Clause
//
// One address in every place that takes one: From, MAIL FROM, the i= of a signature, and as the
// address of a client or a network. All have to find the same domain in it, or none; and what they
// make of it must read the same again.

#include <algorithm>
#include <cstdint>

#include "crypto/dkim_signature.h"
#include "crypto/dkim_signature_writer.h"
#include "dns/spf/spf_check.h"
#include "milter/field/auth_results.h"
#include "milter/field/from_field.h"
#include "milter/field/verdict_results.h"
#include "tests/fuzz/require.h"

namespace {

using signet::Name;
using signet::require;

/// What stands behind the last @, if it is a domain.
signet::Result<Name> domain_of(std::string_view address) {
  return signet::parse_domain(address.substr(address.rfind('@') + 1));
}

/// RFC 9989 5.3.1: an author's addresses are all of his domain, and any of them alone is him.
void check_from(const std::string& address) {
  const signet::Author author = signet::find_author({" <" + address + ">"});
  if (!author.ok()) return;
  for (const std::string& one : author.addresses) {
    const auto domain = domain_of(one);
    require(domain && *domain == author.domains.front());
    const signet::Author alone = signet::find_author({one});
    require(alone.ok() && alone.domains == author.domains);
  }
}

/// RFC 7208 2.4, 4.3; RFC 8601 2.7.2: smtp.mailfrom is the address, or its domain, or left out.
void check_mail_from(const std::string& address) {
  signet::SpfRequest request;
  request.helo = "helo.example.com";
  request.mail_from = address;
  signet::InboundResults results;
  results.spf = signet::unfinished_spf_mail_from(request, "a test");
  if (!address.empty() && !results.spf.domain.is_root()) {
    // A final dot is the one thing that only SPF forgives.
    const bool has_dot = address.ends_with('.');
    const auto domain = domain_of(std::string_view(address).substr(0, address.size() - has_dot));
    require(domain && results.spf.domain == *domain);
  }
  const signet::AuthMethod method = signet::methods_of(results).front();
  const auto read = signet::parse_auth_results(signet::to_string({"mx.example.org", {method}}));
  require(read && read->methods.size() == 1);
  require(read->methods[0].properties.size() == method.properties.size());
  for (const signet::AuthProperty& property : method.properties) {
    require(property.property == "mailfrom" && results.spf.identity.ends_with(property.value));
    const size_t rest = results.spf.identity.size() - property.value.size();
    require(rest == 0 || results.spf.identity[rest - 1] == '@');
  }
}

/// RFC 6376 2.6, 2.11: what the writer puts into i= a verifier takes.
void check_identity(const std::string& address) {
  const auto domain = domain_of(address);
  if (!domain || domain->label_count() < 2) return;  // no verifier takes a d= of one label
  const Name signer = domain->last_labels(2);
  const std::string identity = signet::write_identity(address, signer);
  if (identity.empty()) return;
  require(identity.ends_with("@" + domain->text()) && identity.size() <= 250);
  const auto signature = signet::parse_dkim_signature(
      " v=1; a=rsa-sha256; d=" + signer.text() + "; s=s; h=from; bh=" + std::string(43, 'A') +
          "=; b=AAAA; i=" + identity,
      300);
  require(signature.identity == identity && signature.identity_domain == *domain);
}

void check_ip(std::string_view text) {
  if (const auto address = signet::parse_ip_address(text)) {
    require(*signet::parse_ip_address(signet::to_string(*address)) == *address);
    require(signet::reverse_name(*address).label_count() == (address->is_v4() ? 6 : 34));
  }
  if (const auto network = signet::parse_ip_network(text)) {
    require(network->prefix >= 0 && network->prefix <= network->address.bits());
    require(network->contains(network->address));
    require(*signet::parse_ip_network(signet::to_string(*network)) == *network);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string address(reinterpret_cast<const char*>(data), size);
  check_from(address);
  check_mail_from(address);
  check_identity(address);
  check_ip(address);
  return 0;
}
