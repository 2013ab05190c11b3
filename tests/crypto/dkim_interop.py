# SPDX-License-Identifier: BSD-2-Clause
"""The other side of dkim_interop_test: dkimpy signs.

    dkim_interop.py FOLDER   signs message.eml with each key and canonicalization: signed-*.eml

FOLDER holds message.eml with CRLF line ends, and the private keys.
"""

import pathlib
import sys

import dkim

FOLDER = pathlib.Path(sys.argv[1])


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


sign()
