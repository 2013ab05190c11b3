// SPDX-License-Identifier: BSD-2-Clause
//
// Who signs for an author: SigningTable, then the keys of the author's domain, then with
// SignSubdomains those of a domain above it.

#include "milter/signing/signing_rules.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "milter/signing/table_file.h"
#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

namespace fs = std::filesystem;

std::string new_key(DkimKeyType type) { return *generate_key(type, 1024); }

/// Tables lie in a directory of the test's own; $D in a text is its path.
class SigningRulesTest : public testing::Test {
 protected:
  void SetUp() override { put("a.pem", new_key(DkimKeyType::ed25519)); }

  std::string in_directory(std::string text) const {
    for (size_t at = text.find("$D"); at != text.npos; at = text.find("$D")) {
      text.replace(at, 2, directory_);
    }
    return text;
  }
  void put(const std::string& name, const std::string& text) const {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << in_directory(text);
    chmod(path.c_str(), 0600);
  }
  void set_tables(const std::string& keys, const std::string& signing, bool patterns = false) {
    put("keys", keys);
    put("signing", signing);
    config_.key_table = directory_ + "/keys";
    config_.signing_table = (patterns ? "refile:" : "") + directory_ + "/signing";
  }
  void add_key(const char* domain, const char* selector, DkimKeyType type = DkimKeyType::ed25519) {
    keys_.add(*SigningKey::parse(new_key(type), *parse_domain(domain), selector));
  }

  SigningRules load() const {
    auto rules = SigningRules::load(config_);
    EXPECT_TRUE(rules.ok()) << rules.error();
    return rules ? *rules : SigningRules();
  }
  std::string error() const {
    const auto rules = SigningRules::load(config_);
    return rules ? "" : rules.error();
  }
  /// "selector/domain" and the AUID of each signature, then the rule, or the reason against it.
  std::string choice(const SigningRules& rules, const std::string& from) const {
    const SigningChoice choice = rules.choose(keys_, find_author({from}));
    std::string text;
    for (const SignatureSpec& spec : choice.signatures) {
      text += fmt::format("{}/{} {}; ", spec.key->selector(), spec.key->domain().text(), spec.auid);
    }
    text += choice.rule;
    if (choice.signatures.empty()) text += "; " + choice.unsigned_reason;
    return text;
  }
  std::string choice(const std::string& from) const { return choice(load(), from); }

  const TemporaryFolder folder_;
  const std::string directory_ = folder_.path();
  Config config_;
  KeyStore keys_;
};

TEST_F(SigningRulesTest, KeysOfTheAuthorsDomainSignRsaFirst) {
  add_key("example.com", "a-ed");
  add_key("example.com", "z-rsa", DkimKeyType::rsa);
  EXPECT_EQ(choice("joe@example.com"),
            "z-rsa/example.com ; a-ed/example.com ; KeyDirectory example.com");
  EXPECT_EQ(choice("joe@example.net"), "; no key for example.net");
  EXPECT_EQ(choice("joe@a.example.com"), "; no key for a.example.com");
  EXPECT_EQ(choice("joe@com"), "; no key for com");
  config_.domain = *parse_domain("example.com");
  EXPECT_TRUE(choice("joe@example.com").ends_with("; Domain example.com"));
}

TEST_F(SigningRulesTest, SubdomainsAreSignedForByTheNearestDomainAboveOnlyIfAsked) {
  add_key("example.com", "s1");
  add_key("b.example.com", "s2");
  EXPECT_EQ(choice("joe@a.b.example.com"), "; no key for a.b.example.com");
  config_.sign_subdomains = true;
  EXPECT_EQ(choice("joe@a.b.example.com"), "s2/b.example.com ; SignSubdomains b.example.com");
  EXPECT_EQ(choice("joe@a.example.com"), "s1/example.com ; SignSubdomains example.com");
  EXPECT_EQ(choice("joe@example.com"), "s1/example.com ; KeyDirectory example.com");
  EXPECT_EQ(choice("joe@badexample.com"), "; no key for badexample.com or a domain above it");
  EXPECT_EQ(choice("joe@com"), "; no key for com or a domain above it");
}

TEST_F(SigningRulesTest, TheSigningTableComesFirst) {
  add_key("example.com", "own");
  set_tables("k1 example.com:s1:$D/a.pem\n", "# \njoe@example.com k1\n");
  EXPECT_EQ(choice("Joe <joe@example.com>"),
            in_directory("s1/example.com ; SigningTable $D/signing:2 joe@example.com"));
  EXPECT_EQ(choice("ann@example.com"), "own/example.com ; KeyDirectory example.com");
  EXPECT_EQ(choice("ann@example.net"),
            "; no key for example.net; SigningTable has no line for ann@example.net");
}

TEST_F(SigningRulesTest, OnlyTheFirstMatchSigns) {
  set_tables("k1 example.com:s1:$D/a.pem\nk2 example.com:s2:$D/a.pem\n",
             "*@example.com k1\n*@* k2\n", true);
  EXPECT_EQ(choice("joe@example.com"),
            in_directory("s1/example.com ; SigningTable $D/signing:1 *@example.com"));
}

TEST_F(SigningRulesTest, PercentStandsForTheFromDomain) {
  set_tables("k1 %:s1:$D/a.pem\nexample.net example.net:s2:$D/a.pem\n",
             ".example.com k1\nexample.com k1:joe@%\nexample.net %:%@%\n.example.net %\n");
  EXPECT_EQ(choice("joe@a.example.com"),
            in_directory("s1/a.example.com ; SigningTable $D/signing:1 .example.com"));
  EXPECT_EQ(choice("ann@example.com"),
            in_directory("s1/example.com joe@example.com; SigningTable $D/signing:2 example.com"));
  EXPECT_EQ(choice("ann@example.net"), in_directory("s2/example.net example.net@example.net; "
                                                    "SigningTable $D/signing:3 example.net"));
  EXPECT_EQ(choice("ann@a.example.net"), in_directory("SigningTable $D/signing:4 .example.net; "
                                                      "KeyTable has no key a.example.net"));
}

TEST_F(SigningRulesTest, AnAuidOutsideOfTheSigningDomainIsLeftOut) {  // RFC 6376 3.5, i=
  const struct {
    const char* value;
    const char* from;
    const char* auid;
  } cases[] = {
      {"k1:@%", "joe@example.com", "@example.com"},
      {"k1:@%", "joe@a.example.com", "@a.example.com"},
      {"k1:@mail.example.com", "joe@a.example.com", "@mail.example.com"},
      {"k1:@%", "joe@example.net", ""},
      {"k1:@%", "joe@badexample.com", ""},
      {"k1:@com", "joe@example.com", ""},
      {"k1:joe@sub.%", "ann@example.com", "joe@sub.example.com"},
      {"k1", "joe@example.com", ""},
  };
  for (const auto& c : cases) {
    set_tables("k1 example.com:s1:$D/a.pem\n", std::string("* ") + c.value);
    EXPECT_EQ(choice(c.from),
              in_directory(fmt::format("s1/example.com {}; SigningTable $D/signing:1 *", c.auid)))
        << c.value << ' ' << c.from;
  }
}

TEST_F(SigningRulesTest, AMatchWhoseKeyCannotBeUsedSignsNothing) {
  add_key("example.com", "own");
  put("b.pem", "half");
  set_tables("k1 example.com:s1:$D/b.pem\nk2 example.net:s2:$D/a.pem\n",
             "example.com k1\nexample.net k2\n");
  const SigningRules rules = load();
  EXPECT_EQ(rules.key_table().problems().size(), 1U);
  EXPECT_EQ(choice(rules, "joe@example.com"),
            in_directory("SigningTable $D/signing:1 example.com; "
                         "KeyTable $D/keys:1 has no usable key file"));
  EXPECT_EQ(choice(rules, "joe@example.net"),
            in_directory("s2/example.net ; SigningTable $D/signing:2 example.net"));
}

TEST_F(SigningRulesTest, AllErrorsOfAllTablesAreFoundAtOnce) {
  set_tables("k1 example.com:s1:$D/a.pem\n",
             "example.com k1\n# \nexample.net k2\nexample.org k3\nexample.edu %\n");
  put("logins", "joe a..b\n");
  config_.sender_logins = directory_ + "/logins";
  EXPECT_EQ(error(),
            in_directory("$D/signing:3: want the name of a key in KeyTable, got \"k2\"\n"
                         "$D/signing:4: want the name of a key in KeyTable, got \"k3\"\n"
                         "$D/logins:1: want a domain, .DOMAIN for those below it, or *, got "
                         "\"a..b\""));
  put("keys", "k1\n");
  EXPECT_EQ(error(),
            in_directory("$D/keys:1: want NAME DOMAIN:SELECTOR:KEYFILE, got one word\n"
                         "$D/logins:1: want a domain, .DOMAIN for those below it, or *, got "
                         "\"a..b\""))
      << "which keys there are is not known";
  config_.key_table = config_.sender_logins = directory_ + "/none";
  config_.signing_table = "refile:" + directory_;
  EXPECT_EQ(error(), in_directory("KeyTable: $D/none: No such file or directory\n"
                                  "SigningTable: $D: not a regular file\n"
                                  "SenderLogins: $D/none: No such file or directory"));
}

TEST_F(SigningRulesTest, TablesLargerThanTheLimitAreRefused) {
  set_tables("k1 example.com:s1:$D/a.pem\n", "example.com k1\n");
  fs::resize_file(directory_ + "/signing", kMaxTableFile + 1);
  EXPECT_EQ(error(), in_directory("SigningTable: $D/signing: larger than 16 MiB"));
}

TEST_F(SigningRulesTest, DomainsThatTheTablesSignAsAreKnown) {
  set_tables("k1 %:s1:$D/a.pem\nk2 example.org:s2:$D/a.pem\nk3 %:s3:$D/a.pem\n",
             "*@example.com k1\njoe@example.net k1\n*@*.example.edu k1\n* k2\n", true);
  const SigningRules rules = load();
  const auto holds = [&](const char* name) { return rules.holds(*parse_domain(name)); };
  EXPECT_TRUE(holds("example.com"));
  EXPECT_TRUE(holds("example.net"));
  EXPECT_TRUE(holds("example.org"));
  EXPECT_FALSE(holds("example.edu"));
  EXPECT_FALSE(holds("a.example.com"));
  EXPECT_EQ(rules.key_table().keys().size(), 3U);
  EXPECT_EQ(choice(rules, "joe@a.example.edu"),
            in_directory("s1/a.example.edu ; SigningTable $D/signing:3 *@*.example.edu"));
}

TEST_F(SigningRulesTest, ALineThatNeverMatchesIsAWarning) {
  set_tables("k1 %:s1:$D/a.pem\n", "*@example.com k1\n");
  const std::vector<std::string> warnings = load().warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(warnings[0].starts_with(in_directory("$D/signing:1: \"*@example.com\" ")));
  EXPECT_EQ(SigningRules().warnings(), std::vector<std::string>());
}

TEST_F(SigningRulesTest, EveryDomainOfTheAuthorMustBeAllowed) {
  EXPECT_FALSE(load().limits_logins());
  EXPECT_EQ(load().forbidden_domain("joe", find_author({"joe@example.net"})), nullptr);

  put("logins", "joe example.com\n");
  config_.sender_logins = directory_ + "/logins";
  const SigningRules rules = load();
  EXPECT_TRUE(rules.limits_logins());
  const auto forbidden = [&](const std::vector<std::string>& from) {
    const Author author = find_author(from);
    const Name* domain = rules.forbidden_domain("joe", author);
    return domain == nullptr ? "" : domain->text();
  };
  EXPECT_EQ(forbidden({"joe@example.com"}), "");
  EXPECT_EQ(forbidden({"joe@example.net"}), "example.net");
  EXPECT_EQ(forbidden({"joe@example.com, joe@example.net"}), "example.net");
  EXPECT_EQ(forbidden({"joe@example.com", "joe@example.org"}), "example.org");
  EXPECT_EQ(forbidden({}), "") << "no author, no domain";
}

}  // namespace
}  // namespace signet
