#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Forged Authentication-Results fields (RFC 8601 5), through a real Postfix.

Each spelling of tests/hostile/forged.fields that claims our authserv-id is sent in each position,
up to 50 times, among foreign fields that look like ours. None of the forged may arrive; all else of
the header must, in its order and octet for octet. The last line says `N passed, N failed`; the exit
status is 1 if any failed. Needs root, for Postfix.
"""

import argparse
import re
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hostile_case import expand
from milter import SignetMilter
from nameserver import NameServer
from postfix import Envelope, Postfix, free_port
from sink import Sink

_FIELDS = Path(__file__).resolve().parent.parent / "hostile/forged.fields"
_SECTION = re.compile(r"\[(forged|foreign) ([^]]+)\]")
_COPIES = (1, 7, 50)
# Spellings that share a message.
_TOGETHER = 8
# Postfix takes no message over 10 MB (message_size_limit).
_MOST_OCTETS = 8 << 20
# A recipient for whom Postfix breaks no long line.
_ENVELOPE = Envelope("a@example.net", "b@untouched.example", address="192.0.2.1")
_ORDINARY = (b"From: a@example.net", b"To: b@untouched.example", b"Subject: forged results",
             b"Date: Mon, 01 Jun 2026 09:00:00 +0000", b"Message-ID: <1@example.net>")


def _on_top(forged, foreign):
    return [*forged, *_ORDINARY, *foreign]


def _at_the_end(forged, foreign):
    return [*foreign, *_ORDINARY, *forged]


def _below_from(forged, foreign):
    return [*foreign, _ORDINARY[0], *forged, *_ORDINARY[1:]]


def _in_between(forged, foreign):
    """Foreign fields before, after and all over the forged ones."""
    fields, step = [*forged, *_ORDINARY], max(1, len(forged) // len(foreign))
    for index, field in enumerate(foreign):
        fields.insert(index * (step + 1), field)
    return fields


_POSITIONS = (_on_top, _at_the_end, _below_from, _in_between)


@dataclass
class Site:
    """Our authserv-id, and the fields of its two sections."""

    authserv_id: str
    forged: list
    foreign: list


def _sites():
    sites, current = {}, None
    for line in _FIELDS.read_text(encoding="utf-8").splitlines():
        if section := _SECTION.fullmatch(line):
            kind, authserv_id = section.groups()
            site = sites.setdefault(authserv_id, Site(authserv_id, [], []))
            current = getattr(site, kind)
        elif line and not line.startswith("#"):
            current.append(expand(line, {"ID": authserv_id.encode()}))
    return sites.values()


def _groups(spellings):
    return [spellings[start:start + _TOGETHER] for start in range(0, len(spellings), _TOGETHER)]


class Road:
    """Postfix with the filter, and the sink at its end."""

    def __init__(self, postfix, sink):
        self._postfix, self._sink = postfix, sink

    def problem(self, site, place, spellings, copies):
        """Sends one message; what is wrong with its arrival, or ""."""
        sent = place(spellings * copies, site.foreign)
        # Postfix cuts a field at a NUL.
        expected = [field.partition(b"\0")[0] for field in sent if field not in spellings]
        message = b"".join(field + b"\r\n" for field in sent) + b"\r\nHello.\r\n"
        reply = self._postfix.send(_ENVELOPE, message)
        if reply.code != 250:
            return f"the reply is {reply}"
        delivery = self._sink.take()
        if not delivery:
            return f"it did not arrive:\n{self._postfix.log[-1000:]}"
        return _difference(site, _fields(delivery.octets), expected)


def _fields(message):
    """The header fields, folds kept, but those of the Received kind that Postfix adds."""
    header = message.partition(b"\r\n\r\n")[0]
    fields = re.split(rb"\r\n(?![ \t])", header)
    return [field for field in fields if not field.startswith(b"Received: from")]


def _difference(site, arrived, expected):
    if not arrived[0].startswith(f"Authentication-Results: {site.authserv_id};\r\n".encode()):
        return f"our own field is not on top: {arrived[0][:200]!r}"
    if b"dmarc=pass" in arrived[0]:
        return f"a wrong pass: {arrived[0]!r}"
    rest = arrived[1:]
    survivors = [field for field in rest if field not in expected]
    lost = [field for field in expected if field not in rest]
    if rest == expected:
        return ""
    return (f"{len(survivors)} fields that should be gone, such as {survivors[:1]!r:.300}; "
            f"{len(lost)} lost, such as {lost[:1]!r:.300}; {len(rest)} instead of {len(expected)}")


def _play(road, site):
    """Prints what failed; the number of messages, and that of those that failed."""
    played = failed = 0
    for place in _POSITIONS:
        for copies in _COPIES:
            for spellings in _groups(site.forged):
                most = _MOST_OCTETS // sum(map(len, spellings))
                problem = road.problem(site, place, spellings, min(copies, most))
                played += 1
                failed += bool(problem)
                if problem:
                    print(f"FAILED {site.authserv_id}: {copies} times{place.__name__}, "
                          f"{spellings[0]!r:.100} and others\n  {problem}", flush=True)
    print(f"{site.authserv_id}: {len(site.forged)} spellings, {len(_POSITIONS)} positions, "
          f"{', '.join(map(str, _COPIES))} copies, among {len(site.foreign)} other fields",
          flush=True)
    return played, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, help="the build tree that holds the programs")
    arguments = parser.parse_args()
    # A terminated run, too, leaves no process behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    program = Path(arguments.build).resolve() / "milter/signet-milter"
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="signet-forged-") as folder, Sink() as sink, \
            NameServer() as dns, Postfix(folder, f"inet:127.0.0.1:{port}", sink.port) as postfix, \
            SignetMilter(program, folder, f"inet:{port}@127.0.0.1",
                         "UserID nobody\n") as milter:
        counts = []
        for site in _sites():
            # No name exists, so nothing may pass.
            milter.reload(f"UserID nobody\nLogTarget stderr\nNameservers 127.0.0.1@{dns.port}\n"
                          f"AuthservID {site.authserv_id}\n")
            counts.append(_play(Road(postfix, sink), site))
    played, failed = (sum(numbers) for numbers in zip(*counts))
    print(f"{played - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
