# SPDX-License-Identifier: BSD-2-Clause
"""What all contenders of one run share: a folder with the mail, the keys, and a name server."""

import subprocess
from pathlib import Path

# Of its own on loopback: whoever serves 127.0.0.1 or 127.0.0.53 here is not in the way.
DNS_ADDRESS = "127.0.53.1"
DNS_PORT = 53
AUTHSERV_ID = "mx.bench.example"
OUR_DOMAIN = "ours.example"
SELECTOR = "s1"
# The questions of an SPF check of cold.pool that wait for each other: the record, its include,
# the include's mx, that one's address.
COLD_CHAIN = 4


class BenchSite:
    """`with BenchSite(programs, folder) as site:` makes the mail and starts the DNS.

    `programs` is the folder of the built tools.
    """

    def __init__(self, programs, folder):
        self.programs, self.folder = Path(programs), Path(folder)
        self._dns = None

    def __enter__(self):
        self.folder.chmod(0o755)
        subprocess.run([self.programs / "make_bench_mail", self.folder], check=True)
        self.resolv_conf.write_text(f"nameserver {DNS_ADDRESS}\noptions timeout:5 attempts:2\n")
        command = [self.programs / "bench_dns", DNS_ADDRESS, str(DNS_PORT),
                   self.folder / "mail.zone"]
        self._dns = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True, start_new_session=True)
        if self._dns.stdout.readline() != "ready\n":
            self.__exit__()
            raise RuntimeError("the name server does not start")
        return self

    def __exit__(self, *_):
        self._dns.stdin.close()
        self._dns.stdout.close()
        self._dns.wait(10)

    @property
    def resolv_conf(self):
        return self.folder / "resolv.conf"

    @property
    def key_file(self):
        return self.folder / f"keys/{OUR_DOMAIN}/{SELECTOR}.pem"

    @property
    def dns_pid(self):
        return self._dns.pid

    def pool(self, name):
        return self.folder / f"{name}.pool"

    def pool_size(self, name):
        """How many messages it holds."""
        with self.pool(name).open("rb") as pool:
            return sum(line.startswith(b"client=") for line in pool)

    def _ask(self, command):
        self._dns.stdin.write(command + "\n")
        self._dns.stdin.flush()
        return int(self._dns.stdout.readline())

    def question_count(self):
        return self._ask("count")

    def delay_answers(self, milliseconds):
        self._ask(f"delay {milliseconds}")
