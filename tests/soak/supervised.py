# SPDX-License-Identifier: BSD-2-Clause
"""A signet-milter that is killed, stopped and started again, as systemd would do it.

All its processes, one after the other, append to one log. Whatever ends in another way than the
test asked for is remembered as a problem, and so is every word of a sanitizer.
"""

import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

_START_SECONDS = 30


class SupervisedMilter:
    """`with SupervisedMilter(program, folder, config_text, restart_delay) as milter:`

    It listens on `milter.socket`. `restart_delay` is what RestartSec= is to systemd: it passes
    between an end that nobody asked for and the next start.
    """

    def __init__(self, program, folder, config_text, restart_delay):
        self.socket, self._log = Path(folder) / "run/signet.sock", Path(folder) / "signet.log"
        self._path = Path(folder) / "signet.conf"
        self._command = [str(program), "-c", str(self._path), "-f"]
        self._restart_delay = restart_delay
        self._process = None
        self.start_seconds, self.problems = [], []
        self.configure(config_text)

    def configure(self, config_text):
        """What the next start or reload reads; never half of it."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(f"Socket local:{self.socket}\n{config_text}")
        fresh.replace(self._path)

    def start(self, log=None, descriptors=None):
        """Starts it and waits until it can be connected to. `log` replaces the usual one;
        `descriptors` is LimitNOFILE=."""
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        began = time.monotonic()
        with open(log or self._log, "ab") as stream:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL,
                                             stdout=stream, stderr=stream,
                                             preexec_fn=limit if descriptors else None)
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError(f"ended with {self._process.returncode}:\n{self._tail()}")
            if time.monotonic() > began + _START_SECONDS:
                raise RuntimeError(f"does not listen:\n{self._tail()}")
            time.sleep(0.002)
        self.start_seconds.append(time.monotonic() - began)

    def _answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def kill(self):
        """kill -9, the pause that systemd makes, and the next start."""
        self._end(signal.SIGKILL, -signal.SIGKILL)
        time.sleep(self._restart_delay)
        self.start()

    def restart(self, **options):
        """SIGTERM and, when it is gone, the next start; the options are those of start()."""
        self.stop()
        self.start(**options)

    def stop(self):
        self._end(signal.SIGTERM, 0)

    def signal(self, number):
        self._process.send_signal(number)

    def _end(self, number, expected):
        self.check_alive()
        self._process.send_signal(number)
        status = self._process.wait(60)
        if status != expected:
            self.problems.append(f"signal {number}: status {status}:\n{self._tail()}")

    def check_alive(self):
        """An end that nobody asked for is a problem; systemd would go on as we do here."""
        if self._process.poll() is None:
            return
        self.problems.append(f"it ended with {self._process.returncode}:\n{self._tail()}")
        time.sleep(self._restart_delay)
        self.start()

    def _tail(self):
        return self._log.read_text(errors="replace")[-3000:]

    @property
    def pid(self):
        return self._process.pid

    def logged(self, text):
        """How many lines of the log have that in them."""
        return self._log.read_text(errors="replace").count(text)

    def __enter__(self):
        self.socket.parent.mkdir(exist_ok=True)
        self._log.unlink(missing_ok=True)
        self.start()
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self.stop()
        if self.logged("Sanitizer") > 0:
            self.problems.append(f"a sanitizer's report:\n{self._tail()}")


def children(pid, name):
    """The processes of that name that this one has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = path.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if head.partition("(")[2] == name and int(tail.split()[1]) == pid:
            found.append(int(path.parent.name))
    return found


def kill_if_there(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has ended meanwhile
