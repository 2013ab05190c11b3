// SPDX-License-Identifier: BSD-2-Clause
//
// From the answer to a key's question to a key that may be used for one signature (RFC 6376 6.1.2):
// the same for every engine that verifies.

#pragma once

#include <optional>

#include "crypto/dkim.h"
#include "crypto/dkim_signature.h"
#include "crypto/public_key.h"
#include "dns/resolver.h"

namespace signet {

/// What the key record said. Without a refusal there is a key.
struct DkimKeyCheck {
  std::optional<DkimRefusal> refusal;
  std::optional<PublicKey> key;
  bool testing = false;  ///< t=y
};

/// Judges the TXT answer at signature.key_name.
DkimKeyCheck check_dkim_key(const Answer& answer, const DkimSignature& signature,
                            const DkimVerifyOptions& options);

}  // namespace signet
