# SPDX-License-Identifier: BSD-2-Clause
"""The rest of the Internet's DNS, as small as it can be: a UDP server on loopback.

Signet answers the records of a test from its DNSData file and asks this server for all other
names. It knows names, no records: a name that the zone text has, or that lies above one it has,
exists without data; `servfail` names fail; `timeout` names get no answer; the rest does not exist
(RFC 1035 4.1 for the packets).
"""

import socketserver
import threading

_NXDOMAIN, _SERVFAIL, _NO_ERROR = 3, 2, 0


class _Question(socketserver.BaseRequestHandler):
    def handle(self):
        packet, server_socket = self.request
        name, end = _question_name(packet)
        code = self.server.response_code(name)
        if code is None:
            return
        # QR, opcode 0, RD as asked, RA; the question repeated, every other section empty.
        flags = bytes([0x80 | (packet[2] & 0x01), 0x80 | code])
        answer = packet[:2] + flags + bytes([0, 1, 0, 0, 0, 0, 0, 0]) + packet[12:end + 4]
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
        self._existing, self._failing = set(), {}
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

    def response_code(self, name):
        """The RCODE for a name; None for silence."""
        if name in self._failing:
            return self._failing[name]
        return _NO_ERROR if name in self._existing else _NXDOMAIN

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
