// SPDX-License-Identifier: BSD-2-Clause
//
// Verifying with libopendkim, for the postmaster who wants its judgement. The library is called
// late and with as little as possible: our parser has read each signature, our resolver has fetched
// each key, only the fields that a signature names are fed, and its word for a body hash has to
// agree with ours. Whatever it says, `pass` needs all of that to hold at once. A body that would
// keep it busy for too long is the native engine's.

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "crypto/dkim_hash.h"
#include "crypto/dkim_verifier.h"
#include "crypto/opendkim_library.h"
#include "dns/base64.h"

namespace signet {
namespace {

using Refusal = std::optional<DkimRefusal>;

constexpr std::string_view kSignatureField = "dkim-signature";
constexpr int kMaxHeaderOctets = 1024 * 1024;  // of all fields of a message that is verified
constexpr size_t kMaxIdentityOctets = 250;     // i=
constexpr size_t kMaxFieldListOctets = 4000;   // h=
constexpr size_t kMaxFieldNameOctets = 998;    // RFC 5322 2.1.1: a line has no more
/// The library canonicalizes the body once for each c= and l=, so a message gets this many.
constexpr int kMaxBodyHashes = 4;
/// Longer bodies do not exist; the library's arithmetic on l= is not tried beyond.
constexpr uint64_t kMaxBodyLength = uint64_t{1} << 40;
/// 2001-09-09, years before the first DKIM signature; see the clock in opendkim_library.cc.
constexpr std::chrono::sys_seconds kEarliestSigning{std::chrono::seconds(1'000'000'000)};

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
Refusal check_library_limits(const DkimSignature& signature, std::string_view value) {
  size_t list_octets = 0;
  for (const std::string& name : signature.signed_fields) {
    list_octets += name.size() + 1;
    if (name.size() > kMaxFieldNameOctets)
      return refuse(DkimResult::neutral, "a name in h= is too long for libopendkim");
  }
  if (list_octets > kMaxFieldListOctets)
    return refuse(DkimResult::policy, "h= is too long for libopendkim");
  if (signature.identity.size() > kMaxIdentityOctets) {
    return refuse(DkimResult::policy, "i= is too long for libopendkim");
  }
  if (!is_ascii(value)) return refuse(DkimResult::neutral, "libopendkim reads no UTF-8 in tags");
  if (has_misleading_tag(value)) {
    return refuse(DkimResult::neutral, "libopendkim can't tell b= from another tag");
  }
  if (signature.body_length && *signature.body_length > kMaxBodyLength) {
    return refuse(DkimResult::permerror, "l= is larger than any body");
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

class OpendkimEngine final : public DkimVerifyEngine {
 public:
  explicit OpendkimEngine(size_t maximum_body_octets) : octets_left_(maximum_body_octets) {}
  Limits limits() const override { return {kMaxHeaderOctets, kMaxBodyHashes, false}; }
  Refusal check_signature(const DkimSignature& signature, std::string_view value) const override {
    return check_library_limits(signature, value);
  }
  void end_of_headers(const DkimHeader& header, const OpenCandidates& open) override;
  void body(std::string_view octets) override;
  void finish(const OpenCandidates& open) override;
  Refusal judge(const DkimCandidate& candidate) override;

 private:
  bool feed_selected_fields(const std::vector<HeaderField>& fields);
  void add_keys(const OpenCandidates& open);
  bool find_handles();
  void leave_to_native();

  /// For what is too long for the library. It keeps a hash of the header for each signature.
  const std::unique_ptr<DkimVerifyEngine> native_ = make_native_verify_engine();
  bool is_left_to_native_ = false;
  size_t octets_left_;  ///< that the library may be given of the body
  OpenCandidates fed_;  ///< the library has these, in this order
  PlainKeys keys_;      ///< outlives dkim_, which points to it
  DkimHandle dkim_;
  std::optional<OpendkimBody> library_body_;
  std::map<size_t, DKIM_SIGINFO*> handles_;  ///< by candidate
};

void refuse_all(const OpenCandidates& candidates, const DkimRefusal& refusal) {
  for (DkimCandidate* candidate : candidates) {
    if (!candidate->refusal) candidate->refusal = refusal;
  }
}

/// The library's relaxed form turns each of these into a space; RFC 6376 3.4.2 knows SP and HTAB as
/// white space and unfolds CRLF only where white space follows.
bool has_odd_white_space(std::string_view value) {
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\v' || value[i] == '\f' || value[i] == '\n') return true;
    if (value[i] != '\r') continue;
    const std::string_view next = value.substr(i + 1, 2);
    if (next != "\n " && next != "\n\t") return true;
    ++i;
  }
  return false;
}

Refusal check_header_form(const DkimHeader& header, const DkimSignature& signature) {
  if (signature.header_canonicalization == Canonicalization::simple) return std::nullopt;
  for (const HeaderField* field : select_signed_fields(header.fields, signature.signed_fields)) {
    if (has_odd_white_space(field->value)) {
      return refuse(DkimResult::neutral, "libopendkim canonicalizes this header in its own way");
    }
  }
  return std::nullopt;
}

/// True if the library would count the field being verified among those that h= names, which RFC
/// 6376 3.5 h= forbids.
bool would_cover_itself(const DkimHeader& header, const DkimCandidate& candidate) {
  const auto& names = candidate.signature.signed_fields;
  const auto own = header.fields.begin() + static_cast<std::ptrdiff_t>(candidate.field);
  const auto below = std::count_if(own + 1, header.fields.end(), [](const HeaderField& field) {
    return comparable_name(field) == kSignatureField;
  });
  return std::count(names.begin(), names.end(), kSignatureField) > below;
}

/// RFC 6376 5.4 calls signing DKIM-Signature fields error-prone. Those that do can be judged only
/// if all of these fields are fed to the library and it chooses among them as the RFC says.
void refuse_signatures_of_signatures(const DkimHeader& header, const OpenCandidates& open) {
  const bool all_fed = static_cast<int>(open.size()) == header.signatures_present &&
                       std::none_of(open.begin(), open.end(), [&](const DkimCandidate* candidate) {
                         return candidate->refusal || would_cover_itself(header, *candidate);
                       });
  if (all_fed) return;
  for (DkimCandidate* candidate : open) {
    if (!candidate->refusal && candidate->signature.signs(kSignatureField)) {
      candidate->refusal = refuse(DkimResult::neutral,
                                  "libopendkim can't tell which DKIM-Signature fields h= covers");
    }
  }
}

size_t count_body_hashes(const OpenCandidates& candidates) {
  std::set<size_t> hashes;
  for (const DkimCandidate* candidate : candidates) hashes.insert(candidate->body_hash);
  return hashes.size();
}

void OpendkimEngine::end_of_headers(const DkimHeader& header, const OpenCandidates& open) {
  for (DkimCandidate* candidate : open) {
    candidate->refusal = check_header_form(header, candidate->signature);
  }
  refuse_signatures_of_signatures(header, open);
  for (DkimCandidate* candidate : open) {
    if (!candidate->refusal) fed_.push_back(candidate);
  }
  if (fed_.empty()) return;
  if (feed_selected_fields(header.fields)) {
    library_body_.emplace(dkim_.get());
    octets_left_ /= count_body_hashes(fed_);
    native_->end_of_headers(header, fed_);
    return;
  }
  dkim_.reset();
  refuse_all(fed_, {DkimResult::neutral, "libopendkim could not read the header"});
}

/// Of all fields only those that a signature names, and the signatures that are evaluated.
bool OpendkimEngine::feed_selected_fields(const std::vector<HeaderField>& fields) {
  DKIM_LIB* library = opendkim_library();
  if (library == nullptr) return false;
  DKIM_STAT status = DKIM_STAT_OK;
  const auto* id = reinterpret_cast<const unsigned char*>("-");
  dkim_.reset(dkim_verify(library, id, nullptr, &status));
  if (!dkim_) return false;
  dkim_set_user_context(dkim_.get(), &keys_);

  std::set<std::string> named;
  std::set<size_t> evaluated;
  for (const DkimCandidate* candidate : fed_) {
    evaluated.insert(candidate->field);
    named.insert(candidate->signature.signed_fields.begin(),
                 candidate->signature.signed_fields.end());
  }
  bool good = feed_field(dkim_.get(), sentinel_field()) == DKIM_STAT_OK;
  for (size_t i = 0; i < fields.size() && good; ++i) {
    const std::string name = comparable_name(fields[i]);
    const bool wanted = name == kSignatureField ? evaluated.count(i) > 0 : named.count(name) > 0;
    if (wanted) good = feed_field(dkim_.get(), fields[i]) == DKIM_STAT_OK;
  }
  return good && dkim_eoh(dkim_.get()) == DKIM_STAT_OK;
}

void OpendkimEngine::body(std::string_view octets) {
  if (!library_body_) return;
  if (octets.size() > octets_left_) return leave_to_native();
  octets_left_ -= octets.size();
  library_body_->update(octets);
}

/// The library's handle goes at once, with all that it holds.
void OpendkimEngine::leave_to_native() {
  is_left_to_native_ = true;
  library_body_.reset();
  dkim_.reset();
}

void OpendkimEngine::finish(const OpenCandidates& open) {
  if (!library_body_) return;
  add_keys(open);
  const bool fed = library_body_->finish() == DKIM_STAT_OK && find_handles();
  // What dkim_eom() returns is about one signature of its choice; judge() asks for each.
  if (fed) dkim_eom(dkim_.get(), nullptr);
  if (!fed) refuse_all(open, {DkimResult::neutral, "libopendkim could not read the body"});
}

void OpendkimEngine::add_keys(const OpenCandidates& open) {
  for (DkimCandidate* candidate : open) {
    std::string record = plain_key_record(*candidate->key);
    if (record.size() > kOpendkimKeyRecordOctets) {
      candidate->refusal = refuse(DkimResult::policy, "the key is too large for libopendkim");
    } else {
      keys_.add(candidate->signature.key_name, std::move(record));
    }
  }
}

/// Pairs the library's handles, which are in the order of the fields, with ours, and takes those
/// that are refused by now out of its work.
bool OpendkimEngine::find_handles() {
  DKIM_SIGINFO** handles = nullptr;
  int count = 0;
  if (dkim_getsiglist(dkim_.get(), &handles, &count) != DKIM_STAT_OK) return false;
  if (static_cast<size_t>(count) != fed_.size()) return false;
  for (size_t i = 0; i < fed_.size(); ++i) {
    handles_[fed_[i]->index] = handles[i];
    if (fed_[i]->refusal) dkim_sig_ignore(handles[i]);
  }
  return true;
}

Refusal OpendkimEngine::judge(const DkimCandidate& candidate) {
  if (is_left_to_native_) return native_->judge(candidate);
  DKIM_SIGINFO* handle = handles_.at(candidate.index);
  const int error = dkim_sig_geterror(handle);
  const bool passed = (dkim_sig_getflags(handle) & DKIM_SIGFLAG_PASSED) != 0;
  const int body_hash = dkim_sig_getbh(handle);
  if (error == DKIM_SIGERROR_OK && passed && body_hash == DKIM_SIGBH_MATCH) return std::nullopt;
  if (body_hash == DKIM_SIGBH_MISMATCH) {
    return refuse(DkimResult::neutral, "libopendkim canonicalizes this body in its own way");
  }
  if (error == DKIM_SIGERROR_BADSIG) return refuse(DkimResult::fail, "signature does not verify");
  const char* text = dkim_sig_geterrorstr(error);
  return refuse(DkimResult::neutral, fmt::format("libopendkim: {}", text ? text : "no verdict"));
}

}  // namespace

std::unique_ptr<DkimVerifyEngine> make_opendkim_verify_engine(size_t maximum_body_octets) {
  return std::make_unique<OpendkimEngine>(maximum_body_octets);
}

}  // namespace signet
