#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The mail part of conf/demo: four messages through a private Postfix with Signet attached.

Two domains live in the DNSData file. example.com is ours: `signet key generate` makes its key.
example.net is the other side: dkimpy signs for it. Each message has an outcome that is expected;
the exit status is 1 if one differs.
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from keys import Keys, verify_signature
from milter import SignetMilter
from postfix import Envelope, Postfix
from scenario import header_fields
from sink import Sink

_SERVICE_USER = "nobody"
_SELECTOR = "demo"

# With the root's SOA every name is answered from here: no question leaves the machine.
_ZONE = """\
.                              IN SOA  a.example. b.example. 1 3600 600 86400 60
example.com.                   IN TXT  "v=spf1 ip4:198.51.100.10 -all"
_dmarc.example.com.            IN TXT  "v=DMARC1; p=reject"
{our_record}
example.net.                   IN TXT  "v=spf1 ip4:192.0.2.1 -all"
mail.example.net.              IN A    192.0.2.1
mail.example.net.              IN TXT  "v=spf1 a -all"
_dmarc.example.net.            IN TXT  "v=DMARC1; p=reject"
s1._domainkey.example.net.     IN TXT  "v=DKIM1; k=rsa; p={their_key}"
"""

_CONFIG = """\
UserID nobody:postfix
AuthservID mx.example.com
KeyDirectory {folder}/keys
DNSData {folder}/records.zone
"""

_MESSAGE = """\
From: {author}
To: {to}
Subject: {subject}
Date: Mon, 01 Jun 2026 09:00:00 +0000
Message-ID: <{subject}@example.net>

Good morning.
"""

_FORGED_FIELD = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.net\n"
_THEIR_SERVER = {"address": "192.0.2.1", "name": "mail.example.net", "helo": "mail.example.net"}
_STRANGER = {"address": "203.0.113.66", "name": "[UNAVAILABLE]", "helo": "dialup.example"}


@dataclass
class Mail:
    """One message of the demo, and what the reader is told about it."""

    title: str
    story: str
    envelope: Envelope
    text: str
    expected: str  # the reply begins with it
    signed_by_them: bool = False


def _mails():
    alice, bob = "alice@example.net", "bob@example.com"
    genuine = _MESSAGE.format(author=f"Alice <{alice}>", to=bob, subject="genuine")
    forged = _MESSAGE.format(author=f"Alice <{alice}>", to=bob, subject="forged")
    outbound = _MESSAGE.format(author=f"Bob <{bob}>", to=alice, subject="outbound")
    return [
        Mail("genuine", "from example.net's own server, signed by it",
             Envelope(alice, bob, **_THEIR_SERVER), genuine, "250", signed_by_them=True),
        Mail("forged", "says it is from example.net, comes from a stranger's address",
             Envelope(alice, bob, **_STRANGER), forged, "550 5.7.1"),
        Mail("forged results", "genuine, but brings an Authentication-Results field in our name",
             Envelope(alice, bob, **_THEIR_SERVER), _FORGED_FIELD + genuine, "250",
             signed_by_them=True),
        Mail("outbound", "from our user Bob, logged in by SASL",
             Envelope(bob, alice, address="203.0.113.5", login="bob", listener="submission"),
             outbound, "250"),
    ]


class Demo:
    """Everything that one run needs, under one folder."""

    def __init__(self, build, folder):
        self.build, self.folder = Path(build).resolve(), Path(folder)
        self.their_keys = Keys(folder)
        self.config = _CONFIG.format(folder=folder)
        self.our_record = ""

    def prepare(self):
        """The key as an administrator makes it, then the DNS with its record published."""
        self.folder.chmod(0o755)
        for name in ("run", "keys"):
            (self.folder / name).mkdir()
            shutil.chown(self.folder / name, _SERVICE_USER)
        conf = self.folder / "signet.conf"
        conf.write_text(self.config)
        command = [str(self.build / "milter/signet"), "-c", str(conf), "key", "generate",
                   "example.com", "--selector", _SELECTOR]
        print("$ signet " + " ".join(command[3:]), flush=True)
        made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(made)
        self.our_record = made
        zone = _ZONE.format(our_record=made, their_key=self.their_keys.published())
        (self.folder / "records.zone").write_text(zone)

    def send_all(self, mails):
        """Sends them in turn; a Result for each."""
        socket = self.folder / "run/signet.sock"
        with Sink() as sink, \
                Postfix(self.folder, f"unix:{socket}", sink.port, "mx.example.com") as postfix, \
                SignetMilter(self.build / "milter/signet-milter", self.folder, f"local:{socket}",
                             self.config):
            return [self._send(mail, postfix, sink) for mail in mails]

    def _send(self, mail, postfix, sink):
        message = mail.text.replace("\n", "\r\n").encode()
        if mail.signed_by_them:
            message = self.their_keys.sign(message, "example.net", "s1")
        reply = postfix.send(mail.envelope, message)
        delivery = sink.take() if reply.code == 250 else None
        return Result(mail, reply, delivery.octets if delivery else b"")

    def verify_ours(self, message):
        """dkimpy's verdict, with the record as `signet key generate` printed it."""
        record = "".join(re.findall(r'"([^"]*)"', self.our_record)).encode()
        return verify_signature(message, "example.com", _SELECTOR, "rsa",
                                {f"{_SELECTOR}._domainkey.example.com.": record})


@dataclass
class Result:
    """What became of one message."""

    mail: Mail
    reply: object
    message: bytes

    @property
    def verdicts(self):
        """The topmost Authentication-Results as {method: result}. The first of a method counts;
        of SPF that is MAIL FROM's."""
        field = next(iter(self.results_fields()), "")
        found = {}
        for method, result in re.findall(r"; (\w+)=(\w+)", field):
            found.setdefault(method, result)
        return found

    def results_fields(self):
        return [f for f in header_fields(self.message) if f.startswith("Authentication-Results:")]


def _show(result):
    mail = result.mail
    print(f"---- {mail.title}: {mail.story}")
    client = f"{mail.envelope.address}" + (f" as {mail.envelope.login}" if mail.envelope.login else "")
    print(f"client   {client}, MAIL FROM <{mail.envelope.sender}>")
    print(f"reply    {result.reply}")
    if result.message:
        print("header it ended with:")
        header = result.message.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        print("  | " + header.decode().replace("\n", "\n  | "))
    print()


def _table(results, outbound_verdict):
    rows = [("message", "reply", "spf", "dkim", "dmarc", "")]
    for result in results:
        verdicts = result.verdicts
        code = " ".join(str(result.reply).split()[:2])
        note = ""
        if result.mail.title == "forged results":
            note = "forged field gone" if len(result.results_fields()) == 1 else "STILL THERE"
        if result.mail.title == "outbound":
            note = f"our signature by dkimpy: {outbound_verdict}"
        rows.append((result.mail.title, code, verdicts.get("spf", "-"), verdicts.get("dkim", "-"),
                     verdicts.get("dmarc", "-"), note))
    for row in rows:
        print("{:16} {:10} {:6} {:6} {:6} {}".format(*row).rstrip())


def _problems(results, outbound_verdict):
    """What is not as it should be."""
    genuine, _, forged_results, _ = results
    problems = [f"{r.mail.title}: {r.reply}, expected {r.mail.expected}" for r in results
                if not str(r.reply).startswith(r.mail.expected)]
    for result in (genuine, forged_results):
        if any(result.verdicts.get(m) != "pass" for m in ("spf", "dkim", "dmarc")):
            problems.append(f"{result.mail.title}: {result.verdicts}, expected three passes")
        if len(result.results_fields()) != 1:
            problems.append(f"{result.mail.title}: {len(result.results_fields())} results fields")
    if outbound_verdict != "pass":
        problems.append(f"outbound: dkimpy says {outbound_verdict}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, help="the build tree that holds the programs")
    arguments = parser.parse_args()
    # A terminated run, too, leaves no process behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="signet-demo-") as folder:
        demo = Demo(arguments.build, folder)
        demo.prepare()
        print("Starting Postfix and signet-milter, sending four messages ...\n", flush=True)
        results = demo.send_all(_mails())
        for result in results:
            _show(result)
        outbound_verdict = demo.verify_ours(results[-1].message)
        _table(results, outbound_verdict)
        problems = _problems(results, outbound_verdict)
    print("\n" + ("\n".join(problems) if problems else
                  "All four as they should be. Nothing is left running."))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
