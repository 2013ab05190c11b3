// SPDX-License-Identifier: BSD-2-Clause
//
// What is done in directories of the service user with more rights than that user has: nothing
// that is planted there may be followed.

#include "milter/privileges.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

namespace fs = std::filesystem;

class PrivilegesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(victim()) << "precious";
    chmod(victim().c_str(), 0600);
  }

  std::string victim() const { return directory_ + "/victim"; }
  std::string in_directory(const char* name) const { return directory_ + "/" + name; }

  static std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static mode_t mode_of(const std::string& path) {
    struct stat status {};
    lstat(path.c_str(), &status);
    return status.st_mode & 07777;
  }
  static void make_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    close(descriptor);
  }

  const Account self_{"", geteuid(), getegid()};
  const TemporaryFolder folder_;
  const std::string directory_ = folder_.path();
};

TEST_F(PrivilegesTest, ThePidFileHoldsTheNumberAndReplacesAnOldOne) {
  const std::string path = in_directory("pid");
  for (const pid_t pid : {12345, 7}) {
    const auto written = write_pid_file(path, pid);
    ASSERT_TRUE(written) << written.error();
    EXPECT_EQ(read(path), std::to_string(pid) + "\n");
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 2);
}

TEST_F(PrivilegesTest, ThePidFileFollowsNoSymbolicLink) {
  for (const char* planted : {"pid", "pid.new"}) {
    fs::create_symlink(victim(), in_directory(planted));
    ASSERT_TRUE(write_pid_file(in_directory("pid"), 1)) << planted;
    EXPECT_EQ(read(victim()), "precious") << planted;
    EXPECT_FALSE(fs::is_symlink(in_directory("pid"))) << planted;
    fs::remove(in_directory("pid"));
  }
}

TEST_F(PrivilegesTest, AnErrorOfThePidFileNamesItsPath) {
  const auto written = write_pid_file(in_directory("none/pid"), 1);
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().starts_with("PidFile " + in_directory("none/pid") + ": "))
      << written.error();
  EXPECT_TRUE(write_pid_file("", 1)) << "none is asked for";
}

TEST_F(PrivilegesTest, TheSocketGetsItsMode) {
  const std::string path = in_directory("socket");
  make_socket(path);
  const auto done = hand_over_socket(path, self_, 0620);
  ASSERT_TRUE(done) << done.error();
  EXPECT_EQ(mode_of(path), 0620u);
}

TEST_F(PrivilegesTest, WhatIsNotTheSocketWeMadeIsLeftAlone) {
  make_socket(in_directory("elsewhere"));
  chmod(in_directory("elsewhere").c_str(), 0600);
  fs::create_symlink(victim(), in_directory("link_to_file"));
  fs::create_symlink(in_directory("elsewhere"), in_directory("link_to_socket"));
  for (const char* name : {"link_to_file", "link_to_socket", "victim", "none"}) {
    EXPECT_FALSE(hand_over_socket(in_directory(name), self_, 0666)) << name;
  }
  fs::create_hard_link(in_directory("elsewhere"), in_directory("hard_link"));
  EXPECT_FALSE(hand_over_socket(in_directory("hard_link"), self_, 0666));
  EXPECT_EQ(mode_of(victim()), 0600u);
  EXPECT_EQ(mode_of(in_directory("elsewhere")), 0600u);
}

}  // namespace
}  // namespace signet
