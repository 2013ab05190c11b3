# SPDX-License-Identifier: BSD-2-Clause
"""Starts and stops signet-milter, one process for one configuration."""

import re
import signal
import subprocess
from pathlib import Path

from postfix import port_answers, wait_until


class SignetMilter:
    """`with SignetMilter(program, folder, port, config_text) as milter:`

    The process listens on a loopback port, runs in the foreground and logs into a file of the
    folder. Leaving the block stops it with SIGTERM and waits: a test that ends has no process.
    """

    def __init__(self, program, folder, port, config_text):
        self._folder, self._port = Path(folder), port
        self._config = self._folder / "signet.conf"
        self._config.write_text(f"Socket inet:{port}@127.0.0.1\n{config_text}")
        self._command = [str(program), "-c", str(self._config), "-f"]
        self._log_path = self._folder / "signet.log"
        self._process = None

    def __enter__(self):
        with open(self._log_path, "wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT)
        wait_until(self._is_up, 20, "signet-milter to listen")
        return self

    def _is_up(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"signet-milter ended with status {self._process.returncode}:\n"
                               f"{self._config.read_text()}---\n{self.log}")
        return port_answers(self._port)

    def __exit__(self, *_):
        self.stop()

    def stop(self, number=signal.SIGTERM):
        """Sends the signal, waits for the end, and gives the exit status."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(40)

    @property
    def log(self):
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    def message_line(self, queue_id):
        """The one log line of this message; "" if there is none (yet)."""
        found = re.search(rf"^.*\bqueue_id={queue_id}\b.*$", self.log, re.MULTILINE)
        return found.group(0) if found else ""
