// SPDX-License-Identifier: BSD-2-Clause

#include "dns/text_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace signet {
namespace {

std::string system_message(int number) { return std::generic_category().message(number); }

Result<std::string> read_open_file(int file, const std::string& path, size_t limit) {
  struct stat status {};
  if (fstat(file, &status) != 0) return Error{fmt::format("{}: {}", path, system_message(errno))};
  if (!S_ISREG(status.st_mode)) return Error{fmt::format("{}: not a regular file", path)};
  std::string text;
  std::array<char, 16384> piece;
  for (;;) {
    const ssize_t got = read(file, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{fmt::format("{}: {}", path, system_message(errno))};
    if (got == 0) return text;
    text.append(piece.data(), static_cast<size_t>(got));
    if (text.size() > limit) {
      return Error{fmt::format("{}: larger than {} MiB", path, limit / (size_t{1024} * 1024))};
    }
  }
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, size_t limit) {
  // O_NONBLOCK: a FIFO must not stop the start; it is refused as no regular file.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return Error{fmt::format("{}: {}", path, system_message(errno))};
  Result<std::string> text = read_open_file(file, path, limit);
  close(file);
  return text;
}

}  // namespace signet
