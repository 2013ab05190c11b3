// SPDX-License-Identifier: BSD-2-Clause
//
// Signing with libopendkim: PEM text in, one folded field out. The field lists are options of the
// library (opendkim_library.cc); the length is always the whole body, so there is no l=.

#include "crypto/dkim_opendkim_signer.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "crypto/opendkim_library.h"

namespace signet {
namespace {

/// Columns that "DKIM-Signature: " takes from the first line.
constexpr size_t kFieldNameColumns = 16;

const unsigned char* octets_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.c_str());
}

dkim_canon_t canon_code(bool relaxed) { return relaxed ? DKIM_CANON_RELAXED : DKIM_CANON_SIMPLE; }

}  // namespace

/// The members are destroyed from the last to the first: the library goes after its handle.
struct OpendkimRsaSigner::State {
  std::shared_ptr<DKIM_LIB> library;
  std::shared_ptr<const SigningKey> key;
  DkimHandle dkim;
  std::optional<OpendkimBody> body;
  std::string error;
};

OpendkimRsaSigner::OpendkimRsaSigner(const DkimSignOptions& options,
                                     std::shared_ptr<const SigningKey> key,
                                     const std::string& identity)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.library = opendkim_signing_library(options);
  state.key = std::move(key);
  if (!state.library) {
    state.error = "libopendkim could not be set up";
    return;
  }
  const std::string id = "-";
  DKIM_STAT status = DKIM_STAT_OK;
  // The library copies the key, and forgot to say const.
  auto* pem = const_cast<unsigned char*>(octets_of(state.key->pem()));
  state.dkim.reset(
      dkim_sign(state.library.get(), octets_of(id), nullptr, pem, octets_of(state.key->selector()),
                octets_of(state.key->domain().text()), canon_code(options.relaxed_header),
                canon_code(options.relaxed_body), DKIM_SIGN_RSASHA256, -1, &status));
  if (state.dkim && !identity.empty()) {
    status = dkim_set_signer(state.dkim.get(), octets_of(identity));
    if (status != DKIM_STAT_OK) state.dkim.reset();
  }
  if (!state.dkim) state.error = fmt::format("libopendkim: {}", dkim_getresultstr(status));
}

OpendkimRsaSigner::~OpendkimRsaSigner() = default;

void OpendkimRsaSigner::start(const std::vector<HeaderField>& fields) {
  DKIM* dkim = state_->dkim.get();
  if (dkim == nullptr) return;
  DKIM_STAT status = DKIM_STAT_OK;
  for (const HeaderField& field : fields) {
    if (status == DKIM_STAT_OK) status = feed_field(dkim, field);
  }
  if (status == DKIM_STAT_OK) status = dkim_eoh(dkim);
  if (status == DKIM_STAT_OK) {
    state_->body.emplace(dkim);
  } else {
    state_->error = "libopendkim could not read the header";
  }
}

void OpendkimRsaSigner::body(std::string_view octets) {
  if (state_->body) state_->body->update(octets);
}

Result<HeaderField> OpendkimRsaSigner::finish() {
  if (!state_->error.empty()) return Error{state_->error};
  if (!state_->body) return Error{"the header was never fed"};
  DKIM_STAT status = state_->body->finish();
  if (status == DKIM_STAT_OK) status = dkim_eom(state_->dkim.get(), nullptr);
  unsigned char* text = nullptr;
  size_t size = 0;
  if (status == DKIM_STAT_OK) {
    status = dkim_getsighdr_d(state_->dkim.get(), kFieldNameColumns, &text, &size);
  }
  if (status != DKIM_STAT_OK || text == nullptr) {
    return Error{fmt::format("libopendkim: {}", dkim_getresultstr(status))};
  }
  return HeaderField{"DKIM-Signature",
                     " " + std::string(reinterpret_cast<const char*>(text), size)};
}

}  // namespace signet
