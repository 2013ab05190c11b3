# SPDX-License-Identifier: BSD-2-Clause
"""A load of mail whose client keeps a ledger: each message has a number, and each attempt to hand
it in is written down with what SMTP said. What was refused for now is tried again until it is
accepted (RFC 5321 4.2.1, 4yz).

Where the connection is lost after the final dot and before the reply, nobody can know whether the
server has taken the message (RFC 1047). That attempt is `unknown`: it is made again, and the
message may then arrive twice.
"""

import heapq
import math
import smtplib
import threading
import time
from dataclasses import dataclass, field
from enum import Enum

from daemon_site import CROWD

_PER_SESSION = 10  # messages, then the client leaves
# Seconds without mail until it leaves, too. When Postfix reloads, master(8) may miss that a process
# has just taken a client, and starts no other before that client has left.
_IDLE = 1
_PATIENCE = 120    # seconds for a reply; above Postfix's milter timeouts
_RETRY = 0.5       # seconds until a message is tried again


class Outcome(Enum):
    """What became of one attempt."""

    accepted = "250 after the dot"
    refused = "4yz"
    rejected = "5yz"
    lost = "connection lost before the dot"
    unknown = "connection lost after the dot, before the reply"


@dataclass
class Letter:
    """A message in the ledger."""

    number: int
    outgoing: bool
    domain: str
    attempts: list = field(default_factory=list)
    replies: list = field(default_factory=list)

    def count(self, outcome):
        return self.attempts.count(outcome)


class Session:
    """One SMTP session of a client that Postfix was told about by XCLIENT."""

    def __init__(self, port, outgoing):
        self._client, self.reply = smtplib.SMTP(timeout=_PATIENCE), ""
        identity = "ADDR=192.0.2.1 NAME=[UNAVAILABLE]" + (" LOGIN=alice" if outgoing else "")
        self._opening = (lambda: self._client.connect("127.0.0.1", port),
                         lambda: self._client.ehlo("client.example.com"),
                         lambda: self._client.docmd("XCLIENT", identity),
                         lambda: self._client.ehlo("client.example.com"))

    def send(self, sender, halves, pause):
        """The Outcome. Unless that is `accepted`, the session is of no more use."""
        steps = (*self._opening, lambda: self._client.mail(sender),
                 lambda: self._client.rcpt("bob@example.org"), lambda: self._client.docmd("DATA"))
        self._opening = ()
        try:
            for step in steps:
                outcome = self._judge(step())
                if outcome != Outcome.accepted:
                    return outcome
            self._client.sock.sendall(halves[0])
            time.sleep(pause)
        except (OSError, smtplib.SMTPException) as error:
            self.reply = repr(error)
            return Outcome.lost
        try:
            self._client.sock.sendall(halves[1] + b".\r\n")
            return self._judge(self._client.getreply())
        except (OSError, smtplib.SMTPException) as error:
            self.reply = repr(error)
            return Outcome.unknown

    def _judge(self, answer):
        code, text = answer
        self.reply = f"{code} {text.decode('latin-1')}"
        if code < 400:
            return Outcome.accepted
        return Outcome.refused if code < 500 else Outcome.rejected

    def close(self):
        self._client.close()


class _Agenda:
    """Letters and when they are due; whoever takes one waits for that."""

    def __init__(self):
        self._due, self._changed = [], threading.Condition()
        self._unsettled, self._closed = 0, False

    def add(self, letter):
        with self._changed:
            self._unsettled += 1
            heapq.heappush(self._due, (time.monotonic(), letter.number, letter))
            self._changed.notify()

    def add_again(self, letter):
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + _RETRY, letter.number, letter))
            self._changed.notify()

    def settle(self):
        with self._changed:
            self._unsettled -= 1

    @property
    def unsettled(self):
        return self._unsettled

    def close(self):
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, patience=math.inf):
        """The next letter; None when there will be none, or none was due in `patience` seconds."""
        end = time.monotonic() + patience
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                due = self._due[0][0] if self._due else math.inf
                if due <= now:
                    return heapq.heappop(self._due)[2]
                if end <= now:
                    return None
                until = min(due, end)
                self._changed.wait(None if until == math.inf else until - now)
        return None

    @property
    def closed(self):
        return self._closed


class Load:
    """`with Load(post, port, rate, chance) as load:` sends while the block runs; leaving it waits
    until the last letter is settled. `load.letters` is the ledger then.

    `post` makes the messages: post.content(letter) is the octets, in two halves. `chance` is a
    random.Random.
    """

    def __init__(self, post, port, rate, chance, clients=40):
        self._post, self._port, self._rate, self._chance = post, port, rate, chance
        self._agendas = {outgoing: _Agenda() for outgoing in (False, True)}
        self._threads = [threading.Thread(target=self._work, args=(n % 2 == 0,), daemon=True)
                         for n in range(clients)]
        self._producer = threading.Thread(target=self._produce, daemon=True)
        self._enough = threading.Event()
        self.letters = []

    def _produce(self):
        """Letters come at their rate, whatever becomes of those before (an open loop)."""
        began = time.monotonic()
        while not self._enough.wait(max(0, began + len(self.letters) / self._rate -
                                        time.monotonic())):
            number = self._post.next_number()
            letter = Letter(number, number % 2 == 0, f"d{number % CROWD}.example.net")
            self.letters.append(letter)
            self._agendas[letter.outgoing].add(letter)

    def _work(self, outgoing):
        agenda = self._agendas[outgoing]
        session, left = None, 0
        while not agenda.closed:
            letter = agenda.take(_IDLE if left > 0 else math.inf)
            if letter is None:
                if left > 0:
                    session.close()
                left = 0
                continue
            if left == 0:
                session, left = Session(self._port, outgoing), _PER_SESSION
            outcome = session.send(self._post.sender(letter), self._post.content(letter),
                                   self._chance.uniform(0, 0.1))
            letter.attempts.append(outcome)
            letter.replies.append(session.reply)
            left -= 1
            if outcome != Outcome.accepted or left == 0:
                session.close()
                left = 0
            if outcome in (Outcome.accepted, Outcome.rejected):
                agenda.settle()
            else:
                agenda.add_again(letter)

    @property
    def unsettled(self):
        return sum(agenda.unsettled for agenda in self._agendas.values())

    def __enter__(self):
        for thread in (*self._threads, self._producer):
            thread.start()
        return self

    def finish(self, seconds, check):
        """Ends the load and waits for what is under way; `check` is called meanwhile.
        TimeoutError if that takes longer."""
        self._enough.set()
        self._producer.join()
        deadline = time.monotonic() + seconds
        while self.unsettled > 0:
            check()
            if time.monotonic() > deadline:
                late = [letter for letter in self.letters if not letter.count(Outcome.accepted)]
                raise TimeoutError(f"not accepted after {seconds} s: {late}")
            time.sleep(0.02)

    def __exit__(self, *_):
        self._enough.set()
        for agenda in self._agendas.values():
            agenda.close()
