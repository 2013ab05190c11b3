// SPDX-License-Identifier: BSD-2-Clause
//
// The verifier of a message. Signatures are read as their fields arrive and their keys asked for at
// once; at the end of the header it is decided which are evaluated; the body is hashed as it
// streams by, once for all signatures that share canonicalization and l=. Whatever an engine says,
// `pass` needs every check here to hold too.

#include "crypto/dkim_verifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "crypto/dkim_hash.h"
#include "crypto/dkim_key_check.h"
#include "crypto/public_key_cache.h"

namespace signet {
namespace {

using Refusal = std::optional<DkimRefusal>;

constexpr std::string_view kSignatureField = "dkim-signature";

DkimVerdict describe(const DkimSignature& signature) {
  DkimVerdict verdict;
  verdict.domain = signature.domain;
  verdict.identity = signature.identity;
  verdict.selector = signature.selector;
  verdict.algorithm = signature.algorithm;
  verdict.signature_start = signature.signature_start;
  return verdict;
}

DkimVerifyEngine::Limits tighter(DkimVerifyEngine::Limits engine,
                                 const DkimVerifyOptions& options) {
  engine.header_octets = std::min(engine.header_octets, options.maximum_header_octets);
  engine.body_hashes = std::min(engine.body_hashes, options.maximum_body_hashes);
  return engine;
}

bool holds_nul(const HeaderField& field) {
  return field.name.find('\0') != std::string::npos || field.value.find('\0') != std::string::npos;
}

class Verifier final : public DkimVerifier {
 public:
  Verifier(std::unique_ptr<DkimVerifyEngine> engine, const DkimVerifyOptions& options,
           Resolver& resolver, std::shared_ptr<LookupBudget> budget,
           std::shared_ptr<PublicKeyCache> keys)
      : engine_(std::move(engine)),
        limits_(tighter(engine_->limits(), options)),
        options_(options),
        resolver_(resolver),
        budget_(std::move(budget)),
        keys_(std::move(keys)) {}

  void header(const HeaderField& field) override;
  void end_of_headers(const std::optional<Name>& author) override;
  std::vector<Name> domains() const override;
  Lookup* open_question() override;
  void body(std::string_view octets) override;
  std::vector<DkimVerdict> finish(std::chrono::sys_seconds now) override;

 private:
  struct KeyLookup {
    Name name;
    Lookup lookup;
  };

  void take_field(const HeaderField& field);
  void add_signature(const HeaderField& field);
  Lookup& key_lookup(const Name& name);
  OpenCandidates open_candidates();
  OpenCandidates in_order_of_use(const std::optional<Name>& author);
  void choose_signatures(const OpenCandidates& open);
  void choose_body_hashes(const OpenCandidates& chosen);
  void check_time_and_key(DkimCandidate& candidate, std::chrono::sys_seconds now);
  Refusal judge(const DkimCandidate& candidate);
  Refusal judge_body_hash(const DkimCandidate& candidate) const;
  Refusal judge_length(const DkimCandidate& candidate) const;

  const std::unique_ptr<DkimVerifyEngine> engine_;
  const DkimVerifyEngine::Limits limits_;
  const DkimVerifyOptions options_;
  Resolver& resolver_;
  const std::shared_ptr<LookupBudget> budget_;
  const std::shared_ptr<PublicKeyCache> keys_;

  std::vector<HeaderField> fields_;  ///< empty after end_of_headers()
  size_t header_octets_ = 0;
  int field_count_ = 0;
  int signatures_present_ = 0;
  Refusal whole_message_;  ///< a reason that concerns every signature
  std::vector<DkimCandidate> candidates_;
  std::vector<KeyLookup> lookups_;  ///< few: no more than signatures that are evaluated, twice
  BodyHashes body_hashes_;
};

void Verifier::header(const HeaderField& field) {
  take_field(field);
  if (!is_named(field, kSignatureField)) return;
  ++signatures_present_;
  if (signatures_present_ <= options_.maximum_signatures_present) add_signature(field);
}

/// Keeps the field unless the message is over a limit; then no signature of it can be judged, since
/// a field that was not looked at may be one that a signature denies.
void Verifier::take_field(const HeaderField& field) {
  ++field_count_;
  header_octets_ += field.name.size() + field.value.size();
  if (field_count_ > options_.maximum_header_fields) {
    whole_message_ =
        refuse(DkimResult::policy,
               fmt::format("over the limit of {} header fields", options_.maximum_header_fields),
               Limit::header_fields);
  } else if (header_octets_ > static_cast<size_t>(limits_.header_octets)) {
    whole_message_ =
        refuse(DkimResult::policy,
               fmt::format("over the limit of {} octets in the header", limits_.header_octets),
               Limit::header_octets);
  } else if (!limits_.takes_nul && holds_nul(field)) {
    whole_message_ = refuse(DkimResult::neutral, "a header field holds a NUL");
  } else {
    fields_.push_back(field);
  }
}

void Verifier::add_signature(const HeaderField& field) {
  DkimCandidate candidate;
  candidate.signature = parse_dkim_signature(field.value, options_.maximum_signed_fields,
                                             static_cast<size_t>(options_.maximum_tag_list_octets));
  candidate.index = candidates_.size();
  candidate.refusal = candidate.signature.refusal;
  if (!candidate.refusal) candidate.refusal = whole_message_;
  if (!candidate.refusal) {
    candidate.field = fields_.size() - 1;
    candidate.refusal = engine_->check_signature(candidate.signature, field.value);
  }
  candidate.verdict = describe(candidate.signature);
  // The key travels while the body arrives. Which eight will be evaluated is known only at the end
  // of the headers; the first eight are a good guess.
  const bool room = lookups_.size() < static_cast<size_t>(options_.maximum_signatures);
  if (!candidate.refusal && room) key_lookup(candidate.signature.key_name);
  candidates_.push_back(std::move(candidate));
}

Lookup& Verifier::key_lookup(const Name& name) {
  const auto known = std::find_if(lookups_.begin(), lookups_.end(),
                                  [&](const KeyLookup& other) { return other.name == name; });
  if (known != lookups_.end()) return known->lookup;
  lookups_.push_back({name, resolver_.start(name, RecordType::txt, *budget_)});
  return lookups_.back().lookup;
}

OpenCandidates Verifier::open_candidates() {
  OpenCandidates open;
  for (DkimCandidate& candidate : candidates_) {
    if (!candidate.refusal) open.push_back(&candidate);
  }
  return open;
}

void Verifier::end_of_headers(const std::optional<Name>& author) {
  if (signatures_present_ > options_.maximum_signatures_present) candidates_.clear();
  if (whole_message_) {
    for (DkimCandidate* candidate : open_candidates()) candidate->refusal = whole_message_;
  }
  choose_signatures(in_order_of_use(author));
  choose_body_hashes(in_order_of_use(author));
  if (const OpenCandidates open = open_candidates(); !open.empty()) {
    for (const DkimCandidate* candidate : open) key_lookup(candidate->signature.key_name);
    engine_->end_of_headers({fields_, signatures_present_}, open);
  }
  fields_.clear();
  fields_.shrink_to_fit();
}

/// Those whose d= is, or lies above or below, the Author Domain come first: they are the ones that
/// DMARC can use. Among equals the order of the fields counts.
OpenCandidates Verifier::in_order_of_use(const std::optional<Name>& author) {
  const auto is_useful = [&](const DkimCandidate& candidate) {
    const Name& domain = candidate.signature.domain;
    return author && (author->is_at_or_below(domain) || domain.is_at_or_below(*author));
  };
  const OpenCandidates open = open_candidates();
  OpenCandidates ordered;
  for (const bool useful : {true, false}) {
    std::copy_if(open.begin(), open.end(), std::back_inserter(ordered),
                 [&](const DkimCandidate* candidate) { return is_useful(*candidate) == useful; });
  }
  return ordered;
}

void Verifier::choose_signatures(const OpenCandidates& open) {
  const auto most = static_cast<size_t>(options_.maximum_signatures);
  for (size_t i = most; i < open.size(); ++i) {
    open[i]->refusal =
        refuse(DkimResult::policy, fmt::format("over the limit of {} signatures", most),
               Limit::signatures);
  }
}

void Verifier::choose_body_hashes(const OpenCandidates& chosen) {
  using Body = std::pair<Canonicalization, std::optional<uint64_t>>;
  std::vector<Body> wanted;  // few, see Limits::body_hashes
  for (DkimCandidate* candidate : chosen) {
    const DkimSignature& signature = candidate->signature;
    const Body body(signature.body_canonicalization, signature.body_length);
    if (std::find(wanted.begin(), wanted.end(), body) == wanted.end()) {
      if (wanted.size() == static_cast<size_t>(limits_.body_hashes)) {
        candidate->refusal = refuse(DkimResult::policy,
                                    fmt::format("over the limit of {} body hashes", wanted.size()),
                                    Limit::body_hashes);
        continue;
      }
      wanted.push_back(body);
    }
    candidate->body_hash = body_hashes_.add(body.first, body.second);
  }
}

std::vector<Name> Verifier::domains() const {
  std::vector<Name> domains;
  for (const DkimCandidate& candidate : candidates_) {
    if (!candidate.refusal) domains.push_back(candidate.signature.domain);
  }
  return domains;
}

Lookup* Verifier::open_question() {
  for (const DkimCandidate* candidate : open_candidates()) {
    Lookup& key = key_lookup(candidate->signature.key_name);
    if (key.peek() == nullptr) return &key;
  }
  return nullptr;
}

void Verifier::body(std::string_view octets) {
  if (body_hashes_.size() == 0) return;
  body_hashes_.update(octets);
  engine_->body(octets);
}

std::vector<DkimVerdict> Verifier::finish(std::chrono::sys_seconds now) {
  if (signatures_present_ > options_.maximum_signatures_present) {
    DkimVerdict verdict;
    verdict.result = DkimResult::policy;
    verdict.reason = fmt::format("{} signatures, over the limit of {}: none was evaluated",
                                 signatures_present_, options_.maximum_signatures_present);
    verdict.limit = Limit::signatures_present;
    return {verdict};
  }
  for (DkimCandidate* candidate : open_candidates()) check_time_and_key(*candidate, now);
  body_hashes_.finish();
  engine_->finish(open_candidates());
  std::vector<DkimVerdict> verdicts;
  verdicts.reserve(candidates_.size());
  for (DkimCandidate& candidate : candidates_) {
    if (!candidate.refusal) candidate.refusal = judge(candidate);
    DkimVerdict& verdict = verdicts.emplace_back(std::move(candidate.verdict));
    verdict.result = candidate.refusal ? candidate.refusal->result : DkimResult::pass;
    if (!candidate.refusal) continue;
    verdict.reason = std::move(candidate.refusal->reason);
    verdict.limit = candidate.refusal->limit;
  }
  return verdicts;
}

/// Times first: an expired signature needs no key.
void Verifier::check_time_and_key(DkimCandidate& candidate, std::chrono::sys_seconds now) {
  candidate.refusal = check_signature_time(candidate.signature, now, options_.clock_drift);
  if (candidate.refusal) return;
  const Answer& answer = key_lookup(candidate.signature.key_name).get();
  DkimKeyCheck check = check_dkim_key(answer, candidate.signature, options_, keys_.get());
  candidate.verdict.testing = check.testing;
  if (check.key) candidate.verdict.key_bits = check.key->bits();
  candidate.key = std::move(check.key);
  candidate.refusal = std::move(check.refusal);
}

/// RFC 6376 6.1.3: the body hash first, it says more about what happened to the message.
Refusal Verifier::judge(const DkimCandidate& candidate) {
  Refusal refusal = judge_body_hash(candidate);
  if (!refusal) refusal = engine_->judge(candidate);
  if (!refusal) refusal = judge_length(candidate);
  return refusal;
}

Refusal Verifier::judge_body_hash(const DkimCandidate& candidate) const {
  const uint64_t octets = body_hashes_.canonical_octets(candidate.body_hash);
  const uint64_t length = candidate.signature.body_length.value_or(0);
  // RFC 6376 3.5 l=: MUST NOT be larger than the canonical body.
  if (length > octets) {
    return refuse(DkimResult::permerror,
                  fmt::format("l= is larger than the body of {} octets", octets));
  }
  if (body_hashes_.hash(candidate.body_hash) == candidate.signature.body_hash) return std::nullopt;
  return refuse(DkimResult::fail, "body hash differs");
}

/// RFC 6376 8.2: what l= leaves out may have been added by anybody.
Refusal Verifier::judge_length(const DkimCandidate& candidate) const {
  if (!candidate.signature.body_length || options_.unsigned_bytes_pass) return std::nullopt;
  const uint64_t octets = body_hashes_.canonical_octets(candidate.body_hash);
  const uint64_t left = octets - *candidate.signature.body_length;
  if (left == 0) return std::nullopt;
  return refuse(DkimResult::policy,
                fmt::format("l= leaves {} octet{} unsigned", left, left == 1 ? "" : "s"));
}

}  // namespace

std::unique_ptr<DkimVerifier> make_dkim_verifier(DkimEngine engine,
                                                 const DkimVerifyOptions& options,
                                                 Resolver& resolver,
                                                 std::shared_ptr<LookupBudget> budget,
                                                 std::shared_ptr<PublicKeyCache> keys) {
  auto chosen = engine == DkimEngine::native
                    ? make_native_verify_engine()
                    : make_opendkim_verify_engine(options.maximum_library_octets);
  return std::make_unique<Verifier>(std::move(chosen), options, resolver, std::move(budget),
                                    std::move(keys));
}

}  // namespace signet
