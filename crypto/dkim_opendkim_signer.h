// SPDX-License-Identifier: BSD-2-Clause
//
// One RSA signature made by libopendkim, for make_dkim_signer() in crypto/dkim_signer.cc, which
// also checks it. Ed25519 keys are never given to the library.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/key.h"
#include "crypto/message.h"
#include "dns/result.h"

namespace signet {

/// Order of calls: start(), body() any number of times, finish(). One thread at a time.
class OpendkimRsaSigner {
 public:
  /// `key` is RSA and is kept. `identity`: i= as it is written (write_identity()); empty: no i=.
  OpendkimRsaSigner(const DkimSignOptions& options, std::shared_ptr<const SigningKey> key,
                    const std::string& identity);
  ~OpendkimRsaSigner();
  OpendkimRsaSigner(const OpendkimRsaSigner&) = delete;
  OpendkimRsaSigner& operator=(const OpendkimRsaSigner&) = delete;

  /// The fields to sign, in the order of the message. An error shows in finish().
  void start(const std::vector<HeaderField>& fields);
  void body(std::string_view octets);
  /// The DKIM-Signature field. t= is the time at start() by the system's clock: the library takes
  /// it from there.
  Result<HeaderField> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace signet
