"""Training times by rows and threads of several machines, and what is usual of them: the thread model's prior.

The measurements (lightgbm-threads.csv, made from szilard/GBM-perf, MIT) are not in this repository; what is fitted to
them is, in ``plugin/pytest_benchmark_aws/predict/thread_forms.py``.
"""

from __future__ import annotations

import csv
import re
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.threads.forms import (
    OVERHEAD_POWERS,
    TERMS,
    WORK_POWERS,
    Form,
    ThreadPrior,
)
from pytest_benchmark_aws.predict.threads.model import FittedForm, ThreadTime, cells_of, fit_form
from pytest_benchmark_aws.predict.threads.placement import Placement, Topology

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FILE_NAME = "lightgbm-threads.csv"
REFERENCE_ROWS = 1e6
SOURCE = "LightGBM on c5, c7a, c7i, r4 and an EPYC (szilard/GBM-perf, 2025-11-06, MIT)"
_HARDWARE = re.compile(r"(?:(\d+) x )?(\d+) cores, (\d+) threads? a core|of (\d+) cores, (\d+) threads? a core")
_EVEN = ThreadPrior((0.01, 0.01, 0.01, 0.01, 0.01, 1.0, 0.01), 0.0, 1.0, 1.0, 1.0, "")
"""Says next to nothing, for the fit of what is usual."""


@dataclass(frozen=True, slots=True)
class MachineTimes:
    """One machine with its times."""

    name: str
    topology: Topology
    times: tuple[ThreadTime, ...]


def read_times(folder: Path, tool: str = "lightgbm") -> dict[str, MachineTimes]:
    """The machines of ``lightgbm-threads.csv`` in ``folder``; least, median and greatest of three runs are launches.

    Raises:
        OSError: there is no such file.
        ValueError: a machine's hardware is not written as cores and threads.
    """
    with (folder / FILE_NAME).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["tool"] == tool]
    machines: dict[str, MachineTimes] = {}
    for row in rows:
        topology = _topology(row["hardware"])
        placement = _placement(row["cpus"], topology)
        seconds = {"seconds_median"} if int(row["runs"]) < 3 else {"seconds_min", "seconds_median", "seconds_max"}
        times = [ThreadTime(float(row["rows_million"]) * 1e6, placement, float(row[name])) for name in sorted(seconds)]
        before = machines.get(row["machine"])
        earlier = () if before is None else before.times
        machines[row["machine"]] = MachineTimes(row["machine"], topology, (*earlier, *times))
    return machines


def medians(times: Iterable[ThreadTime], scale: float) -> dict[Placement, float]:
    """The median seconds of each placement at ``scale``."""
    launches: dict[Placement, list[float]] = {}
    for time in times:
        if time.scale == scale:
            launches.setdefault(time.placement, []).append(time.seconds)
    return {placement: statistics.median(seconds) for placement, seconds in launches.items()}


def usual(machines: Sequence[MachineTimes]) -> ThreadPrior:
    """What is usual of the machines' coefficients and powers, each machine fitted on its own."""
    best = [_best_form(machine) for machine in machines]
    overhead = [fitted.form.overhead_power for fitted in best]
    work = [fitted.form.work_power for fitted in best]
    shares: list[list[float]] = []
    for fitted in best:
        one = Placement(1, 1, 1)
        terms = fitted.form.terms(1.0, one)
        seconds = [a * b for a, b in zip(fitted.units, fitted.coefficients, strict=True)]
        single = sum(a * b for a, b in zip(terms, seconds, strict=True))
        shares.append([second / single for second in seconds])
    return ThreadPrior(
        # No cost is never: what no machine showed may be seen on the next.
        coefficients=tuple(
            round(max(statistics.fmean(share[term] for share in shares), 0.001), 4) for term in range(len(TERMS))
        ),
        overhead_power=round(statistics.fmean(overhead), 3),
        overhead_power_spread=round(max(statistics.stdev(overhead), 0.1), 3),
        work_power=round(statistics.fmean(work), 3),
        work_power_spread=round(max(statistics.stdev(work), 0.03), 3),
        source=SOURCE,
    )


def _best_form(machine: MachineTimes) -> FittedForm:
    cells = cells_of(machine.times, REFERENCE_ROWS)
    candidates = [Form(overhead, work, 0.3, True) for overhead in OVERHEAD_POWERS for work in WORK_POWERS]
    return max((fit_form(form, cells, _EVEN, 30.0) for form in candidates), key=lambda fitted: fitted.log_weight)


def _topology(hardware: str) -> Topology:
    match = _HARDWARE.search(hardware)
    if match is None:
        raise ValueError(f"{hardware}: no cores and threads a core, as in 2 x 24 cores, 2 threads a core")
    sockets, cores, threads, other_cores, other_threads = match.groups()
    return Topology(int(sockets or 1), int(cores or other_cores), int(threads or other_threads))


def _placement(cpus: str, topology: Topology) -> Placement:
    """Linux numbers the first threads of all cores, socket by socket, and then the second threads."""
    numbers = set()
    for part in cpus.split(","):
        first, _, last = part.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    cores = {number % topology.cores for number in numbers}
    return Placement(len(numbers), len(cores), len({core // topology.cores_per_socket for core in cores}))
