# SPDX-License-Identifier: BSD-2-Clause
"""Reads scenario files; tests/scenarios/README.md describes the format."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from postfix import Envelope

SECTIONS = ("config", "keys", "zone", "session", "message", "expect")
_FILE = re.compile(r"\[file ([^]/]+)\]")
_SESSION_KEYS = {"client", "helo", "from", "to", "login", "listener", "sign-with", "append"}
_EXPECT_KEYS = {"reply", "top", "header", "no-header", "count", "signature", "held", "log"}
_DEFAULTS = {"client": "192.0.2.1", "helo": "mail.example.com", "from": "alice@example.com",
             "to": "bob@example.org", "login": "", "listener": "inbound", "append": ""}


class ScenarioError(Exception):
    """A file that does not keep to the format; the text says where and how."""


@dataclass(frozen=True)
class KeyName:
    """A key by the names it is used under."""

    domain: str
    selector: str
    kind: str = "rsa"


@dataclass
class Zone:
    """The DNS of one scenario. Names are lower case without their final dot."""

    records: str = ""
    names: set = field(default_factory=set)
    servfail: list = field(default_factory=list)
    timeout: list = field(default_factory=list)


@dataclass
class Scenario:
    name: str
    config: str
    files: dict
    keys: list
    zone: Zone
    envelope: Envelope
    signers: list
    append: str
    message: bytes
    expect: list


def load(path):
    """The Scenario in a file."""
    sections, files = _split(Path(path))
    session = _pairs(path, sections["session"], _SESSION_KEYS)
    values = dict(_DEFAULTS, **dict(session))
    address, _, name = values["client"].partition(" ")
    envelope = Envelope(sender=values["from"], recipient=values["to"], address=address,
                        name=name.strip() or "[UNAVAILABLE]", helo=values["helo"],
                        login=values["login"], listener=values["listener"])
    return Scenario(name=Path(path).stem, config="".join(f"{l}\n" for l in sections["config"]),
                    files={name: "".join(f"{l}\n" for l in lines) for name, lines in files.items()},
                    keys=[KeyName(*line.split()) for line in sections["keys"] if line],
                    zone=_zone(sections["zone"]), envelope=envelope,
                    signers=[KeyName(*v.split()) for k, v in session if k == "sign-with"],
                    append=values["append"], message=_message(sections["message"]),
                    expect=_pairs(path, sections["expect"], _EXPECT_KEYS))


def _split(path):
    """The lines of each section, and of each `[file NAME]` by its name."""
    sections, files = {name: [] for name in SECTIONS}, {}
    current = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line in {f"[{name}]" for name in SECTIONS}:
            current = sections[line[1:-1]]
        elif file := _FILE.fullmatch(line):
            current = files.setdefault(file[1], [])
        elif current is not None:
            current.append(line)
        elif line and not line.startswith("#"):
            raise ScenarioError(f"{path}: {line!r} stands before the first section")
    for name in ("message", "expect"):
        if not sections[name]:
            raise ScenarioError(f"{path}: no [{name}]")
    return sections, files


def _pairs(path, lines, known):
    pairs = []
    for line in lines:
        if not line or line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if not colon or key not in known:
            raise ScenarioError(f"{path}: {line!r}: expected one of {', '.join(sorted(known))}")
        pairs.append((key, value.strip()))
    return pairs


def _zone(lines):
    zone = Zone()
    for line in lines:
        words = line.split()
        if len(words) == 2 and words[0] in ("servfail", "timeout"):
            getattr(zone, words[0]).append(_plain(words[1]))
        elif words:
            zone.records += line + "\n"
            if not line[0].isspace() and line[0] not in ";$":
                zone.names.add(_plain(words[0]))
    return zone


def _plain(name):
    return name.rstrip(".").lower()


def _message(lines):
    """Octets with CRLF. Empty lines at the end belong to the file, not to the message."""
    while lines and not lines[-1]:
        lines = lines[:-1]
    if "" not in lines:
        lines = lines + [""]
    return "".join(line + "\r\n" for line in lines).encode("utf-8")


def matches(pattern, text):
    """Whether `text` is `pattern`, where `*` stands for any text."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def header_fields(message):
    """The fields of a message in order, unfolded: "Name: value" with single spaces."""
    header = message.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    unfolded = re.sub(r"\n(?=[ \t])", " ", header)
    return [re.sub(r"[ \t]+", " ", line).strip() for line in unfolded.split("\n") if line]
