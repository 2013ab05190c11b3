#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A reload with a broken configuration, table or key: the old one keeps working.

Each file that a reload reads is broken in turn in the ways that half-written, swapped and badly
copied files are. After each the log has to name the file, and the line in those that have lines; a
message has to be signed with the old key, and one from outside has to get the old authserv-id. In
all that was said meanwhile there must be nothing of a private key. Needs root, for Postfix.

By default files are cut at every 160th octet; the case all_broken_files cuts at every 16th.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from daemon_site import EX_CONFIG, SERVICE_USER, expect, expect_results_of, run_cases
from postfix import wait_until

_DOMAIN = "kept.example.com"
_OPENSSL_PRIVATE = ("privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient")


@dataclass
class Breakage:
    """What is done to a file. `is_line`: the log has to name a line."""
    how: str
    put: Callable[[Path], None]
    is_line: bool = False


def _octets(how, octets, mode=0o600, is_line=True):
    def put(path):
        path.touch(mode=mode)
        path.write_bytes(octets)
        path.chmod(mode)
        shutil.chown(path, SERVICE_USER)
    return Breakage(how, put, is_line)


def _cuts(octets, step):
    """Half-written, cut every `step` octets; but one that lacks nothing but a line end is whole."""
    return [_octets(f"cut after {size} octets", octets[:size])
            for size in range(step, len(octets.rstrip()), step)]


def _no_files():
    """What is in the place of a file and is none."""
    return [Breakage("a directory", Path.mkdir),
            Breakage("a FIFO", os.mkfifo),
            Breakage("a symbolic link to nothing", lambda path: path.symlink_to("nothing")),
            Breakage("a symbolic link to itself", lambda path: path.symlink_to(path.name)),
            Breakage("a symbolic link to a device", lambda path: path.symlink_to("/dev/zero"))]


def _no_text(octets):
    """A file of other octets than it should have."""
    return [_octets("a program", Path("/bin/true").read_bytes()),
            _octets("NUL in the middle", octets[:40] + b"\0" + octets[41:]),
            _octets("an 8-bit octet in the middle", octets[:40] + b"\xff" + octets[41:]),
            _octets("a line of 100,000 octets", octets + b"\n" + b"x" * 100_000)]


def _key_breakages(site, kind, step):
    path = site.folder / f"{kind}.pem"
    octets = path.read_bytes()

    def openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], input=octets, capture_output=True, check=True)
        return done.stdout

    curve = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    contents = {"empty": b"", "the public key": openssl("pkey", "-pubout"),
                "DER": openssl("pkey", "-outform", "DER"), "of a curve": openssl(*curve),
                "encrypted": openssl("pkey", "-aes256", "-passout", "pass:secret"),
                "of another kind": b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
                "too large": octets + b"\n" * 70_000}
    modes = {"readable by all": 0o644, "writable by the group": 0o620, "readable by nobody": 0}

    def link(path):
        other = path.with_suffix(".other")
        _octets("", octets).put(other)
        path.symlink_to(other.name)

    def of_another(path):
        _octets("", octets).put(path)
        shutil.chown(path, "daemon")

    return (_cuts(octets, step) + _no_files() + _no_text(octets) +
            [_octets(how, text) for how, text in contents.items()] +
            [_octets(how, octets, mode) for how, mode in modes.items()] +
            [Breakage("a symbolic link to a key", link), Breakage("of another user", of_another)])


class Saved:
    """`with Saved(path):` whatever is done to the file, afterwards it is as it was."""

    def __init__(self, path):
        self._path, self._octets = path, path.read_bytes()
        self._mode, self._owner = path.stat().st_mode & 0o7777, path.owner()

    def __enter__(self):
        self._path.unlink()

    def __exit__(self, *_):
        if self._path.is_dir() and not self._path.is_symlink():
            self._path.rmdir()
        else:
            self._path.unlink()
        self._path.write_bytes(self._octets)
        self._path.chmod(self._mode)
        shutil.chown(self._path, self._owner)


class Installation:
    """Every file there is, and the daemon that has read them; what was said about broken ones."""

    def __init__(self, site):
        self.site, self.said, self.kinds = site, [], set()
        self.tables = {
            "KeyTable": f"first one.example.com:t1:{site.folder}/table-key.pem\n"
                        f"second two.example.com:t1:{site.folder}/table-key.pem\n",
            "SigningTable": "one.example.com first\ntwo.example.com second\n",
            "SenderLogins": "alice kept.example.com,other.example.com\nbob more.example.com\n",
            "PolicyTable": "accept client=198.51.100.0/24 from=example.com as=trusted_forwarder\n"
                           "reject mail_from=.example.net dkim=lists.example.org\n",
            "DNSData": site.records.read_text()[:1500].rsplit("\n", 1)[0] + "\n"}
        site.keys.write(site.folder / "table-key.pem", "rsa", owner=SERVICE_USER)
        for kind, selector in (("rsa", "s1"), ("ed25519", "e1")):
            site.keys.install(site.key_directory, _DOMAIN, selector, kind, owner=SERVICE_USER)
        options = {}
        for option, text in self.tables.items():
            path = self.path_of(option)
            path.write_text(text)
            options[option] = path
        self.milter = site.milter(**options, Nameservers=f"127.0.0.1@{site.dns.port}",
                                  InternalHosts="127.0.0.1, 198.51.100.0/24",
                                  QuarantineAction="header", DMARCReject="corroborated",
                                  SignHeaders="From, To, Subject, Date", MessageTimeout="10s")

    def path_of(self, option):
        return self.site.folder / f"{option}.table"

    def key(self, selector):
        return self.site.key_directory / _DOMAIN / f"{selector}.pem"

    def check_works(self):
        """Both keys sign, and the results of mail from outside have the old name."""
        fields = self.site.deliver(_DOMAIN, login="alice")
        for selector in ("s1", "e1"):
            expect(any(f.startswith("DKIM-Signature:") and f" s={selector};" in f for f in fields),
                   f"not signed with {selector}: {fields}")
        expect_results_of("d0.example.net", self.site.deliver("d0.example.net"))

    def is_wrong(self, path, breakage):
        """Whether `signet-milter -n` refuses what is left of the file: a cut may leave a good one."""
        done = subprocess.run([self.site.program, "-c", str(self.milter.config_path), "-n"],
                              capture_output=True, text=True, errors="replace", timeout=30,
                              check=False)
        self.said.append(done.stdout + done.stderr)
        expect(done.returncode in (0, EX_CONFIG), f"{path.name} {breakage.how}: {done}")
        return done.returncode == EX_CONFIG

    def break_file(self, path, breakage, rest_stays):
        """Reloads with the broken file; False if it is not broken. `rest_stays`: everything is to
        stay as it was; else the key alone."""
        what = f"{path.name} {breakage.how}"
        with Saved(path):
            breakage.put(path)
            if rest_stays and not self.is_wrong(path, breakage):
                return False
            taken = self.milter.reload_files()
            log = self.milter.log
            expect(taken != rest_stays, f"{what}: {log}")
            line = r":[0-9]+" if rest_stays and breakage.is_line else ""
            named = re.escape(str(path)) + line + ": "
            # A KeyTable may lack a key and be whole; then it is the SigningTable that asks for it.
            if path == self.path_of("KeyTable"):
                named += "|" + re.escape(str(self.path_of("SigningTable"))) + ":2: want the name"
            expect(re.search(named, log), f"{what}: not named: {log}")
            word = "the old configuration stays" if rest_stays else "the old one stays: "
            expect(word in log, f"{what}: {log}")
            self.said.append(log)
            self.check_works()
        self.kinds.add((path.name, re.sub(r"\d+ octets", "", breakage.how)))
        return True

    def expect_no_secret(self, kind):
        """Nothing that was said holds nine octets of a private number, in any way to write them."""
        said = "\n".join(self.said)
        for number in _private_numbers(self.site.folder / f"{kind}.pem"):
            for start in range(0, len(number) - 9, 3):
                piece = number[start:start + 9]
                for text in (piece.hex(), piece.hex().upper(), piece.hex(":"),
                             base64.b64encode(piece).decode()):
                    expect(text not in said, f"part of a private key was said: {text!r}")


def _private_numbers(path):
    """The private numbers of a key, as octets."""
    text = subprocess.run(["openssl", "pkey", "-in", str(path), "-noout", "-text"], check=True,
                          capture_output=True, text=True).stdout
    names = "|".join((*_OPENSSL_PRIVATE, "priv"))
    found = re.findall(rf"^(?:{names}):\n((?:    .*\n)+)", text, re.M)
    return [bytes.fromhex(re.sub(r"[\s:]", "", number)) for number in found]


def _break_all(site, step):
    """The number of broken files that were tried."""
    installation = Installation(site)
    count = 0
    with installation.milter as milter:
        wait_until(lambda: "started: " in milter.log, 20, "the filter to be ready")
        installation.check_works()
        config = milter.config_path
        texts = [config] + [installation.path_of(option) for option in installation.tables]
        for path in texts:
            octets = path.read_bytes()
            for breakage in _cuts(octets, step) + _no_files() + _no_text(octets):
                count += installation.break_file(path, breakage, rest_stays=True)
        for kind, selector in (("rsa", "s1"), ("ed25519", "e1")):
            for breakage in _key_breakages(site, kind, step):
                count += installation.break_file(installation.key(selector), breakage,
                                                 rest_stays=False)
        expect(milter.reload_files(), milter.log)
        installation.check_works()
        installation.said.append(milter.log)
        expect(milter.stop() == 0, milter.log)
    for kind in ("rsa", "ed25519"):
        installation.expect_no_secret(kind)
    print(f"{count} broken files of {len(installation.kinds)} kinds", flush=True)
    return count


def broken_files(site):
    """No broken file is taken, each is named, no key is told, and mail goes on as before"""
    expect(_break_all(site, 160) >= 80, "too few broken files")


def all_broken_files(site):
    """The same of two hundred broken files and more"""
    expect(_break_all(site, 16) >= 200, "too few broken files")


if __name__ == "__main__":
    sys.exit(run_cases(__doc__, (broken_files,), on_request=(all_broken_files,)))
