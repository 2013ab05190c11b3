#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hostile mail, straight into the milter socket.

Each case of tests/hostile/*.cases goes to a running signet-milter, by each DKIM engine. It must be
answered as the case says, and never with a pass that the case does not ask for; within 250 ms of
CPU time and 8 MiB + 1.2 times the message of memory (but under sanitizers); and then the same
process must give an ordinary message its pass. The last line says `N passed, N failed`; the exit
status is 1 if any failed. Needs root, to measure memory.
"""

import argparse
import dataclasses
import re
import signal
import sys
import tempfile
from pathlib import Path

from hostile_case import load
from hostile_trial import AUTHSERV_ID, prepare, problems_of
from keys import Keys
from milter import SignetMilter
from milter_peer import MilterPeer
from odd_signer import KeyRing
from process_meter import ProcessMeter
from zone_server import ZoneServer

_CASES = Path(__file__).resolve().parent.parent / "hostile"
_ENGINES = ("native", "libopendkim")
# Cases of this file have bodies so large that only tests/soak plays them.
_HUGE = "huge"
_CPU_SECONDS = 0.250
_MEMORY_OCTETS, _MEMORY_PER_OCTET = 8 << 20, 1.2
# Refusals would hide the results that a case is about.
_CONFIG = f"""\
LogTarget stderr
AuthservID {AUTHSERV_ID}
InternalHosts none
BadFrom accept
DMARCReject never
"""
_ORDINARY = b"""\
From: Carol <carol@ordinary.example.net>
To: bob@example.org
Subject: the minutes
Date: Mon, 01 Jun 2026 09:00:00 +0000
Message-ID: <1@ordinary.example.net>

They are below.
""".replace(b"\n", b"\r\n")
_ORDINARY_WANTED = {"spf": "pass", "dkim": "pass", "dmarc": "pass"}


@dataclasses.dataclass
class Figures:
    """The most that any case has used, and which that was."""

    cpu: float = 0
    cpu_case: str = ""
    memory: int = 0
    memory_case: str = ""

    def take(self, case, cpu, memory):
        if cpu > self.cpu:
            self.cpu, self.cpu_case = cpu, case.name
        if memory > self.memory:
            self.memory, self.memory_case = memory, case.name

    def __str__(self):
        return (f"worst CPU {self.cpu * 1000:.0f} ms ({self.cpu_case}), worst memory "
                f"{self.memory / (1 << 20):.1f} MiB ({self.memory_case})")


class OrdinaryMessage:
    """Signed by dkimpy; passes by SPF, DKIM and DMARC."""

    def __init__(self, folder, dns):
        keys = Keys(folder)
        domain = "ordinary.example.net"
        signed = keys.sign(_ORDINARY, domain, "sel")
        header, _, self._body = signed.partition(b"\r\n\r\n")
        unfolded = re.split(rb"\r\n(?![ \t])", header)
        self._fields = [tuple(line.replace(b"\r\n", b"\n").split(b":", 1)) for line in unfolded]
        public = keys.published().replace('" "', "")
        dns.keep([line.encode() for line in (
            f"{domain} TXT v=spf1 ip4:198.51.100.7 -all",
            f"_dmarc.{domain} TXT v=DMARC1; p=reject",
            f"sel._domainkey.{domain} TXT v=DKIM1; k=rsa; p={public}")])

    def problems(self, path):
        """What is wrong with the answer it gets."""
        with MilterPeer(path) as peer:
            peer.open("198.51.100.7", b"mail.ordinary.example.net")
            outcome = peer.message(b"<carol@ordinary.example.net>", self._fields, self._body)
        text = b"".join(value for _, value in outcome.inserted).decode()
        return [f"an ordinary message has no {method}={word}: {outcome}"
                for method, word in _ORDINARY_WANTED.items() if f"{method}={word} " not in text]


class Range:
    """A filter under fire."""

    def __init__(self, milter, path, dns, ordinary, engine, sanitized):
        self._milter, self._path, self._dns, self._ordinary = milter, path, dns, ordinary
        self._engine, self._sanitized = engine, sanitized
        self._meter, self._keys = ProcessMeter(milter.pid), KeyRing()
        self._config = None
        self._count = 0
        self.figures = Figures()

    def play(self, case):
        """The problems with a case."""
        self._configure("".join(f"{line}\n" for line in case.values.get("config", [])))
        self._count += 1
        message = prepare(case, f"c{self._count:04}.example.net".encode(), self._keys)
        self._dns.publish(message.zone)
        self._meter.start()
        try:
            outcome = message.send(self._path)
            problems = problems_of(case, outcome, self._engine)
            problems += self._ordinary.problems(self._path)
        except OSError as problem:
            # Whatever it did, it is of no use for the next case.
            raise RuntimeError(f"{case.name}: {problem!r}\n{self._milter.log[-3000:]}") from problem
        # What the filter still does after its reply counts, too.
        cpu, memory = self._meter.used_cpu(), self._meter.grown_octets()
        self.figures.take(case, cpu, memory)
        if not self._sanitized:
            problems += _excess(cpu, memory, message.size)
        return problems + ([f"answered: {outcome}"[:3000]] if problems else [])

    def _configure(self, lines):
        if lines == self._config:
            return
        own = {line.split()[0] for line in lines.splitlines()}
        usual = "".join(f"{line}\n" for line in _CONFIG.splitlines() if line.split()[0] not in own)
        self._milter.reload(f"{usual}{lines}Nameservers 127.0.0.1@{self._dns.port}\n"
                            f"DKIMEngine {self._engine}\n")
        self._config = lines

    def warm_up(self):
        """What is kept for good, such as threads and caches, is no case's fault."""
        self._configure("")
        for _ in range(20):
            for problem in self._ordinary.problems(self._path):
                raise RuntimeError(problem)


def _excess(cpu, memory, size):
    if cpu > _CPU_SECONDS:
        yield f"{cpu * 1000:.0f} ms of CPU time; {_CPU_SECONDS * 1000:.0f} are allowed"
    allowed = _MEMORY_OCTETS + _MEMORY_PER_OCTET * size
    if memory > allowed:
        yield f"{memory} octets more memory for {size} of message; {allowed:.0f} are allowed"


def _log_problems(log):
    """RFC 5424 asks for nothing like it, but who reads a log on a terminal does."""
    bad = re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", log)
    problems = [f"a control character in the log: {log[bad.start() - 200:][:400]!r}"] if bad else []
    return problems + (["a sanitizer's finding"] if "Sanitizer" in log else [])


def _play_all(cases, engine, program, sanitized):
    """Prints what failed, and the figures; the number that failed."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="signet-hostile-") as folder, ZoneServer() as dns:
        Path(folder).chmod(0o755)
        path = Path(folder) / "signet.sock"
        with SignetMilter(program, folder, f"local:{path}", "UserID nobody\nLogTarget stderr\n"
                          f"Nameservers 127.0.0.1@{dns.port}\n") as milter:
            target = Range(milter, path, dns, OrdinaryMessage(folder, dns), engine, sanitized)
            target.warm_up()
            for case in cases:
                problems = target.play(case)
                failed += bool(problems)
                _report(engine, case, problems)
        for problem in _log_problems((Path(folder) / "signet.log").read_text(errors="replace")):
            failed += 1
            print(f"FAILED {engine}: {problem}", flush=True)
    print(f"{engine}: {len(cases)} cases, {target.figures}", flush=True)
    return failed


def _report(engine, case, problems):
    if problems:
        print(f"FAILED {engine}: {case.name}", flush=True)
    for problem in problems:
        print(f"  {problem}", flush=True)


def _chosen(arguments):
    cases = [case for path in sorted(_CASES.glob("*.cases")) for case in load(path)
             if (path.stem == _HUGE) == arguments.huge]
    cases = [case for case in cases if all(word in case.name for word in arguments.word)]
    # Configurations are changed as seldom as can be.
    return sorted(cases, key=lambda case: case.values.get("config", []))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, help="the build tree that holds the programs")
    parser.add_argument("--engine", choices=_ENGINES, help="both by default")
    parser.add_argument("--huge", action="store_true", help="the cases of 50 MiB, and no others")
    parser.add_argument("word", nargs="*", help="only cases whose names hold these words")
    arguments = parser.parse_args()
    # A terminated run, too, leaves no process behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    build = Path(arguments.build).resolve()
    sanitized = re.search(r"^SIGNET_SANITIZE:\w+=.", (build / "CMakeCache.txt").read_text(), re.M)
    cases = _chosen(arguments)
    engines = [arguments.engine] if arguments.engine else _ENGINES
    failed = sum(_play_all(cases, engine, build / "milter/signet-milter", bool(sanitized))
                 for engine in engines)
    print(f"{len(cases) * len(engines) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
