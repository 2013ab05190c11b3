// SPDX-License-Identifier: BSD-2-Clause
//
// A command of `signet` run as a person runs it: a folder of its own, a configuration in it, a
// command line, and what came out.

#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "milter/command/command.h"
#include "tests/support/temporary_folder.h"

namespace signet {

struct CommandOutcome {
  int exit_status = 0;
  std::string out;
  std::string err;
};

/// No octet that is a control character to some terminal, but for line ends.
inline bool is_safe_to_show(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return c != '\n' && (octet < 0x20 || (octet >= 0x7f && octet <= 0x9f));
  });
}

inline std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

class CommandTest : public testing::Test {
 protected:
  void SetUp() override { configure(""); }

  /// A file that only its owner can read. Returns its path.
  std::string write(const std::string& name, std::string_view text) {
    const std::string path = root_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    std::filesystem::permissions(
        path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path;
  }

  /// The configuration from now on: keys in the folder `keys`, DNS from the file `zone` alone.
  void configure(const std::string& options) {
    write("signet.conf", "KeyDirectory " + root_ + "/keys\nDNSData " + root_ + "/zone\n" + options);
    if (!std::filesystem::exists(root_ + "/zone")) publish("");
  }

  /// All there is in the DNS from now on.
  void publish(const std::string& records) {
    write("zone", "$TTL 300\n. IN SOA ns.example. hostmaster.example. 1 1 1 1 1\n" + records);
  }

  /// `input` is the standard input.
  CommandOutcome run(std::vector<std::string> arguments, const std::string& input = {}) {
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in(input);
    CommandContext context{out, err, now_, root_ + "/signet.conf", 0, in};
    const int status = run_signet(arguments, context);
    return {status, out.str(), err.str()};
  }

  const TemporaryFolder folder_;
  const std::string root_ = folder_.path();
  std::chrono::sys_seconds now_ = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};
};

}  // namespace signet
