// SPDX-License-Identifier: BSD-2-Clause
//
// A map behind a mutex; messages look up a handful of keys each, without copying their names.

#include "milter/signing/key_states.h"

#include <set>
#include <utility>

namespace signet {
namespace {

std::tuple<const Name&, const std::string&, const std::string&> identity_of(const SigningKey& key) {
  return {key.domain(), key.selector(), key.record()};
}

}  // namespace

KnownKey KeyStates::get(const SigningKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(identity_of(key));
  return found == keys_.end() ? KnownKey() : found->second;
}

KnownKey KeyStates::set(const SigningKey& key, const KeyCheck& check, TimePoint now) {
  const std::lock_guard lock(mutex_);
  KnownKey& known = keys_[Identity(identity_of(key))];
  KnownKey before = known;
  known.asked = now;
  if (check.state == KeyState::unknown) {
    ++known.failures;
    known.failure = check.detail;
    return before;
  }
  known.check = check;
  known.answered = now;
  known.failures = 0;
  known.failure.clear();
  return before;
}

void KeyStates::keep_only(const std::vector<std::shared_ptr<const SigningKey>>& keys) {
  std::set<Identity> wanted;
  for (const auto& key : keys) wanted.insert(Identity(identity_of(*key)));
  const std::lock_guard lock(mutex_);
  std::erase_if(keys_, [&](const auto& entry) { return !wanted.contains(entry.first); });
}

size_t KeyStates::size() const {
  const std::lock_guard lock(mutex_);
  return keys_.size();
}

}  // namespace signet
