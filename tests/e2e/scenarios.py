#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the scenarios of tests/scenarios through a real Postfix with a real signet-milter.

One Postfix and one signet-milter serve the whole run; each scenario reloads the milter with its own
configuration, records and keys. The last line says `N passed, N failed`; the exit status is 1 if
any failed. Needs root, for Postfix.
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from keys import Keys
from milter import SignetMilter
from nameserver import NameServer
from postfix import Postfix, free_port, wait_until
from scenario import ScenarioError, header_fields, load, matches
from sink import Sink

_SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
_SERVICE_USER = "nobody"


class Run:
    """What all scenarios share: Postfix and its sink, the milter, the DNS, the keys, a folder."""

    def __init__(self, folder, postfix, sink, milter, dns):
        self.folder, self.keys = Path(folder), Keys(folder)
        self.postfix, self.sink, self.milter, self.dns = postfix, sink, milter, dns

    def play(self, scenario):
        """Plays one scenario; the list of what was not as expected."""
        self.dns.load(scenario.zone)
        self.milter.reload(self._config(scenario))
        if scenario.keys and "Mode v\n" not in scenario.config:
            # Or it would be a matter of luck whether it knows by now what is published.
            wait_until(lambda: " keys: " in self.milter.log, 20, "the keys to be compared")
        reply = self.postfix.send(scenario.envelope, self._message(scenario))
        outcome = self._outcome(reply)
        problems = [p for p in (outcome.check(*e) for e in scenario.expect) if p]
        return problems + outcome.unasked_problems(scenario.expect)

    def _config(self, scenario):
        records = self.folder / "records.zone"
        text = scenario.zone.records
        for kind in ("rsa", "ed25519"):
            text = text.replace(f"${kind.upper()}", self.keys.published(kind))
        records.write_text(text)
        directory = self.folder / "keys" / scenario.name
        directory.mkdir(parents=True)
        for key in scenario.keys:
            self.keys.install(directory, key.domain, key.selector, key.kind, _SERVICE_USER)
        ours = {"UserID": _SERVICE_USER, "LogTarget": "stderr", "AuthservID": "mx.example.org",
                "DNSData": records, "Nameservers": f"127.0.0.1@{self.dns.port}",
                "KeyDirectory": directory}
        config = self._write_files(scenario)
        own_words = {line.split()[0].lower() for line in config.splitlines() if line}
        return config + "".join(f"{keyword} {value}\n" for keyword, value in ours.items()
                                         if keyword.lower() not in own_words)

    def _write_files(self, scenario):
        """Puts the files of a scenario where $FILES says, the keys beside them; the configuration
        with $FILES replaced."""
        directory = self.folder / "files" / scenario.name
        directory.mkdir(parents=True)
        for kind in ("rsa", "ed25519"):
            self.keys.write(directory / f"{kind}.pem", kind, _SERVICE_USER)
        for name, text in scenario.files.items():
            (directory / name).write_text(text.replace("$FILES", str(directory)))
        return scenario.config.replace("$FILES", str(directory))

    def _message(self, scenario):
        message = scenario.message
        for signer in scenario.signers:
            message = self.keys.sign(message, signer.domain, signer.selector, signer.kind)
        return message + (f"{scenario.append}\r\n".encode() if scenario.append else b"")

    def _outcome(self, reply):
        queue_id, held, message = reply.queue_id, False, b""
        if queue_id:
            held = self.postfix.held(queue_id)
            if held:
                message = self.postfix.held_message(queue_id)
                self.postfix.delete(queue_id)
            else:
                delivery = self.sink.take()
                message = delivery.octets if delivery else b""
        return Outcome(reply, held, message, self.keys, self.milter)


class Outcome:
    """What became of one message, and whether that is what a line of [expect] says."""

    def __init__(self, reply, held, message, keys, milter):
        self.reply, self.held, self.message = reply, held, message
        self.fields = header_fields(message)
        self._keys, self._milter = keys, milter

    def check(self, key, value):
        """"" if the expectation holds, else what is there instead."""
        return getattr(self, "_check_" + key.replace("-", "_"))(value)

    def unasked_problems(self, expect):
        """A scenario that says nothing of them expects acceptance, and no hold."""
        asked = {key for key, _ in expect}
        problems = [] if "reply" in asked else [self._check_reply("250 *")]
        problems += [] if "held" in asked else [self._check_held("no")]
        return [problem for problem in problems if problem]

    def _check_reply(self, pattern):
        return "" if matches(pattern, str(self.reply)) else f"reply is {self.reply}, not {pattern}"

    def _check_held(self, value):
        return "" if self.held == (value == "yes") else f"held: {self.held}, expected {value}"

    def _check_top(self, pattern):
        top = self.fields[0] if self.fields else "nothing"
        return "" if matches(pattern, top) else f"top is\n    {top}\n  not\n    {pattern}"

    def _check_header(self, pattern):
        return "" if self._count(pattern) else f"no field is\n    {pattern}\n{self._listed()}"

    def _check_no_header(self, pattern):
        return f"a field is\n    {pattern}\n{self._listed()}" if self._count(pattern) else ""

    def _check_count(self, value):
        number, _, pattern = value.partition(" ")
        found = self._count(pattern)
        return "" if found == int(number) else f"{found} fields, not {number}, are\n    {pattern}"

    def _check_signature(self, value):
        verdict = self._keys.verify(self.message, *value.split())
        return "" if verdict == "pass" else f"signature {value}: {verdict}\n{self._listed()}"

    def _check_log(self, pattern):
        def is_there():
            lines = self._milter.log.splitlines()
            return any(matches(f"*{pattern}*", line) for line in lines)

        try:
            # The line is written after the reply has been given.
            wait_until(is_there, 2, pattern)
            return ""
        except TimeoutError:
            return f"no log line has\n    {pattern}\n{self._milter.log}"

    def _count(self, pattern):
        return sum(matches(pattern, text) for text in self.fields)

    def _listed(self):
        return "  but there are\n" + "\n".join("    " + text for text in self.fields)


def _paths(names):
    if not names:
        return sorted(_SCENARIOS.glob("*.scenario"))
    return [_SCENARIOS / f"{name}.scenario" for name in names]


def _play_all(run, paths):
    """Prints a line for each scenario; the number that failed."""
    failed = 0
    for path in paths:
        began = time.monotonic()
        try:
            problems = run.play(load(path))
        except (ScenarioError, RuntimeError, TimeoutError, OSError) as error:
            problems = [str(error)]
        word = "FAILED" if problems else "ok"
        print(f"{word:6} {path.stem} ({time.monotonic() - began:.2f} s)", flush=True)
        for problem in problems:
            print("  " + problem, flush=True)
        failed += bool(problems)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, help="the build tree that holds the programs")
    parser.add_argument("scenario", nargs="*", help="names without .scenario; all by default")
    arguments = parser.parse_args()
    # A terminated run, too, leaves no process behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    program = Path(arguments.build).resolve() / "milter/signet-milter"
    paths = _paths(arguments.scenario)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="signet-e2e-") as folder, Sink() as sink, \
            NameServer() as dns, Postfix(folder, f"inet:127.0.0.1:{port}", sink.port) as postfix, \
            SignetMilter(program, folder, f"inet:{port}@127.0.0.1",
                         f"UserID {_SERVICE_USER}\n") as milter:
        failed = _play_all(Run(folder, postfix, sink, milter, dns), paths)
    print(f"{len(paths) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
