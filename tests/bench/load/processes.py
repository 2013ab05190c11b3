# SPDX-License-Identifier: BSD-2-Clause
"""Programs that are measured: started with a DNS of their own, read out of /proc, stopped by pid.

A program runs in a mount namespace of its own, in which /etc/resolv.conf is another file: so also
those that read nothing else ask our name server, and nobody else on the machine notices.
"""

import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 60
_STOP_SECONDS = 20
_NAMESPACE = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'


class Program:
    """`with Program(command, socket_path, resolv_conf, log_path) as program:` waits until the
    program takes connections on that Unix socket."""

    def __init__(self, command, socket_path, resolv_conf, log_path):
        self._command = ["unshare", "-m", "sh", "-c", _NAMESPACE, "sh", str(resolv_conf),
                         *map(str, command)]
        self._socket, self._log = Path(socket_path), Path(log_path)
        self._process = None

    def __enter__(self):
        self._socket.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            # A session of its own: Ctrl-C is for us, who then stop it in order.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True)
        try:
            self._wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_until_up(self):
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._command[7]} does not listen:\n"
                                   f"{self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def _answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    @property
    def pid(self):
        return self._process.pid

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in process_tree([self.pid]):
                os.kill(pid, signal.SIGKILL)
            self._process.wait()


def raise_descriptor_limit():
    """For us and all we start: 1,000 sessions want as many descriptors, or several times that."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def process_tree(roots):
    """The processes and all that come from them, by pid."""
    children = {}
    for path in Path("/proc").glob("[0-9]*"):
        fields = _stat_fields(int(path.name))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(path.name))
    tree = list(roots)
    for pid in tree:
        tree.extend(children.get(pid, []))
    return tree


def _stat_fields(pid):
    """/proc/PID/stat from the state on; none if the process is gone. See proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def cpu_seconds(pids):
    """User and system time of the processes, and of children that have ended."""
    return sum(sum(map(int, fields[11:15])) for fields in map(_stat_fields, pids) if fields) / _TICKS


def busy_seconds():
    """What all processors have worked since the machine started, for whomever. See proc(5)."""
    user, nice, system, _, _, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / _TICKS


def thread_count(pids):
    return sum(int(fields[17]) for fields in map(_stat_fields, pids) if fields)


def _memory(pids, file, key):
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(key + ":"))
    return total / 1024


def peak_mib(pids):
    """The most that was resident since reset_peak(), pages that processes share counted for each."""
    return _memory(pids, "status", "VmHWM")


def resident_mib(pids):
    return _memory(pids, "status", "VmRSS")


def proportional_mib(pids):
    """What is resident now, shared pages divided among those who share them."""
    return _memory(pids, "smaps_rollup", "Pss")


def reset_peak(pids):
    for pid in pids:
        try:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        except (FileNotFoundError, ProcessLookupError):
            pass
