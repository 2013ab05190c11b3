// SPDX-License-Identifier: BSD-2-Clause
//
// KeyTable: what its lines say, and what becomes of them when key files are broken, changed or
// missing. By opendkim.conf(5); what the manual leaves open was tried with opendkim 2.11.

#include "milter/signing/key_table.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

namespace fs = std::filesystem;

std::string error_of(const std::string& text) {
  const auto lines = parse_key_table(text, "table");
  return lines ? "" : lines.error();
}

TEST(KeyTable, ALineNamesDomainSelectorAndFile) {
  const auto lines = parse_key_table(
      "# comment\n"
      "k1 Example.COM:S1:/keys/a.pem\n"
      "k2\t%:2026.mail:/keys/%/a b:c.pem # the rest\n",
      "table");
  ASSERT_TRUE(lines.ok()) << lines.error();
  ASSERT_EQ(lines->size(), 2U);
  EXPECT_EQ((*lines)[0].number, 2);
  EXPECT_EQ((*lines)[0].name, "k1");
  EXPECT_EQ((*lines)[0].domain->text(), "example.com");
  EXPECT_EQ((*lines)[0].selector, "s1");
  EXPECT_EQ((*lines)[0].path, "/keys/a.pem");
  EXPECT_EQ((*lines)[1].domain, std::nullopt);
  EXPECT_EQ((*lines)[1].selector, "2026.mail");
  EXPECT_EQ((*lines)[1].path, "/keys/%/a b:c.pem");
}

TEST(KeyTable, EachErrorSaysWhatWasExpectedAndFound) {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + label.substr(0, 61);
  EXPECT_EQ(error_of("k1\nk2 example.com\nk3 example.com:s1\nk4 a..b:s1:/k\nk5 example.com::/k\n"
                     "k6 example.com:s 1:/k\nk7 %.com:s1:/k\nk8 " +
                     longest + ":s1:/k\n"),
            "table:1: want NAME DOMAIN:SELECTOR:KEYFILE, got one word\n"
            "table:2: want NAME DOMAIN:SELECTOR:KEYFILE; a colon is missing\n"
            "table:3: want NAME DOMAIN:SELECTOR:KEYFILE; a colon is missing\n"
            "table:4: want a domain or % before the first colon, got \"a..b\"\n"
            "table:5: want a selector such as 2026a, got \"\"\n"
            "table:6: want a selector such as 2026a, got \"s 1\"\n"
            "table:7: want a domain or % before the first colon, got \"%.com\"\n"
            "table:8: the key's name: a name is longer than 253 octets");
}

TEST(KeyTable, AnErrorNeverQuotesAKey) {
  const std::string pem = *generate_key(DkimKeyType::ed25519, 0);
  const std::string base64 = pem.substr(28, 40);
  ASSERT_EQ(base64.find('-'), std::string::npos);
  // The table is a key file; the key stands in place of its path, or alone on a line.
  for (const std::string& text : {pem, "k1 example.com:s1:" + base64, base64, base64 + " " + base64,
                                  "k1 " + base64, "k1 example.com:" + base64}) {
    const std::string error = error_of(text);
    EXPECT_NE(error, "");
    for (size_t i = 0; i + 8 < base64.size(); ++i) {
      EXPECT_EQ(error.find(base64.substr(i, 8)), std::string::npos) << error;
    }
  }
  EXPECT_NE(error_of("k1 example.com:s1:" + base64).find("a file of its own"), std::string::npos);
  EXPECT_NE(error_of("k1 example.com:s1:./key.pem").find("absolute path"), std::string::npos);
}

/// Loads tables whose key files lie in a directory of the test's own; $D in a text is its path.
class KeyTableFiles : public testing::Test {
 protected:
  std::string in_directory(std::string text) const {
    for (size_t at = text.find("$D"); at != text.npos; at = text.find("$D")) {
      text.replace(at, 2, directory_);
    }
    return text;
  }
  void put(const std::string& path, const std::string& text, mode_t mode = 0600) const {
    const fs::path file = in_directory(path);
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    chmod(file.c_str(), mode);
  }
  void put_key(const std::string& path) const { put(path, *generate_key(DkimKeyType::ed25519, 0)); }

  KeyTable load(const std::string& text, const KeyTable* previous = nullptr) const {
    const auto lines = parse_key_table(in_directory(text), "table");
    EXPECT_TRUE(lines.ok()) << lines.error();
    return lines ? KeyTable::load(*lines, "table", previous) : KeyTable();
  }

  /// "selector/domain", or the error.
  static std::string find(const KeyTable& table, const char* name, const char* author) {
    const auto key = table.find(name, *parse_domain(author));
    return key ? (*key)->selector() + "/" + (*key)->domain().text() : key.error();
  }
  static std::vector<std::string> listed(const KeyTable& table) {
    std::vector<std::string> names;
    for (const auto& key : table.keys()) {
      names.push_back(key->selector() + "/" + key->domain().text());
    }
    return names;
  }

  const TemporaryFolder folder_;
  const std::string directory_ = folder_.path();
};

TEST_F(KeyTableFiles, AFixedDomainSignsForEveryAuthor) {
  put_key("$D/a.pem");
  const KeyTable table = load("k1 example.com:s1:$D/a.pem");
  EXPECT_EQ(find(table, "k1", "example.com"), "s1/example.com");
  EXPECT_EQ(find(table, "k1", "example.net"), "s1/example.com");
  EXPECT_EQ(find(table, "K1", "example.com"), "KeyTable has no key K1");
  EXPECT_EQ(listed(table), std::vector<std::string>{"s1/example.com"});
}

TEST_F(KeyTableFiles, APercentAsDomainIsThatOfTheAuthor) {
  put_key("$D/a.pem");
  KeyTable table = load("k1 %:s1:$D/a.pem");
  EXPECT_EQ(find(table, "k1", "example.com"), "s1/example.com");
  EXPECT_EQ(find(table, "k1", "example.net"), "s1/example.net");
  EXPECT_EQ(listed(table), std::vector<std::string>());

  table.expect("k1", *parse_domain("example.net"));
  table.expect("k1", *parse_domain("example.net"));
  table.expect("none", *parse_domain("example.net"));
  EXPECT_EQ(listed(table), std::vector<std::string>{"s1/example.net"});
  EXPECT_EQ(table.find("k1", *parse_domain("example.net")).operator*(), table.keys()[0]);
}

TEST_F(KeyTableFiles, APercentInThePathIsTheAuthorsDomain) {
  put_key("$D/keys/example.com/mail.example.com.pem");
  put_key("$D/keys/example.net/mail.example.net.pem");
  put_key("$D/keys/example.org/mail.example.com.pem");
  put_key("$D/keys/no domain/mail.no domain.pem");
  fs::create_directories(directory_ + "/keys/example.edu");
  const KeyTable table =
      load("own %:s1:$D/keys/%/mail.%.pem\nall example.org:s2:$D/keys/%/mail.%.pem");
  EXPECT_EQ(find(table, "own", "example.com"), "s1/example.com");
  EXPECT_EQ(find(table, "own", "example.net"), "s1/example.net");
  EXPECT_EQ(find(table, "own", "example.org"), "KeyTable table:1 has no usable key file");
  EXPECT_EQ(find(table, "own", "example.edu"), "KeyTable table:1 has no usable key file");
  EXPECT_EQ(find(table, "all", "example.net"), "s2/example.org");
  EXPECT_NE((*table.find("own", *parse_domain("example.com")))->record(),
            (*table.find("own", *parse_domain("example.net")))->record());
  EXPECT_EQ(table.problems(), std::vector<std::string>());
  EXPECT_EQ(listed(table), (std::vector<std::string>{"s2/example.org", "s2/example.org",
                                                     "s1/example.com", "s1/example.net"}));
}

TEST_F(KeyTableFiles, NoFromFieldBecomesAPath) {
  put_key("$D/secret.pem");
  put_key("$D/keys/example.com.pem");
  const KeyTable table = load("k1 %:s1:$D/keys/%.pem");
  // What is not there at load is not looked for later.
  put_key("$D/keys/example.net.pem");
  EXPECT_EQ(find(table, "k1", "example.net"), "KeyTable table:1 has no usable key file");
}

TEST_F(KeyTableFiles, OneFileForManyDomainsIsReadOnce) {
  put_key("$D/a.pem");
  const KeyTable table = load("k1 a.org:s1:$D/a.pem\nk2 b.org:s2:$D/a.pem\nk3 %:s3:$D/a.pem");
  const auto first = table.find("k1", *parse_domain("a.org"));
  EXPECT_EQ(find(table, "k2", "a.org"), "s2/b.org");
  EXPECT_EQ(find(table, "k3", "c.org"), "s3/c.org");
  EXPECT_EQ((*table.find("k2", *parse_domain("a.org")))->evp(), (*first)->evp());
  EXPECT_EQ((*table.find("k3", *parse_domain("c.org")))->evp(), (*first)->evp());
}

TEST_F(KeyTableFiles, OfEqualNamesTheFirstCounts) {
  put_key("$D/a.pem");
  const KeyTable table = load("k1 a.org:s1:$D/a.pem\nk1 b.org:s2:$D/a.pem\n");
  EXPECT_EQ(find(table, "k1", "a.org"), "s1/a.org");
  EXPECT_EQ(table.problems(),
            std::vector<std::string>{"table:2: \"k1\" stands on line 1 already, which counts"});
}

TEST_F(KeyTableFiles, ABrokenFileStopsItsKeyAlone) {
  put_key("$D/a.pem");
  put("$D/half.pem", "-----BEGIN PRIVATE KEY-----\n");
  put("$D/open.pem", *generate_key(DkimKeyType::ed25519, 0), 0644);
  const KeyTable table = load(
      "k1 a.org:s1:$D/half.pem\nk2 a.org:s2:$D/open.pem\nk3 a.org:s3:$D/none.pem\n"
      "k4 a.org:s4:$D/a.pem\nk5 %:s5:$D/nowhere/%.pem\n");
  EXPECT_EQ(find(table, "k4", "a.org"), "s4/a.org");
  EXPECT_EQ(find(table, "k1", "a.org"), "KeyTable table:1 has no usable key file");
  ASSERT_EQ(table.problems().size(), 4U);
  const char* const expected[] = {
      "table:1: $D/half.pem: no private key", "table:2: $D/open.pem: others than its owner",
      "table:3: $D/none.pem: No such file", "table:5: $D/nowhere/: No such file"};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(table.problems()[i].starts_with(in_directory(expected[i]))) << table.problems()[i];
  }
  EXPECT_TRUE(table.stale().empty());
}

TEST_F(KeyTableFiles, AtAReloadAKeyWhoseFileIsBrokenStaysInUse) {
  const std::string text = "k1 a.org:s1:$D/a.pem\nk2 %:s2:$D/a.pem\nk3 %:s3:$D/keys/%.pem\n";
  put_key("$D/a.pem");
  put_key("$D/keys/b.org.pem");
  const KeyTable old = load(text);
  const auto record = [](const KeyTable& table, const char* name) {
    const auto key = table.find(name, *parse_domain("b.org"));
    return key ? (*key)->record() : key.error();
  };

  put("$D/a.pem", "half");
  put("$D/keys/b.org.pem", "half");
  const KeyTable broken = load(text, &old);
  for (const char* name : {"k1", "k2", "k3"}) EXPECT_EQ(record(broken, name), record(old, name));
  EXPECT_EQ(broken.stale().size(), 2U) << "one for each file";
  EXPECT_TRUE(broken.problems().empty());

  // Names are those of the new table, whatever the file gives.
  const KeyTable renamed = load("k9 c.org:s9:$D/a.pem", &broken);
  EXPECT_EQ(find(renamed, "k9", "b.org"), "s9/c.org");

  fs::remove(directory_ + "/a.pem");
  const KeyTable gone = load(text, &broken);
  EXPECT_EQ(find(gone, "k1", "b.org"), "KeyTable table:1 has no usable key file");
  EXPECT_EQ(gone.problems().size(), 1U);

  put_key("$D/a.pem");
  EXPECT_NE(record(load(text, &broken), "k1"), record(old, "k1"));
}

TEST_F(KeyTableFiles, KeysOfADirectoryThatCannotBeReadStayInUse) {
  const std::string text = "k3 %:s3:$D/keys/%.pem\n";
  put_key("$D/keys/b.org.pem");
  const KeyTable old = load(text);
  fs::rename(directory_ + "/keys", directory_ + "/away");
  put("$D/keys", "no directory");
  const KeyTable table = load(text, &old);
  EXPECT_EQ(find(table, "k3", "b.org"), "s3/b.org");
  EXPECT_EQ(table.stale().size(), 1U);

  EXPECT_EQ(find(load(text), "k3", "b.org"), "KeyTable table:1 has no usable key file");
}

}  // namespace
}  // namespace signet
