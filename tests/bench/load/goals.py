# SPDX-License-Identifier: BSD-2-Clause
"""The goals: figures that Signet is to reach, each a ratio within one run where it can be one."""

from dataclasses import dataclass

from bench_site import COLD_CHAIN
from workloads import DNS_DELAY


@dataclass
class Goal:
    """What was to be reached, what was, and whether that is enough."""

    text: str
    measured: str
    met: bool


class _Figures:
    """The results by names; a KeyError where something was not measured."""

    def __init__(self, results):
        self._results = {(workload.name, connections): by_name
                         for (workload, connections), by_name in results.items()}

    def get(self, contender, workload, connections=10):
        return self._results[workload, connections][contender]

    def rate(self, contender, workload):
        return self.get(contender, workload)["messages_per_second"]

    def cpu(self, contender, workload):
        return self.get(contender, workload)["cpu_ms"]

    def limit(self, workload):
        """CPU of the cheapest filter there is: the null filter, buffered if that was measured."""
        by_name = self._results[workload, 10]
        null = by_name.get("null-buffered") or by_name["null"]
        return null["cpu_ms"]

    def bare(self, workload, what="cpu_ms"):
        return self.get("bare", workload)[what]


def goals(results, stopped):
    """A Goal for each that has been measured."""
    figures = _Figures(results)
    ideal = COLD_CHAIN * DNS_DELAY
    return list(_measured([
        lambda: _most("verify 4 KiB: CPU ms a message", figures.cpu("signet", "verify-4k"), 0.25),
        lambda: _least("verify 4 KiB: messages/s, times rspamd's",
                       figures.rate("signet", "verify-4k") / figures.rate("rspamd", "verify-4k"),
                       4),
        lambda: _least("verify 4 KiB: messages/s, times OpenDKIM + OpenDMARC's",
                       figures.rate("signet", "verify-4k") /
                       figures.rate("opendkim-opendmarc", "verify-4k"), 15),
        lambda: _most("verify 4 KiB: CPU, times null filter plus bare cryptography",
                      figures.cpu("signet", "verify-4k") /
                      (figures.limit("verify-4k") + figures.bare("verify-4k")), 2),
        lambda: _most("sign 4 KiB: CPU, times null filter plus bare RSA",
                      figures.cpu("signet", "sign-4k") /
                      (figures.limit("sign-4k") + figures.bare("sign-4k")), 1.15),
        lambda: _least("sign 4 KiB: messages/s, times rspamd's",
                       figures.rate("signet", "sign-4k") / figures.rate("rspamd", "sign-4k"), 1.7),
        lambda: _most("verify 1 MiB: CPU, times the bare hash",
                      figures.cpu("signet", "verify-1m") / figures.bare("verify-1m", "hash_ms"),
                      1.5),
        lambda: _most("verify 4 KiB at 200 connections: p99, times rspamd's p50",
                      figures.get("signet", "verify-4k", 200)["at_end_ms"]["p99"] /
                      figures.get("rspamd", "verify-4k", 200)["at_end_ms"]["p50"], 1),
        *(_latency(figures, "cold-50ms", connections, part, ideal, most)
          for connections in (10, 200) for part, most in (("p50", 1.1), ("p99", 1.2))),
        *(lambda connections=connections: _most(
            f"cold, {DNS_DELAY} ms DNS, slow body, {connections} connections: p50 ms",
            figures.get("signet", "cold-50ms-body", connections)["at_end_ms"]["p50"], 1)
          for connections in (10, 200)),
        lambda: _most("200 busy sessions, warm cache of 5,000 domains: peak MiB",
                      figures.get("signet", "many", 200)["peak_mib"], 20),
        lambda: _most("a stopped session: KiB beyond the null filter's",
                      _stopped_kib(stopped, "signet") - _stopped_kib(stopped, "null"), 64),
    ]))


def _measured(makers):
    for make in makers:
        try:
            yield make()
        except (KeyError, ZeroDivisionError):
            continue  # not a part of this run


def _most(text, value, bound):
    return Goal(f"{text}: at most {bound:g}", f"{value:.2f}", value <= bound)


def _least(text, value, bound):
    return Goal(f"{text}: at least {bound:g}", f"{value:.2f}", value >= bound)


def _latency(figures, workload, connections, part, ideal, most):
    return lambda: _most(
        f"cold, {DNS_DELAY} ms DNS, {connections} connections: {part}, times the {ideal} ms of "
        "the questions that wait for each other",
        figures.get("signet", workload, connections)["at_end_ms"][part] / ideal, most)


def _stopped_kib(stopped, name):
    held = stopped[name]
    return (held["held_mib"] - held["before_mib"]) * 1024 / held["connections"]
