// SPDX-License-Identifier: BSD-2-Clause
//
// Which keys sign, for every combination of what is known of two keys and of what is wanted if none
// matches; then the order in which keys of one type follow each other.

#include "milter/signing/usable_keys.h"

#include <gtest/gtest.h>

#include <map>

namespace signet {
namespace {

using KeyPointer = std::shared_ptr<const SigningKey>;

constexpr KnownKey::TimePoint kNow{};

KeyPointer make_key(DkimKeyType type, const char* domain, const char* selector, int made_at = 0) {
  static std::map<DkimKeyType, std::string> pems;
  std::string& pem = pems[type];
  if (pem.empty()) pem = *generate_key(type, 1024);
  return *SigningKey::parse(pem, *parse_domain(domain), selector,
                            SigningKey::Time(std::chrono::seconds(made_at)));
}

KeyPointer rsa(const char* selector, int made_at = 0) {
  return make_key(DkimKeyType::rsa, "example.com", selector, made_at);
}

KeyPointer ed25519(const char* selector, int made_at = 0) {
  return make_key(DkimKeyType::ed25519, "example.com", selector, made_at);
}

/// Which of the keys sign, and which do not: "s1 s2 | s3: unpublished".
std::string choose(const std::vector<std::pair<KeyPointer, KeyState>>& keys,
                   OnKeyMismatch on_mismatch = OnKeyMismatch::sign) {
  KeyStates states;
  std::vector<SignatureSpec> wanted;
  for (const auto& [key, state] : keys) {
    if (state != KeyState::unknown) states.set(*key, {state, "as the test says"}, kNow);
    wanted.push_back({key, ""});
  }
  const UsableKeys usable = choose_usable_keys(wanted, states, on_mismatch);
  std::string text;
  for (const SignatureSpec& spec : usable.signatures) text += spec.key->selector() + " ";
  text += "|";
  for (const KeyNotUsed& key : usable.not_used) {
    text += " " + key.key.substr(key.key.find('/') + 1) + ": " + key.why;
  }
  EXPECT_EQ(usable.unsigned_why.empty(), !usable.signatures.empty() || wanted.empty());
  EXPECT_EQ(usable.signatures.size() + usable.not_used.size(), wanted.size());
  EXPECT_EQ(usable.tempfail,
            !usable.unsigned_why.empty() && on_mismatch == OnKeyMismatch::tempfail);
  return text;
}

constexpr KeyState kPublished = KeyState::published;
constexpr KeyState kUnpublished = KeyState::unpublished;
constexpr KeyState kMismatch = KeyState::mismatch;
constexpr KeyState kUnknown = KeyState::unknown;

TEST(UsableKeys, OfAnRsaAndAnEd25519KeyThoseSignThatMatch) {
  struct {
    KeyState first;
    KeyState second;
    const char* sign;  ///< what comes of OnKeyMismatch sign
    const char* skip;  ///< and of skip and tempfail, if that is something else
  } const cases[] = {
      {kPublished, kPublished, "r e |", nullptr},
      {kPublished, kUnpublished, "r | e: unpublished", nullptr},
      {kPublished, kMismatch, "r | e: mismatch", nullptr},
      {kPublished, kUnknown, "r | e: unknown", nullptr},
      {kUnpublished, kPublished, "e | r: unpublished", nullptr},
      {kUnpublished, kUnpublished, "r e |", "| r: unpublished e: unpublished"},
      {kUnpublished, kMismatch, "r e |", "| r: unpublished e: mismatch"},
      {kUnpublished, kUnknown, "e | r: unpublished", nullptr},
      {kMismatch, kPublished, "e | r: mismatch", nullptr},
      {kMismatch, kUnpublished, "r e |", "| r: mismatch e: unpublished"},
      {kMismatch, kMismatch, "r e |", "| r: mismatch e: mismatch"},
      {kMismatch, kUnknown, "e | r: mismatch", nullptr},
      {kUnknown, kPublished, "e | r: unknown", nullptr},
      {kUnknown, kUnpublished, "r | e: unpublished", nullptr},
      {kUnknown, kMismatch, "r | e: mismatch", nullptr},
      {kUnknown, kUnknown, "r e |", nullptr},
  };
  for (const auto& c : cases) {
    const std::vector<std::pair<KeyPointer, KeyState>> keys = {{rsa("r"), c.first},
                                                               {ed25519("e"), c.second}};
    EXPECT_EQ(choose(keys), c.sign);
    const char* otherwise = c.skip == nullptr ? c.sign : c.skip;
    EXPECT_EQ(choose(keys, OnKeyMismatch::skip), otherwise);
    EXPECT_EQ(choose(keys, OnKeyMismatch::tempfail), otherwise);
  }
}

TEST(UsableKeys, OneKeyAloneIsUsedOrNotByOnKeyMismatch) {
  for (const KeyState state : {kPublished, kUnknown}) {
    for (const auto policy : {OnKeyMismatch::sign, OnKeyMismatch::skip, OnKeyMismatch::tempfail}) {
      EXPECT_EQ(choose({{rsa("s1"), state}}, policy), "s1 |");
    }
  }
  for (const KeyState state : {kUnpublished, kMismatch}) {
    const std::string left_out = "| s1: " + std::string(to_string(state));
    EXPECT_EQ(choose({{rsa("s1"), state}}, OnKeyMismatch::sign), "s1 |");
    EXPECT_EQ(choose({{rsa("s1"), state}}, OnKeyMismatch::skip), left_out);
    EXPECT_EQ(choose({{rsa("s1"), state}}, OnKeyMismatch::tempfail), left_out);
  }
  EXPECT_EQ(choose({}, OnKeyMismatch::tempfail), "|");
}

TEST(UsableKeys, OfPublishedKeysOfOneTypeTheNewestSigns) {
  EXPECT_EQ(choose({{rsa("a", 2), kPublished}, {rsa("b", 1), kPublished}}), "a | b: a is newer");
  EXPECT_EQ(choose({{rsa("a", 1), kPublished}, {rsa("b", 2), kPublished}}), "b | a: b is newer");
  // Of the same age: the greater selector.
  EXPECT_EQ(choose({{rsa("s2026b", 1), kPublished}, {rsa("s2026a", 1), kPublished}}),
            "s2026b | s2026a: s2026b is newer");
  // The newest is not published: the newest of those that are.
  EXPECT_EQ(choose({{rsa("a", 1), kPublished},
                    {rsa("b", 2), kPublished},
                    {rsa("c", 3), kUnpublished},
                    {ed25519("e", 0), kPublished}}),
            "b e | a: b is newer c: unpublished");
  // Nothing is known of either: both sign, as one of them may be the only one that verifies.
  EXPECT_EQ(choose({{rsa("a", 1), kUnknown}, {rsa("b", 2), kUnknown}}), "a b |");
}

TEST(UsableKeys, EachDomainIsJudgedOnItsOwn) {
  const KeyPointer other = make_key(DkimKeyType::rsa, "example.net", "n", 9);
  EXPECT_EQ(choose({{rsa("s1", 1), kPublished}, {other, kPublished}}), "s1 n |");
  EXPECT_EQ(choose({{rsa("s1"), kPublished}, {other, kMismatch}}), "s1 n |");
  EXPECT_EQ(choose({{rsa("s1"), kUnknown}, {other, kPublished}}), "s1 n |");
  // With one good signature the message neither stays unsigned nor waits.
  for (const auto policy : {OnKeyMismatch::skip, OnKeyMismatch::tempfail}) {
    EXPECT_EQ(choose({{rsa("s1"), kPublished}, {other, kMismatch}}, policy), "s1 | n: mismatch");
    EXPECT_EQ(choose({{rsa("s1"), kMismatch}, {other, kMismatch}}, policy),
              "| s1: mismatch n: mismatch");
  }
}

TEST(UsableKeys, OneKeyMaySignTwiceForDifferentUsers) {
  KeyStates states;
  const KeyPointer key = rsa("s1");
  states.set(*key, {kPublished, ""}, kNow);
  const UsableKeys usable = choose_usable_keys({{key, "a@example.com"}, {key, "b@example.com"}},
                                               states, OnKeyMismatch::sign);
  ASSERT_EQ(usable.signatures.size(), 2u);
  EXPECT_EQ(usable.signatures[0].auid, "a@example.com");
  EXPECT_EQ(usable.signatures[1].auid, "b@example.com");
}

TEST(KeyStates, ADnsErrorLeavesTheLastAnswer) {
  using std::chrono::seconds;
  KeyStates states;
  const KeyPointer key = rsa("s1");
  EXPECT_EQ(states.get(*key).check, KeyCheck());
  states.set(*key, {kPublished, ""}, kNow);
  states.set(*key, {kUnknown, "DNS timed_out"}, kNow + seconds(1));
  const KnownKey before = states.set(*key, {kUnknown, "DNS timed_out"}, kNow + seconds(2));
  EXPECT_EQ(before.failures, 1);
  const KnownKey known = states.get(*key);
  EXPECT_EQ(known.check, (KeyCheck{kPublished, ""}));
  EXPECT_EQ(known.answered, kNow);
  EXPECT_EQ(known.asked, kNow + seconds(2));
  EXPECT_EQ(known.failures, 2);
  states.set(*key, {kMismatch, "p= differs"}, kNow + seconds(3));
  EXPECT_EQ(states.get(*key).check.state, kMismatch);
  EXPECT_EQ(states.get(*key).failures, 0);
}

TEST(KeyStates, AnotherKeyUnderTheSameNameIsAnotherKey) {
  KeyStates states;
  states.set(*rsa("s1"), {kPublished, ""}, kNow);
  EXPECT_EQ(states.get(*ed25519("s1")).check.state, kUnknown);
  EXPECT_EQ(states.get(*rsa("s2")).check.state, kUnknown);
  EXPECT_EQ(states.get(*make_key(DkimKeyType::rsa, "example.net", "s1")).check.state, kUnknown);
  EXPECT_EQ(states.get(*rsa("s1", 77)).check.state, kPublished);
  states.set(*rsa("s2"), {kPublished, ""}, kNow);
  states.keep_only({rsa("s2"), rsa("s3")});
  EXPECT_EQ(states.size(), 1u);
  EXPECT_EQ(states.get(*rsa("s2")).check.state, kPublished);
}

}  // namespace
}  // namespace signet
