# SPDX-License-Identifier: BSD-2-Clause
"""What is measured: which mail, over how many connections, with which DNS."""

from dataclasses import dataclass

DNS_DELAY = 50   # milliseconds for each answer, where it is slow
LONG_BODY = 300  # milliseconds that a body takes that is slower than all questions together


@dataclass(frozen=True)
class Workload:
    """`cold`: the contender is started anew each time, and meets each domain once. `own_start`: it
    is started anew, and has met all of this mail once when it is measured."""

    name: str
    title: str
    pool: str
    connections: tuple
    does: str = "verify"
    cold: bool = False
    own_start: bool = False
    dns_delay: int = 0
    pause: int = 0
    bare: bool = False  # whether the bare cryptography of that mail is measured as well


WORKLOADS = [
    Workload("verify-4k", "verify 4 KiB", "verify-4k", (1, 10, 50, 200), bare=True),
    Workload("verify-50k", "verify 50 KiB", "verify-50k", (10,), bare=True),
    Workload("verify-1m", "verify 1 MiB", "verify-1m", (10,), bare=True),
    Workload("sign-4k", "sign 4 KiB", "sign-4k", (10,), does="sign", bare=True),
    Workload("mixed", "mixed", "mixed", (10,), does="both"),
    Workload("cold", "cold domains", "cold", (10,), cold=True),
    Workload("cold-50ms", f"cold, {DNS_DELAY} ms DNS", "cold", (10, 200), cold=True,
             dns_delay=DNS_DELAY),
    Workload("cold-50ms-body", f"cold, {DNS_DELAY} ms DNS, slow body", "cold", (10, 200),
             cold=True, dns_delay=DNS_DELAY, pause=LONG_BODY),
    # For the memory: what the cache of 5,000 domains and 200 busy sessions take together.
    Workload("many", "5,000 domains", "many", (200,), own_start=True),
]

# The bare cryptography has none; it stands beside these.
BARE_CONNECTIONS = 10
QUICK_CONNECTIONS = {"verify-4k": (10, 200)}


def is_for(workload, connections, contender):
    """Whether that contender does such work at all."""
    if not contender.filters:
        return workload.bare and connections == BARE_CONNECTIONS
    wanted = ("verify", "sign") if workload.does == "both" else (workload.does,)
    return all(work in contender.does for work in wanted)
