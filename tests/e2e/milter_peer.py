# SPDX-License-Identifier: BSD-2-Clause
"""The MTA's end of the milter protocol, for messages that no MTA would pass on.

Packets are a length of four octets, a letter and data; SMFIC_ and SMFIR_ letters and SMFIP_ flags
are those of libmilter's <libmilter/mfdef.h>. Whatever a caller hands over is sent as it is.
"""

import ipaddress
import socket
import struct
from dataclasses import dataclass, field

_ALL_ACTIONS, _ALL_PROTOCOL, _VERSION = 0x1ff, 0x1fffff, 6
# The steps that a filter may not want, or not answer: letter to (SMFIP_NO*, SMFIP_NR_*).
_OPTIONAL = {"C": (0x1, 0x1000), "H": (0x2, 0x2000), "M": (0x4, 0x4000), "R": (0x8, 0x8000),
             "B": (0x10, 0x80000), "L": (0x20, 0x80), "N": (0x40, 0x40000), "T": (0x200, 0x10000)}
# Replies that end a step; the others are modifications or SMFIR_PROGRESS.
_FINAL = set("acdrtys4")
BODY_OCTETS = 65535


@dataclass
class Outcome:
    """What the filter said of a message: the final reply, and what it wants changed before."""

    letter: str
    text: str = ""
    inserted: list = field(default_factory=list)  # (name, value)
    others: list = field(default_factory=list)  # packets (letter, data)
    packets: str = ""  # the letters of all packets, where a caller has collected them


class MilterPeer:
    """One connection; ConnectionError if the filter ends it, TimeoutError if it is silent."""

    def __init__(self, path, timeout=30):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._input = self._socket.makefile("rb")
        self._protocol = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._input.close()
        self._socket.close()

    def send(self, octets):
        self._socket.sendall(octets)

    def close_sending(self):
        self._socket.shutdown(socket.SHUT_WR)

    def receive(self):
        """One packet; None if the filter has closed the connection."""
        prefix = self._input.read(4)
        if len(prefix) < 4:
            return None
        octets = self._input.read(struct.unpack(">I", prefix)[0])
        return chr(octets[0]), octets[1:]

    def open(self, address, helo, port=25252):
        """Up to HELO. `address` is IPv4, IPv6, or "" for a client that is neither."""
        self.send(negotiation())
        answer = self._packet()
        self._protocol = struct.unpack(">III", answer[1][:12])[2]
        self.send(packet("D", b"Cj\0mx.example.org\0{daemon_name}\0smtpd\0"))
        self._step("C", connection(address, port))
        self._step("H", helo + b"\0")

    def message(self, sender, fields, body):
        """A whole message; the filter's Outcome, which may come before its end."""
        self.send(packet("D", b"Mi\x004ABCDEF\0"))
        steps = [("M", sender + b"\0"), ("R", b"<bob@example.org>\0"), ("T", b"")]
        steps += [("L", name + b"\0" + value + b"\0") for name, value in fields] + [("N", b"")]
        steps += [("B", body[start:start + BODY_OCTETS])
                  for start in range(0, len(body), BODY_OCTETS)]
        for letter, data in steps:
            outcome = self._step(letter, data)
            if outcome.letter not in "cs":
                return outcome
        return self._step("E", b"")

    def _step(self, letter, data):
        not_sent, no_reply = _OPTIONAL.get(letter, (0, 0))
        if self._protocol & not_sent:
            return Outcome("c")
        self.send(packet(letter, data))
        return Outcome("c") if self._protocol & no_reply else self._outcome()

    def _outcome(self):
        inserted, others = [], []
        while True:
            letter, data = self._packet()
            if letter in _FINAL:
                text = data.rstrip(b"\0").decode("utf-8", "backslashreplace")
                return Outcome(letter, text, inserted, others)
            if letter == "i":
                inserted.append(inserted_field(data))
            elif letter != "p":
                others.append((letter, data))

    def _packet(self):
        received = self.receive()
        if received is None:
            raise ConnectionError("the filter has closed the connection")
        return received


def inserted_field(data):
    """The (name, value) of an SMFIR_INSHEADER packet."""
    name, value, *_ = data[4:].split(b"\0")
    return name, value


def packet(letter, data=b""):
    return struct.pack(">I", len(data) + 1) + letter.encode("latin-1") + data


def negotiation():
    return packet("O", struct.pack(">III", _VERSION, _ALL_ACTIONS, _ALL_PROTOCOL))


def connection(address, port=25252):
    """The data of SMFIC_CONNECT."""
    if not address:
        return b"[UNAVAILABLE]\0U"
    family = b"4" if ipaddress.ip_address(address).version == 4 else b"6"
    prefix = b"IPv6:" if family == b"6" else b""
    return (b"[UNAVAILABLE]\0" + family + struct.pack(">H", port) + prefix + address.encode() +
            b"\0")
