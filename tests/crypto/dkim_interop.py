# SPDX-License-Identifier: BSD-2-Clause
"""The other side of dkim_interop_test: dkimpy.

    dkim_interop.py verify FOLDER   prints "FILE INDEX pass|fail" for every signature
    dkim_interop.py sign FOLDER     signs message.eml with each key and canonicalization

FOLDER holds keys.txt (NAME TAB RECORD) in place of the DNS, and *.eml with CRLF line ends.
"""

import pathlib
import sys

import dkim

FOLDER = pathlib.Path(sys.argv[2])
RECORDS = dict(
    line.split("\t", 1) for line in (FOLDER / "keys.txt").read_text().splitlines()
)


def key_record(name, timeout=5):
    return RECORDS.get(name.decode().rstrip("."), "").encode() or None


def verify():
    for path in sorted(FOLDER.glob("*.eml")):
        message = path.read_bytes()
        count = sum(
            1 for name, _ in dkim.rfc822_parse(message)[0] if name.lower() == b"dkim-signature"
        )
        for index in range(count):
            try:
                good = dkim.DKIM(message, minkey=1024).verify(idx=index, dnsfunc=key_record)
            except dkim.DKIMException:
                good = False
            print(path.name, index, "pass" if good else "fail")


def sign():
    message = (FOLDER / "message.eml").read_bytes()
    for algorithm, selector in ((b"rsa-sha256", b"rsa"), (b"ed25519-sha256", b"ed")):
        # dkimpy reads RSA keys as PEM and Ed25519 keys as base64 of the 32 octets.
        key = (FOLDER / f"{selector.decode()}.key").read_bytes()
        for header in (b"simple", b"relaxed"):
            for body in (b"simple", b"relaxed"):
                field = dkim.sign(
                    message, selector, b"example.com", key,
                    canonicalize=(header, body), signature_algorithm=algorithm,
                    include_headers=[b"from", b"from", b"to", b"subject"],
                )
                name = "-".join(word.decode() for word in (selector, header, body))
                (FOLDER / f"signed-{name}.eml").write_bytes(field + message)


{"verify": verify, "sign": sign}[sys.argv[1]]()
