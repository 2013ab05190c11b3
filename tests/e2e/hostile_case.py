# SPDX-License-Identifier: BSD-2-Clause
"""Reads tests/hostile/*.cases; the README there describes the format."""

import re
from dataclasses import dataclass
from pathlib import Path

# Keys of a case that hold octets, and those that hold words for the runner.
_OCTET_KEYS = {"sig", "from", "head", "fields", "body", "zone", "client", "helo", "mail", "steps"}
_WORD_KEYS = {"key", "hash", "copies", "config", "want"}
_REPEAT = re.compile(r"\[\[(\d+)([KM]?)\*")
_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "s": " ", "0": "\0", "\\": "\\", "|": "|", "[": "[",
            "]": "]", "$": "$"}


class CaseError(Exception):
    """A file that does not keep to the format; the text says where and how."""


@dataclass
class Case:
    """One hostile message. Octets are as in the file: expand() reads their notation."""

    file: str
    title: str
    values: dict  # key to the list of its values

    @property
    def name(self):
        return f"{self.file}: {self.title}"

    def words(self, key, default=""):
        """The last value of a key that is for the runner."""
        return self.values.get(key, [default])[-1]

    def octets(self, key, variables):
        """All values of a key, expanded; None if the case has no such key."""
        if key not in self.values:
            return None
        return [expand(value, variables) for value in self.values[key]]


def load(path):
    """The cases of a file, in order."""
    path, cases, group = Path(path), [], None
    for number, line in _logical_lines(path):
        where = f"{path.name}:{number}"
        if line.startswith("= "):
            group = _Group(line[2:].strip(), where)
            cases.append(group)
        elif group is None:
            raise CaseError(f"{where}: stands before the first group")
        elif line.startswith("|"):
            group.add_row(line, where)
        else:
            group.add_value(line, where)
    return [case for group in cases for case in group.cases(path.stem)]


def _logical_lines(path):
    """(number, line) without comments; a line that begins with blanks goes on with the one
    before."""
    lines = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("  "):
            lines[-1][1] += line.strip()
        elif line and not line.startswith("#"):
            lines.append([number, line.rstrip()])
    return lines


class _Group:
    """Cases that differ in the columns of their rows only; one case if there are no rows."""

    def __init__(self, title, where):
        self._title, self._where = title, where
        self._values, self._rows = {}, []

    def add_value(self, line, where):
        key, colon, value = line.partition(":")
        if not colon or key not in _OCTET_KEYS | _WORD_KEYS:
            raise CaseError(f"{where}: {line!r}: no such key")
        self._values.setdefault(key, []).append(value.removeprefix(" "))

    def add_row(self, line, where):
        columns = re.split(r"(?<!\\)\|", line)[1:]
        self._rows.append(([column.strip(" ") for column in columns], where))

    def cases(self, file):
        if "want" not in self._values:
            raise CaseError(f"{self._where}: nothing is wanted")
        for columns, where in self._rows or [([], self._where)]:
            values = {key: [_filled(value, columns, where) for value in all_values]
                      for key, all_values in self._values.items()}
            shown = " | ".join(columns[:-1] or columns)
            yield Case(file, f"{self._title} {shown[:120]}".strip(), values)


def _filled(text, columns, where):
    """`text` with $1 and so on replaced."""
    def column(found):
        number = int(found[1])
        if number > len(columns):
            raise CaseError(f"{where}: no column {number}")
        return columns[number - 1]

    return re.sub(r"(?<!\\)\$([1-9])", column, text)


def expand(text, variables):
    """The octets that a value stands for. `variables` maps names to octets; a $name that is not
    among them stays."""
    return _Expansion(text, variables).octets()


class _Expansion:
    def __init__(self, text, variables):
        self._text, self._variables = text, variables
        names = "|".join(sorted(variables, key=len, reverse=True))
        pattern = rf"\$({names})(?![A-Za-z0-9])(?:\[(-?\d*):(-?\d*)\])?" if names else r"(?!)"
        self._name = re.compile(pattern)
        self._position = 0

    def octets(self, counter=0, nested=False):
        parts = []
        while self._position < len(self._text):
            if nested and self._text.startswith("]]", self._position):
                break
            parts.append(self._next(counter))
        return b"".join(parts)

    def _next(self, counter):
        text, start = self._text, self._position
        if repeat := _REPEAT.match(text, start):
            return self._repeated(repeat)
        if text.startswith("[[#]]", start):
            self._position += 5
            return str(counter).encode()
        if name := self._name.match(text, start):
            self._position = name.end()
            start, end = (int(limit) if limit else None for limit in name.groups()[1:])
            return self._variables[name[1]][start:end]
        if text[start] == "\\":
            return self._escaped()
        self._position += 1
        return text[start].encode()

    def _repeated(self, repeat):
        count = int(repeat[1]) * _SIZES[repeat[2]]
        self._position = start = repeat.end()
        once = self.octets(0, nested=True)
        if "[[#]]" in self._text[start:self._position]:
            parts = []
            for index in range(count):
                self._position = start
                parts.append(self.octets(index, nested=True))
            result = b"".join(parts)
        else:
            result = once * count
        self._position += 2
        return result

    def _escaped(self):
        letter = self._text[self._position + 1]
        if letter == "x":
            self._position += 4
            return bytes([int(self._text[self._position - 2:self._position], 16)])
        if letter not in _ESCAPES:
            raise CaseError(f"unknown escape \\{letter} in {self._text[:60]!r}")
        self._position += 2
        return _ESCAPES[letter].encode()
