// SPDX-License-Identifier: BSD-2-Clause

#include "dns/text_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

namespace fs = std::filesystem;

class TextFile : public testing::Test {
 protected:
  void write(std::string_view text) const { std::ofstream(path_, std::ios::binary) << text; }
  /// What reading says, without the path in front; "" if it succeeds.
  std::string problem(size_t limit = 100) const {
    const Result<std::string> text = read_text_file(path_, limit);
    if (text) return "";
    EXPECT_TRUE(text.error().starts_with(path_.native() + ": ")) << text.error();
    return text.error().substr(path_.native().size() + 2);
  }

  const TemporaryFolder folder_;
  const fs::path path_ = folder_.path() / "file";
};

TEST_F(TextFile, EveryOctetOfItIsRead) {
  const std::string octets("a\0\xff\r\n", 5);
  write(octets);
  const Result<std::string> text = read_text_file(path_, 5);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, octets);
}

TEST_F(TextFile, MoreThanTheLimitIsAnError) {
  write(std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(problem(1 << 20), "larger than 1 MiB");
}

TEST_F(TextFile, WhatIsNoFileIsAnErrorThatNamesThePath) {
  EXPECT_EQ(problem(), "No such file or directory");
  fs::create_directory(path_);
  EXPECT_EQ(problem(), "not a regular file");
  fs::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(problem(), "not a regular file") << "and nobody waits for a writer";
  fs::remove(path_);
  fs::create_symlink("/dev/zero", path_);
  EXPECT_EQ(problem(), "not a regular file");
}

}  // namespace
}  // namespace signet
