# SPDX-License-Identifier: BSD-2-Clause
"""What a process has used: CPU time of all its threads, and the most memory since a moment."""

import re
import time
from pathlib import Path

_CPUCLOCK_SCHED = 2
# proc(5), /proc/PID/clear_refs: this resets VmHWM, the peak of the resident size.
_RESET_PEAK = "5"


class ProcessMeter:
    """Memory needs the rights of root if the process is not dumpable."""

    def __init__(self, pid):
        self._folder = Path(f"/proc/{pid}")
        # clock_getcpuclockid(3), which Python lacks for processes. It counts nanoseconds, of
        # threads that have ended too; /proc/PID/stat counts in steps of 10 ms.
        self._clock = (~pid << 3) | _CPUCLOCK_SCHED
        self._cpu = self._resident = 0

    def start(self):
        """What used_cpu() and grown_octets() tell is counted from here."""
        (self._folder / "clear_refs").write_text(_RESET_PEAK)
        self._resident = self._status("VmRSS")
        self._cpu = time.clock_gettime(self._clock)

    def used_cpu(self):
        """In seconds."""
        return time.clock_gettime(self._clock) - self._cpu

    def grown_octets(self):
        """How far the resident size has been above what it was at start(), at its peak."""
        return self._status("VmHWM") - self._resident

    def _status(self, name):
        found = re.search(rf"^{name}:\s+(\d+) kB", (self._folder / "status").read_text(), re.M)
        return int(found[1]) * 1024
