#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The life of signet-milter as a process: start, reload, trouble, end.

One private Postfix serves the whole run; each case starts the filter that it needs. A case is a
function whose docstring says what holds; it raises if that does not. Needs root, for Postfix.
"""

import grp
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

from daemon_site import (CROWD, EX_CONFIG, EX_UNAVAILABLE, SERVICE_GROUP, SERVICE_USER,
                         Background, CaseFailed, envelope_of, expect, expect_results_of, halves_of,
                         has_key, is_signed, is_temporary, message_of, results_in, run_cases)
from postfix import free_port, wait_until
from scenario import Zone, header_fields

# -- The command line, and starts that fail --


def wrong_configuration(site):
    """A wrong configuration ends the start with 78, each error with file and line, no socket"""
    path = site.run / "wrong.sock"
    config = (f"Socket local:{path}\n" + site.config(Mode="q", DNSTimeout="soon") +
              "NoSuchOption yes\n")
    wrong = {"Mode", "DNSTimeout", "NoSuchOption"}
    lines = {line.split()[0]: number for number, line in enumerate(config.splitlines(), 1)}
    for arguments in ([], ["-f"], ["-n"]):
        done = site.try_to_start(config, *arguments)
        expect(done.returncode == EX_CONFIG, f"{arguments}: status {done.returncode}")
        said = re.findall(r"^signet-milter: \S*once\.conf:(\d+): (\w+): \S", done.stderr, re.M)
        expect(len(said) == len(done.stderr.splitlines()), f"{arguments}: {done.stderr}")
        expect(said == [(str(lines[w]), w) for w in lines if w in wrong], f"{said} of {lines}")
        expect(not path.exists(), f"{arguments}: the socket was made")


def unknown_account(site):
    """A user that does not exist is a wrong configuration: 78, no socket"""
    path = site.run / "nobody.sock"
    for option in ("UserID", "SocketOwner"):
        config = f"Socket local:{path}\n" + site.config(**{option: "no-such-user"})
        for arguments in ([], ["-f"], ["-n"]):
            done = site.try_to_start(config, *arguments)
            what = f"{option} {arguments}: status {done.returncode}, {done.stderr}"
            expect(done.returncode == EX_CONFIG, what)
            expect(f"{option}: there is no user \"no-such-user\"" in done.stderr, what)
            expect(not path.exists(), f"{option} {arguments}: the socket was made")


def check_of_configuration(site):
    """-n says that a good configuration is good, and starts nothing"""
    path = site.run / "check.sock"
    done = site.try_to_start(f"Socket local:{path}\n" + site.config(), "-n")
    expect(done.returncode == 0, f"status {done.returncode}, {done.stderr}")
    expect("once.conf: good: " in done.stdout, done.stdout)
    expect(not path.exists(), "the socket was made")


def wrong_zone_data(site):
    """A wrong DNSData file is a wrong configuration: 78, with its line"""
    (site.folder / "wrong.zone").write_text("example.com. IN A 192.0.2.1\nexample.com. IN A x\n")
    config = f"Socket local:{site.run}/check.sock\n" + site.config(
        DNSData=site.folder / "wrong.zone")
    for arguments in ([], ["-f"], ["-n"]):
        done = site.try_to_start(config, *arguments)
        expect(done.returncode == EX_CONFIG, f"{arguments}: status {done.returncode}")
        expect(re.search(r"DNSData: \S*wrong\.zone:2: ", done.stderr), done.stderr)


def versions(site):
    """-V prints the versions of the program and its libraries"""
    done = subprocess.run([site.program, "-V"], capture_output=True, text=True, check=True)
    for name in ("signet-milter", "libmilter", "libunbound", "OpenSSL", "libopendkim"):
        expect(re.search(rf"^{name} \d+\.\d+", done.stdout, re.M), f"{name}: {done.stdout}")


def second_instance(site):
    """A second instance is refused the socket, and the first serves on"""
    path = site.run / "one.sock"
    with site.local_milter(path) as first:
        done = site.try_to_start(f"Socket local:{path}\n" + site.config(), "-f")
        expect(done.returncode == EX_UNAVAILABLE, f"status {done.returncode}, {done.stderr}")
        expect("another process is listening there" in done.stderr, done.stderr)
        with socket.socket(socket.AF_UNIX) as probe:
            expect(probe.connect_ex(str(path)) == 0, f"the first is gone: {first.log}")


def stale_socket(site):
    """A socket that a killed instance left behind is replaced"""
    path = site.run / "stale.sock"
    with site.local_milter(path) as killed:
        killed.stop(signal.SIGKILL)
    expect(path.is_socket(), "nothing was left behind: the case shows nothing")
    with site.local_milter(path):
        pass  # it is up: a client could connect


# -- A start that succeeds --


def in_background(site):
    """Without -f the command ends once mail can be served, by a process that PidFile names"""
    path, pid_file = site.run / "background.sock", site.run / "signet.pid"
    config = f"Socket local:{path}\n" + site.config(PidFile=pid_file)
    done = site.try_to_start(config)
    expect(done.returncode == 0, f"status {done.returncode}, {done.stderr}")
    with Background(int(pid_file.read_text())) as daemon:
        with socket.socket(socket.AF_UNIX) as probe:
            expect(probe.connect_ex(str(path)) == 0, "nobody listens yet")
        expect(daemon.command().startswith(site.program), daemon.command())
        expect(os.getsid(daemon.pid) != os.getsid(0), "it is still in our session")
        expect(os.readlink(f"/proc/{daemon.pid}/cwd") == "/", "it holds on to a folder")
        expect(daemon.end(signal.SIGTERM) == 0, "it did not end well")


def not_in_background(site):
    """A start that fails after going into the background fails the command, and says why"""
    config = f"Socket local:{site.run}/unready.sock\n" + site.config(
        PidFile=site.folder / "no-such-folder/signet.pid")
    done = site.try_to_start(config)
    expect(done.returncode == EX_UNAVAILABLE, f"status {done.returncode}")
    expect("PidFile" in done.stderr and "No such file" in done.stderr, done.stderr)


def relative_path_in_background(site):
    """A configuration given by a relative path is found again at a reload in the background"""
    config, pid_file = site.folder / "relative.conf", site.run / "relative.pid"
    text = f"Socket inet:{site.port}@127.0.0.1\nPidFile {pid_file}\n"
    config.write_text(text + site.config())
    subprocess.run([site.program, "-c", config.name], cwd=site.folder, check=True, timeout=30)

    def is_reloaded():
        return "reloaded.example.org;" in site.deliver("d0.example.net")[0]

    with Background(int(pid_file.read_text())) as daemon:
        expect(not is_reloaded(), "the new configuration is in force before the reload")
        config.write_text(text + site.config(AuthservID="reloaded.example.org"))
        os.kill(daemon.pid, signal.SIGUSR1)
        wait_until(is_reloaded, 5, "the reload")
        expect(daemon.end(signal.SIGTERM) == 0, "it did not end well")


def gives_up_root(site):
    """It runs as UserID in all of its identities, and cannot be read by that user's programs"""
    with site.local_milter(site.run / "user.sock",
                           UserID=f"{SERVICE_USER}:{SERVICE_GROUP}") as milter:
        wait_until(lambda: "started: " in milter.log, 10, "the filter to be ready")
        status = Path(f"/proc/{milter.pid}/status").read_text()
        for kind, wanted in (("U", pwd.getpwnam(SERVICE_USER).pw_uid),
                             ("G", grp.getgrnam(SERVICE_GROUP).gr_gid)):
            identities = re.search(rf"^{kind}id:\t(.*)$", status, re.M).group(1).split()
            expect(identities == [str(wanted)] * 4, status)
        expect("CapEff:\t0000000000000000" in status, status)
        expect(Path(f"/proc/{milter.pid}/mem").stat().st_uid == 0, "the process can be dumped")


def socket_rights(site):
    """The socket has the owner and the mode that the configuration gives it"""
    for options, wanted in (
            ({}, (SERVICE_USER, "nogroup", 0o660)),
            ({"SocketOwner": f"daemon:{SERVICE_GROUP}", "SocketMode": "0600"},
             ("daemon", SERVICE_GROUP, 0o600))):
        path = site.run / "rights.sock"
        with site.local_milter(path, **options):
            found = (path.owner(), path.group(), path.stat().st_mode & 0o7777)
        expect(found == wanted, f"{found}, not {wanted}")


def notifies_systemd(site):
    """systemd is told of readiness and of the end through NOTIFY_SOCKET"""
    path = site.run / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        path.chmod(0o777)
        systemd.settimeout(10)
        with mock.patch.dict(os.environ, NOTIFY_SOCKET=str(path)):
            with site.local_milter(site.run / "notified.sock"):
                expect(systemd.recv(100) == b"READY=1", "not ready first")
        expect(systemd.recv(100) == b"STOPPING=1", "not stopping last")


# -- Reload --


def reload_takes_new_key(site):
    """SIGUSR1 and SIGHUP reload: a key put there meanwhile signs"""
    with site.milter() as milter:
        for number, domain in ((signal.SIGUSR1, "usr1.example.com"),
                               (signal.SIGHUP, "hup.example.com")):
            fields = site.deliver(domain, login="alice")
            expect(not is_signed(fields, domain), "signed before the key was there")
            site.keys.install(site.key_directory, domain, "s1", owner=SERVICE_USER)
            milter.reload(site.config(), number)
            expect("reloaded: " in milter.log and " signing keys" in milter.log, milter.log)
            fields = site.deliver(domain, login="alice")
            expect(is_signed(fields, domain), f"not signed: {fields}")


def signals_in_a_row(site):
    """Signals that come in quick succession are all ours: none makes libmilter stop by itself"""
    for _ in range(10):
        with site.milter() as milter:
            wait_until(lambda: "started: " in milter.log, 10, "the filter to be ready")
            for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM):
                milter.signal(number)
            status = milter.wait()
            expect(status == 0 and "by itself" not in milter.log, f"{status}: {milter.log}")


def broken_reload(site):
    """A reload of a broken file changes nothing and logs file and line"""
    with site.milter() as milter:
        broken = site.config(AuthservID="other.example.org", DNSTimeout="soon")
        line = broken[:broken.index("DNSTimeout")].count("\n") + 2  # Socket comes before it
        try:
            milter.reload(broken)
            raise CaseFailed("the broken configuration was taken")
        except RuntimeError:
            pass
        expect(f"signet.conf:{line}: DNSTimeout: " in milter.log, milter.log)
        expect("reload failed, the old configuration stays" in milter.log, milter.log)
        expect_results_of("d0.example.net", site.deliver("d0.example.net"))
        milter.reload(site.config(AuthservID="other.example.org"))
        fields = site.deliver("d0.example.net")
        expect(fields[0].startswith("Authentication-Results: other.example.org;"), fields[0])


def limits_are_counted(site):
    """How often limits were reached is told at each reload and at the end, over all reloads"""
    told = "limits reached since the start: MaximumDMARCQueries {}\n".format
    one_query = site.config(MaximumDMARCQueries="1")
    with site.milter(MaximumDMARCQueries="1") as milter:
        for count in (1, 2):
            results = results_in(site.deliver("d0.example.net"))
            expect("dmarc=permerror " in results, results)
            expect("limit=MaximumDMARCQueries " in milter.log, milter.log)
            milter.reload(one_query)
            wait_until(lambda count=count: told(count) in milter.log, 5, f"{told(count)}")
        site.deliver("d2.example.net")
        milter.stop()
        expect(told(3) in milter.log, milter.log)


# -- Keys and the DNS --


def _signer_of(site, domain):
    """The selector of the one signature that a message of our user gets."""
    fields = site.deliver(domain, login="alice")
    signatures = [f for f in fields if f.startswith("DKIM-Signature:")]
    expect(len(signatures) == 1, f"{len(signatures)} signatures: {fields}")
    return re.search(r"\bs=([^;]*);", signatures[0]).group(1)


def _await_state(milter, key, state):
    """Waits until the last word on the key in the log is this."""
    def is_known():
        found = re.findall(rf" key {re.escape(key)}: (\w+)", milter.log)
        return found and found[-1] == state

    wait_until(is_known, 20, f"{key} to be {state}")


def rotation(site):
    """A new key signs from the reload that finds its record, the old one until then"""
    domain = "rotation.example.com"
    zone = site.folder / "rotation.zone"

    def publish(*selectors):
        zone.write_text("".join(f'{s}._domainkey.{domain}. IN TXT "v=DKIM1; k=rsa; '
                                f'p={site.keys.published()}"\n' for s in selectors))

    publish("s1")
    site.keys.install(site.key_directory, domain, "s1", owner=SERVICE_USER)
    with site.milter(DNSData=zone) as milter:
        _await_state(milter, f"{domain}/s1", "published")
        expect(_signer_of(site, domain) == "s1", "the only key does not sign")
        site.keys.install(site.key_directory, domain, "s2", owner=SERVICE_USER)
        milter.reload(site.config(DNSData=zone))
        _await_state(milter, f"{domain}/s2", "unpublished")
        expect(_signer_of(site, domain) == "s1", "a key signs that is not published")
        publish("s1", "s2")
        milter.reload(site.config(DNSData=zone))
        _await_state(milter, f"{domain}/s2", "published")
        expect(_signer_of(site, domain) == "s2", "the new key did not take over")
        (site.key_directory / domain / "s1.pem").unlink()
        publish("s2")
        milter.reload(site.config(DNSData=zone))
        expect(_signer_of(site, domain) == "s2", "the new key does not sign alone")


def rotation_without_reload(site):
    """A key whose record appears is found without a reload, and stays while the DNS fails"""
    domain = "visible.example.com"
    record = f"v=DKIM1; k=ed25519; p={site.keys.published('ed25519')}"
    names = [f"{selector}._domainkey.{domain}" for selector in ("e1", "e2")]
    for selector in ("e1", "e2"):
        site.keys.install(site.key_directory, domain, selector, "ed25519", owner=SERVICE_USER)
    site.dns.publish(names[0], record)
    with site.milter(KeyCheckInterval="1") as milter:
        _await_state(milter, f"{domain}/e1", "published")
        _await_state(milter, f"{domain}/e2", "unpublished")
        expect(_signer_of(site, domain) == "e1", "a key signs that is not published")
        site.dns.publish(names[1], record)
        _await_state(milter, f"{domain}/e2", "published")
        expect(_signer_of(site, domain) == "e2", "the new key did not take over")
        site.dns.load(Zone(servfail=names))
        wait_until(lambda: milter.log.count("it stays published") == 2, 20, "the DNS to fail")
        expect(_signer_of(site, domain) == "e2", "the last known state does not hold")
    site.dns.load(Zone())


# -- The end, and other trouble --


def ends_after_message_in_flight(site):
    """SIGTERM: the message in flight gets its result, others are told to come again, then 0"""
    domain = "flight.example.com"
    first, second = halves_of(domain)
    with site.milter() as milter:
        client = site.postfix.begin(envelope_of(domain))
        client.sock.sendall(first)
        wait_until(lambda: domain in site.dns.asked, 10, "MAIL at the filter")
        milter.signal(signal.SIGTERM)
        wait_until(lambda: "1 messages in flight" in milter.log, 10, "the filter to drain")
        late = "late.example.com"
        reply = site.postfix.send(envelope_of(late), message_of(late))
        expect(is_temporary(reply), f"a new client gets {reply}")
        reply = site.postfix.finish(client, second)
        client.close()
        expect(reply.code == 250, f"the message in flight gets {reply}")
        expect(f"header.from={domain}" in results_in(site.arrived(domain)), "no result")
        expect(milter.wait() == 0, milter.log)
    site.expect_silence()


def begun_after_the_signal(site):
    """A message that begins after SIGTERM on an open connection does not hold up the end"""
    early, late = "early.example.com", "later.example.com"
    with site.milter() as milter:
        open_before = site.client()
        client = site.postfix.begin(envelope_of(early))
        wait_until(lambda: early in site.dns.asked, 10, "MAIL at the filter")
        milter.signal(signal.SIGTERM)
        wait_until(lambda: "1 messages in flight" in milter.log, 10, "the filter to drain")
        open_before.mail(f"alice@{late}")
        open_before.rcpt("bob@example.org")
        open_before.docmd("DATA")
        wait_until(lambda: late in site.dns.asked, 10, "the second MAIL at the filter")
        reply = site.postfix.finish(client, message_of(early))
        client.close()
        expect(reply.code == 250, f"the message in flight gets {reply}")
        site.arrived(early)
        began = time.monotonic()
        expect(milter.wait() == 0, milter.log)
        seconds = time.monotonic() - began
        expect(seconds < 3, f"it took {seconds:.1f} s:\n{milter.log}")
        reply = site.postfix.finish(open_before, message_of(late))
        open_before.close()
        expect(is_temporary(reply), f"the later message gets {reply}")
    site.expect_silence()


def ends_though_client_is_gone(site):
    """A client that vanishes within DATA leaves nothing: SIGTERM then ends the process at once"""
    # The question about it never gets an answer; the end does not wait for that either.
    domain = "silent.example.com"
    site.dns.load(Zone(timeout=[domain]))
    with site.milter(DNSTimeout="20") as milter:
        client = site.postfix.begin(envelope_of(domain))
        client.sock.sendall(halves_of(domain)[0])
        wait_until(lambda: domain in site.dns.asked, 10, "MAIL at the filter")
        client.close()
        wait_until(lambda: "lost connection after DATA" in site.postfix.log, 10, "Postfix to see")
        began = time.monotonic()
        expect(milter.stop() == 0, milter.log)
        seconds = time.monotonic() - began
        expect(seconds < 3, f"it took {seconds:.1f} s:\n{milter.log}")
        expect("abandoned" not in milter.log, milter.log)
    site.dns.load(Zone())
    site.expect_silence()


def killed(site):
    """kill -9: the client is told to come again, and its next attempt is delivered once"""
    domain = "killed.example.com"
    first, second = halves_of(domain)
    with site.milter() as milter:
        client = site.postfix.begin(envelope_of(domain))
        client.sock.sendall(first)
        wait_until(lambda: domain in site.dns.asked, 10, "MAIL at the filter")
        milter.stop(signal.SIGKILL)
    reply = site.postfix.finish(client, second)
    client.close()
    expect(is_temporary(reply), f"the client gets {reply}")
    with site.milter():
        expect(f"header.from={domain}" in results_in(site.deliver(domain)), "no result")
        site.expect_silence()


def absent(site):
    """Without the filter clients are told to come again"""
    reply = site.postfix.send(envelope_of("absent.example.com"), message_of("absent.example.com"))
    expect(reply.code == 451 and is_temporary(reply), f"the client gets {reply}")


def dead_dns(site):
    """With a dead DNS mail is accepted with temperror, and waits no longer than MessageTimeout"""
    with site.milter(Nameservers=f"127.0.0.1@{free_port()}", DNSTimeout="1",
                     MessageTimeout="2"):
        began = time.monotonic()
        results = results_in(site.deliver("dead.example.com"))
        seconds = time.monotonic() - began
    expect("spf=temperror " in results and "dmarc=temperror " in results, results)
    expect(seconds < 4, f"it took {seconds:.1f} s")


def garbage(site):
    """Garbage and half packets on the socket disturb neither other clients nor the end"""
    negotiation = b"\0\0\0\rO" + bytes([0, 0, 0, 6, 0, 0, 1, 0xff, 0, 0x1f, 0xff, 0xff])
    packets = [b"\0", b"\0\0\0\1", b"\0\0\0\0", b"\xff\xff\xff\xffO", b"\0\0\0\4O\0\0",
               b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 300, b"\0\0\0\1B", b"\0\0\0\1E",
               negotiation, negotiation[:9], negotiation + b"\0\0\0\5M<a>", negotiation * 2,
               negotiation + b"\0\0\0\1E", negotiation + b"\0\0\0\3Cx4", negotiation + b"\0\0\0\1L",
               negotiation + b"\0\0\0\6DMi\0x", negotiation + b"\0\1\0\0B" + b"x" * 1000]
    # libmilter may let a connection wait for a thread that itself waits for the rest of a packet.
    with site.milter(MilterTimeout="10") as milter:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda p: _stranger(site.port, p).close(), packets * 3))
        with _stranger(site.port, negotiation[:9]):
            expect_results_of("d2.example.net", site.deliver("d2.example.net"))
            began = time.monotonic()
            expect(milter.stop() == 0, milter.log)
            seconds = time.monotonic() - began
        expect(seconds < 3, f"it took {seconds:.1f} s:\n{milter.log}")


def _stranger(port, packet):
    """A client that has sent this and waits."""
    stranger = socket.create_connection(("127.0.0.1", port), timeout=10)
    try:
        stranger.sendall(packet)
    except ConnectionError:
        pass  # the filter has hung up first
    return stranger


# -- Mail --


def local_submission(site):
    """Mail of a program on this host, through non_smtpd_milters, is signed"""
    domain = "local.example.com"
    site.keys.install(site.key_directory, domain, "s1", owner=SERVICE_USER)
    with site.milter():
        site.postfix.sendmail(f"alice@{domain}", "bob@example.net", message_of(domain))
        delivery = site.sink.take()
    expect(delivery, f"not delivered:\n{site.postfix.log[-2000:]}")
    verdict = site.keys.verify(delivery.octets, domain, "s1")
    expect(verdict == "pass", f"{verdict}: {header_fields(delivery.octets)}")


def crowd(site):
    """Fifty clients at the same time get each the results of their own message"""
    domains = [f"d{n}.example.net" for n in range(CROWD)]
    all_there = threading.Barrier(CROWD)

    def send(domain):
        message = message_of(domain)
        if has_key(domain):
            message = site.keys.sign(message, domain, "s1")
        client = site.postfix.begin(envelope_of(domain))
        all_there.wait(60)
        reply = site.postfix.finish(client, message)
        client.close()
        return reply

    with site.milter(), ThreadPoolExecutor(CROWD) as pool:
        for domain, reply in zip(domains, pool.map(send, domains)):
            expect(reply.code == 250, f"the reply to {domain} is {reply}")
    missing = set(domains)
    while missing:
        fields = header_fields(site.sink.take().octets)
        domain = next(f for f in fields if f.startswith("Subject: ")).split()[1]
        missing.remove(domain)
        expect_results_of(domain, fields)
        expect(("dkim=pass " in results_in(fields)) == has_key(domain), f"{results_in(fields)}")


def one_connection(site):
    """Messages on one connection know nothing of each other, nor of one given up between them"""
    with site.milter(), site.client() as client:
        client.sendmail("alice@d0.example.net", ["bob@example.org"], message_of("d0.example.net"))
        expect_results_of("d0.example.net", site.arrived("d0.example.net"))
        client.mail("alice@d1.example.net")
        client.rcpt("carol@example.org")
        client.rset()
        client.sendmail("alice@d3.example.net", ["bob@example.org"], message_of("d3.example.net"))
        expect_results_of("d3.example.net", site.arrived("d3.example.net"))


def asks_early(site):
    """The SPF record of MAIL FROM is asked for at MAIL, while the client has not said RCPT"""
    with site.milter(), site.client() as client:
        client.mail("alice@early.example.net")
        wait_until(lambda: "early.example.net" in site.dns.asked, 5, "the question about MAIL FROM")


_CASES = (wrong_configuration, unknown_account, check_of_configuration, wrong_zone_data, versions,
          second_instance, stale_socket, in_background, not_in_background,
          relative_path_in_background, gives_up_root, socket_rights, notifies_systemd,
          reload_takes_new_key, signals_in_a_row, broken_reload, limits_are_counted,
          rotation, rotation_without_reload, ends_after_message_in_flight,
          begun_after_the_signal, ends_though_client_is_gone, killed, absent, dead_dns, garbage,
          local_submission, crowd, one_connection, asks_early)


if __name__ == "__main__":
    sys.exit(run_cases(__doc__, _CASES))
