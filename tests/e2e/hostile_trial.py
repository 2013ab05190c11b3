# SPDX-License-Identifier: BSD-2-Clause
"""Plays one hostile case against a running filter, and judges what it answers.

Each case has a domain of its own, $D, so that no cache knows of an earlier one. What it does not
say is as in an ordinary message from that domain to which SPF says fail.
"""

import base64
import re

from hostile_case import expand
from milter_peer import (MilterPeer, Outcome, connection, inserted_field, negotiation, packet)
from odd_signer import signature_value
from results_field import read_results

AUTHSERV_ID = "mx.example.org"
_RECORD_SEPARATOR = b"\x1e"
_NO_PASS = "no-pass"  # all that is wanted
_USUAL = {
    "key": "rsa 1024", "client": "192.0.2.1", "helo": "mail.example.org", "mail": "<alice@$D>",
    "body": r"Good morning.\r\n",
}
_USUAL_HEAD = ("To: bob@example.org", "Subject: greetings", "Date: Mon, 01 Jun 2026 09:00:00 +0000",
               "Message-ID: <1@$D>")
_USUAL_ZONE = (r"$D TXT v=spf1 -all", r"_dmarc.$D TXT v=DMARC1; p=reject",
               r"sel._domainkey.$D TXT v=DKIM1; k=$K; p=$P")
# What an MTA sends for a message, by the names that `steps` uses.
_STEPS = {
    "negotiate": negotiation(), "macros": packet("D", b"Mi\x004ABC\0"),
    "connect": packet("C", connection("192.0.2.1")), "helo": packet("H", b"mail.example.org\0"),
    "mail": packet("M", b"<alice@example.com>\0"), "rcpt": packet("R", b"<bob@example.org>\0"),
    "data": packet("T"), "from": packet("L", b"From\0 alice@example.com\0"),
    "eoh": packet("N"), "body": packet("B", b"Hi.\r\n"), "eom": packet("E"),
    "abort": packet("A"), "quit": packet("Q"), "quit-nc": packet("K"),
}
_WORD_OF_LETTER = {"r": "reject", "t": "tempfail", "d": "discard", "lost": "lost"}


class HostileMessage:
    """What a case sends, all notation expanded and all signatures made."""

    def __init__(self, case, domain, keys):
        self._case, key = case, keys.key(case.words("key", _USUAL["key"]))
        self._variables = {
            "D": domain, "P": base64.b64encode(key.published()),
            "P1": base64.b64encode(key.bare_key()),
            "K": b"ed25519" if case.words("key").startswith("ed25519") else b"rsa"}
        self.client, self.helo, self.sender, self.body = (
            self._octets(name)[-1] for name in ("client", "helo", "mail", "body"))
        self.zone = self._zone()
        self.fields = self._signed(self._header(), key)

    def _octets(self, name):
        given = self._case.octets(name, self._variables)
        return given if given is not None else [expand(_USUAL[name], self._variables)]

    def _usual(self, lines):
        return [expand(line, self._variables) for line in lines]

    def _zone(self):
        """The usual records, but those whose name the case has records for."""
        given = self._case.octets("zone", self._variables) or []
        own = [line for lines in given for line in lines.split(_RECORD_SEPARATOR) if line]
        named = {line.split(b" ")[0] for line in own}
        return own + [line for line in self._usual(_USUAL_ZONE) if line.split(b" ")[0] not in named]

    def _header(self):
        given = self._case.octets("head", self._variables)
        authors = self._case.octets("from", self._variables) or self._usual(["Alice <alice@$D>"])
        lines = given if given is not None else (
            [b"From: " + author for author in authors] + self._usual(_USUAL_HEAD))
        lines = lines + (self._case.octets("fields", self._variables) or [])
        return [tuple(line.partition(b":")[::2]) for many in lines for line in many.split(b"\r\n")
                if line]

    def _signed(self, fields, key):
        override = dict(word.encode().split(b"=", 1) for word in self._case.words("hash").split())
        copies = int(self._case.words("copies", "1"))
        for template in reversed(self._case.octets("sig", self._variables) or []):
            value = signature_value(b" " + template, fields, self.body, key, override)
            fields = [(b"DKIM-Signature", value)] * copies + fields
        return fields

    @property
    def size(self):
        return sum(len(name) + len(value) + 3 for name, value in self.fields) + len(self.body)

    def send(self, path):
        with MilterPeer(path) as peer:
            try:
                peer.open(self.client.decode(), self.helo)
                return peer.message(self.sender, self.fields, self.body)
            except ConnectionError:
                return Outcome("lost")


class HostilePackets:
    """What a case with `steps` sends."""

    zone = ()

    def __init__(self, case):
        self._octets = b"".join(_packets(word) for word in case.words("steps").split())

    @property
    def size(self):
        return len(self._octets)

    def send(self, path):
        """Sends all, and reads until the filter hangs up, which it must."""
        letters, inserted = "", []
        with MilterPeer(path) as peer:
            try:
                peer.send(self._octets)
                peer.close_sending()
                while received := peer.receive():
                    letters += received[0]
                    if received[0] == "i":
                        inserted.append(inserted_field(received[1]))
            except ConnectionError:
                letters += "!"  # it has hung up first
        return Outcome("", inserted=inserted, packets=letters)


def _packets(word):
    """The octets of one word of `steps`, which may be to be repeated."""
    repeat = re.match(r"(\d+)\*", word)
    count = int(repeat[1]) if repeat else 1
    name, _, data = expand(word[repeat.end() if repeat else 0:], {}).partition(b":")
    if name == b"raw":
        return data * count
    usual = _STEPS.get(name.decode("latin-1"))
    return (usual or packet(name.decode("latin-1"), data)) * count


def prepare(case, domain, keys):
    return HostilePackets(case) if "steps" in case.values else HostileMessage(case, domain, keys)


def problems_of(case, outcome, engine):
    """What in an outcome is not as the case wants it."""
    problems = []
    try:
        found = _found(outcome)
    except ValueError as problem:
        return [str(problem)]
    wanted = dict(word.split("=", 1) for word in case.words("want").split() if word != _NO_PASS)
    for what, words in wanted.items():
        word = words.split("/")[-1 if engine == "libopendkim" else 0]
        if found.get(what, "none") != word:
            problems.append(f"{what} is {found.get(what, 'none')}, not {word}")
    problems += [f"a wrong {what}={words}" for what, words in found.items()
                 if what not in wanted and "pass" in words.split(",")]
    if "reply" in found and "reply" not in wanted:
        problems.append(f"the reply is {found['reply']} {outcome.text}")
    return problems + list(_breaches(outcome))


def _breaches(outcome):
    """What no outcome may hold, whatever a case wants."""
    # RFC 5321 4.2, 4.5.3.1.5
    if not outcome.text.isascii() or not outcome.text.isprintable() or len(outcome.text) > 510:
        yield f"a reply that is none: {outcome.text!r}"
    for name, value in outcome.inserted:
        if name != b"Authentication-Results":
            yield f"an unwanted field {name!r}: {value!r}"
    for letter, data in outcome.others:
        if letter != "m" or data[4:].lower() != b"authentication-results\0\0":
            yield f"an unwanted modification {letter} {data[:60]!r}"


def _found(outcome):
    """Words by method: of several results of a method each once, in order of the alphabet."""
    words = {}
    for value in (value for name, value in outcome.inserted if name == b"Authentication-Results"):
        for result in read_results(value, AUTHSERV_ID):
            names = [name for name, _ in result.properties]
            method = "helo" if "smtp.helo" in names else result.method
            words.setdefault(method, set()).add(result.word)
            if result.method == "dmarc":
                words["author"] = {dict(result.properties).get("header.from", "none")}
    found = {method: ",".join(sorted(of_method)) for method, of_method in words.items()}
    if outcome.letter in _WORD_OF_LETTER:
        found["reply"] = _WORD_OF_LETTER[outcome.letter]
    elif outcome.letter == "y":
        found["reply"] = outcome.text[:3]
    return {**found, "packets": outcome.packets}
