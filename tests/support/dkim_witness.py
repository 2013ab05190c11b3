# SPDX-License-Identifier: BSD-2-Clause
"""A witness for our DKIM verifier: dkimpy (Debian's python3-dkim).

    dkim_witness.py NAME=RECORD...

The arguments are all the DNS there is. Standard input is a stream of messages, each with a line
before it that says how many octets it has. For each message one line goes to standard output: the
verdicts on its signatures from the top, separated by tabs, `pass` or `fail REASON`.
"""

import sys

import dkim

RECORDS = dict(argument.split("=", 1) for argument in sys.argv[1:])


def key_record(name, timeout=5):
    return RECORDS.get(name.decode().rstrip("."), "").encode() or None


def verdict(verifier, index):
    try:
        good = verifier.verify(idx=index, dnsfunc=key_record)
        return "pass" if good else "fail the signature is wrong"
    except Exception as problem:  # whatever it stumbles over is its verdict
        words = f"{type(problem).__name__}: {problem}".split()
        return "fail " + " ".join(words)[:200]


def verdicts(message):
    try:
        verifier = dkim.DKIM(message, minkey=1024)
    except dkim.DKIMException as problem:
        return [f"fail {type(problem).__name__}: {problem}"[:200]]
    count = sum(1 for name, _ in verifier.headers if name.lower() == b"dkim-signature")
    return [verdict(verifier, index) for index in range(count)]


for size in sys.stdin.buffer:
    print(*verdicts(sys.stdin.buffer.read(int(size))), sep="\t")
