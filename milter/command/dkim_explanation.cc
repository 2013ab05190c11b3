// SPDX-License-Identifier: BSD-2-Clause
//
// The steps of a verifier, each kept instead of judged. The body is hashed once for all signatures.

#include "milter/command/dkim_explanation.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "crypto/dkim_hash.h"
#include "crypto/dkim_key_check.h"

namespace signet {
namespace {

constexpr std::string_view kSignatureField = "dkim-signature";

/// Where each field stands among those of its name.
class FieldCounts {
 public:
  explicit FieldCounts(const std::vector<HeaderField>& fields) : first_(fields.data()) {
    occurrences_.reserve(fields.size());
    for (const HeaderField& field : fields) {
      occurrences_.push_back(++present_[comparable_name(field)]);
    }
  }

  int occurrence(const HeaderField* field) const {
    return occurrences_[static_cast<size_t>(field - first_)];
  }
  int present(const std::string& name) const {
    const auto count = present_.find(name);
    return count == present_.end() ? 0 : count->second;
  }

 private:
  const HeaderField* first_;
  std::vector<int> occurrences_;  // by the field's place
  std::unordered_map<std::string, int> present_;
};

/// The fields that the signature in `own` selects. RFC 6376 3.5 h=: it MUST NOT include the field
/// being verified, so a `dkim-signature` in it means another one, or none.
std::vector<const HeaderField*> select_fields(const std::vector<HeaderField>& fields, size_t own,
                                              const DkimSignature& tags) {
  if (!tags.signs(kSignatureField)) return select_signed_fields(fields, tags.signed_fields);
  std::vector<HeaderField> others = fields;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(own));
  std::vector<const HeaderField*> selected = select_signed_fields(others, tags.signed_fields);
  for (const HeaderField*& field : selected) {
    const auto index = static_cast<size_t>(field - others.data());
    field = &fields[index < own ? index : index + 1];
  }
  return selected;
}

/// `selected` leaves out the names that have no field; here they are put back.
std::vector<SignedName> explain_names(const std::vector<const HeaderField*>& selected,
                                      const FieldCounts& counts,
                                      const std::vector<std::string>& names) {
  auto next = selected.begin();
  std::vector<SignedName> explained;
  for (const std::string& name : names) {
    SignedName signed_name{name, nullptr, 0, counts.present(name)};
    // Once no field of a name is left, no later one in `selected` has that name.
    if (next != selected.end() && comparable_name(**next) == name) {
      signed_name.field = *next++;
      signed_name.occurrence = counts.occurrence(signed_name.field);
    }
    explained.push_back(std::move(signed_name));
  }
  return explained;
}

std::optional<KeyExplanation> explain_key(const std::vector<RecordedAnswer>& answers,
                                          const DkimSignature& tags,
                                          const DkimVerifyOptions& options) {
  const auto recorded =
      std::find_if(answers.begin(), answers.end(), [&](const RecordedAnswer& other) {
        return other.name == tags.key_name && other.type == RecordType::txt;
      });
  if (recorded == answers.end()) return std::nullopt;
  const Answer& answer = recorded->answer;
  KeyExplanation key;
  key.answer = answer;
  const DkimKeyCheck check = check_dkim_key(answer, tags, options);
  if (check.refusal) key.problem = check.refusal->reason;
  if (check.key) {
    key.type = check.key->type();
    key.bits = check.key->bits();
  }
  key.testing = check.testing;
  for (const std::string& text : answer.texts) {
    const auto record =
        parse_dkim_record(text, static_cast<size_t>(options.maximum_tag_list_octets));
    if (record && record->strict_identity) key.strict_identity = true;
  }
  return key;
}

/// Adds to each signature how its body hash comes about.
void explain_bodies(const MessageFile& message, std::vector<SignatureExplanation>& signatures) {
  BodyHashes hashes;
  std::vector<std::pair<SignatureExplanation*, size_t>> wanted;
  for (SignatureExplanation& signature : signatures) {
    const DkimSignature& tags = signature.tags;
    if (tags.refusal) continue;
    wanted.emplace_back(&signature, hashes.add(tags.body_canonicalization, tags.body_length));
  }
  if (wanted.empty()) return;
  message.read_body([&](std::string_view piece) { hashes.update(piece); });
  hashes.finish();
  for (const auto& [signature, index] : wanted) {
    const uint64_t octets = hashes.canonical_octets(index);
    signature->body = BodyExplanation{
        hashes.hash(index), octets, std::min(octets, signature->tags.body_length.value_or(octets))};
  }
}

}  // namespace

std::vector<SignatureExplanation> explain_signatures(const MessageFile& message,
                                                     const DkimVerifyOptions& options,
                                                     const std::vector<RecordedAnswer>& answers) {
  const std::vector<HeaderField>& fields = message.fields();
  const FieldCounts counts(fields);
  std::vector<SignatureExplanation> signatures;
  if (counts.present(std::string(kSignatureField)) > options.maximum_signatures_present) {
    return signatures;
  }
  for (size_t own = 0; own < fields.size(); ++own) {
    if (comparable_name(fields[own]) != kSignatureField) continue;
    SignatureExplanation signature;
    signature.field = &fields[own];
    signature.tags = parse_dkim_signature(fields[own].value, options.maximum_signed_fields,
                                          static_cast<size_t>(options.maximum_tag_list_octets));
    if (const DkimSignature& tags = signature.tags; !tags.refusal) {
      signature.names = explain_names(select_fields(fields, own, tags), counts, tags.signed_fields);
      signature.key = explain_key(answers, tags, options);
    }
    signatures.push_back(std::move(signature));
  }
  explain_bodies(message, signatures);
  return signatures;
}

std::string canonical_header(const SignatureExplanation& signature) {
  const Canonicalization canonicalization = signature.tags.header_canonicalization;
  std::string octets;
  for (const SignedName& name : signature.names) {
    if (name.field == nullptr) continue;
    octets += canonical_field(*name.field, canonicalization) + "\r\n";
  }
  // RFC 6376 3.7: last the signature field itself, without a CRLF.
  const HeaderField& field = *signature.field;
  return octets +
         canonical_field({field.name, without_signature_value(field.value)}, canonicalization);
}

void read_canonical_body(const MessageFile& message, const SignatureExplanation& signature,
                         const OctetSink& sink) {
  uint64_t left = signature.body ? signature.body->hashed_octets : 0;
  BodyCanonicalizer canonicalizer(
      signature.tags.body_canonicalization, [&](std::string_view octets) {
        octets = octets.substr(0, std::min<uint64_t>(left, octets.size()));
        left -= octets.size();
        if (!octets.empty()) sink(octets);
      });
  message.read_body([&](std::string_view piece) { canonicalizer.update(piece); });
  canonicalizer.finish();
}

}  // namespace signet
