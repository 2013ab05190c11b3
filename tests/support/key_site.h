// SPDX-License-Identifier: BSD-2-Clause
//
// A server's keys in a temporary directory, and a DNS that is a zone file beside them: `signet key`
// is run as from a shell, and no question leaves the process.

#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "milter/command/command.h"
#include "tests/support/temporary_folder.h"

namespace signet {

struct Outcome {
  int exit_status;
  std::string out;
  std::string err;

  bool says(const std::string& text) const { return out.find(text) != std::string::npos; }
  bool complains(const std::string& text) const { return err.find(text) != std::string::npos; }
};

/// All names but those that a test adds do not exist.
inline constexpr const char* kEmptyRoot =
    "$TTL 300\n. IN SOA ns.example. hostmaster.example. 1 1 1 1 1\n";

class KeySite : public testing::Test {
 protected:
  void SetUp() override {
    keys_ = root_ + "/etc/keys";
    config_ = root_ + "/signet.conf";
    configure("");
    write_zone("");
  }

  /// More lines for the configuration.
  void configure(const std::string& lines) {
    write(config_,
          "KeyDirectory " + keys_ + "\nUserID nobody\nDNSData " + root_ + "/zone\n" + lines);
  }
  /// What the DNS holds.
  void write_zone(const std::string& records) { write(root_ + "/zone", kEmptyRoot + records); }

  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  static struct stat status_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(lstat(path.c_str(), &status), 0) << path;
    return status;
  }

  Outcome run(std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    CommandContext context{out, err, now_, {}};
    arguments.insert(arguments.begin(), {"-c", config_});
    const int status = run_signet(arguments, context);
    everything_shown_ += out.str() + err.str();
    return {status, out.str(), err.str()};
  }
  Outcome key(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "key");
    return run(std::move(arguments));
  }

  std::string path_of(const std::string& domain, const std::string& selector) const {
    return keys_ + "/" + domain + "/" + selector + ".pem";
  }
  /// A key whose file was written that many days before now_.
  void make_key(const std::string& domain, const std::string& selector,
                const std::string& type = "ed25519", int days = 0) {
    std::vector<std::string> arguments = {"generate", domain,   "--selector",
                                          selector,   "--type", type};
    if (type == "rsa") arguments.insert(arguments.end(), {"--bits", "1024"});
    const Outcome outcome = key(arguments);
    ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
    age(path_of(domain, selector), days);
  }
  void age(const std::string& path, int days) {
    const auto time = now_ - std::chrono::days(days);
    const timespec times[] = {{0, UTIME_OMIT}, {time.time_since_epoch().count(), 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0) << path;
  }

  const TemporaryFolder folder_;
  const std::string root_ = folder_.path();
  std::string keys_;
  std::string config_;
  std::chrono::sys_seconds now_ = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};
  std::string everything_shown_;  ///< by every run()
};

}  // namespace signet
