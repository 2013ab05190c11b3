// SPDX-License-Identifier: BSD-2-Clause
//
// What a daemon gives up and hands over once it has opened its socket: user, groups, core files,
// ownership of the socket. Until then it may be root and yet work in a directory that belongs to
// the service user, so it follows no link that could have been planted there in its last path
// component. The components before that are the administrator's to choose: no directory on the way
// to Socket and PidFile but the last may belong to the service user.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "dns/result.h"

namespace signet {

/// A user and a group that exist on this machine.
struct Account {
  std::string user;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Looks up `USER` or `USER:GROUP`, names or numbers; without GROUP the user's own group.
Result<Account> find_account(const std::string& spec);

/// Becomes that account for good, with its supplementary groups. Call while single-threaded.
Result<bool> become(const Account& account);

/// Key octets must not end up in a core file or another process's debugger.
void forbid_core_files();

/// As many descriptors as the system lets us have: one per connection.
void raise_descriptor_limit();

/// The path of a `local:PATH` or `unix:PATH` socket; nothing for inet sockets.
std::optional<std::string> unix_socket_path(const std::string& socket);

/// Sees that nobody listens on the path and that its directory exists.
Result<bool> check_socket_free(const std::string& path);

/// Gives the socket its owner and permission bits. What is at the path must be a socket that this
/// user made and that has no other name.
Result<bool> hand_over_socket(const std::string& path, const Account& owner, int mode);

/// Writes `pid` and a line end into a new file that takes the place of what was at the path. An
/// empty path asks for none.
Result<bool> write_pid_file(const std::string& path, pid_t pid);

}  // namespace signet
