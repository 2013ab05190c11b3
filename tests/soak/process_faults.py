#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Processes that die under load, and no message lost, doubled or mis-signed.

A real Postfix with the real filter gets a steady load of mail while one fault after the other is
done to them; after each, the client's ledger is laid beside what was delivered. A fault is a row of
_FAULTS; columns count messages, attempts and deliveries. Where Postfix does without the filter
(milter_default_action = accept) it does so for the rest of the SMTP session. The last line says
`N passed, N failed`; the exit status is 1 if any failed. Needs root, for Postfix.
"""

import argparse
import contextlib
import random
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

# pylint: disable=wrong-import-position
from daemon_site import (SERVICE_GROUP, SERVICE_USER, AttentiveNameServer,  # noqa: E402
                         Site, expect)
from mail_judge import Account, Post, ledger_number, settle  # noqa: E402
from mail_load import Load  # noqa: E402
from postfix import Postfix, wait_until  # noqa: E402
from sink import Sink  # noqa: E402
from supervised import SupervisedMilter, children, kill_if_there  # noqa: E402

_LISTENER = "inbound"
_QUICK = {"kills": 3, "seconds": 0.5, "restart_delay": 0.2}
_ALARM = "file descriptors run short"
_DESCRIPTORS = 64  # what the filter gets where they are to run out
# A service that was killed at its start is not started again for 60 s, if master is not told
# otherwise (postconf(5), service_throttle_time).
_POSTFIX_SETTINGS = {"service_throttle_time": "1s"}


class Trial:
    """What a fault can get at."""

    def __init__(self, site, sizes):
        self.site, self.postfix, self.sizes, self.milter = site, site.postfix, sizes, None
        self.chance, self.post = random.Random(sizes.seed), Post(site)
        self._default_action = None
        self.given_up = set()  # the letters of faults that have failed halfway

    def set_default_action(self, action):
        if action != self._default_action:
            self.postfix.reload(milter_default_action=action, **_POSTFIX_SETTINGS)
            self._default_action = action

    def configuration(self, **options):
        # Postfix must be able to write to the socket.
        return self.site.config(UserID=f"{SERVICE_USER}:{SERVICE_GROUP}", **options)


# -- The faults: each is done again and again while mail comes in, and leaves everything at work --


def nothing(_trial):
    """no fault"""


def kill_filter(trial):
    """kill -9 of the filter"""
    trial.milter.kill()


def terminate_filter(trial):
    """SIGTERM to the filter, and a new one"""
    trial.milter.restart()


def reload_filter(trial):
    """SIGUSR1, the configuration changed"""
    trial.milter.configure(trial.configuration(ReceivedSPF=trial.chance.choice(("yes", "no")),
                                               MessageTimeout=trial.chance.randint(5, 20)))
    reloads = trial.milter.logged("reloaded: ")
    trial.milter.signal(signal.SIGUSR1)
    wait_until(lambda: trial.milter.logged("reloaded: ") > reloads, 20, "the reload")


def reload_postfix(trial):
    """postfix reload"""
    trial.postfix.reload()


def kill_smtpd(trial):
    """kill -9 of every second smtpd"""
    for pid in children(trial.postfix.pid, "smtpd"):
        if trial.chance.random() < 0.5:
            kill_if_there(pid)


def remove_socket(trial):
    """the filter's socket removed, for a while"""
    trial.milter.socket.unlink()
    time.sleep(trial.chance.uniform(0, 1))
    trial.milter.restart()


def run_out_of_descriptors(trial):
    """no file descriptor left in the filter, for a while"""
    trial.milter.restart(descriptors=_DESCRIPTORS)
    alarms = trial.milter.logged(_ALARM)
    with contextlib.ExitStack() as held:
        for _ in range(2 * _DESCRIPTORS):
            connection = held.enter_context(socket.socket(socket.AF_UNIX))
            connection.settimeout(0.1)
            with contextlib.suppress(OSError):  # the queue of the socket is full, too
                connection.connect(str(trial.milter.socket))
        time.sleep(1)
    expect(trial.milter.logged(_ALARM) > alarms, "the shortage is not in the log")


def fill_log_disk(trial):
    """no space left for the filter's log"""
    trial.milter.restart(log="/dev/full")
    time.sleep(trial.chance.uniform(0.5, 1))
    trial.milter.signal(signal.SIGUSR1)
    time.sleep(trial.chance.uniform(0.5, 1))
    trial.milter.restart()


@dataclass(frozen=True)
class Fault:
    """A fault, and what Postfix does meanwhile (milter_default_action)."""

    strike: Callable
    default_action: str = "tempfail"
    pause: tuple = (0.1, 1.2)    # seconds between two, at least and at most
    times: str = ""              # which size says how often; without it, until time is over
    loses_nothing: bool = False  # no attempt is refused or lost

    @property
    def name(self):
        accept = ", milter_default_action = accept" if self.default_action == "accept" else ""
        return self.strike.__doc__ + accept


_FAULTS = (
    Fault(nothing, loses_nothing=True),
    Fault(reload_filter, pause=(1, 1), loses_nothing=True),
    Fault(kill_filter, times="kills"),
    Fault(terminate_filter),
    Fault(reload_postfix),
    Fault(kill_smtpd),
    Fault(remove_socket),
    Fault(run_out_of_descriptors),
    Fault(fill_log_disk),
    Fault(kill_filter, default_action="accept"),
    Fault(terminate_filter, default_action="accept"),
)


# -- The run --


def _strike(trial, fault):
    """Does it as often as it should be; how often that was."""
    wanted = getattr(trial.sizes, fault.times) if fault.times else None
    until, done = time.monotonic() + trial.sizes.seconds, 0
    while done < wanted if wanted else done == 0 or time.monotonic() < until:
        time.sleep(trial.chance.uniform(*fault.pause))
        fault.strike(trial)
        done += 1
    return done


def _collect(sink, load):
    """{number: [octets]} of what the sink got, until all letters are there and nothing follows."""
    deliveries, missing = defaultdict(list), {letter.number for letter in load.letters}
    while (delivery := sink.take(20 if missing else 0.5)) is not None:
        number = ledger_number(delivery.octets)
        deliveries[number].append(delivery.octets)
        missing.discard(number)
    return deliveries


def _play(trial, fault):
    """The Account of one fault, and how often it was done."""
    trial.milter.configure(trial.configuration())
    trial.set_default_action(fault.default_action)
    load = Load(trial.post, trial.postfix.ports[_LISTENER], trial.sizes.rate, trial.chance)
    try:
        with load:
            done = _strike(trial, fault)
            load.finish(300, trial.milter.check_alive)
    except Exception:
        trial.given_up.update(letter.number for letter in load.letters)
        raise
    deliveries = _collect(trial.site.sink, load)
    for number in trial.given_up & deliveries.keys():
        del deliveries[number]
    account = settle(trial.post, load.letters, deliveries, fault.default_action == "tempfail")
    if fault.loses_nothing and account.refused + account.lost + account.unknown > 0:
        account.problems.append("attempts were refused or lost, and none should be")
    account.problems += trial.milter.problems
    trial.milter.problems.clear()
    return account, done


_COLUMNS = ("messages", "refused", "lost", "unknown", "once", "again", "without")


def _play_all(trial, faults):
    """Prints a row for each; how many failed."""
    print(f"{'fault':70} {'times':>6} " + " ".join(f"{c:>8}" for c in _COLUMNS) + "  seconds")
    failed = 0
    for fault in faults:
        began, account, done = time.monotonic(), Account(), 0
        try:
            account, done = _play(trial, fault)
        except Exception as error:  # whatever it is, the next fault is done
            account.problems.append(f"{type(error).__name__}: {error}\n"
                                    f"{trial.postfix.log[-3000:]}")
        counts = " ".join(f"{getattr(account, column):8}" for column in _COLUMNS)
        word = "FAILED" if account.problems else "ok"
        print(f"{word:6} {fault.name:63} {done:6} {counts} {time.monotonic() - began:8.1f}",
              flush=True)
        for problem in account.problems[:10]:
            print("  " + problem.replace("\n", "\n  "), flush=True)
        failed += bool(account.problems)
    return failed


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, help="the build tree that holds the programs")
    parser.add_argument("--kills", type=int, default=200, help="of the filter")
    parser.add_argument("--seconds", type=float, default=40, help="for each other fault")
    parser.add_argument("--rate", type=float, default=50, help="messages a second")
    parser.add_argument("--restart-delay", type=float, default=1,
                        help="RestartSec= of conf/signet.service")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a little of everything")
    parser.add_argument("fault", nargs="*", help="names of functions; all by default")
    sizes = parser.parse_args()
    if sizes.quick:
        vars(sizes).update(_QUICK)
    return sizes


def main():
    sizes = _arguments()
    # A terminated run, too, leaves no process behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    program = Path(sizes.build).resolve() / "milter/signet-milter"
    faults = [f for f in _FAULTS if not sizes.fault or f.strike.__name__ in sizes.fault]
    with tempfile.TemporaryDirectory(prefix="signet-faults-") as folder, Sink() as sink, \
            AttentiveNameServer() as dns, \
            Postfix(folder, f"unix:{folder}/run/signet.sock", sink.port) as postfix:
        trial = Trial(Site(program, folder, None, postfix, sink, dns), sizes)
        with SupervisedMilter(program, folder, trial.configuration(),
                              sizes.restart_delay) as milter:
            trial.milter = milter
            failed = _play_all(trial, faults)
    starts = [1000 * seconds for seconds in milter.start_seconds]
    print(f"{len(starts)} starts of the filter, each until it listens: median "
          f"{statistics.median(starts):.0f} ms, at most {max(starts):.0f} ms")
    expect(not milter.problems, milter.problems)
    print(f"{len(faults) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
