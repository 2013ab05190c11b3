#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""signet-milter under the confinement that conf/signet.service asks for.

systemd itself need not run here: confined.py does to the process what the unit says. Needs root, for
that and for Postfix.
"""

import re
import subprocess
import sys
from pathlib import Path

from confined import read_unit
from daemon_site import SERVICE_USER, expect, expect_results_of, is_signed, run_cases
from postfix import wait_until

_HERE = Path(__file__).resolve().parent
_UNIT = _HERE.parent.parent / "conf/signet.service"
_CONFINED = [sys.executable, str(_HERE / "confined.py"), str(_UNIT), SERVICE_USER]
_MOST_EXPOSED = 1.5  # of 10, by systemd-analyze(1)

# What must fail inside: Python statements.
_FORBIDDEN = """
open("written", "w")
open("/dev/null", "r+")
import os; os.chown(".", 0, 0)
import os; os.setuid(0)
import os; os.chroot(".")
import os; os.sched_setaffinity(0, {0})
import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
import ctypes; assert ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0
import ctypes; assert ctypes.CDLL(None).mount(b"none", b"/mnt", b"tmpfs", 0, 0) == 0
import ctypes; assert ctypes.CDLL(None).syscall(321, 0, 0, 0) == 0  # bpf(2)
""".strip().splitlines()


def exposure(_):
    """systemd-analyze finds the unit exposed by 1.5 of 10 at most"""
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(_UNIT)],
                          capture_output=True, text=True, check=True)
    found = re.search(r"exposure level for signet\.service: (\d+\.\d+)", done.stdout)
    expect(found, done.stdout)
    expect(float(found.group(1)) <= _MOST_EXPOSED, f"exposed by {found.group(1)}")


def writes_sockets_only(_):
    """The unit has no capability, and may write in the directories of its sockets alone"""
    unit = read_unit(_UNIT)
    for option in ("CapabilityBoundingSet", "AmbientCapabilities"):
        expect(unit[option] == [""], f"{option}: {unit[option]}")
    expect(unit["ProtectSystem"] == ["strict"], unit["ProtectSystem"])
    expect(unit["RuntimeDirectory"] == ["signet"], unit["RuntimeDirectory"])
    expect(unit["ReadWritePaths"] == ["-/var/spool/postfix/signet"], unit["ReadWritePaths"])
    others = {"StateDirectory", "CacheDirectory", "LogsDirectory", "BindPaths"} & unit.keys()
    expect(not others, f"{others}")


def what_is_forbidden_fails(site):
    """What the confinement forbids fails inside it"""
    writable = site.folder / "writable"
    writable.mkdir()
    writable.chmod(0o777)
    for statement in _FORBIDDEN:
        command = [sys.executable, "-c", statement]
        done = subprocess.run([*_CONFINED, *command], cwd=writable, capture_output=True, text=True,
                              check=False)
        expect(done.returncode == 1 and "Traceback" in done.stderr,
               f"not forbidden: {statement}: status {done.returncode} {done.stderr}")


def serves_confined(site):
    """Inside it verifies, asks the DNS, signs, reloads with a new key, and ends without complaint"""
    with site.confined_milter(_CONFINED) as milter:
        wait_until(lambda: "started: " in milter.log, 20, "the filter to be ready")
        status = Path(f"/proc/{milter.pid}/status").read_text()
        for line in ("CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
            expect(line in status, f"want {line} in {status}")
        expect_results_of("d0.example.net", site.deliver("d0.example.net"))
        site.deliver("asked.example.com")
        wait_until(lambda: any("asked.example.com" in name for name in site.dns.asked), 5,
                   "a question to the name server")
        domain = "d3.example.net"
        site.keys.install(site.key_directory, domain, "s1", owner=SERVICE_USER)
        milter.reload(site.config())
        expect(is_signed(site.deliver(domain, login="alice"), domain), "not signed")
        expect(milter.stop() == 0, milter.log)
        complaints = [line for line in milter.log.splitlines()
                      if re.search(r" (warning|error) ", line)]
        expect(not complaints, complaints)


_CASES = (exposure, writes_sockets_only, what_is_forbidden_fails, serves_confined)

if __name__ == "__main__":
    sys.exit(run_cases(__doc__, _CASES))
