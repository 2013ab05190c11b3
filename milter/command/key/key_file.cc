// SPDX-License-Identifier: BSD-2-Clause
//
// Root may write into directories that the service's user owns, so every step works on descriptors
// and follows no symbolic link below the key directory.

#include "milter/command/key/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace signet {
namespace {

Error system_error(const std::string& path) {
  return Error{fmt::format("{}: {}", path, std::strerror(errno))};
}

/// A descriptor that closes itself, with the path that error texts use.
class Descriptor {
 public:
  Descriptor(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

 private:
  int fd_;
  std::string path_;
};

bool give_to(int fd, const std::optional<Account>& owner) {
  return !owner || fchown(fd, owner->uid, owner->gid) == 0;
}

Result<Descriptor> open_directory(int parent, const std::string& name, const std::string& path,
                                  int flags) {
  Descriptor directory(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags),
                       path);
  if (directory.fd() >= 0) return directory;
  // open(2): with O_NOFOLLOW a symbolic link is "not a directory" or a loop.
  const bool maybe_link = (flags & O_NOFOLLOW) != 0 && (errno == ENOTDIR || errno == ELOOP);
  if (!maybe_link) return system_error(path);
  return Error{fmt::format("{}: not a directory; a symbolic link to one is not followed", path)};
}

/// Opens the directory `name` in `parent` (a descriptor or AT_FDCWD), made 0700 if it is missing.
Result<Descriptor> make_directory(int parent, const std::string& name, const std::string& path,
                                  int flags, const std::optional<Account>& owner) {
  const bool made = mkdirat(parent, name.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return system_error(path);
  Result<Descriptor> directory = open_directory(parent, name, path, flags);
  if (directory && made && !give_to(directory->fd(), owner)) return system_error(path);
  return directory;
}

/// Others who can write to a directory can put their own key in it, or ours out of it.
Result<bool> check_private(const Descriptor& directory) {
  struct stat status {};
  if (fstat(directory.fd(), &status) != 0) return system_error(directory.path());
  if ((status.st_mode & 0022) == 0) return true;
  return Error{
      fmt::format("{}: others can write to this directory; chmod 0700 it first", directory.path())};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

Result<bool> write_file(const Descriptor& directory, const std::string& name, std::string_view text,
                        const std::optional<Account>& owner) {
  const Descriptor file(openat(directory.fd(), name.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600),
                        directory.path() + "/" + name);
  if (file.fd() < 0 && errno == EEXIST) {
    return Error{fmt::format("{} exists; no key is ever overwritten, choose another --selector",
                             file.path())};
  }
  if (file.fd() < 0) return system_error(file.path());
  // The umask may have taken bits that the owner needs.
  if (fchmod(file.fd(), 0600) == 0 && give_to(file.fd(), owner) && write_all(file.fd(), text) &&
      fsync(file.fd()) == 0) {
    return true;
  }
  const Error error = system_error(file.path());
  unlinkat(directory.fd(), name.c_str(), 0);
  return error;
}

/// A selector means one key for as long as anyone may hold a signature or a cached record of it.
Result<bool> check_not_retired(const Descriptor& directory, const std::string& name) {
  const std::string retired = name + std::string(kRetiredSuffix);
  struct stat status {};
  if (fstatat(directory.fd(), retired.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return Error{
        fmt::format("{}/{} exists: the key of this selector was retired; choose another "
                    "--selector",
                    directory.path(), retired)};
  }
  if (errno != ENOENT) return system_error(directory.path() + "/" + retired);
  return true;
}

/// Sees that `name` is a regular file, and closes it to all but its owner.
Result<bool> make_private(const Descriptor& directory, const std::string& name) {
  // O_NONBLOCK: opening a FIFO must not wait for somebody to write into it.
  const Descriptor file(
      openat(directory.fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
      directory.path() + "/" + name);
  struct stat status {};
  if (file.fd() < 0 || fstat(file.fd(), &status) != 0) return system_error(file.path());
  if (!S_ISREG(status.st_mode)) return Error{file.path() + ": no regular file"};
  if (fchmod(file.fd(), 0600) != 0) return system_error(file.path());
  return true;
}

/// Renames within the directory, but never onto another file.
bool rename_in(const Descriptor& directory, const std::string& from, const std::string& to) {
  const int fd = directory.fd();
  if (renameat2(fd, from.c_str(), fd, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  // rename(2): EINVAL from a file system that cannot do it. A link replaces nothing either.
  if (errno != EINVAL) return false;
  return linkat(fd, from.c_str(), fd, to.c_str(), 0) == 0 && unlinkat(fd, from.c_str(), 0) == 0;
}

}  // namespace

Result<std::string> write_key_file(const std::string& directory, const SigningKey& key,
                                   const std::optional<Account>& owner) {
  const std::filesystem::path above = std::filesystem::path(directory).parent_path();
  std::error_code failed;
  if (!above.empty()) std::filesystem::create_directories(above, failed);
  if (failed) return Error{fmt::format("{}: {}", above.native(), failed.message())};

  const auto top = make_directory(AT_FDCWD, directory, directory, 0, owner);
  if (!top) return Error{top.error()};
  if (const auto checked = check_private(*top); !checked) return Error{checked.error()};
  const std::string& domain = key.domain().text();
  const auto home = make_directory(top->fd(), domain, directory + "/" + domain, O_NOFOLLOW, owner);
  if (!home) return Error{home.error()};
  if (const auto checked = check_private(*home); !checked) return Error{checked.error()};
  const std::string name = key.selector() + ".pem";
  if (const auto free = check_not_retired(*home, name); !free) return Error{free.error()};
  if (const auto written = write_file(*home, name, key.pem(), owner); !written) {
    return Error{written.error()};
  }
  // The names must reach the disk as the octets did.
  if (fsync(home->fd()) != 0 || fsync(top->fd()) != 0) return system_error(home->path());
  return home->path() + "/" + name;
}

Result<std::string> retire_key_file(const std::string& path) {
  const std::filesystem::path file(path);
  const std::filesystem::path home_path = file.parent_path();
  const std::filesystem::path top_path = home_path.parent_path();
  const auto top = open_directory(AT_FDCWD, top_path.native(), top_path.native(), 0);
  if (!top) return Error{top.error()};
  if (const auto checked = check_private(*top); !checked) return Error{checked.error()};
  const auto home =
      open_directory(top->fd(), home_path.filename().native(), home_path.native(), O_NOFOLLOW);
  if (!home) return Error{home.error()};
  if (const auto checked = check_private(*home); !checked) return Error{checked.error()};

  const std::string name = file.filename().native();
  const std::string retired = name + std::string(kRetiredSuffix);
  if (const auto made = make_private(*home, name); !made) return Error{made.error()};
  if (!rename_in(*home, name, retired)) {
    if (errno == EEXIST) {
      return Error{
          fmt::format("{}/{} exists; no key is ever overwritten, move that file away first",
                      home->path(), retired)};
    }
    return system_error(path);
  }
  if (fsync(home->fd()) != 0) return system_error(home->path());
  return home->path() + "/" + retired;
}

}  // namespace signet
