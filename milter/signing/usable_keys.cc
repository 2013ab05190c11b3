// SPDX-License-Identifier: BSD-2-Clause
//
// Each key's state is read once, since it may change at any time; then it is all a matter of
// comparing a few values.

#include "milter/signing/usable_keys.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace signet {
namespace {

struct Candidate {
  SignatureSpec wanted;
  KeyState state = KeyState::unknown;
  bool used = false;
  std::string why_not;

  const Name& domain() const { return wanted.key->domain(); }
};

/// The same key may be asked for twice, with different i=.
bool is_newer(const SigningKey& a, const SigningKey& b) {
  const auto rank = [](const SigningKey& key) {
    return std::tuple(key.made_at(), std::string_view(key.selector()));
  };
  return rank(a) > rank(b);
}

/// The published key that signs in place of `candidate`, if there is one.
const Candidate* find_successor(const Candidate& candidate, const std::vector<Candidate>& all) {
  const Candidate* newest = &candidate;
  for (const Candidate& other : all) {
    if (other.state != KeyState::published || other.domain() != candidate.domain() ||
        other.wanted.key->type() != candidate.wanted.key->type()) {
      continue;
    }
    if (is_newer(*other.wanted.key, *newest->wanted.key)) newest = &other;
  }
  return newest == &candidate ? nullptr : newest;
}

/// The best that is known of any key of this domain: published, else unknown, else `mismatch` for
/// all that does not match.
KeyState best_state(const Name& domain, const std::vector<Candidate>& all) {
  KeyState best = KeyState::mismatch;
  for (const Candidate& candidate : all) {
    if (candidate.domain() != domain) continue;
    if (candidate.state == KeyState::published) return KeyState::published;
    if (candidate.state == KeyState::unknown) best = KeyState::unknown;
  }
  return best;
}

void choose(Candidate& candidate, const std::vector<Candidate>& all) {
  candidate.used = false;
  candidate.why_not = to_string(candidate.state);
  const KeyState best = best_state(candidate.domain(), all);
  if (best == KeyState::mismatch || candidate.state != best) return;
  const Candidate* successor =
      best == KeyState::published ? find_successor(candidate, all) : nullptr;
  candidate.used = successor == nullptr;
  if (successor != nullptr) candidate.why_not = successor->wanted.key->selector() + " is newer";
}

}  // namespace

UsableKeys choose_usable_keys(std::vector<SignatureSpec> wanted, const KeyStates& states,
                              OnKeyMismatch on_mismatch) {
  std::vector<Candidate> candidates;
  for (SignatureSpec& spec : wanted) {
    const KeyState state = states.get(*spec.key).check.state;
    candidates.push_back({std::move(spec), state, false, {}});
  }
  for (Candidate& candidate : candidates) choose(candidate, candidates);
  if (on_mismatch == OnKeyMismatch::sign) {
    for (Candidate& candidate : candidates) {
      if (best_state(candidate.domain(), candidates) == KeyState::mismatch) candidate.used = true;
    }
  }

  UsableKeys usable;
  for (Candidate& candidate : candidates) {
    if (candidate.used) {
      usable.signatures.push_back(std::move(candidate.wanted));
      continue;
    }
    const SigningKey& key = *candidate.wanted.key;
    usable.not_used.push_back(
        {key.domain().text() + "/" + key.selector(), std::move(candidate.why_not)});
  }
  if (!candidates.empty() && usable.signatures.empty()) {
    usable.unsigned_why = "no key matches its record in the DNS";
    usable.tempfail = on_mismatch == OnKeyMismatch::tempfail;
  }
  return usable;
}

}  // namespace signet
