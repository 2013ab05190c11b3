// SPDX-License-Identifier: BSD-2-Clause
//
// Thin wrappers round the system calls, each with an error that says what to do.

#include "milter/privileges.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace signet {
namespace {

std::optional<unsigned> parse_number(const std::string& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

const passwd* find_user(const std::string& name) {
  if (const passwd* entry = getpwnam(name.c_str())) return entry;
  const std::optional<unsigned> uid = parse_number(name);
  return uid ? getpwuid(*uid) : nullptr;
}

const group* find_group(const std::string& name) {
  if (const group* entry = getgrnam(name.c_str())) return entry;
  const std::optional<unsigned> gid = parse_number(name);
  return gid ? getgrgid(*gid) : nullptr;
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

Result<Account> find_account(const std::string& spec) {
  const size_t colon = spec.find(':');
  const std::string user_name = spec.substr(0, colon);
  const passwd* user = find_user(user_name);
  if (user == nullptr) {
    return Error{fmt::format(
        "there is no user \"{0}\"; create it: adduser --system --group --no-create-home {0}",
        user_name)};
  }
  Account account{user->pw_name, user->pw_uid, user->pw_gid};
  if (colon != std::string::npos) {
    const std::string group_name = spec.substr(colon + 1);
    const group* entry = find_group(group_name);
    if (entry == nullptr) return Error{fmt::format("there is no group \"{}\"", group_name)};
    account.gid = entry->gr_gid;
  }
  return account;
}

Result<bool> become(const Account& account) {
  if (geteuid() == account.uid && getegid() == account.gid) return true;
  if (geteuid() != 0) {
    return Error{fmt::format("only root can run as user {}", account.user)};
  }
  if (initgroups(account.user.c_str(), account.gid) != 0 || setgid(account.gid) != 0 ||
      setuid(account.uid) != 0) {
    return Error{fmt::format("cannot become user {}: {}", account.user, std::strerror(errno))};
  }
  return true;
}

void forbid_core_files() { prctl(PR_SET_DUMPABLE, 0); }

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::optional<std::string> unix_socket_path(const std::string& socket) {
  for (const char* prefix : {"local:", "unix:"}) {
    if (socket.starts_with(prefix)) return socket.substr(std::strlen(prefix));
  }
  return std::nullopt;
}

Result<bool> check_socket_free(const std::string& path) {
  const std::string directory = path.substr(0, path.find_last_of('/'));
  struct stat status {};
  if (!directory.empty() && stat(directory.c_str(), &status) != 0) {
    return Error{fmt::format("{}: {}; create the directory, owned by the service user", directory,
                             std::strerror(errno))};
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Error{path + ": the path is too long"};
  std::memcpy(address.sun_path, path.data(), path.size());
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return Error{std::string("cannot make a socket: ") + std::strerror(errno)};
  const bool answered =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  if (answered) return Error{path + ": another process is listening there"};
  return true;
}

Result<bool> hand_over_socket(const std::string& path, const Account& owner, int mode) {
  const auto failed = [&path](std::string_view what) {
    return Error{fmt::format("{}: {}: {}", path, what, std::strerror(errno))};
  };
  // One that O_PATH holds on to cannot be exchanged between the check and the changes.
  const Descriptor socket(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (socket.number() < 0 || fstat(socket.number(), &status) != 0) return failed("cannot open");
  if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid() || status.st_nlink != 1) {
    return Error{path + ": not the socket that was opened there; who else writes there?"};
  }
  if (geteuid() == 0 && fchownat(socket.number(), "", owner.uid, owner.gid, AT_EMPTY_PATH) != 0) {
    return failed("cannot change the owner");
  }
  // fchmod(2) takes no O_PATH descriptor; proc(5) has a way to the same inode.
  const std::string inode = fmt::format("/proc/self/fd/{}", socket.number());
  if (chmod(inode.c_str(), static_cast<mode_t>(mode)) != 0) return failed("cannot change the mode");
  return true;
}

Result<bool> write_pid_file(const std::string& path, pid_t pid) {
  if (path.empty()) return true;
  const auto failed = [&path] {
    return Error{fmt::format("PidFile {}: {}", path, std::strerror(errno))};
  };
  const std::string fresh = path + ".new";
  // Neither unlink(2) nor O_EXCL nor rename(2) follows a symbolic link.
  if (unlink(fresh.c_str()) != 0 && errno != ENOENT) return failed();
  const Descriptor file(
      open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (file.number() < 0) return failed();
  const std::string line = fmt::format("{}\n", pid);
  errno = EIO;  // of a write that is short and tells no reason
  if (write(file.number(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      rename(fresh.c_str(), path.c_str()) != 0) {
    const Error error = failed();
    unlink(fresh.c_str());
    return error;
  }
  return true;
}

}  // namespace signet
