# SPDX-License-Identifier: BSD-2-Clause
"""Runs one signet-milter, and gives it one configuration after the other."""

import signal
import socket as sockets
import subprocess
from pathlib import Path

from postfix import port_answers, wait_until


class SignetMilter:
    """`with SignetMilter(program, folder, socket, config_text) as milter:`

    `socket` is what `Socket` says, `inet:PORT@127.0.0.1` or `local:PATH`. The process runs in the
    foreground and logs into a file of the folder; a `launcher` is a command in front of it that ends
    in exec. Leaving the block stops it with SIGTERM and
    waits: a test that ends has no process.
    """

    def __init__(self, program, folder, socket, config_text="", launcher=()):
        self._folder, self._socket = Path(folder), socket
        self._config = self._folder / "signet.conf"
        self._write(config_text)
        self._command = [*launcher, str(program), "-c", str(self._config), "-f"]
        self._log_path = self._folder / "signet.log"
        self._log_start = 0
        self._process = None
        self._stopped = False

    def _write(self, config_text):
        self._config.write_text(f"Socket {self._socket}\n{config_text}")

    def __enter__(self):
        with open(self._log_path, "wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT)
        wait_until(self._is_up, 20, "signet-milter to listen")
        return self

    def _is_up(self):
        self._check_alive()
        kind, _, address = self._socket.partition(":")
        if kind == "inet":
            return port_answers(int(address.partition("@")[0]))
        with sockets.socket(sockets.AF_UNIX) as probe:
            return probe.connect_ex(address) == 0

    def _check_alive(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"signet-milter ended with status {self._process.returncode}:\n"
                               f"{self._config.read_text()}---\n{self.log}")

    @property
    def config_path(self):
        return self._config

    @property
    def pid(self):
        return self._process.pid

    def reload(self, config_text, number=signal.SIGUSR1):
        """Puts another configuration in force; RuntimeError if it is not taken."""
        self._write(config_text)
        if not self.reload_files(number):
            raise RuntimeError(f"{self._config.read_text()}---\n{self.log}")

    def reload_files(self, number=signal.SIGUSR1):
        """Has the files read again as they are; whether they were taken."""
        self._log_start = len(self._whole_log())
        self._process.send_signal(number)
        wait_until(lambda: "reload" in self.log or self._check_alive(), 20, "the reload")
        return "reloaded" in self.log

    def __exit__(self, exception, *_):
        if self._stopped:
            return  # by the test, which has judged the status
        status = self.stop()
        if status != 0 and exception is None:
            # A sanitizer's findings, for one, come here.
            raise RuntimeError(f"signet-milter ended with status {status}:\n{self.log}")

    def stop(self, number=signal.SIGTERM):
        """Sends the signal, waits for the end, and gives the exit status."""
        self.signal(number)
        return self.wait()

    def signal(self, number):
        if self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self):
        """Waits for the end that a signal has asked for; the exit status."""
        self._stopped = True
        try:
            return self._process.wait(40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def _whole_log(self):
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    @property
    def log(self):
        """What was logged since the start, or the last reload."""
        return self._whole_log()[self._log_start:]
