# SPDX-License-Identifier: BSD-2-Clause
"""A DNS server on loopback that says whatever an attacker's zone holds.

It answers over UDP, and over TCP what is too long for that. Records are lines of text, such as
`sel._domainkey.example.net TXT v=DKIM1; p=...`; nobody may keep them (TTL 0). A name without
records that lies above one with some exists without data, every other does not exist. The packets
are well formed (RFC 1035 4.1): what is odd is what they hold.
"""

import ipaddress
import socketserver
import struct
import threading

_NO_ERROR, _SERVFAIL, _NXDOMAIN = 0, 2, 3
_TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
_CLASS_IN, _OPT = 1, 41
# What is offered by EDNS (RFC 6891 6.2.5), and so what fits into a UDP answer.
_UDP_OCTETS = 1232


class ZoneServer:
    """`with ZoneServer() as dns:` listens on `dns.port`; `dns.publish(lines)` before each test.

    A line is `NAME TYPE DATA` in octets. TXT data is cut into strings of 255 octets, that of type
    `TXT/7` into strings of 7. The types `SERVFAIL` and `NODATA` have no data.
    """

    def __init__(self):
        self._fixed, self._records = {}, {}
        self._udp, self._tcp = _servers_on_one_port()
        self.port = self._udp.server_address[1]
        for server in (self._udp, self._tcp):
            server.zone = self
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def keep(self, lines):
        """Publishes these for good, besides what publish() is given."""
        self._fixed = _read_records(lines)
        self.publish([])

    def publish(self, lines):
        """Publishes these in place of those before."""
        self._records = {**self._fixed, **_read_records(lines)}

    def answer(self, question, limit=65535):
        """The packet that answers a packet; cut off (TC) if it were longer than `limit`."""
        name, end = _question_name(question)
        asked, records = struct.unpack(">H", question[end:end + 2])[0], self._records
        found = records.get(name, [])
        if any(kind == "SERVFAIL" for kind, _ in found):
            code = _SERVFAIL
        elif name in records or any(other.endswith(b"." + name) for other in records):
            code = _NO_ERROR
        else:
            code = _NXDOMAIN
        matching = [(_TYPES[kind], data) for kind, data in found
                    if _TYPES.get(kind) in (asked, _TYPES["CNAME"])]
        packet = _packet(question, end + 4, code, matching)
        return packet if len(packet) <= limit else _packet(question, end + 4, code, [], cut=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()


class _UdpQuestion(socketserver.BaseRequestHandler):
    def handle(self):
        packet, server_socket = self.request
        answer = self.server.zone.answer(packet, _UDP_OCTETS)
        server_socket.sendto(answer, self.client_address)


class _TcpQuestion(socketserver.StreamRequestHandler):
    def handle(self):
        # RFC 1035 4.2.2: two octets of length before each packet.
        while len(prefix := self.rfile.read(2)) == 2:
            question = self.rfile.read(struct.unpack(">H", prefix)[0])
            answer = self.server.zone.answer(question)
            self.wfile.write(struct.pack(">H", len(answer)) + answer)


def _servers_on_one_port():
    """One for UDP and one for TCP. A port that is free for the one may be taken for the other."""
    for _ in range(20):
        udp = _bound_server(socketserver.ThreadingUDPServer, _UdpQuestion, 0)
        try:
            return udp, _bound_server(socketserver.ThreadingTCPServer, _TcpQuestion,
                                      udp.server_address[1])
        except OSError:
            udp.server_close()
    raise RuntimeError("no port for both UDP and TCP on 127.0.0.1")


def _bound_server(kind, handler, port):
    kind.allow_reuse_address = kind.daemon_threads = True
    return kind(("127.0.0.1", port), handler)


def _question_name(packet):
    """The name asked for, in lower case, and where it ends in the packet."""
    labels, position = [], 12
    while packet[position]:
        end = position + 1 + packet[position]
        labels.append(packet[position + 1:end].lower())
        position = end
    return b".".join(labels), position + 1


def _packet(question, question_end, code, records, cut=False):
    # QR, TC, RD as asked; RA and the code.
    flags = bytes([0x80 | (0x02 if cut else 0) | (question[2] & 0x01), 0x80 | code])
    has_edns = question[10:12] != b"\0\0"
    counts = struct.pack(">HHHH", 1, len(records), 0, int(has_edns))
    # The owner is a pointer to the question (RFC 1035 4.1.4).
    answers = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, _CLASS_IN, 0, len(data)) + data
                       for kind, data in records)
    edns = b"\0" + struct.pack(">HHIH", _OPT, _UDP_OCTETS, 0, 0) if has_edns else b""
    return question[:2] + flags + counts + question[12:question_end] + answers + edns


def _read_records(lines):
    records = {}
    for line in lines:
        name, kind, *data = line.split(b" ", 2)
        kind, _, size = kind.decode().partition("/")
        octets = _record_data(kind, data[0] if data else b"", int(size or 255))
        records.setdefault(name.lower(), []).append((kind, octets))
    return records


def _record_data(kind, data, string_octets):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(data.decode()).packed
    if kind in ("CNAME", "PTR"):
        return _wire_name(data)
    if kind == "MX":
        preference, _, host = data.partition(b" ")
        return struct.pack(">H", int(preference)) + _wire_name(host)
    if kind == "TXT":
        starts = range(0, len(data) or 1, string_octets)
        strings = [data[start:start + string_octets] for start in starts]
        return b"".join(bytes([len(string)]) + string for string in strings)
    if kind in ("SERVFAIL", "NODATA"):
        return b""
    raise ValueError(f"no such type of record: {kind}")


def _wire_name(text):
    labels = [label for label in text.split(b".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
