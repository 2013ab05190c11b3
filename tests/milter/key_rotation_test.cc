// SPDX-License-Identifier: BSD-2-Clause
//
// `signet key rotate` and `retire`, alone and as steps of a whole rotation: a key is made beside
// the old one, published, and the old one put aside. The zone file is written from what the
// commands print, as an administrator would.

#include <gtest/gtest.h>
#include <sysexits.h>

#include "crypto/key_store.h"
#include "dns/zone_data.h"
#include "tests/support/key_site.h"

namespace signet {
namespace {

namespace fs = std::filesystem;

constexpr int kStillNeeded = 1;
constexpr int kDnsFailed = 2;

class KeyRotation : public KeySite {
 protected:
  /// Publishes all keys of example.com, or these.
  void publish(const std::vector<std::string>& selectors = {}) {
    std::string records;
    for (const std::string& selector : selectors) {
      records += key({"publish", "example.com", selector}).out;
    }
    write_zone(selectors.empty() ? key({"publish", "example.com"}).out : records);
  }
  /// The selectors of example.com that the daemon would load.
  std::vector<std::string> selectors() const {
    std::vector<std::string> found;
    const KeyStore store = KeyStore::load_directory(keys_);
    for (const auto& key : store.keys_for(*parse_domain("example.com"))) {
      found.push_back(key->selector());
    }
    return found;
  }
  std::string retired_path(const std::string& selector) const {
    return path_of("example.com", selector) + ".retired";
  }
};

using Selectors = std::vector<std::string>;

TEST_F(KeyRotation, FromTheFirstKeyToTheSecond) {
  make_key("example.com", "old", "rsa", 400);
  EXPECT_EQ(key({"check", "example.com"}).exit_status, 1);
  publish();
  EXPECT_EQ(key({"check", "example.com"}).exit_status, 0);

  const Outcome rotated = key({"rotate", "example.com"});
  ASSERT_EQ(rotated.exit_status, 0) << rotated.err;
  EXPECT_EQ(selectors(), (Selectors{"old", "s20261123"}));
  Outcome checked = key({"check", "example.com"});
  EXPECT_EQ(checked.exit_status, 1);
  EXPECT_TRUE(checked.says("published    old._domainkey.example.com"));
  EXPECT_TRUE(checked.says("unpublished  s20261123._domainkey.example.com"));

  Outcome retired = key({"retire", "example.com", "old"});
  EXPECT_EQ(retired.exit_status, kStillNeeded);
  EXPECT_TRUE(retired.complains("old is still needed")) << retired.err;
  EXPECT_TRUE(retired.complains("s20261123: unpublished: no TXT record")) << retired.err;
  EXPECT_EQ(selectors(), (Selectors{"old", "s20261123"}));

  // What rotate printed is a zone file.
  write_zone(key({"publish", "example.com", "old"}).out + rotated.out);
  EXPECT_EQ(key({"check", "example.com"}).exit_status, 0);
  const std::string before = contents(path_of("example.com", "old"));
  retired = key({"retire", "example.com", "old"});
  EXPECT_EQ(retired.exit_status, 0) << retired.err;
  EXPECT_TRUE(retired.says("s20261123 is published and signs in its place"));
  EXPECT_EQ(selectors(), Selectors{"s20261123"});
  EXPECT_EQ(contents(retired_path("old")), before);
  EXPECT_EQ(status_of(retired_path("old")).st_mode, S_IFREG | 0600U);

  const Outcome listed = key({"list"});
  EXPECT_TRUE(listed.says("s20261123")) << listed.out;
  EXPECT_FALSE(listed.says("old")) << listed.out;
  EXPECT_EQ(key({"check"}).exit_status, 0);
}

TEST_F(KeyRotation, NoCommandShowsPrivateOctets) {
  make_key("example.com", "old", "rsa", 400);
  publish();
  ASSERT_EQ(key({"rotate", "example.com", "--selector", "new"}).exit_status, 0);
  const std::string keys =
      contents(path_of("example.com", "old")) + contents(path_of("example.com", "new"));
  key({"retire", "example.com", "old"});
  publish();
  for (const char* format : {"zone", "text", "nsupdate"}) {
    key({"publish", "example.com", "--format", format});
  }
  key({"list", "--json"});
  key({"generate", "example.com", "--selector", "old"});
  key({"retire", "example.com", "old"});
  write(path_of("example.com", "new"), keys);
  key({"list"});
  std::istringstream lines(keys);
  int checked = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.size() < 16) continue;
    EXPECT_EQ(everything_shown_.find(line), std::string::npos);
    ++checked;
  }
  EXPECT_GT(checked, 30);
}

// ---- rotate ----

TEST_F(KeyRotation, TheNewKeyIsOfTheOldOnesTypeAndNoShorter) {
  make_key("example.com", "e");
  ASSERT_EQ(key({"rotate", "example.com"}).exit_status, 0);
  EXPECT_EQ(selectors(), (Selectors{"e", "s20261123-ed25519"}));
  ASSERT_EQ(key({"generate", "example.com", "--selector", "r", "--bits", "3072"}).exit_status, 0);
  const Outcome outcome = key({"rotate", "example.com"});
  EXPECT_TRUE(outcome.says("s20261123.pem: rsa, 3072 bits, mode 0600")) << outcome.out;
  EXPECT_TRUE(outcome.says("signet key retire example.com r\n")) << outcome.out;
  EXPECT_FALSE(outcome.says("signet key retire example.com e")) << outcome.out;
}

TEST_F(KeyRotation, AShortKeyIsFollowedByOneOf2048Bits) {
  make_key("example.com", "short", "rsa");
  EXPECT_TRUE(key({"rotate", "example.com"}).says("rsa, 2048 bits"));
  EXPECT_TRUE(key({"rotate", "example.com", "--bits", "1024"}).says("rsa, 1024 bits"));
}

TEST_F(KeyRotation, EachRotationOfADayHasItsOwnSelector) {
  make_key("example.com", "s20261123-ed25519");
  ASSERT_EQ(key({"rotate", "example.com"}).exit_status, 0);
  ASSERT_EQ(key({"rotate", "example.com"}).exit_status, 0);
  EXPECT_EQ(selectors(),
            (Selectors{"s20261123-2-ed25519", "s20261123-3-ed25519", "s20261123-ed25519"}));
}

TEST_F(KeyRotation, ARetiredSelectorIsNotTakenAgain) {
  make_key("example.com", "s20261123-ed25519");
  make_key("example.com", "other");
  publish();
  ASSERT_EQ(key({"retire", "example.com", "s20261123-ed25519"}).exit_status, 0);
  ASSERT_EQ(key({"rotate", "example.com"}).exit_status, 0);
  EXPECT_EQ(selectors(), (Selectors{"other", "s20261123-2-ed25519"}));
  const Outcome outcome = key({"rotate", "example.com", "--selector", "s20261123-ed25519"});
  EXPECT_EQ(outcome.exit_status, EX_CANTCREAT);
  EXPECT_TRUE(outcome.complains("was retired")) << outcome.err;
}

TEST_F(KeyRotation, WhatHappensWhenDependsOnTheKeyCheck) {
  make_key("example.com", "old");
  configure("KeyCheckInterval 5m\n");
  Outcome outcome = key({"rotate", "example.com", "--selector", "new"});
  EXPECT_TRUE(outcome.says("signs with old until it sees the new record")) << outcome.out;
  EXPECT_TRUE(outcome.says("every 5m")) << outcome.out;
  configure("KeyCheckInterval 0\n");
  outcome = key({"rotate", "example.com", "--selector", "newer"});
  EXPECT_TRUE(outcome.says("KeyCheckInterval 0")) << outcome.out;
  EXPECT_FALSE(outcome.says("until it sees")) << outcome.out;
}

TEST_F(KeyRotation, AKeyOfKeyTableIsFollowedByALineForKeyTable) {
  make_key("example.com", "old");
  fs::rename(path_of("example.com", "old"), root_ + "/old.pem");
  write(root_ + "/KeyTable", "name example.com:old:" + root_ + "/old.pem\n");
  write(root_ + "/SigningTable", "example.com name\n");
  configure("KeyTable " + root_ + "/KeyTable\nSigningTable " + root_ + "/SigningTable\n");
  const Outcome outcome = key({"rotate", "example.com", "--selector", "new"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_TRUE(outcome.says(";    example.com:new:" + path_of("example.com", "new") + "\n"))
      << outcome.out;
  EXPECT_TRUE(outcome.says("Leave the old record in the DNS for 12 days after that"));
  EXPECT_FALSE(outcome.says("signet key retire")) << outcome.out;
}

TEST_F(KeyRotation, WhereThereIsNothingToRotateNoKeyIsMade) {
  EXPECT_EQ(key({"rotate", "example.com"}).exit_status, EX_NOINPUT);
  EXPECT_FALSE(fs::exists(keys_));
  make_key("example.com", "e");
  const Outcome outcome = key({"rotate", "example.com", "--type", "rsa"});
  EXPECT_EQ(outcome.exit_status, EX_NOINPUT);
  EXPECT_TRUE(outcome.complains("signet key generate example.com --type rsa")) << outcome.err;
  EXPECT_EQ(key({"rotate", "example.com", "--bits", "2048"}).exit_status, EX_USAGE);
  EXPECT_EQ(key({"rotate", "example.com", "--selector", "../x"}).exit_status, EX_USAGE);
  EXPECT_EQ(selectors(), Selectors{"e"});
}

TEST_F(KeyRotation, NoKeyIsOverwritten) {
  make_key("example.com", "old");
  const std::string before = contents(path_of("example.com", "old"));
  EXPECT_EQ(key({"rotate", "example.com", "--selector", "OLD"}).exit_status, EX_CANTCREAT);
  EXPECT_EQ(contents(path_of("example.com", "old")), before);
}

// ---- retire ----

TEST_F(KeyRotation, TheOnlyKeyIsNotRetired) {
  make_key("example.com", "only");
  publish();
  const Outcome outcome = key({"retire", "example.com", "only"});
  EXPECT_EQ(outcome.exit_status, kStillNeeded);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.complains("signet key rotate example.com")) << outcome.err;
  EXPECT_EQ(selectors(), Selectors{"only"});
}

TEST_F(KeyRotation, AnRsaKeyStandsInForAnEd25519KeyButNotTheOtherWayRound) {  // RFC 8463 3
  make_key("example.com", "e");
  make_key("example.com", "r", "rsa");
  publish();
  EXPECT_EQ(key({"retire", "example.com", "r"}).exit_status, kStillNeeded);
  EXPECT_EQ(key({"retire", "example.com", "e"}).exit_status, 0);
  EXPECT_EQ(selectors(), Selectors{"r"});
}

TEST_F(KeyRotation, TheNewestPublishedKeyIsTheOneThatFollows) {
  make_key("example.com", "a", "ed25519", 300);
  make_key("example.com", "b", "ed25519", 10);
  make_key("example.com", "c", "ed25519", 200);
  make_key("example.com", "d", "ed25519", 1);
  publish({"a", "b", "c"});
  EXPECT_TRUE(key({"retire", "example.com", "a"}).says("b is published and signs in its place"));
}

TEST_F(KeyRotation, ADnsFailureRetiresNothing) {
  make_key("example.com", "a");
  make_key("example.com", "b");
  write_zone("b._domainkey.example.com. IN CNAME b._domainkey.example.com.\n");
  const Outcome outcome = key({"retire", "example.com", "a"});
  EXPECT_EQ(outcome.exit_status, kDnsFailed);
  EXPECT_TRUE(outcome.complains("b: unknown: ")) << outcome.err;
  EXPECT_EQ(selectors(), (Selectors{"a", "b"}));
}

TEST_F(KeyRotation, ForceNeedsNoOtherKeyAndNoDns) {
  make_key("example.com", "only");
  write_zone("only._domainkey.example.com. IN CNAME only._domainkey.example.com.\n");
  const Outcome outcome = key({"retire", "example.com", "only", "--force"});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_TRUE(outcome.says("example.com has no other key: its mail is no longer signed"));
  EXPECT_EQ(selectors(), Selectors{});
}

TEST_F(KeyRotation, TheRecordStaysForTheLifeOfSignaturesAndTheTimeInQueues) {
  struct Case {
    std::string ttl;
    std::string date;
  };
  const Case cases[] = {
      {"7d", "2026-12-05"},    // 7 + 5 days
      {"1d", "2026-11-29"},    // 1 + 5
      {"300d", "2027-09-24"},  // 300 + 5
      {"0", "2026-12-23"},     // they do not expire: 30
  };
  now_ += std::chrono::hours(23);
  for (const Case& each : cases) {
    make_key("example.com", "old" + each.ttl);
    configure("SignatureTTL " + each.ttl + "\n");
    publish();
    make_key("example.com", "new" + each.ttl);
    publish();
    const Outcome outcome = key({"retire", "example.com", "old" + each.ttl});
    ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
    EXPECT_TRUE(outcome.says(each.date)) << each.ttl << "\n" << outcome.out;
  }
}

TEST_F(KeyRotation, WithoutARecordThereIsNothingToWaitFor) {
  make_key("example.com", "a");
  make_key("example.com", "b");
  publish({"b"});
  const Outcome outcome = key({"retire", "example.com", "a"});
  EXPECT_TRUE(outcome.says("There is no record at a._domainkey.example.com")) << outcome.out;
  EXPECT_FALSE(outcome.says("2026")) << outcome.out;
}

TEST_F(KeyRotation, AKeyThatTheConfigurationNamesIsNotMovedFromUnderIt) {
  make_key("example.com", "a");
  make_key("example.com", "b");
  publish();
  configure("Domain example.com\nSelector a\nKeyFile " + path_of("example.com", "a") + "\n");
  Outcome outcome = key({"retire", "example.com", "a", "--force"});
  EXPECT_EQ(outcome.exit_status, EX_CONFIG);
  EXPECT_TRUE(outcome.complains("named by KeyFile")) << outcome.err;
  write(root_ + "/KeyTable", "a example.com:a:" + path_of("example.com", "a") + "\n");
  write(root_ + "/SigningTable", "example.com a\n");
  configure("KeyTable " + root_ + "/KeyTable\nSigningTable " + root_ + "/SigningTable\n");
  outcome = key({"retire", "example.com", "a"});
  EXPECT_EQ(outcome.exit_status, EX_CONFIG);
  EXPECT_TRUE(outcome.complains("named by KeyTable")) << outcome.err;
  EXPECT_EQ(selectors(), (Selectors{"a", "b"}));
}

TEST_F(KeyRotation, SelectorsThatAreNotThereAreNamed) {
  make_key("example.com", "a");
  EXPECT_EQ(key({"retire", "example.com", "b"}).exit_status, EX_NOINPUT);
  EXPECT_EQ(key({"retire", "example.net", "a"}).exit_status, EX_NOINPUT);
  EXPECT_EQ(key({"retire", "example.com", "../a"}).exit_status, EX_USAGE);
  EXPECT_EQ(key({"retire", "example.com"}).exit_status, EX_USAGE);
  EXPECT_EQ(selectors(), Selectors{"a"});
}

// ---- file systems as one may find them ----

TEST_F(KeyRotation, ARetiredKeyIsNotOverwritten) {
  make_key("example.com", "a");
  make_key("example.com", "b");
  publish();
  write(retired_path("a"), "precious");
  const Outcome outcome = key({"retire", "example.com", "a"});
  EXPECT_EQ(outcome.exit_status, EX_CANTCREAT);
  EXPECT_TRUE(outcome.complains(retired_path("a") + " exists")) << outcome.err;
  EXPECT_EQ(contents(retired_path("a")), "precious");
  EXPECT_EQ(selectors(), (Selectors{"a", "b"}));
}

TEST_F(KeyRotation, ALinkInThePlaceOfTheRetiredKeyIsNotFollowed) {
  make_key("example.com", "a");
  make_key("example.com", "b");
  publish();
  fs::create_symlink(root_ + "/nowhere", retired_path("a"));
  EXPECT_EQ(key({"retire", "example.com", "a"}).exit_status, EX_CANTCREAT);
  EXPECT_TRUE(fs::is_symlink(retired_path("a")));
  EXPECT_EQ(selectors(), (Selectors{"a", "b"}));
}

TEST_F(KeyRotation, ASymbolicLinkToADomainsDirectoryIsNotFollowed) {
  make_key("example.com", "a");
  make_key("example.com", "b");
  publish();
  fs::rename(keys_ + "/example.com", root_ + "/elsewhere");
  fs::create_directory_symlink(root_ + "/elsewhere", keys_ + "/example.com");
  for (const Outcome& outcome :
       {key({"retire", "example.com", "a", "--force"}), key({"rotate", "example.com"})}) {
    EXPECT_EQ(outcome.exit_status, EX_CANTCREAT);
    EXPECT_TRUE(outcome.complains("a symbolic link to one is not followed")) << outcome.err;
  }
  EXPECT_TRUE(fs::exists(root_ + "/elsewhere/a.pem"));
  EXPECT_FALSE(fs::exists(root_ + "/elsewhere/a.pem.retired"));
}

TEST_F(KeyRotation, DirectoriesThatOthersCanWriteToAreRefused) {
  make_key("example.com", "a");
  make_key("example.com", "b");
  publish();
  for (const std::string& directory : {keys_, keys_ + "/example.com"}) {
    ASSERT_EQ(chmod(directory.c_str(), 0770), 0);
    for (const Outcome& outcome :
         {key({"retire", "example.com", "a"}), key({"rotate", "example.com"})}) {
      EXPECT_EQ(outcome.exit_status, EX_CANTCREAT);
      EXPECT_TRUE(outcome.complains(directory + ": others can write")) << outcome.err;
    }
    ASSERT_EQ(chmod(directory.c_str(), 0700), 0);
  }
  EXPECT_EQ(selectors(), (Selectors{"a", "b"}));
}

TEST_F(KeyRotation, AFifoIsNoKeyToRetire) {
  make_key("example.com", "b");
  publish();
  ASSERT_EQ(mkfifo(path_of("example.com", "a").c_str(), 0600), 0);
  const Outcome outcome = key({"retire", "example.com", "a"});
  EXPECT_EQ(outcome.exit_status, EX_NOINPUT);
  EXPECT_TRUE(outcome.complains("a.pem: no regular file")) << outcome.err;
}

}  // namespace
}  // namespace signet
