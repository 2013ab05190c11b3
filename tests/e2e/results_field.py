# SPDX-License-Identifier: BSD-2-Clause
"""A strict reader of the Authentication-Results field that Signet writes (RFC 8601 2.2).

It accepts less than the RFC does, so that whatever breaks out of a value or a comment is noticed.
"""

import re
from dataclasses import dataclass

_RESULT = re.compile(r'([a-z]+)=([a-z]+)((?: +[a-z]+\.[a-z-]+=(?:"[^"]*"|[^ "]+))*)')
_PROPERTY = re.compile(r'([a-z]+\.[a-z-]+)=("[^"]*"|[^ "]+)')


@dataclass(frozen=True)
class MethodResult:
    method: str
    word: str
    properties: tuple  # of (name, value)


def read_results(value, authserv_id):
    """The MethodResults in a field's value; ValueError if it is not as Signet writes it."""
    text = value.decode("utf-8").replace("\r\n", "\n")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|\n(?![ \t])", text):
        raise ValueError(f"a control character in {value!r}")
    parts = _without_comments(text.replace("\n", "")).split(";")
    if parts[0].strip() != authserv_id:
        raise ValueError(f"not ours: {value!r}")
    return [_read_method(part) for part in parts[1:]]


def _read_method(part):
    text = re.sub(r"[ \t]+", " ", part).strip()
    found = _RESULT.fullmatch(text)
    if not found:
        raise ValueError(f"no result: {part!r}")
    return MethodResult(found[1], found[2], tuple(_PROPERTY.findall(found[3])))


def _without_comments(text):
    """Comments become a space, and quoted-strings `""`, so that no ";" in them divides."""
    kept, depth, in_quotes, position = [], 0, False, 0
    while position < len(text):
        char = text[position]
        if char == "\\" and (depth or in_quotes):
            position += 1
        elif in_quotes:
            in_quotes = char != '"'
            kept.append('"' if char == '"' else "")
        elif char == '"' and not depth:
            in_quotes = True
            kept.append(char)
        elif char in "()":
            depth += 1 if char == "(" else -1
            kept.append(" ")
        elif not depth:
            kept.append(char)
        if depth < 0:
            raise ValueError(f"a parenthesis too many: {text!r}")
        position += 1
    if depth or in_quotes:
        raise ValueError(f"a comment or string has no end: {text!r}")
    return "".join(kept)
