// SPDX-License-Identifier: BSD-2-Clause
//
// What a DKIM-Signature claims and what is there: the fields that h= selects, both body hashes, the
// key record as it was answered. It explains a verdict and never makes one: that is the verifier's,
// and these are the same public steps that the verifier takes (RFC 6376 6.1).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/dkim_signature.h"
#include "crypto/message.h"
#include "dns/dkim_record.h"
#include "dns/recording_resolver.h"
#include "dns/resolver.h"
#include "milter/command/message_file.h"

namespace signet {

/// One name in h= and the field it selects (RFC 6376 5.4.2).
struct SignedName {
  std::string name;                    ///< lower case
  const HeaderField* field = nullptr;  ///< null: no field of that name is left, or there was none
  int occurrence = 0;                  ///< which of that name, from 1 at the top
  int present = 0;                     ///< fields of that name in the message
};

/// The record of the key.
struct KeyExplanation {
  Answer answer;
  std::string problem;  ///< why no signature like this can pass with it; empty if one can
  std::optional<DkimKeyType> type;
  int bits = 0;
  bool testing = false;          ///< t=y
  bool strict_identity = false;  ///< t=s
};

/// RFC 6376 3.7, hash step 1.
struct BodyExplanation {
  std::string computed_hash;      ///< 32 octets; bh= is the claim
  uint64_t canonical_octets = 0;  ///< of the whole body
  uint64_t hashed_octets = 0;     ///< as many as l= says
  uint64_t unsigned_octets() const { return canonical_octets - hashed_octets; }
};

struct SignatureExplanation {
  const HeaderField* field = nullptr;  ///< the DKIM-Signature
  /// With a refusal, what the tags say was enough, and the following members are empty.
  DkimSignature tags;
  std::vector<SignedName> names;      ///< h=, in its order
  std::optional<KeyExplanation> key;  ///< absent if nobody asked for it
  std::optional<BodyExplanation> body;
};

/// Each DKIM-Signature field of the message, in order; they point into it. `answers` are those that
/// the verifier got. With more than maximum_signatures_present there are none.
std::vector<SignatureExplanation> explain_signatures(const MessageFile& message,
                                                     const DkimVerifyOptions& options,
                                                     const std::vector<RecordedAnswer>& answers);

/// RFC 6376 3.7, hash step 2: the octets that the signature is made over. Only without a refusal.
std::string canonical_header(const SignatureExplanation& signature);

/// The octets that the body hash is made over. Only without a refusal.
void read_canonical_body(const MessageFile& message, const SignatureExplanation& signature,
                         const OctetSink& sink);

}  // namespace signet
