# SPDX-License-Identifier: BSD-2-Clause
"""What daemon.py and others like it share: Postfix and its sink, a DNS, keys, messages and their
results, and how cases are run.

Fifty domains, d0 to d49 below example.net, differ in their SPF records and keys, so that the
results of one message are never those of another.
"""

import argparse
import ctypes
import os
import re
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from keys import Keys
from milter import SignetMilter
from nameserver import NameServer
from postfix import Envelope, Postfix, free_port
from scenario import header_fields
from sink import Sink

SERVICE_USER, SERVICE_GROUP = "nobody", "postfix"
EX_UNAVAILABLE, EX_CONFIG = 69, 78  # sysexits.h
_AUTHSERV_ID = "mx.example.org"
CROWD = 50

# Every second domain lets our client send, every third has a key.
_ZONE = "".join(
    f'd{n}.example.net. IN TXT "v=spf1 {"ip4:192.0.2.1" if n % 2 == 0 else ""} -all"\n'
    f'_dmarc.d{n}.example.net. IN TXT "v=DMARC1; p=none"\n' +
    (f's1._domainkey.d{n}.example.net. IN TXT "v=DKIM1; k=rsa; p={{key}}"\n' if n % 3 == 0 else "")
    for n in range(CROWD))

_MESSAGE = """\
From: Alice <alice@{domain}>
To: bob@example.org
Subject: {domain}
Date: Mon, 01 Jun 2026 09:00:00 +0000
Message-ID: <{domain}@example.net>

Good morning.
This is the message of {domain}.
"""


class CaseFailed(Exception):
    """What a case says does not hold."""


def expect(holds, otherwise):
    if not holds:
        raise CaseFailed(otherwise)


class AttentiveNameServer(NameServer):
    """Knows what it was asked: when a name of MAIL FROM arrives here, the filter has got MAIL."""

    def __init__(self):
        self.asked = set()
        super().__init__()

    def response_code(self, name):
        self.asked.add(name)
        return super().response_code(name)


class Site:
    """What all cases share: Postfix and its sink, the DNS, the keys, a folder."""

    def __init__(self, program, folder, port, postfix, sink, dns):
        self.program, self.folder = str(program), Path(folder)
        self.postfix, self.sink, self.dns = postfix, sink, dns
        self.port, self.keys = port, Keys(folder)
        self.records, self.key_directory = self.folder / "records.zone", self.folder / "keys"
        self.records.write_text(_ZONE.format(key=self.keys.published()))
        self.run = self.folder / "run"
        self.run.mkdir()

    def config(self, **options):
        """The text of a configuration; an option given replaces the usual one."""
        usual = {"UserID": SERVICE_USER, "LogTarget": "stderr", "AuthservID": _AUTHSERV_ID,
                 "DNSData": self.records, "Nameservers": f"127.0.0.1@{self.dns.port}",
                 "KeyDirectory": self.key_directory}
        return "".join(f"{keyword} {value}\n" for keyword, value in {**usual, **options}.items())

    def milter(self, **options):
        """A filter where Postfix looks for it; start it by `with`."""
        return SignetMilter(self.program, self.folder, f"inet:{self.port}@127.0.0.1",
                            self.config(**options))

    def confined_milter(self, launcher, **options):
        """A filter where Postfix looks for it, started by that command."""
        return SignetMilter(self.program, self.folder, f"inet:{self.port}@127.0.0.1",
                            self.config(**options), launcher)

    def local_milter(self, path, **options):
        """A filter on a socket of its own, which Postfix does not know."""
        return SignetMilter(self.program, self.folder, f"local:{path}", self.config(**options))

    def try_to_start(self, config, *arguments):
        """Runs the program to its end, or the parent's end if it goes into the background."""
        path = self.folder / "once.conf"
        path.write_text(config)
        return subprocess.run([self.program, "-c", str(path), *arguments], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=30, check=False)

    def client(self):
        """A client from outside that has said EHLO and may say MAIL."""
        client = smtplib.SMTP("127.0.0.1", self.postfix.ports["inbound"], timeout=30)
        client.ehlo("client.example.com")
        client.docmd("XCLIENT", "ADDR=192.0.2.1 NAME=[UNAVAILABLE]")
        client.ehlo("client.example.com")
        return client

    def deliver(self, domain, **envelope):
        """Sends a message of that domain, which must be accepted; the fields it arrives with."""
        reply = self.postfix.send(envelope_of(domain, **envelope), message_of(domain))
        expect(reply.code == 250, f"the reply to {domain} is {reply}")
        return self.arrived(domain)

    def arrived(self, domain):
        """The header fields of the next message at the sink, which must be of that domain."""
        delivery = self.sink.take()
        expect(delivery, f"the message of {domain} was not delivered")
        fields = header_fields(delivery.octets)
        expect(f"Subject: {domain}" in fields, f"another message than that of {domain}: {fields}")
        return fields

    def expect_silence(self):
        late = self.sink.take(0.3)
        expect(late is None, f"delivered once more: {late}")


class Background:
    """A process that is no child of the one that started it; main() makes us its parent."""

    def __init__(self, pid):
        self.pid, self._status = pid, None

    def __enter__(self):
        return self

    def command(self):
        return Path(f"/proc/{self.pid}/cmdline").read_text().replace("\0", " ")

    def end(self, number):
        """Sends the signal, waits for the end, and gives the exit status."""
        os.kill(self.pid, number)
        self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status

    def __exit__(self, *_):
        if self._status is None:
            self.end(signal.SIGKILL)


def envelope_of(domain, **envelope):
    return Envelope(f"alice@{domain}", "bob@example.org", **{"address": "192.0.2.1", **envelope})


def message_of(domain):
    return _MESSAGE.format(domain=domain).replace("\n", "\r\n").encode()


def halves_of(domain):
    """A message cut in its body."""
    message = message_of(domain)
    return message[:-20], message[-20:]


def results_in(fields):
    """The Authentication-Results field of ours; "" without one. More than one is an error."""
    ours = [f for f in fields if f.startswith(f"Authentication-Results: {_AUTHSERV_ID};")]
    expect(len(ours) < 2, f"more than one: {ours}")
    return ours[0] if ours else ""


def is_signed(fields, domain):
    return any(f.startswith("DKIM-Signature:") and f" d={domain};" in f for f in fields)


def expect_results_of(domain, fields):
    """What _ZONE makes of a message of d0 to d49, and nothing of any other domain."""
    number, results = int(re.match(r"d(\d+)\.", domain).group(1)), results_in(fields)
    spf = "pass" if number % 2 == 0 else "fail"
    for part in (f"spf={spf} ", f"smtp.mailfrom=alice@{domain};", f"header.from={domain} "):
        expect(part in results + " ", f"no {part!r} in {results}")
    others = set(re.findall(r"d\d+\.example\.net", results)) - {domain}
    expect(not others, f"{others} in the results of {domain}: {results}")


def has_key(domain):
    return f"s1._domainkey.{domain}." in _ZONE


def is_temporary(reply):
    return reply.code in (421, 451) and re.match(r"4\.\d+\.\d+ ", reply.text)


def _play_all(site, cases):
    """Prints a line for each case; the number that failed."""
    failed = 0
    for case in cases:
        began, problem, log = time.monotonic(), "", site.folder / "signet.log"
        log.unlink(missing_ok=True)
        try:
            case(site)
        except Exception as error:  # whatever it is, the next case is played
            problem = f"{type(error).__name__}: {error}"
        if not problem and log.exists() and "Sanitizer" in log.read_text(errors="replace"):
            problem = log.read_text(errors="replace")
        word = "FAILED" if problem else "ok"
        print(f"{word:6} {case.__doc__} ({time.monotonic() - began:.2f} s)", flush=True)
        if problem:
            print("  " + problem.replace("\n", "\n  "), flush=True)
        failed += bool(problem)
    return failed


def run_cases(story, cases, on_request=()):
    """The main program: `story` is its docstring, a case a function of the Site whose docstring says
    what holds. Those on request are played if named. The last line says `N passed, N failed`; the
    exit status is 1 if any failed."""
    parser = argparse.ArgumentParser(description=story.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, help="the build tree that holds the programs")
    known = {case.__name__: case for case in (*cases, *on_request)}
    parser.add_argument("case", nargs="*", choices=[[], *known],
                        help=f"by default {', '.join(case.__name__ for case in cases)}")
    arguments = parser.parse_args()
    # A terminated run, too, leaves no process behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # prctl(2): who went into the background becomes our child, whose end we see.
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)
    program = Path(arguments.build).resolve() / "milter/signet-milter"
    chosen = [known[name] for name in arguments.case] or cases
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="signet-daemon-") as folder, Sink() as sink, \
            AttentiveNameServer() as dns, \
            Postfix(folder, f"inet:127.0.0.1:{port}", sink.port) as postfix:
        failed = _play_all(Site(program, folder, port, postfix, sink, dns), chosen)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0
