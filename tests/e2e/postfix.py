# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix on loopback ports, with every file of its own under one temporary folder.

Nothing outside that folder is read or changed but the installed programs: no /etc/postfix/main.cf
is needed, and a Postfix that serves the machine is not noticed. Needs root (Postfix drops
privileges by itself) and the account `postfix` and the group `postdrop` that the package makes.

Two listeners differ in the macro {daemon_name} that the milter sees, `inbound` and `submission`,
and in that the second adds fields that a message lacks (From, Date, Message-ID), as Postfix does
for its own users. Both allow XCLIENT to loopback, so a test can come from any address, under any
name, and as an authenticated user. Accepted mail goes to the sink; held mail stays and can be
looked at. To recipients in seven-bit.example and untouched.example it goes there as if the sink
did not know 8BITMIME; for the latter Postfix is told to convert nothing and to break no line.
"""

import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_MAIN_CF = """\
compatibility_level = 3.6
config_directory = {home}/conf
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/mail.log
maillog_file_prefixes = {home}
import_environment = MAIL_CONFIG TZ
mail_owner = postfix
setgid_group = postdrop
myhostname = {host_name}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
default_transport = smtp:[127.0.0.1]:{sink_port}
relay_domains = static:all
relay_transport = $default_transport
transport_maps = inline:{{ {{ seven-bit.example = seven-bit:[127.0.0.1]:{sink_port} }},
  {{ untouched.example = untouched:[127.0.0.1]:{sink_port} }} }}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_forbid_bare_newline = no
smtpd_client_connection_rate_limit = 0
disable_dns_lookups = yes
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_tls_security_level = none
smtpd_tls_security_level = none
in_flow_delay = 0
max_idle = 600
smtpd_milters = {milter}
non_smtpd_milters = {milter}
milter_default_action = tempfail
milter_content_timeout = 60s
"""

_MASTER_CF = """\
127.0.0.1:{inbound} inet n - n - - smtpd -o milter_macro_daemon_name=inbound
  -o local_header_rewrite_clients=
127.0.0.1:{submission} inet n - n - - smtpd -o milter_macro_daemon_name=submission
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
seven-bit unix - - n - - smtp -o smtp_discard_ehlo_keywords=8bitmime,smtputf8
untouched unix - - n - - smtp -o smtp_discard_ehlo_keywords=8bitmime,smtputf8
  -o disable_mime_output_conversion=yes -o smtp_line_length_limit=0
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Reply:
    """An SMTP reply: the code, and its text with the lines joined by a space."""

    code: int
    text: str

    def __str__(self):
        return f"{self.code} {self.text}"

    @property
    def queue_id(self):
        found = re.search(r"queued as (\w+)", self.text)
        return found.group(1) if found else None


@dataclass
class Envelope:
    """Who says so and from where. `address` and `name` are what the milter is told by XCLIENT."""

    sender: str
    recipient: str
    address: str = "127.0.0.1"
    name: str = "[UNAVAILABLE]"
    helo: str = "client.example.com"
    login: str = ""
    listener: str = "inbound"


class Postfix:
    """`with Postfix(folder, milter="inet:127.0.0.1:8891", sink_port=sink.port) as postfix:`"""

    def __init__(self, folder, milter, sink_port, host_name="mx.example.org"):
        self.home = Path(folder)
        self.ports = {"inbound": free_port(), "submission": free_port()}
        self._write_configuration(milter=milter, sink_port=sink_port, host_name=host_name)
        self._master = None

    def _write_configuration(self, **choices):
        for name in ("conf", "queue", "data"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o755)
        shutil.chown(self.home / "data", "postfix")
        values = dict(self.ports, home=self.home, **choices)
        (self.home / "conf/main.cf").write_text(_MAIN_CF.format(**values))
        (self.home / "conf/master.cf").write_text(_MASTER_CF.format(**values))

    def __enter__(self):
        self._run("postfix", "-c", self._conf, "check")
        daemons = self._run("postconf", "-c", self._conf, "-h", "daemon_directory").strip()
        # A session of its own: master then leads its process group, and takes it down with it.
        self._master = subprocess.Popen([f"{daemons}/master", "-c", self._conf, "-d"],
                                        start_new_session=True, stdin=subprocess.DEVNULL)
        for port in self.ports.values():
            wait_until(lambda: port_answers(port), 20, f"Postfix to listen on port {port}")
        return self

    def __exit__(self, *_):
        if self._master.poll() is None:
            self._master.send_signal(signal.SIGTERM)
        self._master.wait(20)

    def reload(self, **settings):
        """Changes settings of main.cf, and has all services start again one by one."""
        if settings:
            self._run("postconf", "-c", self._conf, "-e",
                      *(f"{name}={value}" for name, value in settings.items()))
        self._run("postfix", "-c", self._conf, "reload")

    @property
    def pid(self):
        """That of master(8), the parent of all services."""
        return self._master.pid

    @property
    def _conf(self):
        return str(self.home / "conf")

    @property
    def log(self):
        path = self.home / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @staticmethod
    def _run(*command):
        environment = dict(os.environ, PATH="/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C")
        done = subprocess.run(command, env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def send(self, envelope, message):
        """Hands in one message (octets, CRLF line ends); the Reply that ended the attempt."""
        with smtplib.SMTP(timeout=30) as client:
            client.connect("127.0.0.1", self.ports[envelope.listener])
            for step in [*_envelope_steps(client, envelope), lambda: client.data(message)]:
                reply = _reply(step())
                if reply.code >= 400:
                    break
        return reply

    def begin(self, envelope):
        """A client whose DATA was answered by 354; the message's octets come next."""
        client = smtplib.SMTP("127.0.0.1", self.ports[envelope.listener], timeout=30)
        for step in [*_envelope_steps(client, envelope), lambda: client.docmd("DATA")]:
            reply = _reply(step())
            if reply.code >= 400:
                raise RuntimeError(f"refused before the message: {reply}")
        return client

    @staticmethod
    def finish(client, octets):
        """Sends the rest of the message that begin() opened; the Reply to it."""
        client.sock.sendall(octets + b".\r\n")
        return _reply(client.getreply())

    def held(self, queue_id):
        """Whether this message is in the HOLD queue."""
        return (self.home / "queue/hold" / queue_id).exists()

    def held_message(self, queue_id):
        """A held message's octets, LF line ends, as postcat shows them."""
        return self._run("postcat", "-c", self._conf, "-bh", "-q", queue_id).encode()

    def delete(self, queue_id):
        self._run("postsuper", "-c", self._conf, "-d", queue_id)

    def sendmail(self, sender, recipient, message):
        """Submits like a program on this host: non_smtpd_milters see it."""
        subprocess.run(["/usr/sbin/sendmail", "-C", self._conf, "-i", "-f", sender, recipient],
                       input=message.replace(b"\r\n", b"\n"), check=True)


def _envelope_steps(client, envelope):
    """The commands before DATA, each to be called; the first that is refused is the last."""
    wide = not (envelope.sender + envelope.recipient).isascii()
    identity = f"ADDR={envelope.address} NAME={envelope.name}"
    if envelope.login:
        identity += f" LOGIN={envelope.login}"
    yield lambda: client.ehlo("test.example.org")
    yield lambda: client.docmd("XCLIENT", identity)
    yield lambda: client.ehlo(envelope.helo)
    if wide:
        client.command_encoding = "utf-8"
    options = "BODY=8BITMIME SMTPUTF8" if wide else "BODY=8BITMIME"
    yield lambda: client.docmd("MAIL", f"FROM:<{envelope.sender}> {options}")
    yield lambda: client.docmd("RCPT", f"TO:<{envelope.recipient}>")


def _reply(answer):
    code, text = answer
    return Reply(code, " ".join(text.decode("utf-8", "replace").split("\n")))


def free_port():
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition, seconds, what):
    """Polls; raises TimeoutError that names `what` if it does not come about in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.01)
