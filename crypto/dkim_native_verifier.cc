// SPDX-License-Identifier: BSD-2-Clause
//
// The native engine: RFC 6376 3.7 hashes the header as soon as it is complete, so nothing of the
// message is kept but 32 octets a signature; OpenSSL checks these against b= and the key.

#include <climits>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/dkim_hash.h"
#include "crypto/dkim_verifier.h"

namespace signet {
namespace {

std::string hash_of_header(const FieldsByName& fields, const DkimSignature& signature,
                           const HeaderField& own) {
  // RFC 6376 3.5 h=: it MUST NOT include the field being verified, so a `dkim-signature` in it
  // means another one, or none.
  return HeaderHash(fields.select(signature.signed_fields, &own), signature.header_canonicalization)
      .with(own);
}

class NativeEngine final : public DkimVerifyEngine {
 public:
  Limits limits() const override { return {INT_MAX, INT_MAX, true}; }
  std::optional<DkimRefusal> check_signature(const DkimSignature& /*signature*/,
                                             std::string_view /*value*/) const override {
    return std::nullopt;
  }
  void end_of_headers(const DkimHeader& header, const OpenCandidates& open) override {
    header_hashes_.resize(open.back()->index + 1);
    std::vector<std::string_view> names;
    for (const DkimCandidate* candidate : open) {
      const std::vector<std::string>& signed_fields = candidate->signature.signed_fields;
      names.insert(names.end(), signed_fields.begin(), signed_fields.end());
    }
    const FieldsByName fields(header.fields, names);
    for (const DkimCandidate* candidate : open) {
      header_hashes_[candidate->index] =
          hash_of_header(fields, candidate->signature, header.fields[candidate->field]);
    }
  }
  void body(std::string_view /*octets*/) override {}
  void finish(const OpenCandidates& /*open*/) override {}
  std::optional<DkimRefusal> judge(const DkimCandidate& candidate) override {
    const std::string& hash = header_hashes_[candidate.index];
    if (candidate.key->verify(hash, candidate.signature.signature)) return std::nullopt;
    return refuse(DkimResult::fail, "signature does not verify");
  }

 private:
  std::vector<std::string> header_hashes_;  ///< by candidate
};

}  // namespace

std::unique_ptr<DkimVerifyEngine> make_native_verify_engine() {
  return std::make_unique<NativeEngine>();
}

}  // namespace signet
