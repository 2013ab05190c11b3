// SPDX-License-Identifier: BSD-2-Clause
//
// What verifying a message takes, whatever does the cryptography: the gate of limits and strict
// parsing, the choice of signatures, keys, body hashes, times and the judgement on l= are in
// dkim_verifier.cc. An engine adds the step of RFC 6376 6.1.3 in which a signature proves to be
// over these header fields by the owner of that key, and the limits it has in doing so.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/dkim_refusal.h"
#include "crypto/dkim_signature.h"
#include "crypto/message.h"
#include "crypto/public_key.h"

namespace signet {

/// One DKIM-Signature field on its way to a verdict.
struct DkimCandidate {
  DkimSignature signature;
  size_t index = 0;                      ///< among the candidates of the message, from 0
  size_t field = 0;                      ///< among the header fields that an engine is given
  std::optional<DkimRefusal> refusal;    ///< set as soon as one is found; then nothing else is done
  size_t body_hash = 0;                  ///< in BodyHashes
  std::shared_ptr<const PublicKey> key;  ///< set when the key's record has been judged
  DkimVerdict verdict;
};

/// The candidates that have no refusal (yet), in order of the fields.
using OpenCandidates = std::vector<DkimCandidate*>;

/// The header of one message, as an engine sees it once, at its end.
struct DkimHeader {
  const std::vector<HeaderField>& fields;
  int signatures_present;  ///< DKIM-Signature fields, open or not
};

/// Does the cryptography for one message: the calls come in the order of the members, from one
/// thread at a time. Candidates keep their address until the engine is gone.
class DkimVerifyEngine {
 public:
  /// Of a message; one that is over them is not evaluated, whatever DkimVerifyOptions say.
  struct Limits {
    int header_octets;  ///< as maximum_header_octets
    int body_hashes;    ///< as maximum_body_hashes
    bool takes_nul;     ///< in a header field
  };

  virtual ~DkimVerifyEngine() = default;
  virtual Limits limits() const = 0;
  /// What the gate accepts and this engine does not take on. `value` is the field's.
  virtual std::optional<DkimRefusal> check_signature(const DkimSignature& signature,
                                                     std::string_view value) const = 0;
  /// The engine may refuse candidates. The header is gone after the call.
  virtual void end_of_headers(const DkimHeader& header, const OpenCandidates& open) = 0;
  virtual void body(std::string_view octets) = 0;
  /// The body has ended; those of the candidates at end_of_headers() that are still open have a key
  /// now.
  virtual void finish(const OpenCandidates& open) = 0;
  /// RFC 6376 6.1.3 step 4, for a candidate that is open and whose body hash is right.
  virtual std::optional<DkimRefusal> judge(const DkimCandidate& candidate) = 0;
};

/// Canonicalization and hashes of this program, arithmetic by OpenSSL.
std::unique_ptr<DkimVerifyEngine> make_native_verify_engine();
/// libopendkim, which sees only what the gate let through. As maximum_library_octets.
std::unique_ptr<DkimVerifyEngine> make_opendkim_verify_engine(size_t maximum_body_octets);

}  // namespace signet
