"""A run's machines side by side: time, money, and how each compares with its own baseline."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.launch_flags import smt_differs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from pytest_benchmark_aws.core.compare.results import Result


@dataclass(frozen=True, slots=True)
class Measurement:
    """One case on one launch."""

    case: str
    """The same on every machine."""
    machine: str
    scale: str | None
    rounds: tuple[float, ...]
    """Seconds."""
    throughput: float
    """Units of work a second, at the median."""
    vcpus: int | None
    memory_bytes: int | None
    usd_per_hour: Decimal
    billed_usd: Decimal
    """Of the whole launch, its other cases and its boot too."""
    flags: tuple[str, ...] = ()
    """Reasons to doubt the time."""
    threads_per_core: int | None = None


@dataclass(frozen=True, slots=True)
class MachineRow:
    """One machine in the table of a case."""

    measurement: Measurement
    median: float
    low: float
    high: float
    """Seconds; of a single round all three are that."""
    relative: float
    """Throughput over the fastest's."""
    usd_per_run: Decimal
    baseline: Result | None
    against_baseline: float | None
    """Throughput over the baseline's."""
    fastest: bool
    cheapest: bool
    flags: tuple[str, ...]
    """Reasons to doubt the time, and the comparisons."""


def compare_machines(measurements: Iterable[Measurement], baselines: Sequence[Result]) -> dict[str, list[MachineRow]]:
    """The rows of each case, in the order measured; the fastest by throughput, the cheapest by USD for a run."""
    grouped: dict[str, list[Measurement]] = {}
    for measurement in measurements:
        grouped.setdefault(measurement.case, []).append(measurement)
    tables = {}
    for case, members in grouped.items():
        fastest = max(members, key=lambda one: one.throughput)
        best = fastest.throughput
        costs = [usd(one.usd_per_hour, statistics.median(one.rounds)) for one in members]
        rows = []
        for one, cost in zip(members, costs, strict=True):
            base = _baseline(one, baselines)
            rows.append(
                MachineRow(
                    measurement=one,
                    median=statistics.median(one.rounds),
                    low=min(one.rounds),
                    high=max(one.rounds),
                    relative=one.throughput / best,
                    usd_per_run=cost,
                    baseline=base,
                    against_baseline=None if base is None else one.throughput / base.throughput,
                    fastest=len(members) > 1 and one.throughput == best,
                    cheapest=len(members) > 1 and cost == min(costs),
                    flags=(*one.flags, *_smt(one, base, fastest)),
                )
            )
        tables[case] = rows
    return tables


def _smt(one: Measurement, base: Result | None, fastest: Measurement) -> list[str]:
    """Where a machine's cores run other numbers of threads than those of what it is related to."""
    against_base = None if base is None else smt_differs(one.threads_per_core, base.threads_per_core)
    against_fastest = smt_differs(one.threads_per_core, fastest.threads_per_core, fastest.machine)
    return [told for told in (against_base, against_fastest) if told is not None]


def _baseline(one: Measurement, baselines: Sequence[Result]) -> Result | None:
    """The last baseline of that machine and case."""
    found = [base for base in baselines if base.machine == one.machine and base.case == one.case]
    return found[-1] if found else None
