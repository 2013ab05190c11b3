// SPDX-License-Identifier: BSD-2-Clause
//
// Reloads: what becomes of a key whose file was changed, broken or taken away since the last one.

#include "milter/runtime.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

namespace fs = std::filesystem;

std::string new_key() { return *generate_key(DkimKeyType::ed25519, 0); }

class RuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
    config_.key_directory = directory_ + "/keys";
    config_.nameservers = {"127.0.0.1"};
    fs::create_directories(config_.key_directory + "/example.com");
  }

  std::string path_of(const std::string& selector) const {
    return config_.key_directory + "/example.com/" + selector + ".pem";
  }
  static void put(const std::string& path, const std::string& text, mode_t mode = 0600) {
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), mode);
  }

  /// Start, or reload if there is something to reload.
  void load() {
    auto runtime = build_runtime(config_, runtime_.get());
    ASSERT_TRUE(runtime) << runtime.error();
    runtime_ = *runtime;
  }

  /// The record of each key for example.com, by which keys are told apart.
  std::vector<std::string> records() const {
    std::vector<std::string> found;
    for (const auto& key : runtime_->keys.keys_for(*parse_domain("example.com"))) {
      found.push_back(key->record());
    }
    return found;
  }

  const TemporaryFolder folder_;
  const std::string directory_ = folder_.path();
  Config config_;
  std::shared_ptr<const Runtime> runtime_;
};

TEST_F(RuntimeTest, AKeyWhoseFileIsBrokenStaysInUse) {
  const std::string pem = new_key();
  put(path_of("s1"), pem);
  load();
  const auto old = records();
  ASSERT_EQ(old.size(), 1u);

  const struct {
    std::string text;
    mode_t mode;
    const char* reason;
  } cases[] = {{pem.substr(0, pem.size() / 2), 0600, ": no private key"},
               {"", 0600, ": no private key"},
               {new_key(), 0644, ": others than its owner"}};
  for (const auto& c : cases) {
    put(path_of("s1"), c.text, c.mode);
    load();
    EXPECT_EQ(records(), old) << c.reason;
    ASSERT_EQ(runtime_->keys.stale().size(), 1u) << c.reason;
    EXPECT_TRUE(runtime_->keys.stale()[0].starts_with(path_of("s1") + c.reason))
        << runtime_->keys.stale()[0];
    EXPECT_TRUE(runtime_->keys.problems().empty());
  }

  put(path_of("s1"), new_key());
  load();
  EXPECT_EQ(records().size(), 1u);
  EXPECT_NE(records(), old);
  EXPECT_TRUE(runtime_->keys.stale().empty());
}

TEST_F(RuntimeTest, TheSelectorMayBeWrittenInAnyCase) {
  put(path_of("S1"), new_key());
  load();
  const auto old = records();
  put(path_of("S1"), "half");
  load();
  EXPECT_EQ(records(), old);
}

TEST_F(RuntimeTest, AKeyWhoseFileIsGoneIsRetired) {
  put(path_of("s1"), new_key());
  put(path_of("s2"), new_key());
  load();
  ASSERT_EQ(records().size(), 2u);
  fs::remove(path_of("s1"));
  load();
  EXPECT_EQ(records().size(), 1u);
  EXPECT_TRUE(runtime_->keys.stale().empty());
  fs::remove_all(config_.key_directory);
  load();
  EXPECT_TRUE(records().empty());
}

TEST_F(RuntimeTest, WithoutAnOldKeyABrokenFileIsNotUsed) {
  put(path_of("s1"), new_key());
  load();
  put(path_of("s2"), "half");
  load();
  EXPECT_EQ(records().size(), 1u);
  EXPECT_EQ(runtime_->keys.problems().size(), 1u);
  EXPECT_TRUE(runtime_->keys.stale().empty());
}

TEST_F(RuntimeTest, AllKeysStayIfTheirDirectoryCannotBeRead) {
  put(path_of("s1"), new_key());
  load();
  const auto old = records();
  fs::rename(config_.key_directory, directory_ + "/away");
  put(config_.key_directory, "no directory");
  load();
  EXPECT_EQ(records(), old);
  EXPECT_EQ(runtime_->keys.stale().size(), 1u);
}

TEST_F(RuntimeTest, KeyFileStaysInUseTooWhenItIsBroken) {
  config_.domain = *parse_domain("example.com");
  config_.selector = "s1";
  config_.key_file = directory_ + "/key.pem";
  put(config_.key_file, new_key());
  load();
  const auto old = records();
  ASSERT_EQ(old.size(), 1u);
  put(config_.key_file, "half");
  load();
  EXPECT_EQ(records(), old);
  EXPECT_EQ(runtime_->keys.stale().size(), 1u);

  EXPECT_FALSE(build_runtime(config_)) << "there is no old key at a start";
  fs::remove(config_.key_file);
  EXPECT_FALSE(build_runtime(config_, runtime_.get())) << "the configuration names no file";
}

TEST_F(RuntimeTest, WhatIsKnownOfKeysOutlivesAReloadIfSomebodyAsksOn) {
  put(path_of("s1"), new_key());
  load();
  const auto states = runtime_->key_states;
  load();
  EXPECT_EQ(runtime_->key_states, states);
  config_.key_check_interval = std::chrono::seconds(0);
  load();
  ASSERT_NE(runtime_->key_states, nullptr);
  EXPECT_NE(runtime_->key_states, states) << "what nobody checks any more must not be believed";
}

TEST_F(RuntimeTest, KeyFileTakesThePlaceOfTheSameKeyInTheDirectory) {
  const std::string pem = new_key();
  put(path_of("s1"), pem);
  config_.domain = *parse_domain("example.com");
  config_.selector = "s1";
  config_.key_file = path_of("s1");
  load();
  EXPECT_EQ(records().size(), 1u);
}

TEST_F(RuntimeTest, PublicKeysThatWereParsedOutliveAReload) {
  load();
  const auto before = runtime_->public_keys;
  load();
  EXPECT_EQ(runtime_->public_keys, before);
}

TEST_F(RuntimeTest, CountsOfLimitsOutliveAReload) {
  load();
  LimitSet reached;
  reached.add(Limit::signatures);
  runtime_->limit_counters->count(reached);
  load();
  EXPECT_EQ(runtime_->limit_counters->messages(Limit::signatures), 1u);
}

TEST_F(RuntimeTest, KeysOfDirectoryAndTablesAreListedOnce) {
  const std::string pem = new_key();
  put(path_of("s1"), pem);
  put(directory_ + "/other.pem", new_key());
  config_.key_table = directory_ + "/keys.table";
  config_.signing_table = directory_ + "/signing.table";
  put(config_.key_table, "same example.com:s1:" + path_of("s1") + "\nother example.com:s1:" +
                             directory_ + "/other.pem\nany %:s2:" + directory_ + "/other.pem\n");
  put(config_.signing_table, "example.com same\nexample.net any\n.example.net any\n* other\n");
  load();
  std::vector<std::string> names;
  for (const auto& key : runtime_->all_signing_keys()) {
    names.push_back(key->selector() + "/" + key->domain().text());
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"s1/example.com", "s2/example.net", "s1/example.com"}));
  const auto holds = [&](const char* name) { return runtime_->holds_key_of(*parse_domain(name)); };
  EXPECT_TRUE(holds("example.com"));
  EXPECT_TRUE(holds("example.net"));
  EXPECT_FALSE(holds("a.example.net"));
}

TEST_F(RuntimeTest, ABrokenTableIsAnErrorAndABrokenKeyOfATableIsNot) {
  config_.key_table = directory_ + "/keys.table";
  config_.signing_table = directory_ + "/signing.table";
  put(directory_ + "/a.pem", new_key());
  put(config_.key_table, "k1 example.com:s1:" + directory_ + "/a.pem\n");
  put(config_.signing_table, "example.com k1\n");
  load();
  ASSERT_EQ(runtime_->all_signing_keys().size(), 1u);
  const std::string record = runtime_->all_signing_keys()[0]->record();

  put(directory_ + "/a.pem", "half");
  load();
  EXPECT_EQ(runtime_->stale_keys().size(), 1u);
  EXPECT_TRUE(runtime_->key_problems().empty());
  EXPECT_EQ(runtime_->all_signing_keys()[0]->record(), record);

  put(config_.signing_table, "example.com k1\nexample.net k2\nexample.org k3\n");
  const auto broken = build_runtime(config_, runtime_.get());
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error(),
            config_.signing_table + ":2: want the name of a key in KeyTable, got \"k2\"\n" +
                config_.signing_table + ":3: want the name of a key in KeyTable, got \"k3\"");
}

}  // namespace
}  // namespace signet
