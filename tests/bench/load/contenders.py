# SPDX-License-Identifier: BSD-2-Clause
"""Who is measured, and with which configuration: each a list of filters, as `smtpd_milters` has.

All run in the foreground as root, log no more than a line for each message, and have nothing on
but what SPF, DKIM and DMARC take. What they share is in bench_site.py.
"""

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import processes
from bench_site import AUTHSERV_ID, DNS_ADDRESS, DNS_PORT, OUR_DOMAIN, SELECTOR
from rspamd_conf import RSPAMD_CONF

_SIGNET_CONF = """\
Socket local:{socket}
UserID root
AuthservID {authserv_id}
Nameservers {dns_address}@{dns_port}
KeyDirectory {site}/keys
"""

_OPENDKIM_CONF = """\
Socket local:{socket}
Mode sv
AuthservID {authserv_id}
AlwaysAddARHeader yes
Nameservers {dns_address}
Domain {our_domain}
Selector {selector}
KeyFile {key_file}
Canonicalization relaxed/relaxed
OversignHeaders From
Syslog no
"""

_OPENDMARC_CONF = """\
Socket local:{socket}
AuthservID {authserv_id}
TrustedAuthservIDs {authserv_id}
IgnoreAuthenticatedClients true
SPFSelfValidate {validates_spf}
RejectFailures false
Syslog false
"""

_PYSPF_CONF = """\
debugLevel = 0
Header_Type = AR
Authserv_Id = {authserv_id}
HELO_reject = False
Mail_From_reject = False
Socket = local:{socket}
PidFile = {folder}/pyspf.pid
UserID = root
InternalHosts = 127.0.0.1
"""


@dataclass
class Filter:
    """One program. `command` and `conf` may have {conf}, {socket}, {folder} and so on in them."""

    name: str
    command: list
    conf: str = ""
    values: dict = field(default_factory=dict)


@dataclass
class Contender:
    """`filters`: none is the bare cryptography. `needs`: programs without which it is left out."""

    name: str
    title: str
    filters: list
    needs: list
    does: tuple = ("verify", "sign")
    counts: tuple = ("spf", "dkim", "dmarc")  # the results it is there for


def all_contenders(build):
    """In the order in which they take turns. `build`: the build folder of Signet."""
    build = Path(build).resolve()
    opendkim = Filter("opendkim", ["opendkim", "-f", "-x", "{conf}"], _OPENDKIM_CONF)
    opendmarc = ["opendmarc", "-f", "-c", "{conf}"]
    pyspf = Filter("pyspf", ["pyspf-milter", "{conf}"], _PYSPF_CONF)
    signet = build / "milter/signet-milter"
    contenders = [
        Contender("signet", "Signet",
                  [Filter("signet", [signet, "-c", "{conf}", "-f"], _SIGNET_CONF)], [signet]),
        Contender("rspamd", "rspamd",
                  [Filter("rspamd", ["rspamd", "-f", "-i", "-c", "{conf}"], RSPAMD_CONF)],
                  ["rspamd"]),
        Contender("opendkim-opendmarc", "OpenDKIM + OpenDMARC",
                  [opendkim, Filter("opendmarc", opendmarc, _OPENDMARC_CONF,
                                    {"validates_spf": "true"})],
                  ["opendkim", "opendmarc"]),
        Contender("pyspf-opendkim-opendmarc", "pyspf-milter + OpenDKIM + OpenDMARC",
                  [pyspf, opendkim, Filter("opendmarc", opendmarc, _OPENDMARC_CONF,
                                           {"validates_spf": "false"})],
                  ["pyspf-milter", "opendkim", "opendmarc"]),
        Contender("opendkim", "OpenDKIM", [opendkim], ["opendkim"], counts=("dkim",)),
    ]
    tools = build / "tests/bench/load"
    for name, title, program in (("null", "null filter", tools / "null_milter"),
                                 ("null-buffered", "null filter, buffered",
                                  tools / "null_milter_buffered")):
        contenders.append(Contender(name, title, [Filter("null", [program, "unix:{socket}"])],
                                    [program], counts=()))
    contenders.append(Contender("bare", "bare cryptography", [], [tools / "bare_crypto"],
                                counts=()))
    return contenders


def missing(contender):
    """The programs that are not there."""
    return [str(need) for need in contender.needs if not shutil.which(need)]


class Running:
    """`with Running(contender, site) as running:` all filters of a contender are up."""

    def __init__(self, contender, site):
        self.contender, self._site = contender, site
        self._programs, self._stack = [], contextlib.ExitStack()
        self.sockets = []

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            for one in self.contender.filters:
                self._programs.append(stack.enter_context(self._prepare(one)))
            self._stack = stack.pop_all()
        return self

    def _prepare(self, one):
        # A folder for each start: another instance may still be up.
        folder = Path(tempfile.mkdtemp(prefix=f"{one.name}-", dir=self._site.folder))
        os.chmod(folder, 0o755)
        socket = folder / "milter.sock"
        values = dict(one.values, folder=folder, socket=socket, conf=folder / "conf",
                      site=self._site.folder, key_file=self._site.key_file,
                      authserv_id=AUTHSERV_ID, our_domain=OUR_DOMAIN, selector=SELECTOR,
                      dns_address=DNS_ADDRESS, dns_port=DNS_PORT, cpus=os.cpu_count())
        (folder / "conf").write_text(one.conf.format(**values))
        self.sockets.append(f"unix:{socket}")
        command = [str(part).format(**values) for part in one.command]
        return processes.Program(command, socket, self._site.resolv_conf, folder / "log")

    def pids(self):
        return processes.process_tree([program.pid for program in self._programs])

    def __exit__(self, *_):
        self._stack.close()
