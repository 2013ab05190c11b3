// SPDX-License-Identifier: BSD-2-Clause
//
// From the answer to a key's question to a key that may be used for one signature (RFC 6376 6.1.2):
// the same for every engine that verifies.

#pragma once

#include <memory>
#include <optional>

#include "crypto/dkim.h"
#include "crypto/dkim_refusal.h"
#include "crypto/dkim_signature.h"
#include "crypto/public_key.h"
#include "crypto/public_key_cache.h"
#include "dns/resolver.h"

namespace signet {

/// What the key record said. Without a refusal there is a key; with one there may be, if it is the
/// key that is not acceptable.
struct DkimKeyCheck {
  std::optional<DkimRefusal> refusal;
  std::shared_ptr<const PublicKey> key;
  bool testing = false;  ///< t=y
};

/// Judges the TXT answer at signature.key_name. `keys` may be null: then the key is parsed anew.
DkimKeyCheck check_dkim_key(const Answer& answer, const DkimSignature& signature,
                            const DkimVerifyOptions& options, PublicKeyCache* keys = nullptr);

}  // namespace signet
