// SPDX-License-Identifier: BSD-2-Clause
//
// `signet key publish`, `check` and `list`: what they print of the keys in a temporary directory,
// with a zone file for the DNS, and the exit statuses that scripts rely on.

#include <gtest/gtest.h>
#include <sysexits.h>

#include <nlohmann/json.hpp>

#include "crypto/key_store.h"
#include "dns/zone_data.h"
#include "tests/support/key_site.h"

namespace signet {
namespace {

constexpr int kNotPublished = 1;
constexpr int kDnsFailed = 2;

class KeyPublish : public KeySite {
 protected:
  std::shared_ptr<const SigningKey> held(const std::string& domain, const std::string& selector) {
    return *SigningKey::load(path_of(domain, selector), *parse_domain(domain), selector);
  }
  std::string record_of(const std::string& domain, const std::string& selector) {
    return held(domain, selector)->record();
  }
  /// `SELECTOR._domainkey.example.com. IN TXT ...` with this text, which needs no escapes.
  static std::string txt(const std::string& selector, const std::string& text) {
    return selector + "._domainkey.example.com. IN TXT \"" + text + "\"\n";
  }
};

// ---- publish ----

TEST_F(KeyPublish, ZoneTextIsReadAsOneRecordForEachKey) {
  make_key("example.com", "a", "rsa");
  make_key("example.com", "b");
  make_key("example.net", "c");
  const Outcome outcome = key({"publish", "example.com"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  const auto zone = ZoneData::parse(kEmptyRoot + outcome.out, "output");
  ASSERT_TRUE(zone.ok()) << zone.error();
  for (const std::string selector : {"a", "b"}) {
    const auto name = *parse_domain(selector + "._domainkey.example.com");
    EXPECT_EQ(zone->find(name, RecordType::txt)->texts,
              std::vector<std::string>{record_of("example.com", selector)});
  }
  EXPECT_FALSE(outcome.says("example.net"));
}

TEST_F(KeyPublish, ASelectorAsksForOneKeyAlone) {
  make_key("example.com", "a");
  make_key("example.com", "b");
  const Outcome outcome = key({"publish", "Example.COM", "B"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_FALSE(outcome.says("a._domainkey"));
  EXPECT_TRUE(outcome.says("b._domainkey.example.com. IN TXT"));
}

TEST_F(KeyPublish, TextForAWebFormHasOneLineForEachField) {
  make_key("example.com", "sel", "rsa");
  const Outcome outcome = key({"publish", "example.com", "--format", "text"});
  EXPECT_EQ(outcome.out,
            "Type   TXT\n"
            "Host   sel._domainkey  in the zone example.com\n"
            "Name   sel._domainkey.example.com\n"
            "Value  " +
                record_of("example.com", "sel") + "\n");
}

TEST_F(KeyPublish, TheHostPartDependsOnTheZoneOfTheForm) {
  make_key("news.mail.example.com", "sel");
  const Outcome outcome = key({"publish", "news.mail.example.com", "--format", "text"});
  EXPECT_TRUE(
      outcome.says("Host   sel._domainkey            in the zone news.mail.example.com\n"
                   "or     sel._domainkey.news       in the zone mail.example.com\n"
                   "or     sel._domainkey.news.mail  in the zone example.com\n"
                   "Name   sel._domainkey.news.mail.example.com\n"))
      << outcome.out;
  make_key("localdomain", "sel");
  EXPECT_TRUE(key({"publish", "localdomain", "--format", "text"})
                  .says("Host   sel._domainkey  in the zone localdomain\n"));
}

TEST_F(KeyPublish, NsupdateReplacesWhatIsThereByStringsOf255Octets) {  // RFC 1035 3.3
  make_key("example.com", "sel", "ed25519");
  ASSERT_EQ(key({"generate", "example.com", "--selector", "big", "--bits", "2048"}).exit_status, 0);
  const std::string big = record_of("example.com", "big");
  ASSERT_GT(big.size(), 255U);
  const Outcome outcome = key({"publish", "example.com", "--format", "nsupdate", "--ttl", "600"});
  EXPECT_EQ(outcome.out,
            "update delete big._domainkey.example.com. TXT\n"
            "update add big._domainkey.example.com. 600 TXT \"" +
                big.substr(0, 255) + "\" \"" + big.substr(255) +
                "\"\n"
                "update delete sel._domainkey.example.com. TXT\n"
                "update add sel._domainkey.example.com. 600 TXT \"" +
                record_of("example.com", "sel") +
                "\"\n"
                "send\n");
  EXPECT_TRUE(key({"publish", "example.com", "sel", "--format", "nsupdate"}).says(" 3600 TXT "));
}

TEST_F(KeyPublish, BadArgumentsAreUsageErrors) {
  make_key("example.com", "sel");
  const std::vector<std::string> cases[] = {
      {},
      {"a..b"},
      {"example.com", "a/../b"},
      {"example.com", "--format", "bind"},
      {"example.com", "--format", "nsupdate", "--ttl", "-1"},
      {"example.com", "--format", "nsupdate", "--ttl", "604801"},
      {"example.com", "--ttl", "600"},
  };
  for (std::vector<std::string> arguments : cases) {
    arguments.insert(arguments.begin(), "publish");
    const Outcome outcome = key(arguments);
    EXPECT_EQ(outcome.exit_status, EX_USAGE) << testing::PrintToString(arguments);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err, "");
  }
}

TEST_F(KeyPublish, AKeyThatDoesNotExistIsNoInput) {
  for (const char* command : {"list", "check", "publish", "rotate"}) {
    const Outcome outcome = key({command, "example.com"});
    EXPECT_EQ(outcome.exit_status, EX_NOINPUT) << command;
    EXPECT_EQ(outcome.err, "signet: no key for example.com in " + keys_ +
                               "; make one with: signet key generate example.com\n");
    EXPECT_EQ(outcome.out, "");
  }
  make_key("example.com", "sel");
  const Outcome outcome = key({"publish", "example.com", "other"});
  EXPECT_EQ(outcome.exit_status, EX_NOINPUT);
  EXPECT_TRUE(outcome.complains("no key of other._domainkey.example.com")) << outcome.err;
}

// ---- check ----

TEST_F(KeyPublish, AllPublishedIsExitStatus0) {
  make_key("example.com", "sel", "rsa");
  write_zone(key({"publish", "example.com"}).out);
  const Outcome outcome = key({"check"});
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_EQ(outcome.out, "published    sel._domainkey.example.com (rsa, 1024 bits)\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(KeyPublish, CheckSaysHowARecordDiffers) {
  make_key("example.com", "sel", "rsa");
  make_key("example.com", "other", "rsa");
  const std::string ours = record_of("example.com", "sel");
  const std::string theirs = record_of("example.com", "other");
  struct Case {
    std::string zone;
    std::string said;
  };
  const Case cases[] = {
      {"", "unpublished  sel._domainkey.example.com (rsa, 1024 bits): no TXT record"},
      {txt("sel", theirs),
       "mismatch     sel._domainkey.example.com (rsa, 1024 bits): p= differs "
       "from octet"},
      {txt("sel", "v=DKIM1; k=rsa; p="), "revoked"},
      {txt("sel", ours) + txt("sel", theirs), "2 key records where one is allowed"},
      {txt("sel", "\\\"" + ours + "\\\""), "quotation marks"},
      {txt("sel", "v=DKIM1; k=ed25519; p=Z+4DLuyhbjdCeFkEGpVcuRb1ReDM9OkkEA6aRzAwHZQ="),
       "k=ed25519, but the key is rsa"},
      {txt("sel", "v=spf1 -all"), "an SPF record"},
  };
  for (const Case& each : cases) {
    write_zone(each.zone);
    std::filesystem::rename(path_of("example.com", "other"), root_ + "/away");
    const Outcome outcome = key({"check", "example.com"});
    std::filesystem::rename(root_ + "/away", path_of("example.com", "other"));
    EXPECT_EQ(outcome.exit_status, kNotPublished) << each.said;
    EXPECT_TRUE(outcome.says(each.said)) << each.said << "\n" << outcome.out;
    EXPECT_TRUE(outcome.says("signet key publish example.com sel\n"));
  }
}

TEST_F(KeyPublish, OneThatIsNotPublishedAmongOthersIsExitStatus1) {
  make_key("example.com", "a");
  make_key("example.com", "b");
  make_key("example.net", "c");
  write_zone(key({"publish", "example.com", "a"}).out + key({"publish", "example.net"}).out);
  EXPECT_EQ(key({"check"}).exit_status, kNotPublished);
  EXPECT_EQ(key({"check", "example.com"}).exit_status, kNotPublished);
  EXPECT_EQ(key({"check", "example.net"}).exit_status, 0);
}

TEST_F(KeyPublish, ADnsFailureIsExitStatus2UnlessAKeyIsKnownToBeMissing) {
  make_key("example.com", "a");
  make_key("example.com", "b");
  // A chain of CNAMEs without an end.
  const std::string failure = "b._domainkey.example.com. IN CNAME b._domainkey.example.com.\n";
  write_zone(key({"publish", "example.com", "a"}).out + failure);
  const Outcome outcome = key({"check"});
  EXPECT_EQ(outcome.exit_status, kDnsFailed) << outcome.out;
  EXPECT_TRUE(outcome.says("unknown      b._domainkey.example.com")) << outcome.out;
  EXPECT_FALSE(outcome.says("signet key publish")) << outcome.out;
  write_zone(failure);
  EXPECT_EQ(key({"check"}).exit_status, kNotPublished);
}

TEST_F(KeyPublish, AFileThatCannotBeUsedIsAsGoodAsNotPublished) {
  make_key("example.com", "sel");
  write_zone(key({"publish", "example.com"}).out);
  make_key("example.net", "broken");
  write(path_of("example.net", "broken"), "no key\n");
  const Outcome outcome = key({"check"});
  EXPECT_EQ(outcome.exit_status, kNotPublished);
  EXPECT_TRUE(outcome.says("published    sel."));
  EXPECT_TRUE(outcome.complains(path_of("example.net", "broken"))) << outcome.err;
  EXPECT_EQ(key({"check", "example.com"}).exit_status, 0);
}

TEST_F(KeyPublish, WhatAnAttackerPublishesReachesNoTerminal) {
  make_key("example.com", "sel");
  write_zone(txt("sel", "v=DKIM1; k=\\027[2J\\155; p=\\007\\027]0;x\\007"));
  for (const char* command : {"check", "list"}) {
    const Outcome outcome = key({command});
    for (const char c : outcome.out + outcome.err) {
      EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << static_cast<int>(c);
    }
  }
  for (const char c : key({"list", "--json"}).out)
    EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f));
}

TEST_F(KeyPublish, AnotherZoneFileCanBeAsked) {
  make_key("example.com", "sel");
  write(root_ + "/planned", kEmptyRoot + key({"publish", "example.com"}).out);
  EXPECT_EQ(key({"check"}).exit_status, kNotPublished);
  EXPECT_EQ(key({"check", "--dns-data", root_ + "/planned"}).exit_status, 0);
  EXPECT_EQ(key({"check", "--nameserver", "nowhere"}).exit_status, EX_USAGE);
}

TEST_F(KeyPublish, WhatKeepsTheDaemonFromStartingIsAConfigurationError) {
  make_key("example.com", "sel");
  std::filesystem::remove(root_ + "/zone");
  const Outcome outcome = key({"check"});
  EXPECT_EQ(outcome.exit_status, EX_CONFIG);
  EXPECT_TRUE(outcome.complains("DNSData: " + root_ + "/zone")) << outcome.err;
}

// ---- list ----

TEST_F(KeyPublish, ListShowsEachKeyWithItsAgeStateAndFile) {
  make_key("example.net", "c", "ed25519", 1);
  make_key("example.com", "a", "ed25519", 412);
  make_key("example.com", "b", "rsa", 0);
  write_zone(key({"publish", "example.com", "a"}).out);
  const Outcome outcome = key({"list"});
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_EQ(outcome.out,
            "DOMAIN       SELECTOR  TYPE     BITS  AGE       STATE        FILE\n"
            "example.com  b         rsa      1024  today     unpublished  " +
                path_of("example.com", "b") +
                "\n"
                "example.com  a         ed25519  256   412 days  published    " +
                path_of("example.com", "a") +
                "\n"
                "example.net  c         ed25519  256   1 day     unpublished  " +
                path_of("example.net", "c") + "\n");
  EXPECT_FALSE(key({"list", "example.net"}).says("example.com"));
}

TEST_F(KeyPublish, AFileFromTheFutureIsFromToday) {
  make_key("example.com", "a", "ed25519", -3);
  EXPECT_TRUE(key({"list"}).says("  today  "));
}

TEST_F(KeyPublish, ListAsJsonHoldsAllOfIt) {
  make_key("example.com", "a", "ed25519", 30);
  const Outcome outcome = key({"list", "--json"});
  const auto json = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["domain"], "example.com");
  EXPECT_EQ(json[0]["selector"], "a");
  EXPECT_EQ(json[0]["type"], "ed25519");
  EXPECT_EQ(json[0]["bits"], 256);
  EXPECT_EQ(json[0]["age_days"], 30);
  EXPECT_EQ(json[0]["state"], "unpublished");
  EXPECT_NE(json[0]["detail"], "");
  EXPECT_EQ(json[0]["record_name"], "a._domainkey.example.com");
  EXPECT_EQ(json[0]["record"], record_of("example.com", "a"));
  EXPECT_EQ(json[0]["file"], path_of("example.com", "a"));
  EXPECT_EQ(json[0]["option"], "KeyDirectory");
}

TEST_F(KeyPublish, ListShowsTheKeysOfKeyTableAndKeyFileToo) {
  make_key("table.example", "t");
  make_key("file.example", "f");
  make_key("example.com", "a");
  // The file may lie in the key directory as well.
  for (const std::string domain : {"table", "file"}) {
    std::filesystem::rename(keys_ + "/" + domain + ".example", root_ + "/" + domain);
  }
  write(root_ + "/KeyTable", "name table.example:t:" + root_ + "/table/t.pem\n" +
                                 "again example.com:a:" + path_of("example.com", "a") + "\n");
  write(root_ + "/SigningTable", "table.example name\n");
  configure("Domain file.example\nSelector f\nKeyFile " + root_ + "/file/f.pem\nKeyTable " + root_ +
            "/KeyTable\nSigningTable " + root_ + "/SigningTable\n");
  const Outcome outcome = key({"list", "--json"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  std::vector<std::string> found;
  for (const auto& each : nlohmann::json::parse(outcome.out)) {
    found.push_back(each["domain"].get<std::string>() + " " + each["option"].get<std::string>());
  }
  EXPECT_EQ(found, (std::vector<std::string>{"example.com KeyTable", "file.example KeyFile",
                                             "table.example KeyTable"}));
}

TEST_F(KeyPublish, AFileThatCannotBeReadIsReportedBesideTheList) {
  make_key("example.com", "a");
  ASSERT_EQ(mkfifo(path_of("example.com", "fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink(path_of("example.com", "a"), path_of("example.com", "link"));
  make_key("example.com", "open");
  ASSERT_EQ(chmod(path_of("example.com", "open").c_str(), 0644), 0);
  const Outcome outcome = key({"list"});
  EXPECT_EQ(outcome.exit_status, EX_NOINPUT);
  EXPECT_TRUE(outcome.says("example.com  a "));
  EXPECT_TRUE(outcome.complains("fifo.pem: no regular file")) << outcome.err;
  EXPECT_TRUE(outcome.complains("link.pem: a symbolic link")) << outcome.err;
  EXPECT_TRUE(outcome.complains("open.pem: others than its owner have access")) << outcome.err;
}

}  // namespace
}  // namespace signet
