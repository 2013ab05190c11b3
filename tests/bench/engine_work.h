// SPDX-License-Identifier: BSD-2-Clause
//
// One message through a signer or a verifier, called as the daemon calls them: field by field, the
// body in the pieces that Postfix sends. The DNS answers at once, and public keys are remembered
// from message to message, as they are in the daemon.

#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/key.h"
#include "crypto/public_key_cache.h"
#include "dns/resolver.h"
#include "tests/bench/mail_sample.h"

namespace signet {

/// Answers every question with the record of one key, at once.
class PreparedResolver final : public Resolver {
 public:
  explicit PreparedResolver(const SigningKey& key);

 private:
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override;

  std::shared_ptr<const Answer> answer_;
};

/// A new key for news._domainkey.example.com; RSA of 2048 bits. Throws if there is none.
std::shared_ptr<const SigningKey> make_bench_key(DkimKeyType type);

/// What signs and verifies with one key, one engine and one canonicalization of both parts.
class EngineWork {
 public:
  EngineWork(DkimEngine engine, std::shared_ptr<const SigningKey> key, bool relaxed);

  /// The DKIM-Signature. Throws std::runtime_error if there is none. `times`: how often `body`
  /// comes.
  HeaderField sign(const std::vector<HeaderField>& fields, std::string_view body,
                   size_t times = 1) const;
  /// Throws std::runtime_error unless the signature passes.
  void verify(const std::vector<HeaderField>& fields, const HeaderField& signature,
              std::string_view body, size_t times = 1) const;

 private:
  DkimEngine engine_;
  std::shared_ptr<const SigningKey> key_;
  DkimSignOptions sign_options_;
  DkimVerifyOptions verify_options_;
  std::unique_ptr<PreparedResolver> resolver_;
  std::shared_ptr<PublicKeyCache> keys_;
};

}  // namespace signet
