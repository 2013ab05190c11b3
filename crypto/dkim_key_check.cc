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

Refusal refuse(DkimResult result, std::string reason) {
  return DkimRefusal{result, std::move(reason)};
}

/// The one key record among the TXT records of the name. RFC 6376 6.1.2: what does not parse MUST
/// be ignored; 3.6.2.2: with several keys the results are undefined, so none is chosen.
Result<DkimRecord> single_record(const Answer& answer) {
  Result<DkimRecord> only = Error{"no TXT record"};
  size_t keys = 0;
  const size_t count = std::min(answer.texts.size(), kMaxRecords);
  for (size_t i = 0; i < count; ++i) {
    auto record = parse_dkim_record(answer.texts[i]);
    if (record) ++keys;
    if (record || keys == 0) only = std::move(record);
  }
  if (answer.texts.size() > kMaxRecords || keys > 1) {
    return Error{fmt::format("{} records where one is allowed", answer.texts.size())};
  }
  return only;
}

/// RFC 6376 6.1.2 steps 2 and 3.
Refusal check_answer(const Answer& answer, const Name& name) {
  switch (answer.status) {
    case DnsStatus::answered:
      return std::nullopt;
    case DnsStatus::no_data:
    case DnsStatus::no_domain:
      return refuse(DkimResult::permerror, fmt::format("no key at {}", name.text()));
    case DnsStatus::server_failure:
    case DnsStatus::timed_out:
      break;
  }
  return refuse(DkimResult::temperror,
                fmt::format("key lookup of {}: {}", name.text(), to_string(answer.status)));
}

/// RFC 6376 6.1.2 steps 6 to 8, and 3.6.1 s= and t=s.
Refusal check_record(const DkimRecord& record, const DkimSignature& signature) {
  if (!record.for_email) return refuse(DkimResult::permerror, "the key is not for email");
  const auto& hashes = record.hashes;
  if (!hashes.empty() && std::find(hashes.begin(), hashes.end(), "sha256") == hashes.end()) {
    return refuse(DkimResult::permerror, "the key does not allow sha256");
  }
  if (record.public_key.empty()) return refuse(DkimResult::permerror, "key revoked");
  if (record.type != signature.key_type) {
    return refuse(DkimResult::permerror,
                  fmt::format("the key is {}, the signature {}", to_string(record.type),
                              to_string(signature.key_type)));
  }
  if (record.strict_identity && signature.identity_domain != signature.domain) {
    return refuse(DkimResult::permerror, "the key forbids i= below d=");
  }
  return std::nullopt;
}

Refusal check_size(const PublicKey& key, const DkimVerifyOptions& options) {
  if (key.type() != DkimKeyType::rsa) return std::nullopt;
  // RFC 8301 3.2: a signature by a key under 1024 bits is never valid. Exact bits, not octets.
  const bool fits =
      key.bits() >= options.minimum_key_bits && key.bits() <= options.maximum_key_bits;
  if (fits) return std::nullopt;
  return refuse(DkimResult::policy, fmt::format("key of {} bits", key.bits()));
}

}  // namespace

DkimKeyCheck check_dkim_key(const Answer& answer, const DkimSignature& signature,
                            const DkimVerifyOptions& options) {
  DkimKeyCheck check;
  check.refusal = check_answer(answer, signature.key_name);
  if (check.refusal) return check;
  const auto record = single_record(answer);
  if (!record) {
    // RFC 6376 6.1.2 step 5: PERMFAIL (key syntax error).
    check.refusal = refuse(DkimResult::permerror, "bad key record: " + record.error());
    return check;
  }
  check.testing = record->testing;
  check.refusal = check_record(*record, signature);
  if (check.refusal) return check;
  auto key = PublicKey::parse(record->type, record->public_key);
  if (!key) {
    check.refusal = refuse(DkimResult::permerror, "bad key record: " + key.error());
    return check;
  }
  check.key.emplace(*std::move(key));
  check.refusal = check_size(*check.key, options);
  return check;
}

}  // namespace signet
