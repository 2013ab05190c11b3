# SPDX-License-Identifier: BSD-2-Clause
"""The messages of the load, and the judgement on what arrived of them.

Every second message is outgoing: from our user, for whose domain there is a key. The others come
in from fifty domains that differ in SPF and DKIM, so that the results of one message are never those
of another, and each brings an Authentication-Results field forged in our name.
"""

import itertools
import re
from dataclasses import dataclass, field

from daemon_site import (CROWD, SERVICE_USER, CaseFailed, expect, expect_results_of, has_key,
                         message_of, results_in)
from mail_load import Outcome
from scenario import header_fields

_OURS, _SELECTOR = "ours.example.com", "s1"
_FORGED = "Authentication-Results: mx.example.org; dmarc=pass (forged)"


class Post:
    """Writes the letters' messages. One for all loads of a run: numbers are never used twice."""

    def __init__(self, site):
        self._keys, self._numbers = site.keys, itertools.count(1)
        site.keys.install(site.key_directory, _OURS, _SELECTOR, owner=SERVICE_USER)
        with site.records.open("a") as records:
            records.write(f'{_SELECTOR}._domainkey.{_OURS}. IN TXT "v=DKIM1; k=rsa; '
                          f'p={site.keys.published()}"\n')
        self._incoming = {d: self._from_outside(d)
                          for d in (f"d{n}.example.net" for n in range(CROWD))}

    def _from_outside(self, domain):
        message = message_of(domain)
        if has_key(domain):
            message = self._keys.sign(message, domain, _SELECTOR)
        return f"{_FORGED}\r\n".encode() + message

    def next_number(self):
        return next(self._numbers)

    @staticmethod
    def sender(letter):
        return f"alice@{_OURS if letter.outgoing else letter.domain}"

    def content(self, letter):
        """The message in two halves, the second within the body."""
        message = message_of(_OURS) if letter.outgoing else self._incoming[letter.domain]
        message = f"Ledger-Number: {letter.number}\r\n".encode() + message
        return message[:-20], message[-20:]

    def judge(self, letter, octets, filter_required):
        """Raises CaseFailed if what arrived has not become what it should; else whether it came
        through the filter, which only a message that needs no filter may have missed."""
        fields = header_fields(octets)
        signatures = [f for f in fields if f.startswith("DKIM-Signature:")]
        own = [s for s in signatures if f" d={_OURS};" in s]
        if letter.outgoing:
            expect(len(signatures) == len(own) <= 1, f"signatures: {signatures}")
            verdict = self._keys.verify(octets, _OURS, _SELECTOR) if own else ""
            expect(not own or verdict == "pass", f"our signature: {verdict}")
            came_through = bool(own)
        else:
            expect(not own, f"incoming mail that we have signed: {own}")
            expect(len(signatures) == has_key(letter.domain), f"signatures: {signatures}")
            came_through = _FORGED not in fields
            if came_through:
                _expect_own_results(letter.domain, fields)
        expect(came_through or not filter_required, f"it did not come through the filter: {fields}")
        return came_through


def _expect_own_results(domain, fields):
    expect_results_of(domain, fields)
    results = results_in(fields)
    expect(("dkim=pass " in results) == has_key(domain), results)


def ledger_number(octets):
    """Which letter this is; None if it is none of ours."""
    found = re.search(rb"^Ledger-Number: (\d+)\r$", octets.partition(b"\r\n\r\n")[0], re.M)
    return int(found.group(1)) if found else None


@dataclass
class Account:
    """The ledger of one load beside what was delivered meanwhile."""

    messages: int = 0
    refused: int = 0      # attempts
    lost: int = 0         # attempts
    unknown: int = 0      # attempts
    once: int = 0         # letters delivered that often
    again: int = 0        # letters of an unknown attempt that were delivered more than once
    without: int = 0      # deliveries that did not come through the filter
    problems: list = field(default_factory=list)


def settle(post, letters, deliveries, filter_required):
    """The Account. `deliveries` is {number: [octets]}, with None for what has no number."""
    account = Account(messages=len(letters))
    unknown = set(deliveries) - {letter.number for letter in letters}
    if unknown:
        account.problems.append(f"delivered, and not in the ledger: {sorted(unknown, key=str)}")
    for letter in letters:
        account.refused += letter.count(Outcome.refused)
        account.lost += letter.count(Outcome.lost)
        account.unknown += letter.count(Outcome.unknown)
        try:
            _settle_letter(post, letter, deliveries.get(letter.number, []), filter_required, account)
        except CaseFailed as problem:
            account.problems.append(f"letter {letter.number} of {post.sender(letter)}, "
                                    f"{letter.replies}: {problem}")
    return account


def _settle_letter(post, letter, copies, filter_required, account):
    accepted, unknown = letter.count(Outcome.accepted), letter.count(Outcome.unknown)
    expect(letter.count(Outcome.rejected) == 0, "refused for good")
    expect(accepted == 1, f"accepted {accepted} times")
    expect(1 <= len(copies) <= 1 + unknown,
           f"delivered {len(copies)} times, {unknown} attempts without an answer")
    account.once += len(copies) == 1
    account.again += len(copies) > 1
    for octets in copies:
        account.without += not post.judge(letter, octets, filter_required)
