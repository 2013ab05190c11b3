#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What Signet has signed still verifies after Postfix has passed it on.

Each message is handed in, signed with an RSA and an Ed25519 key, and relayed to the sink; there
dkimpy and `signet verify` judge the octets that came. All is done twice, with simple and with
relaxed canonicalization. Some messages Postfix changes after the filter has signed them; they are
here to show which, and must not verify. The last line says `N passed, N failed`; the exit status is
1 if any failed. Needs root, for Postfix.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from keys import Keys
from milter import SignetMilter
from postfix import Envelope, Postfix, free_port
from sink import Sink

_SERVICE_USER = "nobody"
_KEYS = {"rsa": "r1", "ed25519": "e1"}
_CANONICALIZATIONS = ("simple/simple", "relaxed/relaxed")

_HEADER = (b"From: Alice <alice@example.com>\r\nTo: bob@example.org\r\n"
           b"Date: Mon, 01 Jun 2026 09:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n")
_MIME = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
_EIGHT_BIT = _MIME + b"Content-Transfer-Encoding: 8bit\r\n"
_UMLAUTS = "Grüße aus Köln, 你好\r\n".encode()


_SEVEN_BIT, _UNTOUCHED = "bob@seven-bit.example", "bob@untouched.example"
# RFC 5321 4.5.3.1.6: a line has at most 998 octets. Postfix breaks longer ones with CRLF SPACE
# (smtp_line_length_limit).
_BROKEN = "Postfix breaks lines of more than 998 octets"
# RFC 6152 3: 8-bit octets are converted where the next server does not announce 8BITMIME
# (disable_mime_output_conversion). RFC 6376 5.3 warns of it.
_CONVERTED = "Postfix converts the body to quoted-printable"


@dataclass(frozen=True)
class Trip:
    """One message, and what Postfix does to it, if anything."""

    name: str
    body: bytes = b"x\r\n"
    fields: bytes = b"Subject: trip\r\n"
    recipient: str = "bob@example.org"
    damage: str = ""


_TRIPS = (
    Trip("8-bit octets in the body", _UMLAUTS, _EIGHT_BIT),
    Trip("8-bit octets without MIME fields", b"gr\xfc\xdf\xe9 \xff\x80\r\n"),
    Trip("8-bit octets in a field", fields=b"Subject: gr\xfc\xdfe\r\n"),
    Trip("dots at the beginning of lines", b".\r\n..\r\n...\r\n. \r\n.x\r\n\r\n.\r\n"),
    Trip("lines of 998 octets", (b"a" * 998 + b"\r\n") * 3),
    Trip("lines of a dot and 997 octets", (b"." + b"a" * 997 + b"\r\n") * 3),
    Trip("a line of 999 octets", b"a" * 999 + b"\r\n", damage=_BROKEN),
    Trip("a line of 64 KiB", b"a b " * 16384 + b"\r\n", damage=_BROKEN),
    Trip("a line of 64 KiB that Postfix leaves alone", b"a b " * 16384 + b"\r\n",
         recipient=_UNTOUCHED),
    Trip("a field of 998 octets", fields=b"Subject: " + b"a" * 989 + b"\r\n"),
    Trip("a field of 999 octets", fields=b"Subject: " + b"a" * 990 + b"\r\n", damage=_BROKEN),
    Trip("white space at line ends", b"a \r\nb\t\r\nc \t \r\n \r\n\t\r\nend \r\n"),
    Trip("an empty body", b""),
    Trip("a body of line ends", b"\r\n\r\n\r\n"),
    Trip("empty lines at the end", b"x\r\n\r\n \r\n\r\n"),
    Trip("no CRLF at the end", b"x\r\ny"),
    Trip("a NUL in the body", b"a\0b\r\n"),
    Trip("a bare CR in the body", b"a\rb\r\nc\r\r\n"),
    Trip("a bare LF in the body", b"a\nb\r\n"),
    Trip("lines that begin with From", b"From here on\r\n>From\r\n"),
    Trip("form feeds and escapes", b"a\fb\x1b[0m\r\n", b"Subject: a\fb\r\n"),
    Trip("folded fields", fields=b"Subject: a\r\n b\r\n\tc  \r\n   d\r\nCc: x@example.org,\r\n"
         b"\ty@example.org\r\n"),
    Trip("white space at the end of a field", fields=b"Subject: a \t \r\n"),
    Trip("no space after the colon", fields=b"Subject:a\r\nCc:\tx@example.org\r\n"),
    Trip("space before the colon", fields=b"Subject : a\r\n"),
    Trip("an empty field", fields=b"Subject:\r\nComments: \r\n"),
    Trip("a field of white space", fields=b"Subject:  \r\n"),
    Trip("a field that begins with folds", fields=b"Subject: \r\n \r\n\tx\r\n"),
    Trip("fields twice", fields=b"Subject: a\r\nSubject: b\r\nReply-To: <c@example.com>\r\n" * 2),
    Trip("names in mixed case", fields=b"SUBJECT: a\r\nreply-TO: <c@example.com>\r\n"),
    Trip("UTF-8 in fields", _UMLAUTS, _EIGHT_BIT + "Comments: Grüße\r\n".encode()),
    Trip("a thousand fields", fields=b"X-A: b\r\n" * 1000),
    Trip("8-bit octets to a server without 8BITMIME", _UMLAUTS, _EIGHT_BIT, _SEVEN_BIT,
         damage=_CONVERTED),
    Trip("8-bit octets to a server without 8BITMIME that Postfix leaves alone", _UMLAUTS,
         _EIGHT_BIT, _UNTOUCHED),
    Trip("quoted-printable to a server without 8BITMIME", b"Gr=C3=BC=C3=9Fe\r\n",
         _MIME + b"Content-Transfer-Encoding: quoted-printable\r\n", _SEVEN_BIT),
)


class Road:
    """Postfix with the filter, and the sink at its end."""

    def __init__(self, folder, build, postfix, sink, milter):
        self._folder, self._build = Path(folder), build
        self._postfix, self._sink, self._milter = postfix, sink, milter
        self._keys = Keys(folder)
        self._records = self._folder / "records.zone"
        self._records.write_text("".join(
            f'{selector}._domainkey.example.com. IN TXT "v=DKIM1; k={kind}; '
            f'p={self._keys.published(kind)}"\n' for kind, selector in _KEYS.items()))
        for kind, selector in _KEYS.items():
            self._keys.install(self._folder / "keys", "example.com", selector, kind, _SERVICE_USER)

    def canonicalize(self, canonicalization):
        """Signs so from now on."""
        options = {"UserID": _SERVICE_USER, "LogTarget": "stderr", "DNSData": self._records,
                   "KeyDirectory": self._folder / "keys", "Canonicalization": canonicalization}
        self._milter.reload("".join(f"{word} {value}\n" for word, value in options.items()))

    def go(self, trip):
        """Sends one message; what is wrong with its arrival, or ""."""
        envelope = Envelope("alice@example.com", trip.recipient)
        reply = self._postfix.send(envelope, _HEADER + trip.fields + b"\r\n" + trip.body)
        if reply.code != 250:
            return f"the reply is {reply}"
        delivery = self._sink.take()
        if not delivery:
            return f"it did not arrive:\n{self._postfix.log[-1000:]}"
        verdicts = self._verdicts(delivery.octets)
        passes = [who for who, verdict in verdicts.items() if verdict == "pass"]
        if len(passes) == (0 if trip.damage else len(verdicts)):
            return ""
        return f"{trip.damage or 'nothing should change'}: {verdicts}\n{delivery.octets[:2000]!r}"

    def _verdicts(self, octets):
        verdicts = {f"dkimpy on {kind}": self._keys.verify(octets, "example.com", selector, kind)
                    for kind, selector in _KEYS.items()}
        return {**verdicts, "signet verify": self._signet_verify(octets)}

    def _signet_verify(self, octets):
        config = self._folder / "signet.conf"
        command = [f"{self._build}/milter/signet", "-c", str(config), "verify", "-"]
        done = subprocess.run(command, input=octets, capture_output=True, check=False)
        return "pass" if done.returncode == 0 else (done.stdout + done.stderr).decode()


def _go_all(road):
    failed = 0
    for canonicalization in _CANONICALIZATIONS:
        road.canonicalize(canonicalization)
        for trip in _TRIPS:
            began = time.monotonic()
            problem = road.go(trip)
            word = "FAILED" if problem else "ok"
            print(f"{word:6} {canonicalization}: {trip.name} ({time.monotonic() - began:.2f} s)",
                  flush=True)
            if problem:
                print("  " + problem.replace("\n", "\n  "), flush=True)
            failed += bool(problem)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, help="the build tree that holds the programs")
    arguments = parser.parse_args()
    # A terminated run, too, leaves no process behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    build = Path(arguments.build).resolve()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="signet-trip-") as folder, Sink() as sink, \
            Postfix(folder, f"inet:127.0.0.1:{port}", sink.port) as postfix, \
            SignetMilter(build / "milter/signet-milter", folder, f"inet:{port}@127.0.0.1",
                         f"UserID {_SERVICE_USER}\n") as milter:
        failed = _go_all(Road(folder, build, postfix, sink, milter))
    print(f"{len(_TRIPS) * len(_CANONICALIZATIONS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
