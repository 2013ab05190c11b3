# SPDX-License-Identifier: BSD-2-Clause
"""One measurement: milter_load on one side, /proc and the name server on the other."""

import json
import os
import statistics
import subprocess
import time

import processes

_LOAD_SECONDS = 300  # longer than any run: it hangs


# A filter of several processes has a cache in each.
_WARM_UP_PASSES = 3


def warm_up(running, site, pool, passes=_WARM_UP_PASSES):
    """All messages of the pool, so that what is asked once has been asked."""
    messages = passes * site.pool_size(pool)
    _load(running, site, pool, "--connections", 10, "--messages", messages)


def measure(running, site, workload, connections, seconds):
    """Runs one workload against filters that are up; a dict of what came out."""
    site.delay_answers(workload.dns_delay)
    options = ["--connections", connections, "--seconds", seconds]
    if workload.cold:
        # Once each: the next time a domain would not be cold.
        options += ["--messages", site.pool_size(workload.pool)]
    if workload.pause:
        options += ["--pause", workload.pause]
    pids = running.pids()
    processes.reset_peak(pids)
    cpu, questions, others = processes.cpu_seconds(pids), site.question_count(), _Others(site)
    result = _load(running, site, workload.pool, *options)
    pids = running.pids()
    messages = max(1, result["messages"])
    cpu = processes.cpu_seconds(pids) - cpu
    result["others"] = others.share(cpu + result["load_cpu_seconds"])
    result["cpu_ms"] = 1000 * cpu / messages
    result["dns_questions"] = (site.question_count() - questions) / messages
    result["peak_mib"] = processes.peak_mib(pids)
    result["proportional_mib"] = processes.proportional_mib(pids)
    site.delay_answers(0)
    return result


class _Others:
    """What programs that have nothing to do with us take of the processors meanwhile."""

    def __init__(self, site):
        self._site, self._start = site, time.monotonic()
        self._busy = processes.busy_seconds() - processes.cpu_seconds([site.dns_pid])

    def share(self, ours):
        """Of all there is; `ours` are the seconds of filters and load."""
        busy = processes.busy_seconds() - processes.cpu_seconds([self._site.dns_pid])
        there_is = os.cpu_count() * (time.monotonic() - self._start)
        return max(0.0, busy - self._busy - ours) / there_is


def measure_bare(site, workload, seconds):
    """The bare cryptography of the workload's mail: a dict of CPU milliseconds."""
    command = [site.programs / "bare_crypto", site.pool(workload.pool), str(seconds / 2)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def measure_stopped(running, site, sessions):
    """Memory and threads of so many sessions that have stopped in the middle of a message."""
    pids = running.pids()
    before = processes.resident_mib(pids)
    command = _command(running, site, "verify-4k", "--connections", sessions, "--hold")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as load:
        if load.stdout.readline() != "held\n":
            raise RuntimeError("the sessions do not stop")
        time.sleep(0.5)  # so that the filter has read what it was sent
        pids = running.pids()
        held = {"before_mib": before, "held_mib": processes.resident_mib(pids),
                "threads": processes.thread_count(pids)}
        load.stdin.close()
        held.update(json.loads(load.stdout.readline()))
    return held


def _command(running, site, pool, *options):
    sockets = [word for socket in running.sockets for word in ("--socket", socket)]
    return [str(site.programs / "milter_load"), *sockets, "--mail", str(site.pool(pool)),
            *map(str, options)]


def _load(running, site, pool, *options):
    done = subprocess.run(_command(running, site, pool, *options), capture_output=True, text=True,
                          timeout=_LOAD_SECONDS, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{running.contender.name}: {done.stderr}")
    return json.loads(done.stdout)


def median_of(results):
    """A dict like each of them, with the medians of its numbers; of other values the first."""
    first = results[0]
    if isinstance(first, dict):
        return {key: median_of([result[key] for result in results]) for key in first}
    return statistics.median(results) if isinstance(first, (int, float)) else first
