"""A run's results next to the baselines of the same case, by throughput and money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.cost import usd_at_pace
from pytest_benchmark_aws.core.launch_flags import smt_differs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from pytest_benchmark_aws.core.compare.results import Result


@dataclass(frozen=True, slots=True)
class Row:
    """One machine in the table of a case."""

    result: Result
    per_vcpu: float | None
    """Units of work a second a vCPU."""
    relative: float
    """Throughput over that of the reference, the first baseline."""
    usd: Decimal | None
    """Of the full workload at this pace."""
    projected: bool
    """The money is for more or less work than was measured."""
    flags: tuple[str, ...] = ()
    """Reasons to doubt the comparison with the reference."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The machines of one case; the baselines' work is the full workload."""

    case: str
    scale: str | None
    rows: tuple[Row, ...]


def compare(here: Iterable[Result], baselines: Sequence[Result]) -> list[Comparison]:
    """A comparison for each result that has a baseline, in the order of the results.

    Of several baselines of one machine the last counts. The full workload is the largest that a baseline measured.
    """
    comparisons = []
    for result in here:
        latest = {base.machine: base for base in baselines if base.case == result.case}
        if not latest:
            continue
        bases = sorted(latest.values(), key=lambda base: (base.seconds, base.machine))
        full = max(bases, key=lambda base: base.work)
        rows = tuple(_row(each, full, bases[0]) for each in (result, *bases))
        comparisons.append(Comparison(result.case, full.scale, rows))
    return comparisons


def _row(result: Result, full: Result, reference: Result) -> Row:
    price = result.usd_per_hour
    smt = smt_differs(result.threads_per_core, reference.threads_per_core, reference.machine)
    return Row(
        result=result,
        per_vcpu=result.throughput / result.vcpus if result.vcpus else None,
        relative=result.throughput / reference.throughput,
        usd=None if price is None else usd_at_pace(price, full.work, result.throughput),
        projected=abs(result.work / full.work - 1) > 1e-3,
        flags=() if smt is None else (smt,),
    )
