# SPDX-License-Identifier: BSD-2-Clause
"""The far end of the mail path: an SMTP server on loopback that takes everything and keeps it.

The private Postfix relays each message it accepted to this sink, so a test sees the message with
the header fields it really ended with. Octets are kept as they came (RFC 5321 4.5.2 dot stuffing
undone), nothing is decoded.
"""

import queue
import socketserver
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Delivery:
    """One message as the sink got it."""

    sender: str
    recipients: tuple
    octets: bytes


class _Conversation(socketserver.StreamRequestHandler):
    """One SMTP session: just enough of RFC 5321 for Postfix as a client."""

    def handle(self):
        try:
            self._converse()
        except ConnectionError:
            pass  # Postfix stops without a QUIT; what it had handed over is kept

    def _converse(self):
        self.sender, self.recipients = "", []
        self._say("220 sink ESMTP")
        for line in self.rfile:
            verb, _, argument = line.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
            answer = getattr(self, "_" + verb.lower(), None)
            if answer is None:
                self._say("500 5.5.1 unknown")
            elif answer(argument) == "bye":
                return

    def _say(self, *lines):
        self.wfile.write("".join(line + "\r\n" for line in lines).encode())

    def _ehlo(self, _):
        self._say("250-sink", "250-8BITMIME", "250 SMTPUTF8")

    def _helo(self, _):
        self._say("250 sink")

    def _mail(self, argument):
        self.sender, self.recipients = _path(argument), []
        self._say("250 2.1.0 ok")

    def _rcpt(self, argument):
        self.recipients.append(_path(argument))
        self._say("250 2.1.5 ok")

    def _data(self, _):
        self._say("354 go on")
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.deliveries.put(
            Delivery(self.sender, tuple(self.recipients), b"".join(lines)))
        self._say("250 2.0.0 kept")

    def _rset(self, _):
        self.sender, self.recipients = "", []
        self._say("250 2.0.0 ok")

    def _quit(self, _):
        self._say("221 2.0.0 bye")
        return "bye"


def _path(argument):
    """`FROM:<a@b> SIZE=1` to `a@b`."""
    return argument.partition("<")[2].rpartition(">")[0]


class Sink(socketserver.ThreadingTCPServer):
    """`with Sink() as sink:` listens on `sink.port`; `sink.take()` waits for the next message."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.deliveries = queue.Queue()
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def take(self, seconds=10):
        """The next delivery; None if none comes in time."""
        try:
            return self.deliveries.get(timeout=seconds)
        except queue.Empty:
            return None

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
