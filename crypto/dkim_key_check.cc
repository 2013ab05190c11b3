// SPDX-License-Identifier: BSD-2-Clause
//
// The steps of RFC 6376 6.1.2 in their order, from "no answer" to "inappropriate key".

#include "crypto/dkim_key_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dns/dkim_record.h"

namespace signet {
namespace {

using Refusal = std::optional<DkimRefusal>;

/// More TXT records than this at one name are not read.
constexpr size_t kMaxRecords = 16;
constexpr int kLeastRsaBits = 1024;  // RFC 8301 3.2

/// The one key record among the TXT records of the name. RFC 6376 6.1.2: what does not parse MUST
/// be ignored; 3.6.2.2: with several keys the results are undefined, so none is chosen.
Result<DkimRecord> single_record(const Answer& answer, size_t maximum_octets) {
  if (answer.texts.size() > kMaxRecords) {
    return Error{
        fmt::format("{} TXT records; at most {} are read", answer.texts.size(), kMaxRecords)};
  }
  Result<DkimRecord> only = Error{"no TXT record"};
  int keys = 0;
  for (const std::string& text : answer.texts) {
    auto record = parse_dkim_record(text, maximum_octets);
    if (record) ++keys;
    if (record || keys == 0) only = std::move(record);
  }
  if (keys > 1) return Error{fmt::format("{} key records where one is allowed", keys)};
  return only;
}

/// Whether a record is none because it is too long.
std::optional<Limit> limit_of_record(const Answer& answer, size_t maximum_octets) {
  const bool reached =
      std::any_of(answer.texts.begin(), answer.texts.end(),
                  [&](const std::string& text) { return text.size() > maximum_octets; });
  return reached ? std::optional(Limit::tag_list_octets) : std::nullopt;
}

/// RFC 6376 6.1.2 steps 2 and 3.
Refusal check_answer(const Answer& answer, const Name& name) {
  switch (answer.status) {
    case DnsStatus::answered:
      return std::nullopt;
    case DnsStatus::no_data:
      return refuse(DkimResult::permerror, fmt::format("no key at {}: no TXT record", name.text()));
    case DnsStatus::no_domain:
      return refuse(DkimResult::permerror, fmt::format("no key at {}: no such name", name.text()));
    case DnsStatus::timed_out:
      return refuse(DkimResult::temperror,
                    fmt::format("the DNS did not answer in time for {}", name.text()),
                    answer.limit);
    case DnsStatus::server_failure:
      break;
  }
  return refuse(DkimResult::temperror,
                fmt::format("the DNS failed for {}{}{}", name.text(),
                            answer.error.empty() ? "" : ": ", answer.error),
                answer.limit);
}

/// RFC 6376 6.1.2 steps 6 to 8, and 3.6.1 s= and t=s.
Refusal check_record(const DkimRecord& record, const DkimSignature& signature) {
  if (!record.for_email) {
    return refuse(DkimResult::permerror, "the key's s= does not allow email");
  }
  const auto& hashes = record.hashes;
  if (!hashes.empty() && std::find(hashes.begin(), hashes.end(), "sha256") == hashes.end()) {
    return refuse(DkimResult::permerror, "the key's h= does not allow sha256");
  }
  if (record.public_key.empty()) return refuse(DkimResult::permerror, "key revoked");
  if (record.type != signature.key_type) {
    return refuse(DkimResult::permerror,
                  fmt::format("the key is {}, the signature {}", to_string(record.type),
                              to_string(signature.key_type)));
  }
  if (record.strict_identity && signature.identity_domain != signature.domain) {
    return refuse(DkimResult::permerror, "the key's t=s forbids i= below d=");
  }
  return std::nullopt;
}

/// Exact bits of the modulus, not its octets.
Refusal check_size(const PublicKey& key, const DkimVerifyOptions& options) {
  if (key.type() != DkimKeyType::rsa) return std::nullopt;
  // RFC 8301 3.2: under 1024 bits the evaluation has permanently failed, whatever the options say.
  if (key.bits() < kLeastRsaBits) {
    return refuse(DkimResult::permerror,
                  fmt::format("RSA key of {} bits; {} are the least", key.bits(), kLeastRsaBits),
                  Limit::least_key_bits);
  }
  // RFC 8301 3.2: beyond that the length is a matter of policy.
  if (key.bits() < options.minimum_key_bits) {
    return refuse(DkimResult::policy,
                  fmt::format("RSA key of {} bits; MinimumKeyBits is {}", key.bits(),
                              options.minimum_key_bits),
                  Limit::least_key_bits);
  }
  if (key.bits() > options.maximum_key_bits) {
    return refuse(DkimResult::policy,
                  fmt::format("RSA key of {} bits; MaximumKeyBits is {}", key.bits(),
                              options.maximum_key_bits),
                  Limit::most_key_bits);
  }
  return std::nullopt;
}

/// From the cache if there is one.
Result<std::shared_ptr<const PublicKey>> parse_key(const DkimRecord& record, PublicKeyCache* keys) {
  if (keys != nullptr) return keys->get(record.type, record.public_key);
  auto key = PublicKey::parse(record.type, record.public_key);
  if (!key) return Error{key.error()};
  return std::shared_ptr<const PublicKey>(std::make_shared<PublicKey>(*std::move(key)));
}

}  // namespace

DkimKeyCheck check_dkim_key(const Answer& answer, const DkimSignature& signature,
                            const DkimVerifyOptions& options, PublicKeyCache* keys) {
  DkimKeyCheck check;
  check.refusal = check_answer(answer, signature.key_name);
  if (check.refusal) return check;
  const auto octets = static_cast<size_t>(options.maximum_tag_list_octets);
  const auto record = single_record(answer, octets);
  if (!record) {
    // RFC 6376 6.1.2 step 5: PERMFAIL (key syntax error).
    check.refusal = refuse(DkimResult::permerror, "bad key record: " + record.error(),
                           limit_of_record(answer, octets));
    return check;
  }
  check.testing = record->testing;
  check.refusal = check_record(*record, signature);
  if (check.refusal) return check;
  auto key = parse_key(*record, keys);
  if (!key) {
    check.refusal = refuse(DkimResult::permerror, "bad key record: " + key.error());
    return check;
  }
  check.key = *std::move(key);
  check.refusal = check_size(*check.key, options);
  return check;
}

}  // namespace signet
