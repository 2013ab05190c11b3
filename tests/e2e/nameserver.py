# SPDX-License-Identifier: BSD-2-Clause
"""The rest of the Internet's DNS, as small as it can be: a UDP server on loopback.

Signet answers the records of a test from its DNSData file and asks this server for all other
names. It knows names, and no records but those that publish() gives it: a name that the zone text
has, or that lies above one it has, exists without data; `servfail` names fail; `timeout` names get
no answer; the rest does not exist (RFC 1035 4.1 for the packets).
"""

import socketserver
import threading

_NXDOMAIN, _SERVFAIL, _NO_ERROR = 3, 2, 0
_TXT = bytes([0, 16])


class _Question(socketserver.BaseRequestHandler):
    def handle(self):
        packet, server_socket = self.request
        name, end = _question_name(packet)
        code = self.server.response_code(name)
        if code is None:
            return
        wants_text = code == _NO_ERROR and packet[end:end + 2] == _TXT
        record = self.server.text_record(name) if wants_text else b""
        # QR, opcode 0, RD as asked, RA; the question repeated, at most one answer, nothing else.
        flags = bytes([0x80 | (packet[2] & 0x01), 0x80 | code])
        counts = bytes([0, 1, 0, 1 if record else 0, 0, 0, 0, 0])
        answer = packet[:2] + flags + counts + packet[12:end + 4] + record
        server_socket.sendto(answer, self.client_address)


def _question_name(packet):
    """The name asked for, lower case without its final dot, and where it ends in the packet."""
    labels, position = [], 12
    while packet[position]:
        length = packet[position]
        labels.append(packet[position + 1:position + 1 + length].decode("latin-1").lower())
        position += 1 + length
    return ".".join(labels), position + 1


class NameServer(socketserver.ThreadingUDPServer):
    """`with NameServer() as dns:` listens on `dns.port`; `dns.load(zone)` before each test."""

    daemon_threads = True

    def __init__(self):
        self._existing, self._failing, self._texts = set(), {}, {}
        super().__init__(("127.0.0.1", 0), _Question)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def load(self, zone):
        """`zone` has `.names` (owner names), `.servfail` and `.timeout` (lists of names)."""
        self._existing = {""}
        for name in zone.names:
            labels = name.split(".")
            self._existing.update(".".join(labels[i:]) for i in range(len(labels)))
        self._failing = {name: _SERVFAIL for name in zone.servfail}
        self._failing.update({name: None for name in zone.timeout})

    def publish(self, name, text):
        """Puts one TXT record there, of at most 255 octets, which nobody may keep."""
        self._texts[name] = text.encode()

    def text_record(self, name):
        """The answer section of a question for TXT."""
        text = self._texts.get(name)
        if text is None:
            return b""
        # The owner is a pointer to the question (RFC 1035 4.1.4); class IN, TTL 0.
        fixed = bytes([0xc0, 12]) + _TXT + bytes([0, 1, 0, 0, 0, 0, 0, len(text) + 1])
        return fixed + bytes([len(text)]) + text

    def response_code(self, name):
        """The RCODE for a name; None for silence."""
        if name in self._failing:
            return self._failing[name]
        return _NO_ERROR if name in self._existing or name in self._texts else _NXDOMAIN

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
