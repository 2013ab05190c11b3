# SPDX-License-Identifier: BSD-2-Clause
"""DKIM keys made on the spot, and a second implementation (dkimpy) that signs and verifies.

One RSA and one Ed25519 key serve a whole run, under every domain and selector that a test names:
what a test is about is who signs and what is published, never which number the key is. Key
generation is openssl's, so neither side of a test is our own code.
"""

import base64
import shutil
import subprocess
from pathlib import Path

import dkim

ALGORITHMS = {"rsa": b"rsa-sha256", "ed25519": b"ed25519-sha256"}
# What RFC 6376 5.4.1 recommends, as far as the messages here have it.
_SIGNED_FIELDS = [b"from", b"to", b"subject", b"date", b"message-id"]


class Keys:
    """`folder` gets the private keys as PEM (PKCS#8) files."""

    def __init__(self, folder):
        self._pem = {}
        self._public = {}
        for kind, options in (("rsa", ["-pkeyopt", "rsa_keygen_bits:2048"]), ("ed25519", [])):
            path = Path(folder) / f"{kind}.pem"
            _openssl("genpkey", "-algorithm", kind.upper(), *options, "-out", str(path))
            self._pem[kind] = path.read_bytes()
            public = _openssl("pkey", "-in", str(path), "-pubout", "-outform", "DER")
            # RFC 8463 4.2: p= of an Ed25519 key is the bare key, the last 32 octets here.
            self._public[kind] = public if kind == "rsa" else public[-32:]

    def install(self, directory, domain, selector, kind="rsa", owner=None):
        """Puts a key where `KeyDirectory` wants it: DOMAIN/SELECTOR.pem."""
        path = Path(directory) / domain / f"{selector}.pem"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.write(path, kind, owner)

    def write(self, path, kind, owner=None):
        """Puts a private key into a file that only its owner can read."""
        path.touch(mode=0o600)
        path.write_bytes(self._pem[kind])
        if owner:
            shutil.chown(path, owner)

    def published(self, kind="rsa"):
        """p= as base64, with a string boundary inside so that each string is under 256 octets."""
        text = base64.b64encode(self._public[kind]).decode()
        return text if len(text) < 200 else f'{text[:200]}" "{text[200:]}'

    def sign(self, message, domain, selector, kind="rsa"):
        """The message with a DKIM-Signature by dkimpy on top."""
        field = dkim.sign(message, selector.encode(), domain.encode(), self._private(kind),
                          canonicalize=(b"relaxed", b"relaxed"),
                          signature_algorithm=ALGORITHMS[kind],
                          include_headers=_SIGNED_FIELDS)
        return field + message

    def _private(self, kind):
        if kind == "rsa":
            return self._pem[kind]
        # dkimpy wants the seed alone, as base64: the last 32 octets of the PKCS#8 structure.
        lines = self._pem[kind].decode().splitlines()[1:-1]
        return base64.b64encode(base64.b64decode("".join(lines))[-32:])

    def verify(self, message, domain, selector, kind="rsa"):
        """"pass" if dkimpy accepts a signature of that domain and selector by our key of this
        kind; else what it found wrong."""
        name = f"{selector}._domainkey.{domain}."
        public = base64.b64encode(self._public[kind]).decode()
        records = {name: f"v=DKIM1; k={kind}; p={public}".encode()}
        return verify_signature(message, domain, selector, kind, records)


def verify_signature(message, domain, selector, kind, records):
    """dkimpy's verdict on one signature; `records` is all the DNS there is, {name: TXT}."""
    verifier = dkim.DKIM(message)
    wanted = {b"d": domain.encode(), b"s": selector.encode(), b"a": ALGORITHMS[kind]}
    fields = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
    for index, value in enumerate(fields):
        tags = dkim.util.parse_tag_value(value)
        if all(tags.get(tag) == want for tag, want in wanted.items()):
            try:
                accepted = verifier.verify(idx=index, dnsfunc=_lookup_in(records))
                return "pass" if accepted else "signature is wrong"
            except dkim.DKIMException as problem:
                return str(problem)
    return "no such signature"


def _lookup_in(records):
    """A DNS for dkimpy that holds these TXT records and asks nobody."""
    return lambda name, timeout=5: records.get(name.decode() if isinstance(name, bytes) else name)


def _openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout

