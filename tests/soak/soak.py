#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""soak.py [--build FOLDER] [--messages N]: what a daemon holds after a long day.

Mail of all kinds on 8 connections: of 8,000 domains, more than the caches hold, signed and forged,
to be signed and to be verified, hostile, and given up in the middle. From a tenth of the messages,
with which the caches are full, to the end resident memory may not grow by more than 1 %, nor threads
and descriptors at all. The daemon then ends by SIGTERM with status 0: of a build with
AddressSanitizer that says that nothing leaked. `--clean-only` leaves memory out, which such a build
holds on to.
"""

import argparse
import contextlib
import json
import os
import pwd
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(_ROOT / "tests/e2e"), str(_ROOT / "tests/bench/load")]

# pylint: disable=wrong-import-position
from milter import SignetMilter  # noqa: E402
from processes import raise_descriptor_limit, resident_mib, thread_count  # noqa: E402

# Of its own on loopback, where no connection of others takes a port.
_DNS_ADDRESS = "127.0.54.1"
_SLICES = 10
_CONNECTIONS = 8
_GIVEN_UP_ONE_IN = 13
_HOSTILE = 1000
_MOST_GROWTH = 0.01
# Pools of make_bench_mail, and how often each is in a round. Together some 8,000 domains with five
# or more names each.
_POOLS = {"many": 1, "cold": 1, "verify-4k": 1, "sign-4k": 5, "hostile": 1}
_CACHE_ENTRIES = 20000
_SETTLE_SECONDS = 25
_CONFIG = """\
UserID {user}
LogTarget stderr
AuthservID mx.bench.example
Nameservers {dns}@{port}
DNSCacheEntries {entries}
KeyDirectory {folder}/keys
"""


class Sample:
    """What the daemon holds after so many messages."""

    def __init__(self, pid, messages, rate):
        self.messages, self.rate = messages, rate
        self.resident, self.threads = resident_mib([pid]), thread_count([pid])
        self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))

    def row(self):
        return (f"{self.messages:>9} {self.rate:>10.0f} {self.resident:>13.2f} {self.threads:>8} "
                f"{self.descriptors:>12}")


def _read_pool(path):
    """The messages of a pool, each with its line of who sends it."""
    octets, start, messages = path.read_bytes(), 0, []
    while start < len(octets):
        end_of_line = octets.index(b"\n", start) + 1
        size = int(re.search(rb"octets=(\d+)", octets[start:end_of_line]).group(1))
        messages.append(octets[start:end_of_line + size])
        start = end_of_line + size
    return messages


def _make_mail(tools, folder):
    """The zone, the keys and one pool of everything, shuffled."""
    subprocess.run([tools / "bench/load/make_bench_mail", folder], check=True)
    subprocess.run([tools / "soak/make_hostile_mail", folder / "hostile.pool", str(_HOSTILE)],
                   check=True)
    messages = [message for name, times in _POOLS.items()
                for message in times * _read_pool(folder / f"{name}.pool")]
    random.Random(1).shuffle(messages)
    (folder / "soak.pool").write_bytes(b"".join(messages))
    return len(messages)


@contextlib.contextmanager
def _name_server(tools, folder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((_DNS_ADDRESS, 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([tools / "bench/load/bench_dns", _DNS_ADDRESS, str(port),
                           folder / "mail.zone"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as server:
        if server.stdout.readline() != "ready\n":
            raise RuntimeError("the name server does not start")
        yield port  # it ends with its standard input


def _send(tools, folder, first, count):
    """Sends so many messages; what milter_load says."""
    done = subprocess.run(
        [tools / "bench/load/milter_load", "--socket", f"unix:{folder}/socket", "--mail",
         folder / "soak.pool", "--connections", str(_CONNECTIONS), "--first", str(first),
         "--messages", str(count), "--give-up", str(_GIVEN_UP_ONE_IN)],
        stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


class Soak:
    """One run; `problems` is what does not hold."""

    def __init__(self, options, folder):
        self._options, self._folder = options, folder
        self._tools = Path(options.tools) / "tests"
        self.samples, self.problems = [], []
        self._passed = {"dkim_pass": 0, "signed": 0, "rejected": 0, "tempfailed": 0}

    def run(self):
        pool = _make_mail(self._tools, self._folder)
        program = Path(self._options.build).resolve() / "milter/signet-milter"
        with _name_server(self._tools, self._folder) as port:
            config = _CONFIG.format(user=pwd.getpwuid(os.geteuid()).pw_name, dns=_DNS_ADDRESS, port=port,
                                    entries=_CACHE_ENTRIES, folder=self._folder)
            milter = SignetMilter(program, self._folder, f"local:{self._folder}/socket", config)
            with milter:
                self._load(milter, pool)
                status = milter.stop()
        if status != 0:
            findings = [line for line in milter.log.splitlines() if " queue_id=" not in line]
            self.problems.append(f"exit status {status}\n" + "\n".join(findings[-60:]))
        self._judge()

    def _load(self, milter, pool):
        share = self._options.messages // _SLICES
        print(f"{'messages':>9} {'a second':>10} {'resident MiB':>13} {'threads':>8} "
              f"{'descriptors':>12}")
        for number in range(_SLICES):
            started = time.monotonic()
            self._note(_send(self._tools, self._folder, number * share % pool, share))
            rate = share / (time.monotonic() - started)
            if number in (0, _SLICES - 1):
                # Idle threads leave by themselves after ten seconds, and what they held is given back
                # at most ten later.
                time.sleep(_SETTLE_SECONDS)
            self.samples.append(Sample(milter.pid, (number + 1) * share, rate))
            print(self.samples[-1].row(), flush=True)

    def _note(self, said):
        if said["errors"]:
            self.problems.append(f"{said['errors']} sessions failed: {said['first_error']}")
        for key in self._passed:
            self._passed[key] += said[key]

    def _judge(self):
        base, end = self.samples[0], self.samples[-1]
        growth = end.resident / base.resident - 1
        print(f"memory {100 * growth:+.2f} % since a tenth; " +
              ", ".join(f"{key} {count}" for key, count in self._passed.items()))
        if growth > _MOST_GROWTH and not self._options.clean_only:
            self.problems.append(f"memory has grown by {100 * growth:.2f} %")
        for what in ("threads", "descriptors"):
            if getattr(end, what) > getattr(base, what):
                self.problems.append(f"more {what} than before")
        for key in ("dkim_pass", "signed", "rejected"):
            if not self._passed[key]:
                self.problems.append(f"no message with {key}: the mix is not what it should be")
        if self._passed["tempfailed"]:
            self.problems.append(f"{self._passed['tempfailed']} messages put off")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", default=str(_ROOT / "build/release"), help="of the daemon")
    parser.add_argument("--tools", default=str(_ROOT / "build/release"), help="of the load")
    parser.add_argument("--messages", type=int, default=300000)
    parser.add_argument("--clean-only", action="store_true", help="memory may grow")
    options = parser.parse_args()
    raise_descriptor_limit()
    with tempfile.TemporaryDirectory(prefix="signet-soak-") as folder:
        soak = Soak(options, Path(folder))
        soak.run()
    for problem in soak.problems:
        print(f"problem: {problem}")
    print(f"{len(soak.problems)} problems")
    return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
