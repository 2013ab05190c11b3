# SPDX-License-Identifier: BSD-2-Clause
"""Honest DKIM signatures with dishonest tags, by keys of any size.

An attack whose signature never verifies proves little. So what is signed here is right in every way
but the odd one: hashes and signature fit the tags as the most forgiving reader would take them (the
first of two equal tags, unknown words of c= for "simple"). All arithmetic is Python's own, as no
library lends its keys to exponents of 1 and moduli of 16,384 bits.
"""

import base64
import hashlib
import math
import re
import subprocess
import tempfile

BODY_HASH, SIGNATURE = b"$BH", b"$B"
# RFC 8017 9.2, note 1: the DER of DigestInfo up to the digest.
_DIGEST_INFO = {"sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
                "sha1": bytes.fromhex("3021300906052b0e03021a05000414")}
_USUAL_EXPONENT = 65537
_LARGEST_PRIME_BITS = 1024


class RsaKey:
    """`bits` long; larger than 2,048 it is of several primes (RFC 8017 3.1)."""

    def __init__(self, bits, exponent=_USUAL_EXPONENT, private_exponent=None):
        count = max(2, -(-bits // _LARGEST_PRIME_BITS))
        usable = exponent if exponent % 2 else _USUAL_EXPONENT
        self._primes = _primes(bits, count, private_exponent or usable)
        self._modulus = math.prod(self._primes)
        order = math.lcm(*(prime - 1 for prime in self._primes))
        self._private = private_exponent or pow(usable, -1, order)
        self._exponent = pow(private_exponent, -1, order) if private_exponent else exponent
        self._octets = (self._modulus.bit_length() + 7) // 8

    def sign(self, octets, digest):
        hashed = _DIGEST_INFO[digest] + hashlib.new(digest, octets).digest()
        padding = b"\xff" * (self._octets - len(hashed) - 3)
        padded = int.from_bytes(b"\0\1" + padding + b"\0" + hashed, "big")
        return self._power(padded).to_bytes(self._octets, "big")

    def _power(self, base):
        """base ** private exponent, by the Chinese remainder theorem."""
        result, modulus = 0, 1
        for prime in self._primes:
            part = pow(base, self._private % (prime - 1), prime)
            result += (part - result) * pow(modulus, -1, prime) % prime * modulus
            modulus *= prime
        return result

    def bare_key(self):
        """RSAPublicKey of RFC 8017 A.1.1."""
        return _der(0x30, _der_number(self._modulus) + _der_number(self._exponent))

    def published(self):
        """SubjectPublicKeyInfo of RFC 5280 4.1, which RFC 6376 3.6.1 has in p=."""
        algorithm = _der(0x30, bytes.fromhex("06092a864886f70d010101") + b"\x05\0")
        return _der(0x30, algorithm + _der(0x03, b"\0" + self.bare_key()))


class Ed25519Key:
    """RFC 8463, by openssl."""

    def __init__(self):
        self._pem = _openssl("genpkey", "-algorithm", "ED25519")

    def sign(self, octets, _):
        with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as data:
            key.write(self._pem)
            key.flush()
            # RFC 8463 3: what is signed is the SHA-256 of the canonicalized header.
            data.write(hashlib.sha256(octets).digest())
            data.flush()
            return _openssl("pkeyutl", "-sign", "-rawin", "-inkey", key.name, "-in", data.name)

    def bare_key(self):
        return self.published()[-32:]

    def published(self):
        return _openssl("pkey", "-pubout", "-outform", "DER", stdin=self._pem)


class KeyRing:
    """Keys by what they are: `rsa 1024`, `rsa 1024 e=3`, `rsa 1024 d=65537`, `ed25519`."""

    def __init__(self):
        self._keys = {}

    def key(self, name):
        if name not in self._keys:
            kind, *rest = name.split()
            options = dict(word.split("=") for word in rest[1:])
            self._keys[name] = Ed25519Key() if kind == "ed25519" else RsaKey(
                int(rest[0]), int(options.get("e", _USUAL_EXPONENT)),
                int(options["d"]) if "d" in options else None)
        return self._keys[name]


def signature_value(template, fields, body, key, override):
    """The value of a DKIM-Signature field: `template` with BODY_HASH and SIGNATURE filled in.

    `fields` are (name, value) as an MTA hands them to a milter. `override` are tags that are hashed
    by in place of those in the template; `fold` and `padding` are for bh= and b=.
    """
    tags = {**_tags(template), **override}
    header_form, _, body_form = tags.get(b"c", b"").partition(b"/")
    digest = "sha1" if tags.get(b"a", b"").lower().endswith(b"sha1") else "sha256"
    signed = canonical_body(body, body_form.strip() == b"relaxed")
    if b"l" in override:
        signed = signed[:int(override[b"l"])]
    hashed = hashlib.new(digest, signed).digest()
    template = template.replace(BODY_HASH, _base64(hashed, override))
    relaxed = header_form.strip() == b"relaxed"
    names = [name.strip().lower() for name in tags.get(b"h", b"from").split(b":")]
    covered = [canonical_field(*field, relaxed) for field in _chosen(names, fields)]
    own = canonical_field(b"DKIM-Signature", template.replace(SIGNATURE, b""), relaxed)
    signature = key.sign(b"".join(covered) + own.removesuffix(b"\r\n"), digest)
    return template.replace(SIGNATURE, _base64(signature, override))


def _base64(octets, override):
    """In pieces of `fold` octets; without "=" at the end if `padding` is no."""
    text = base64.b64encode(octets)
    if override.get(b"padding") == b"no":
        text = text.rstrip(b"=")
    size = int(override.get(b"fold", len(text)))
    return b"\n\t".join(text[start:start + size] for start in range(0, len(text), size))


def _tags(template):
    """RFC 6376 3.2, for the most forgiving reader."""
    tags = {}
    for part in template.split(b";"):
        name, _, value = part.partition(b"=")
        tags.setdefault(name.strip().lower(), value.strip())
    return tags


def _chosen(names, fields):
    """RFC 6376 5.4.2: of equal names the last field first; a name too many chooses nothing."""
    left = {}
    for field in fields:
        left.setdefault(field[0].rstrip().lower(), []).append(field)
    return [left[name].pop() for name in names if left.get(name)]


def canonical_field(name, value, relaxed):
    """RFC 6376 3.4.1, 3.4.2. Milters see folds as LF."""
    value = value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if not relaxed:
        return name + b":" + value + b"\r\n"
    unfolded = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b""))
    return name.strip(b" \t").lower() + b":" + unfolded.strip(b" ") + b"\r\n"


def canonical_body(body, relaxed):
    """RFC 6376 3.4.3, 3.4.4."""
    if relaxed:
        body = re.sub(rb"[ \t]+", b" ", body)
        body = body.replace(b" \r\n", b"\r\n").removesuffix(b" ")
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    # Backwards, as a search for what ends the body would try each line end of it.
    line_ends = re.match(rb"(?:\n\r)*", body[len(body.rstrip(b"\r\n")):][::-1])
    body = body[:len(body) - line_ends.end()]
    # A last line that is not empty keeps its end; an empty body is CRLF in the simple form.
    is_empty = not body and relaxed
    return body if is_empty else body + b"\r\n"


def _primes(bits, count, coprime):
    """Primes whose product has `bits` bits or one less, for an exponent that is usable."""
    sizes = [bits // count + (index < bits % count) for index in range(count)]
    primes = []
    while len(primes) < count:
        prime = int(_openssl("prime", "-generate", "-bits", str(sizes[len(primes)])))
        if math.gcd(coprime, prime - 1) == 1 and prime not in primes:
            primes.append(prime)
    return primes


def _der(tag, content):
    """ITU-T X.690 8.1: tag, length, content."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _der_number(number):
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _openssl(*arguments, stdin=b""):
    return subprocess.run(["openssl", *arguments], input=stdin, check=True,
                          capture_output=True).stdout
