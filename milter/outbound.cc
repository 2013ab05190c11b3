// SPDX-License-Identifier: BSD-2-Clause
//
// Who signs: exactly one author (RFC 5322 3.6.2, RFC 6376 5.4), and the keys that the rules give
// him. Anything else goes out unsigned, and the log line says why.

#include "milter/outbound.h"

namespace signet {

void OutboundMessage::header(HeaderField field) { fields_.push_back(std::move(field)); }

Author OutboundMessage::author() const {
  std::vector<std::string> from_values;
  for (const HeaderField& field : fields_) {
    if (is_named(field, "From")) from_values.push_back(field.value);
  }
  return find_author(from_values);
}

void OutboundMessage::end_of_headers() {
  results_.author = author();
  std::vector<SignatureSpec> wanted = choose_signatures();
  if (!wanted.empty()) start_signer(std::move(wanted));
  fields_.clear();
}

/// Empty, with the reason in the results, if the message is not to be signed.
std::vector<SignatureSpec> OutboundMessage::choose_signatures() {
  // RFC 6376 5.4, RFC 5322 3.6: exactly one From, or a signature would vouch for who knows whom.
  if (!results_.author.ok()) {
    results_.unsigned_reason = results_.author.problem;
    return {};
  }
  SigningChoice choice = runtime_->rules.choose(runtime_->keys, results_.author);
  results_.rule = std::move(choice.rule);
  results_.unsigned_reason = std::move(choice.unsigned_reason);
  if (choice.signatures.empty()) return {};
  return leave_out_unusable(std::move(choice.signatures));
}

/// Only keys that match their published records sign, as long as there are some.
std::vector<SignatureSpec> OutboundMessage::leave_out_unusable(std::vector<SignatureSpec> chosen) {
  UsableKeys usable = choose_usable_keys(std::move(chosen), *runtime_->key_states,
                                         runtime_->config.on_key_mismatch);
  results_.keys_not_used = std::move(usable.not_used);
  results_.unsigned_reason = std::move(usable.unsigned_why);
  results_.has_to_wait = usable.tempfail;
  return std::move(usable.signatures);
}

void OutboundMessage::start_signer(std::vector<SignatureSpec> wanted) {
  for (const SignatureSpec& spec : wanted) {
    results_.signed_with.push_back(spec.key->domain().text() + "/" + spec.key->selector());
  }
  signer_ =
      make_dkim_signer(runtime_->config.dkim_engine, runtime_->config.dkim_sign, std::move(wanted));
  for (const HeaderField& field : fields_) {
    signer_->header(field);
    lines_.header(field);
  }
  signer_->end_of_headers();
  // The message's own fault. Another try would end the same, so it goes out as it is.
  if (!signer_->refusal().empty()) leave_unsigned(signer_->refusal());
}

void OutboundMessage::leave_unsigned(std::string reason) {
  results_.unsigned_reason = std::move(reason);
  results_.signed_with.clear();
  signer_.reset();
}

void OutboundMessage::body(std::string_view octets) {
  if (!signer_) return;
  signer_->body(octets);
  lines_.body(octets);
}

/// What another server would change, and break the signature with it.
void OutboundMessage::judge_lines() {
  lines_.finish();
  const Config& config = runtime_->config;
  const std::pair<const std::string&, FragileLines> findings[] = {
      {lines_.long_line(), config.long_lines}, {lines_.bare_newline(), config.bare_newlines}};
  for (const auto& [finding, action] : findings) {
    if (finding.empty()) continue;
    if (action == FragileLines::refuse) return leave_unsigned(finding);
    results_.warnings.push_back(finding);
  }
}

OutboundResults OutboundMessage::finish(std::chrono::sys_seconds now) {
  if (signer_) judge_lines();
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
