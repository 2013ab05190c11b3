# SPDX-License-Identifier: BSD-2-Clause
"""The report, as Markdown: the machine and the versions, one table, and whether goals are met."""

import datetime
import os
import platform
import statistics
import subprocess
from pathlib import Path

from goals import goals

_PACKAGES = ["rspamd", "opendkim", "opendmarc", "pyspf-milter", "libmilter1.0.1", "libunbound8",
             "libssl3"]
_COLUMNS = ["workload", "connections", "filter", "messages/s", "x", "CPU ms", "x", "p50 ms",
            "p95 ms", "p99 ms", "in all ms", "peak MiB", "DNS questions", "done"]


class Report:
    """Collects what is to be told beside the figures, and writes all of it."""

    def __init__(self, command, build):
        self._command, self._build = command, build
        self._notes = []

    def left_out(self, contender, absent):
        self._notes.append(f"{contender.title} is left out: there is no {', '.join(absent)}.")

    def write(self, contenders, results, stopped):
        parts = ["# Results of tests/bench/run", self._circumstances(results)]
        if results:
            parts.append(_table(contenders, results))
        if stopped:
            parts.append("## Stopped sessions\n\n" + _stopped_table(contenders, stopped))
        parts.append("## goals:\n\n" + _goal_lines(results, stopped))
        return "\n\n".join(parts) + "\n"

    def _circumstances(self, results):
        version = _output(self._build / "milter/signet-milter", "--version").partition("\n")[0]
        lines = [f"`{self._command}`", _now(), _machine(),
                 f"{version}; " + ", ".join(_package_versions()),
                 *_other_programs(results), *self._notes]
        return "\n".join(f"- {line}" for line in lines)


def _output(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _now():
    return f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC"


def _machine():
    cpu_info = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in cpu_info.splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} processors ({model}), {memory:.0f} GiB, Linux {platform.release()}"


def _other_programs(results):
    shares = [result["others"] for by_name in results.values() for result in by_name.values()
              if "others" in result]
    if shares:
        yield (f"other programs took {statistics.median(shares):.0%} of the processors "
               f"(the median of all measurements), {max(shares):.0%} at most")


def _package_versions():
    for package in _PACKAGES:
        version = _output("dpkg-query", "-W", "-f", "${Version}", package)
        if version:
            yield f"{package} {version}"


def _row(cells):
    return "| " + " | ".join(cells) + " |"


def _table(contenders, results):
    lines = [_row(_COLUMNS), _row(["---", "---:", "---"] + ["---:"] * (len(_COLUMNS) - 4) + ["---"])]
    for (workload, connections), by_name in results.items():
        base = by_name.get("signet")
        for one in contenders:
            if one.name in by_name:
                lines.append(_row([workload.title, str(connections), one.title,
                                   *_figures(one, workload, by_name[one.name], base)]))
    return "\n".join(lines)


def _figures(contender, workload, result, base):
    if not contender.filters:
        cells = ["-"] * (len(_COLUMNS) - 3)
        cells[2] = f"{result['cpu_ms']:.3f}"
        cells[3] = f"{result['cpu_ms'] / base['cpu_ms']:.1f}" if base else "-"
        cells[-1] = f"the hash alone: {result['hash_ms']:.3f} ms"
        return cells
    at_end = result["at_end_ms"]
    rate, cpu = result["messages_per_second"], result["cpu_ms"]
    return [f"{rate:,.0f}", f"{base['messages_per_second'] / rate:.1f}" if base and rate else "",
            f"{cpu:.3f}", f"{cpu / base['cpu_ms']:.1f}" if base and base["cpu_ms"] else "",
            *(f"{at_end[part]:.2f}" for part in ("p50", "p95", "p99")),
            f"{result['in_all_ms']['p50']:.2f}", f"{result['peak_mib']:.0f}",
            f"{result['dns_questions']:.2f}", _done(contender, workload, result)]


def _done(contender, workload, result):
    """Which part of the messages really got what it was to get."""
    messages = max(1, result["messages"])
    parts = []
    if contender.counts and workload.does in ("verify", "both"):
        parts += [f"{method} {result[method + '_pass'] / messages:.0%}"
                  for method in contender.counts]
    if contender.counts and workload.does in ("sign", "both"):
        parts.append(f"signed {result['signed'] / messages:.0%}")
    for trouble in ("rejected", "tempfailed", "errors"):
        if result[trouble]:
            parts.append(f"{result[trouble]:.0f} {trouble} {result['first_error']}".strip())
    return ", ".join(parts) or "-"


def _stopped_table(contenders, stopped):
    lines = [_row(["filter", "MiB before", "MiB with 1,000 sessions", "KiB each", "threads"]),
             _row(["---"] + ["---:"] * 4)]
    for one in contenders:
        if one.name in stopped:
            held = stopped[one.name]
            each = (held["held_mib"] - held["before_mib"]) * 1024 / held["connections"]
            lines.append(_row([one.title, f"{held['before_mib']:.1f}", f"{held['held_mib']:.1f}",
                               f"{each:.1f}", str(held["threads"])]))
    return "\n".join(lines)


def _goal_lines(results, stopped):
    lines = [_row(["goal", "measured", "met"]), _row(["---", "---:", "---"])]
    for goal in goals(results, stopped):
        lines.append(_row([goal.text, goal.measured, "yes" if goal.met else "no"]))
    return "\n".join(lines)
