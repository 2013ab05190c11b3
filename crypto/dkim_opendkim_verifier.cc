// SPDX-License-Identifier: BSD-2-Clause
//
// Verifying with libopendkim, for the postmaster who wants its judgement. The library is called
// late and with as little as possible: our parser has read each signature, our resolver has fetched
// each key, only the fields that a signature names are fed, and its word for a body hash has to
// agree with ours. Whatever it says, `pass` needs all of that to hold at once.

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "crypto/dkim.h"
#include "crypto/dkim_hash.h"
#include "crypto/dkim_key_check.h"
#include "crypto/dkim_signature.h"
#include "crypto/opendkim_library.h"
#include "dns/base64.h"

namespace signet {
namespace {

using Refusal = std::optional<DkimRefusal>;

constexpr std::string_view kSignatureField = "dkim-signature";
constexpr size_t kMaxHeaderOctets = 1024 * 1024;  // of all fields of a message that is verified
constexpr size_t kMaxIdentityOctets = 250;        // i=
constexpr size_t kMaxFieldListOctets = 4000;      // h=
constexpr size_t kMaxFieldNameOctets = 998;       // RFC 5322 2.1.1: a line has no more
/// The library canonicalizes the body once for each c= and l=, so a message gets this many.
constexpr size_t kMaxBodyHashes = 4;
/// Longer bodies do not exist; the library's arithmetic on l= is not tried beyond.
constexpr uint64_t kMaxBodyLength = uint64_t{1} << 40;
/// 2001-09-09, years before the first DKIM signature; see the clock in opendkim_library.cc.
constexpr std::chrono::sys_seconds kEarliestSigning{std::chrono::seconds(1'000'000'000)};

Refusal refuse(DkimResult result, std::string reason) {
  return DkimRefusal{result, std::move(reason)};
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

/// True if a tag's name, as written up to its `=`, would mislead the library about where the value
/// of b= is: white space after `b`, or another name that ends in b.
bool has_misleading_tag(std::string_view value) {
  for (size_t start = 0; start <= value.size();) {
    const size_t end = std::min(value.find(';', start), value.size());
    const std::string_view spec = value.substr(start, end - start);
    std::string_view name = spec.substr(0, spec.find('='));
    name.remove_prefix(std::min(name.find_first_not_of(" \t\r\n"), name.size()));
    const std::string_view trimmed = name.substr(0, name.find_last_not_of(" \t\r\n") + 1);
    if (trimmed.ends_with('b') && name != "b") return true;
    start = end + 1;
  }
  return false;
}

/// What RFC 6376 allows but this engine does not take on: `neutral`, "not otherwise able to be
/// processed" (RFC 8601 2.7.1), unless a better word fits.
Refusal check_engine_limits(const DkimSignature& signature, std::string_view value) {
  size_t list_octets = 0;
  for (const std::string& name : signature.signed_fields) {
    list_octets += name.size() + 1;
    if (name.size() > kMaxFieldNameOctets)
      return refuse(DkimResult::neutral, "a name in h= is too long");
  }
  if (list_octets > kMaxFieldListOctets) return refuse(DkimResult::policy, "h= is too long");
  if (signature.identity.size() > kMaxIdentityOctets) {
    return refuse(DkimResult::policy, "i= is too long");
  }
  if (!is_ascii(value)) return refuse(DkimResult::neutral, "libopendkim reads no UTF-8 in tags");
  if (has_misleading_tag(value)) {
    return refuse(DkimResult::neutral, "libopendkim can't tell b= from another tag");
  }
  if (signature.body_length && *signature.body_length > kMaxBodyLength) {
    return refuse(DkimResult::permerror, "l= is larger than the body");
  }
  if (signature.signed_at && *signature.signed_at < kEarliestSigning) {
    return refuse(DkimResult::policy, "t= lies before DKIM was invented");
  }
  return std::nullopt;
}

/// A name that nobody can have put into h=.
HeaderField sentinel_field() {
  std::array<unsigned char, 16> random{};
  RAND_bytes(random.data(), random.size());
  std::string name = "X-Signet-";
  for (const unsigned char octet : random) name += fmt::format("{:02x}", octet);
  return HeaderField{name, " -"};
}

/// A key record as the library is given it: written by us, whatever the DNS held.
std::string plain_key_record(const PublicKey& key) {
  return fmt::format("v=DKIM1; k={}; p={}", to_string(key.type()), encode_base64(key.encoded()));
}

/// The keys of one message, by the name of their record.
class PlainKeys final : public OpendkimKeys {
 public:
  void add(const Name& name, std::string record) { records_[name.text()] = std::move(record); }
  std::string_view key_record(std::string_view selector, std::string_view domain) const override {
    const auto name = ascii_lower(fmt::format("{}._domainkey.{}", selector, domain));
    const auto record = records_.find(name);
    return record == records_.end() ? std::string_view() : record->second;
  }

 private:
  std::map<std::string, std::string> records_;
};

/// One DKIM-Signature field on its way to a verdict.
struct Candidate {
  DkimSignature signature;
  size_t field = 0;      ///< index among the fields
  Refusal refusal;       ///< set as soon as one is found; then nothing else is done
  bool fed = false;      ///< the library has it
  size_t body_hash = 0;  ///< index in BodyHashes, if fed
  DKIM_SIGINFO* handle = nullptr;
  DkimVerdict verdict;
};

DkimVerdict describe(const DkimSignature& signature) {
  DkimVerdict verdict;
  verdict.domain = signature.domain;
  verdict.identity = signature.identity;
  verdict.selector = signature.selector;
  verdict.algorithm = signature.algorithm;
  verdict.signature_start = signature.signature_start;
  return verdict;
}

class OpendkimVerifier final : public DkimVerifier {
 public:
  OpendkimVerifier(const DkimVerifyOptions& options, Resolver& resolver,
                   std::shared_ptr<LookupBudget> budget)
      : options_(options), resolver_(resolver), budget_(std::move(budget)) {}

  void header(const HeaderField& field) override;
  void end_of_headers(const std::optional<Name>& author) override;
  void body(std::string_view octets) override;
  std::vector<DkimVerdict> finish(std::chrono::sys_seconds now) override;

 private:
  void add_signature(const HeaderField& field);
  bool take_field(const HeaderField& field);
  Lookup& key_lookup(const Name& name);
  std::vector<Candidate*> open_candidates();
  void refuse_all(const DkimRefusal& refusal);
  void choose_signatures(const std::optional<Name>& author);
  void limit_body_hashes();
  void refuse_dangling_signatures();
  void feed_headers();
  bool feed_selected_fields();
  void check_keys(std::chrono::sys_seconds now);
  bool find_handles();
  void judge(Candidate& candidate);
  Refusal judge_library(const Candidate& candidate) const;
  Refusal judge_length(const Candidate& candidate) const;

  const DkimVerifyOptions options_;
  Resolver& resolver_;
  const std::shared_ptr<LookupBudget> budget_;

  std::vector<HeaderField> fields_;
  size_t header_octets_ = 0;
  int field_count_ = 0;
  int signatures_present_ = 0;
  Refusal whole_message_;  ///< a reason that concerns every signature
  std::vector<Candidate> candidates_;
  std::map<Name, Lookup> lookups_;
  BodyHashes body_hashes_;
  PlainKeys keys_;  ///< outlives dkim_, which points to it
  DkimHandle dkim_;
  std::optional<OpendkimBody> library_body_;
};

void OpendkimVerifier::header(const HeaderField& field) {
  const bool taken = take_field(field);
  if (comparable_name(field) != kSignatureField) return;
  ++signatures_present_;
  if (taken && signatures_present_ <= options_.maximum_signatures_present) add_signature(field);
}

/// Keeps the field unless the message is over a limit; then no signature of it can be judged, since
/// a field that was not looked at may be one that a signature denies.
bool OpendkimVerifier::take_field(const HeaderField& field) {
  ++field_count_;
  header_octets_ += field.name.size() + field.value.size();
  if (field_count_ > options_.maximum_header_fields) {
    whole_message_ = refuse(DkimResult::policy, fmt::format("over the limit of {} header fields",
                                                            options_.maximum_header_fields));
  } else if (header_octets_ > kMaxHeaderOctets) {
    whole_message_ = refuse(DkimResult::policy, "the header is too large");
  } else if (field.name.find('\0') != std::string::npos ||
             field.value.find('\0') != std::string::npos) {
    whole_message_ = refuse(DkimResult::neutral, "a header field holds a NUL");
  } else {
    fields_.push_back(field);
    return true;
  }
  return false;
}

void OpendkimVerifier::add_signature(const HeaderField& field) {
  Candidate candidate;
  candidate.signature = parse_dkim_signature(field.value, options_.maximum_signed_fields);
  candidate.field = fields_.size() - 1;
  candidate.refusal = candidate.signature.refusal;
  if (!candidate.refusal) {
    candidate.refusal = check_engine_limits(candidate.signature, field.value);
  }
  candidate.verdict = describe(candidate.signature);
  // The key travels while the body arrives. Which eight will be evaluated is known only at the end
  // of the headers; the first eight are a good guess.
  const bool room = lookups_.size() < static_cast<size_t>(options_.maximum_signatures);
  if (!candidate.refusal && room) key_lookup(candidate.signature.key_name);
  candidates_.push_back(std::move(candidate));
}

Lookup& OpendkimVerifier::key_lookup(const Name& name) {
  const auto known = lookups_.find(name);
  if (known != lookups_.end()) return known->second;
  return lookups_.emplace(name, resolver_.start(name, RecordType::txt, *budget_)).first->second;
}

std::vector<Candidate*> OpendkimVerifier::open_candidates() {
  std::vector<Candidate*> open;
  for (Candidate& candidate : candidates_) {
    if (!candidate.refusal) open.push_back(&candidate);
  }
  return open;
}

void OpendkimVerifier::refuse_all(const DkimRefusal& refusal) {
  for (Candidate* candidate : open_candidates()) candidate->refusal = refusal;
}

void OpendkimVerifier::end_of_headers(const std::optional<Name>& author) {
  if (signatures_present_ > options_.maximum_signatures_present) candidates_.clear();
  if (whole_message_) refuse_all(*whole_message_);
  choose_signatures(author);
  limit_body_hashes();
  refuse_dangling_signatures();
  for (Candidate* candidate : open_candidates()) {
    key_lookup(candidate->signature.key_name);
    candidate->body_hash = body_hashes_.add(candidate->signature.body_canonicalization,
                                            candidate->signature.body_length);
  }
  feed_headers();
  fields_.clear();
  fields_.shrink_to_fit();
}

/// Those whose d= is, or lies above or below, the Author Domain come first: they are the ones that
/// DMARC can use. Among equals the order of the fields counts.
void OpendkimVerifier::choose_signatures(const std::optional<Name>& author) {
  const auto aligned = [&](const Candidate* candidate) {
    const Name& domain = candidate->signature.domain;
    return author && (author->is_at_or_below(domain) || domain.is_at_or_below(*author));
  };
  const auto open = open_candidates();
  int chosen = 0;
  for (const bool wants_aligned : {true, false}) {
    for (Candidate* candidate : open) {
      if (aligned(candidate) != wants_aligned || ++chosen <= options_.maximum_signatures) continue;
      candidate->refusal = refuse(DkimResult::policy, fmt::format("over the limit of {} signatures",
                                                                  options_.maximum_signatures));
    }
  }
}

void OpendkimVerifier::limit_body_hashes() {
  std::set<std::pair<Canonicalization, std::optional<uint64_t>>> wanted;
  for (Candidate* candidate : open_candidates()) {
    const auto body =
        std::pair(candidate->signature.body_canonicalization, candidate->signature.body_length);
    if (wanted.count(body) == 0 && wanted.size() >= kMaxBodyHashes) {
      candidate->refusal = refuse(DkimResult::policy,
                                  fmt::format("over the limit of {} body hashes", kMaxBodyHashes));
    } else {
      wanted.insert(body);
    }
  }
}

/// A signature over other DKIM-Signature fields can't be judged once one of these is kept from the
/// library. RFC 6376 5.4 calls signing them error-prone.
void OpendkimVerifier::refuse_dangling_signatures() {
  const auto open = open_candidates();
  if (static_cast<int>(open.size()) == signatures_present_) return;
  for (Candidate* candidate : open) {
    if (candidate->signature.signs(kSignatureField)) {
      candidate->refusal =
          refuse(DkimResult::neutral, "h= covers a DKIM-Signature field that was not evaluated");
    }
  }
}

void OpendkimVerifier::feed_headers() {
  if (open_candidates().empty()) return;
  if (!feed_selected_fields()) {
    dkim_.reset();
    refuse_all({DkimResult::neutral, "libopendkim could not read the header"});
    return;
  }
  library_body_.emplace(dkim_.get());
}

/// Of all fields only those that a signature names, and the signatures that are evaluated.
bool OpendkimVerifier::feed_selected_fields() {
  DKIM_LIB* library = opendkim_library(std::chrono::seconds(0));
  if (library == nullptr) return false;
  DKIM_STAT status = DKIM_STAT_OK;
  const auto* id = reinterpret_cast<const unsigned char*>("-");
  dkim_.reset(dkim_verify(library, id, nullptr, &status));
  if (!dkim_) return false;
  dkim_set_user_context(dkim_.get(), &keys_);

  std::set<std::string> named;
  std::set<size_t> evaluated;
  for (Candidate* candidate : open_candidates()) {
    candidate->fed = true;
    evaluated.insert(candidate->field);
    named.insert(candidate->signature.signed_fields.begin(),
                 candidate->signature.signed_fields.end());
  }
  bool good = feed_field(dkim_.get(), sentinel_field()) == DKIM_STAT_OK;
  for (size_t i = 0; i < fields_.size() && good; ++i) {
    const std::string name = comparable_name(fields_[i]);
    const bool wanted = name == kSignatureField ? evaluated.count(i) > 0 : named.count(name) > 0;
    if (wanted) good = feed_field(dkim_.get(), fields_[i]) == DKIM_STAT_OK;
  }
  return good && dkim_eoh(dkim_.get()) == DKIM_STAT_OK;
}

void OpendkimVerifier::body(std::string_view octets) {
  if (!library_body_) return;
  body_hashes_.update(octets);
  library_body_->update(octets);
}

std::vector<DkimVerdict> OpendkimVerifier::finish(std::chrono::sys_seconds now) {
  if (signatures_present_ > options_.maximum_signatures_present) {
    DkimVerdict verdict;
    verdict.result = DkimResult::policy;
    verdict.reason = fmt::format("{} signatures, over the limit of {}: none was evaluated",
                                 signatures_present_, options_.maximum_signatures_present);
    return {verdict};
  }
  check_keys(now);
  if (library_body_) {
    body_hashes_.finish();
    const bool fed = library_body_->finish() == DKIM_STAT_OK && find_handles();
    // What dkim_eom() returns is about one signature of its choice; each is asked below.
    if (fed) dkim_eom(dkim_.get(), nullptr);
    if (!fed) refuse_all({DkimResult::neutral, "libopendkim could not read the body"});
  }
  std::vector<DkimVerdict> verdicts;
  for (Candidate& candidate : candidates_) {
    judge(candidate);
    verdicts.push_back(std::move(candidate.verdict));
  }
  return verdicts;
}

/// Times first: an expired signature needs no key.
void OpendkimVerifier::check_keys(std::chrono::sys_seconds now) {
  for (Candidate* candidate : open_candidates()) {
    candidate->refusal = check_signature_time(candidate->signature, now, options_.clock_drift);
    if (candidate->refusal) continue;
    const Answer& answer = key_lookup(candidate->signature.key_name).get();
    auto check = check_dkim_key(answer, candidate->signature, options_);
    candidate->verdict.testing = check.testing;
    candidate->refusal = std::move(check.refusal);
    if (check.key) candidate->verdict.key_bits = check.key->bits();
    if (candidate->refusal) continue;
    std::string record = plain_key_record(*check.key);
    if (record.size() > kOpendkimKeyRecordOctets) {
      candidate->refusal = refuse(DkimResult::policy, "the key is too large for libopendkim");
      continue;
    }
    keys_.add(candidate->signature.key_name, std::move(record));
  }
}

/// Pairs the library's handles, which are in the order of the fields, with ours, and takes those
/// that are refused by now out of its work.
bool OpendkimVerifier::find_handles() {
  DKIM_SIGINFO** handles = nullptr;
  int count = 0;
  if (dkim_getsiglist(dkim_.get(), &handles, &count) != DKIM_STAT_OK) return false;
  int next = 0;
  for (Candidate& candidate : candidates_) {
    if (!candidate.fed) continue;
    if (next == count) return false;
    candidate.handle = handles[next++];
    if (candidate.refusal) dkim_sig_ignore(candidate.handle);
  }
  return next == count;
}

void OpendkimVerifier::judge(Candidate& candidate) {
  if (!candidate.refusal) candidate.refusal = judge_library(candidate);
  if (!candidate.refusal) candidate.refusal = judge_length(candidate);
  if (!candidate.refusal) {
    candidate.verdict.result = DkimResult::pass;
    return;
  }
  candidate.verdict.result = candidate.refusal->result;
  candidate.verdict.reason = candidate.refusal->reason;
}

/// RFC 6376 6.1.3, steps 3 and 4.
Refusal OpendkimVerifier::judge_library(const Candidate& candidate) const {
  const uint64_t octets = body_hashes_.canonical_octets(candidate.body_hash);
  // RFC 6376 3.5 l=: MUST NOT be larger than the canonical body.
  if (candidate.signature.body_length.value_or(0) > octets) {
    return refuse(DkimResult::permerror, "l= is larger than the body");
  }
  if (body_hashes_.hash(candidate.body_hash) != candidate.signature.body_hash) {
    return refuse(DkimResult::fail, "body hash differs");
  }
  const int error = dkim_sig_geterror(candidate.handle);
  const bool passed = (dkim_sig_getflags(candidate.handle) & DKIM_SIGFLAG_PASSED) != 0;
  const int body_hash = dkim_sig_getbh(candidate.handle);
  if (error == DKIM_SIGERROR_OK && passed && body_hash == DKIM_SIGBH_MATCH) return std::nullopt;
  if (body_hash == DKIM_SIGBH_MISMATCH) {
    return refuse(DkimResult::neutral, "libopendkim canonicalizes this body in its own way");
  }
  if (error == DKIM_SIGERROR_BADSIG) return refuse(DkimResult::fail, "signature does not verify");
  const char* text = dkim_sig_geterrorstr(error);
  return refuse(DkimResult::neutral, fmt::format("libopendkim: {}", text ? text : "no verdict"));
}

/// RFC 6376 8.2: what l= leaves out may have been added by anybody.
Refusal OpendkimVerifier::judge_length(const Candidate& candidate) const {
  if (!candidate.signature.body_length || options_.unsigned_bytes_pass) return std::nullopt;
  const uint64_t octets = body_hashes_.canonical_octets(candidate.body_hash);
  const uint64_t unsigned_octets = octets - *candidate.signature.body_length;
  if (unsigned_octets == 0) return std::nullopt;
  return refuse(DkimResult::policy, fmt::format("l= leaves {} octets unsigned", unsigned_octets));
}

}  // namespace

std::unique_ptr<DkimVerifier> make_dkim_verifier(DkimEngine /*engine*/,
                                                 const DkimVerifyOptions& options,
                                                 Resolver& resolver,
                                                 std::shared_ptr<LookupBudget> budget,
                                                 std::shared_ptr<PublicKeyCache> /*keys*/) {
  return std::make_unique<OpendkimVerifier>(options, resolver, std::move(budget));
}

}  // namespace signet
