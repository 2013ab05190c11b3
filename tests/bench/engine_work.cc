// SPDX-License-Identifier: BSD-2-Clause
//
// libopendkim writes t= from the system's clock, so that clock is the `now` of all calls.

#include "tests/bench/engine_work.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace signet {
namespace {

/// Postfix sends a body in pieces of this many octets (its MILTER_CHUNK_SIZE).
constexpr size_t kPieceOctets = 65'535;

std::chrono::sys_seconds system_time() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

template <class Sink>
void feed_body(Sink& sink, std::string_view body, size_t times) {
  for (size_t time = 0; time < times; ++time) {
    for (size_t i = 0; i < body.size(); i += kPieceOctets) sink.body(body.substr(i, kPieceOctets));
  }
}

}  // namespace

PreparedResolver::PreparedResolver(const SigningKey& key) {
  auto answer = std::make_shared<Answer>();
  answer->status = DnsStatus::answered;
  answer->texts = {key.record()};
  answer_ = std::move(answer);
}

Lookup PreparedResolver::ask(const Name& /*name*/, RecordType /*type*/, Deadline /*deadline*/) {
  return Lookup(answer_);
}

std::shared_ptr<const SigningKey> make_bench_key(DkimKeyType type) {
  auto pem = generate_key(type, 2048);
  if (!pem) throw std::runtime_error(pem.error());
  auto key =
      SigningKey::parse(SecretText(*std::move(pem)).text(), *parse_domain("example.com"), "news");
  if (!key) throw std::runtime_error(key.error());
  return *key;
}

EngineWork::EngineWork(DkimEngine engine, std::shared_ptr<const SigningKey> key, bool relaxed)
    : engine_(engine),
      key_(std::move(key)),
      resolver_(std::make_unique<PreparedResolver>(*key_)),
      keys_(std::make_shared<PublicKeyCache>()) {
  sign_options_.relaxed_header = relaxed;
  sign_options_.relaxed_body = relaxed;
}

HeaderField EngineWork::sign(const std::vector<HeaderField>& fields, std::string_view body,
                             size_t times) const {
  const auto signer = make_dkim_signer(engine_, sign_options_, {SignatureSpec{key_, {}}});
  for (const HeaderField& field : fields) signer->header(field);
  signer->end_of_headers();
  feed_body(*signer, body, times);
  auto signatures = signer->finish(system_time());
  if (!signatures) throw std::runtime_error(signatures.error());
  return std::move(signatures->front());
}

void EngineWork::verify(const std::vector<HeaderField>& fields, const HeaderField& signature,
                        std::string_view body, size_t times) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto verifier = make_dkim_verifier(engine_, verify_options_, *resolver_,
                                           std::make_shared<LookupBudget>(deadline), keys_);
  verifier->header(signature);
  for (const HeaderField& field : fields) verifier->header(field);
  verifier->end_of_headers(key_->domain());
  feed_body(*verifier, body, times);
  const auto verdicts = verifier->finish(system_time());
  if (verdicts.size() != 1 || verdicts.front().result != DkimResult::pass) {
    throw std::runtime_error(verdicts.empty() ? "no verdict" : verdicts.front().reason);
  }
}

}  // namespace signet
