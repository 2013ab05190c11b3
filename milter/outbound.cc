// SPDX-License-Identifier: BSD-2-Clause
//
// Who signs: exactly one author (RFC 5322 3.6.2, RFC 6376 5.4), and a key of that author's domain.
// Anything else goes out unsigned, and the log line says why.

#include "milter/outbound.h"

namespace signet {

void OutboundMessage::header(HeaderField field) { fields_.push_back(std::move(field)); }

void OutboundMessage::end_of_headers() {
  std::vector<std::string> from_values;
  for (const HeaderField& field : fields_) {
    if (equals_ignoring_case(field.name, "From")) from_values.push_back(field.value);
  }
  results_.author = find_author(from_values);
  // RFC 6376 5.4, RFC 5322 3.6: exactly one From, or a signature would vouch for who knows whom.
  if (from_values.size() != 1 || !results_.author.ok()) {
    results_.unsigned_reason = results_.author.problem;
    fields_.clear();
    return;
  }
  const Name& domain = results_.author.domains.front();
  const auto& keys = runtime_->keys.keys_for(domain);
  if (keys.empty()) {
    results_.unsigned_reason = "no key for " + domain.text();
    fields_.clear();
    return;
  }
  std::vector<SignatureSpec> wanted;
  for (const auto& key : keys) wanted.push_back({key, {}});
  signer_ =
      make_dkim_signer(runtime_->config.dkim_engine, runtime_->config.dkim_sign, std::move(wanted));
  for (const HeaderField& field : fields_) signer_->header(field);
  signer_->end_of_headers();
  fields_.clear();
  // The message's own fault. Another try would end the same, so it goes out as it is.
  if (!signer_->refusal().empty()) {
    results_.unsigned_reason = signer_->refusal();
    signer_.reset();
    return;
  }
  for (const auto& key : keys) {
    results_.signed_with.push_back(key->domain().text() + "/" + key->selector());
  }
}

void OutboundMessage::body(std::string_view octets) {
  if (signer_) signer_->body(octets);
}

OutboundResults OutboundMessage::finish(std::chrono::sys_seconds now) {
  if (signer_) {
    Result<std::vector<HeaderField>> signatures = signer_->finish(now);
    if (signatures) {
      results_.signatures = *std::move(signatures);
    } else {
      results_.failure = signatures.error();
      results_.signed_with.clear();
    }
  }
  return std::move(results_);
}

}  // namespace signet
