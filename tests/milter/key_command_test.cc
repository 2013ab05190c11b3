// SPDX-License-Identifier: BSD-2-Clause
//
// The command line of `signet`, and `signet key generate` in a temporary directory: the file, the
// record as ZoneData reads it back, and what the command refuses.

#include "milter/command/key_command.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "crypto/key_store.h"
#include "dns/zone_data.h"
#include "milter/privileges.h"
#include "tests/support/key_site.h"

namespace signet {
namespace {

namespace fs = std::filesystem;

class KeyCommand : public KeySite {
 protected:
  void write_config(const std::string& text) { write(config_, text); }

  Outcome generate(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "generate");
    return key(std::move(arguments));
  }
};

/// The one TXT text that the output, taken as a zone file, holds at `owner`.
std::string published(const std::string& output, std::string_view owner) {
  const auto zone = ZoneData::parse(output, "output");
  EXPECT_TRUE(zone.ok()) << (zone.ok() ? "" : zone.error());
  if (!zone) return "";
  const auto answer = zone->find(*parse_domain(owner), RecordType::txt);
  return answer && answer->texts.size() == 1 ? answer->texts[0] : "";
}

TEST_F(KeyCommand, WritesTheKeyAndPrintsItsRecordAsZoneText) {
  const Outcome outcome = generate({"Example.COM"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const KeyStore store = KeyStore::load_directory(keys_);
  EXPECT_EQ(store.problems(), std::vector<std::string>{});
  const auto& keys = store.keys_for(*parse_domain("example.com"));
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys[0]->selector(), "s20261123");
  EXPECT_EQ(keys[0]->bits(), 2048);
  EXPECT_EQ(published(outcome.out, "s20261123._domainkey.example.com"), keys[0]->record());
  EXPECT_NE(outcome.out.find("\n;    " + keys[0]->record() + "\n"), std::string::npos);
  EXPECT_NE(outcome.out.find(keys_ + "/example.com/s20261123.pem"), std::string::npos);
}

TEST_F(KeyCommand, NoStringOfTheRecordHasMoreThan255Octets) {  // RFC 1035 3.3
  const Outcome outcome = generate({"example.com", "--bits", "4096"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  int strings = 0;
  for (std::string line; std::getline(lines, line);) {
    const size_t start = line.find('"');
    if (start == std::string::npos || line[0] == ';') continue;
    EXPECT_LE(line.find('"', start + 1) - start - 1, 255U);
    ++strings;
  }
  EXPECT_EQ(strings, 3);
}

TEST_F(KeyCommand, MakesEd25519Keys) {
  const Outcome outcome = generate({"example.com", "--type", "ed25519"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_EQ(published(outcome.out, "s20261123-ed25519._domainkey.example.com")
                .find("v=DKIM1; k=ed25519; p="),
            0U);
}

TEST_F(KeyCommand, TheFileIsForItsOwnerAlone) {
  const mode_t before = umask(0);
  const Outcome outcome = generate({"example.com", "--selector", "sel", "--bits", "1024"});
  umask(before);
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_EQ(status_of(keys_ + "/example.com/sel.pem").st_mode, S_IFREG | 0600U);
  EXPECT_EQ(status_of(keys_ + "/example.com").st_mode, S_IFDIR | 0700U);
  EXPECT_EQ(status_of(keys_).st_mode, S_IFDIR | 0700U);
}

TEST_F(KeyCommand, RootGivesTheFileToTheServicesUser) {
  const Outcome outcome = generate({"example.com", "--selector", "sel", "--type", "ed25519"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  const uid_t owner = geteuid() == 0 ? find_account("nobody")->uid : geteuid();
  EXPECT_EQ(status_of(keys_ + "/example.com/sel.pem").st_uid, owner);
  EXPECT_EQ(status_of(keys_ + "/example.com").st_uid, owner);
  EXPECT_EQ(status_of(keys_).st_uid, owner);
}

TEST_F(KeyCommand, AServiceUserThatDoesNotExistYetIsNoObstacle) {
  write_config("KeyDirectory " + keys_ + "\nUserID no-such-user-here\n");
  const Outcome outcome = generate({"example.com", "--type", "ed25519"});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_EQ(status_of(keys_ + "/example.com").st_uid, geteuid());
  EXPECT_NE(published(outcome.out, "s20261123-ed25519._domainkey.example.com"), "");
  if (geteuid() == 0) {
    EXPECT_NE(outcome.out.find("There is no user no-such-user-here yet"), std::string::npos);
  }
}

TEST_F(KeyCommand, OwnerAndDirectoryCanBeGiven) {
  const std::string directory = root_ + "/elsewhere";
  const Outcome outcome =
      generate({"example.com", "--selector", "a.b", "--type", "ed25519", "--directory", directory,
                "--owner", std::to_string(geteuid())});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_EQ(status_of(directory + "/example.com/a.b.pem").st_uid, geteuid());
  EXPECT_FALSE(fs::exists(keys_));
  EXPECT_EQ(generate({"example.com", "--owner", "no-such-user-here"}).exit_status, EX_NOUSER);
}

TEST_F(KeyCommand, NeverOverwritesAKey) {
  ASSERT_EQ(generate({"example.com", "--type", "ed25519", "--selector", "sel"}).exit_status, 0);
  const std::string path = keys_ + "/example.com/sel.pem";
  const std::string before = contents(path);
  const Outcome outcome = generate({"example.com", "--type", "ed25519", "--selector", "SEL"});
  EXPECT_EQ(outcome.exit_status, EX_CANTCREAT);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find(path + " exists"), std::string::npos) << outcome.err;
  EXPECT_EQ(contents(path), before);
}

TEST_F(KeyCommand, FollowsNoSymbolicLink) {
  fs::create_directories(keys_ + "/example.com");
  fs::permissions(keys_ + "/example.com", fs::perms::owner_all);
  fs::create_symlink(root_ + "/target", keys_ + "/example.com/sel.pem");
  EXPECT_EQ(generate({"example.com", "--selector", "sel", "--type", "ed25519"}).exit_status,
            EX_CANTCREAT);
  EXPECT_FALSE(fs::exists(root_ + "/target"));
  fs::create_directory_symlink(keys_ + "/example.com", keys_ + "/example.net");
  EXPECT_EQ(generate({"example.net", "--selector", "new", "--type", "ed25519"}).exit_status,
            EX_CANTCREAT);
  EXPECT_FALSE(fs::exists(keys_ + "/example.com/new.pem"));
}

TEST_F(KeyCommand, ADirectoryThatOthersCanWriteToIsRefused) {
  fs::create_directories(keys_ + "/example.com");
  fs::permissions(keys_ + "/example.com", fs::perms::all);
  const Outcome outcome = generate({"example.com", "--type", "ed25519"});
  EXPECT_EQ(outcome.exit_status, EX_CANTCREAT);
  EXPECT_NE(outcome.err.find("others can write"), std::string::npos) << outcome.err;
  EXPECT_TRUE(fs::is_empty(keys_ + "/example.com"));
}

TEST_F(KeyCommand, AKeyDirectoryThatOthersCanWriteToIsRefused) {
  fs::create_directories(keys_);
  fs::permissions(keys_, fs::perms::all);
  const Outcome outcome = generate({"example.com", "--type", "ed25519"});
  EXPECT_EQ(outcome.exit_status, EX_CANTCREAT);
  EXPECT_NE(outcome.err.find(keys_ + ": others can write"), std::string::npos) << outcome.err;
}

TEST_F(KeyCommand, ASelectorThatWasRetiredIsNotUsedAgain) {
  fs::create_directories(keys_ + "/example.com");
  fs::permissions(keys_ + "/example.com", fs::perms::owner_all);
  write(keys_ + "/example.com/sel.pem.retired", "");
  const Outcome outcome = generate({"example.com", "--selector", "sel", "--type", "ed25519"});
  EXPECT_EQ(outcome.exit_status, EX_CANTCREAT);
  EXPECT_NE(outcome.err.find("choose another --selector"), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(keys_ + "/example.com/sel.pem"));
}

TEST_F(KeyCommand, ADirectoryThatCannotBeMadeIsNamed) {
  const Outcome outcome = generate({"example.com", "--directory", config_ + "/keys"});
  EXPECT_EQ(outcome.exit_status, EX_CANTCREAT);
  EXPECT_NE(outcome.err.find(config_), std::string::npos) << outcome.err;
}

TEST_F(KeyCommand, NoOutputHoldsPrivateOctets) {
  const Outcome outcome = generate({"example.com", "--selector", "sel", "--bits", "1024"});
  ASSERT_EQ(outcome.exit_status, 0);
  std::istringstream lines(contents(keys_ + "/example.com/sel.pem"));
  int checked = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.size() < 16) continue;
    EXPECT_EQ(outcome.out.find(line), std::string::npos);
    ++checked;
  }
  EXPECT_GT(checked, 10);
}

TEST_F(KeyCommand, BadArgumentsAreUsageErrors) {
  const std::vector<std::string> cases[] = {
      {},
      {"a..b"},
      {"192.0.2.1"},
      {"../example.com"},
      {"example.com", "--selector", "a/../b"},
      {"example.com", "--selector", "../../etc/x"},
      {"example.com", "--selector", std::string(64, 'a')},
      {"example.com", "--type", "dsa"},
      {"example.com", "--bits", "512"},
      {"example.com", "--bits", "8192"},
      {"example.com", "--bits", "many"},
      {"example.com", "--type", "ed25519", "--bits", "2048"},
      {"example.com", "--no-such-option"},
      {"example.com", "example.net"},
  };
  for (const auto& arguments : cases) {
    const Outcome outcome = generate(arguments);
    EXPECT_EQ(outcome.exit_status, EX_USAGE) << testing::PrintToString(arguments);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err, "");
  }
  EXPECT_FALSE(fs::exists(keys_));
}

TEST_F(KeyCommand, ABrokenConfigurationStopsTheCommand) {
  write_config("KeyDirectory " + keys_ + "\nNoSuchKeyword x\nDNSTimeout fast\n");
  const Outcome outcome = generate({"example.com"});
  EXPECT_EQ(outcome.exit_status, EX_CONFIG);
  EXPECT_NE(outcome.err.find("signet.conf:2:"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("signet.conf:3:"), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(keys_));
  config_ = root_ + "/none.conf";
  EXPECT_EQ(generate({"example.com"}).exit_status, EX_CONFIG);
}

TEST_F(KeyCommand, OptionsOfTheProgramMayStandBehindTheCommand) {
  const std::string other = root_ + "/other.conf";
  std::ofstream(other) << "KeyDirectory " << root_ << "/other\n";
  std::ostringstream out;
  std::ostringstream err;
  CommandContext context{out, err, {}, {}};
  EXPECT_EQ(
      run_signet({"key", "generate", "example.com", "--type", "ed25519", "-c", other}, context), 0)
      << err.str();
  EXPECT_TRUE(fs::exists(root_ + "/other/example.com/s19700101-ed25519.pem"));
}

TEST_F(KeyCommand, HelpAndVersionGoToStandardOutput) {
  for (const char* flag : {"--help", "--version", "-V"}) {
    const Outcome outcome = run({flag});
    EXPECT_EQ(outcome.exit_status, 0);
    EXPECT_NE(outcome.out.find("ignet"), std::string::npos);
    EXPECT_EQ(outcome.err, "");
  }
  const Outcome help = generate({"--help"});
  EXPECT_EQ(help.exit_status, 0);
  for (const char* option :
       {"DOMAIN", "--selector", "--type", "--bits", "--directory", "--owner"}) {
    EXPECT_NE(help.out.find(option), std::string::npos) << option;
  }
  EXPECT_EQ(run({}).exit_status, EX_USAGE);
  EXPECT_EQ(run({"key"}).exit_status, EX_USAGE);
  EXPECT_EQ(run({"nonsense"}).exit_status, EX_USAGE);
}

TEST_F(KeyCommand, OutputThatCannotBeWrittenIsAnError) {
  std::ostringstream out;
  std::ostringstream err;
  out.setstate(std::ios::badbit);
  CommandContext context{out, err, {}, {}};
  EXPECT_EQ(
      run_signet({"-c", config_, "key", "generate", "example.com", "--type", "ed25519"}, context),
      EX_IOERR);
}

}  // namespace
}  // namespace signet
