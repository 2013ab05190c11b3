#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs a program as a systemd unit would confine it: confined.py UNIT USER PROGRAM [ARGUMENT...]

Of systemd.exec(5) it carries out what a process can be given without systemd: no privileges and no
capabilities, the limits, SystemCallFilter, RestrictAddressFamilies, MemoryDenyWriteExecute, and a
file system that can be read only (every file may be opened for reading alone; where the unit lets
it write, it makes sockets). An option that it does not know the meaning of is left out.
"""

import ctypes
import errno
import os
import pwd
import resource
import socket
import subprocess
import sys
from pathlib import Path

import seccomp

_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38  # prctl(2)
_PROT_WRITE, _PROT_EXEC = 2, 4  # mmap(2)


def read_unit(path):
    """The options of the section [Service], each with all its values."""
    options, section = {}, ""
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            keyword, value = line.split("=", maxsplit=1)
            options.setdefault(keyword, []).append(value)
    return options


def _system_calls(words):
    """The calls that these words of SystemCallFilter mean, the groups among them looked up."""
    calls = set()
    for word in words:
        if not word.startswith("@"):
            calls.add(word)
            continue
        listed = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", word], check=True,
                                capture_output=True, text=True).stdout.splitlines()[1:]
        inside = [line.strip() for line in listed if not line.strip().startswith("#")]
        calls |= _system_calls(name for name in inside if name)
    return calls


def _allowed_calls(lines):
    """SystemCallFilter: the first line is a list of what is allowed, those with ~ take away."""
    allowed = set()
    for line in lines:
        calls = _system_calls(line.removeprefix("~").split())
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def _number_of(call):
    """The call's number; None if this machine has no such call."""
    number = seccomp.resolve_syscall(seccomp.Arch(), call)
    return number if number >= 0 else None


def _filter(unit):
    """The system call filter; what it does not allow fails with EPERM."""
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    with_conditions = {"socket", "mmap", "mprotect", "openat", "open", "creat"}
    for call in _allowed_calls(unit["SystemCallFilter"]) - with_conditions:
        if _number_of(call) is not None:
            rules.add_rule(seccomp.ALLOW, call)
    for family in unit["RestrictAddressFamilies"][-1].split():
        is_family = seccomp.Arg(0, seccomp.EQ, getattr(socket, family))
        rules.add_rule(seccomp.ALLOW, "socket", is_family)
    both = _PROT_WRITE | _PROT_EXEC
    for protection in (0, _PROT_WRITE, _PROT_EXEC):
        is_protection = seccomp.Arg(2, seccomp.MASKED_EQ, both, protection)
        rules.add_rule(seccomp.ALLOW, "mmap", is_protection)
    rules.add_rule(seccomp.ALLOW, "mprotect", seccomp.Arg(2, seccomp.MASKED_EQ, _PROT_EXEC, 0))
    for call, flags in (("openat", 2), ("open", 1)):
        for_reading = seccomp.Arg(flags, seccomp.MASKED_EQ, os.O_ACCMODE, os.O_RDONLY)
        rules.add_rule(seccomp.ALLOW, call, for_reading)
    return rules


def _drop_privileges(user):
    libc = ctypes.CDLL(None, use_errno=True)
    capability = 0
    while libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")


def main():
    unit, user, program, *arguments = sys.argv[1:]
    options = read_unit(unit)
    rules = _filter(options)
    files = int(options["LimitNOFILE"][-1])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(files, most), min(files, most)))
    resource.setrlimit(resource.RLIMIT_CORE, (int(options["LimitCORE"][-1]),) * 2)
    os.umask(int(options["UMask"][-1], 8))
    _drop_privileges(user)
    rules.load()
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    main()
