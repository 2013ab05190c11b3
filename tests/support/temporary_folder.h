// SPDX-License-Identifier: BSD-2-Clause
//
// A folder of its own for a test or a process that it starts, gone with the object.

#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace signet {

class TemporaryFolder {
 public:
  /// Throws std::runtime_error if there is no place for it.
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "signet-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// A file that its owner alone can read, as keys have to be. Returns its path.
  std::filesystem::path write(const std::filesystem::path& name, std::string_view octets) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << octets;
    using std::filesystem::perms;
    std::filesystem::permissions(path_ / name, perms::owner_read | perms::owner_write);
    return path_ / name;
  }
  std::string read(const std::filesystem::path& name) const {
    std::ifstream stream(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace signet
