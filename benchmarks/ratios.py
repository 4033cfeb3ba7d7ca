"""Times as shares of a reference's that ran just before and just after, and the tables made of them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.overhead.pairs import median_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.workload import Workload

PAIRS = 6
"""The fewest for an interval at 95 %."""
_LONG_ROWS = 200_000
"""With more rows, where a training takes a minute or hours, one pair is all."""


def pairs_at(workload: Workload) -> int:
    """How often a case is timed, each time between two of the reference."""
    return PAIRS if workload.rows <= _LONG_ROWS else 1


@dataclass(frozen=True, slots=True)
class Ratio:
    """A time as a share of the reference's, with its interval at 95 % where there were pairs enough."""

    value: float
    low: float | None
    high: float | None

    @property
    def below_one(self) -> bool:
        """Surely: the whole interval."""
        return self.high is not None and self.high < 1

    @property
    def above_one(self) -> bool:
        """Surely: the whole interval."""
        return self.low is not None and self.low > 1

    def interval(self) -> str:
        """As a table shows it."""
        return "one pair" if self.low is None or self.high is None else f"{self.low:.2f} to {self.high:.2f}"


def ratio(times: Sequence[float], reference: Sequence[float]) -> Ratio:
    """The median of each time over the mean of the reference's before and after it, which are one more."""
    neighbours = zip(times, reference[:-1], reference[1:], strict=True)
    shares = [2 * seconds / (before + after) for seconds, before, after in neighbours]
    if len(shares) < PAIRS:
        return Ratio(statistics.median(shares), None, None)
    interval = median_interval(shares)
    return Ratio(interval.median, interval.low, interval.high)


@dataclass(frozen=True, slots=True)
class Ratios:
    """The same trainings by the clock and by CPU time."""

    wall: Ratio
    cpu: Ratio
    threads: int

    @property
    def time(self) -> Ratio:
        """With one thread of CPU time, which other work on the machine moves least; else by the clock."""
        return self.cpu if self.threads == 1 else self.wall


def read_ratios(extra: Mapping[str, Any]) -> Ratios | None:
    """From a benchmark's ``extra_info``; None where nothing was timed."""
    if not extra.get("wall_ratio"):
        return None
    return Ratios(Ratio(*extra["wall_ratio"]), Ratio(*extra["cpu_ratio"]), extra["threads"])


def shape_of(extra: Mapping[str, Any], *, threads: bool = True) -> str:
    """What a table's rows have in common: the data, the threads, and with ``--aws`` the machine."""
    count = f", {threads_of(extra['threads'])}" if threads else ""
    machine = f", {extra['instance_type']}" if extra.get("instance_type") else ""
    return (
        f"{extra['rows']:,} rows, {extra['classes']} classes, {extra['boosting_rounds']} rounds, "
        f"{extra['validation_rows']:,} validation rows{count}{machine}"
    )


def threads_of(count: int) -> str:
    """As a table shows it."""
    return f"{count} thread{'s' if count > 1 else ''}"


def loads(averages: Sequence[float | None]) -> str:
    """How busy the machine was, for the line above a table."""
    numbers = [average for average in averages if average is not None]
    return f"load average {min(numbers):.1f} to {max(numbers):.1f}" if numbers else "load average unknown"


def how(results: Sequence[Ratios], reference: str) -> str:
    """What the ratios are of, for the line below a table."""
    of = "CPU seconds" if results[0].threads == 1 else "seconds by the clock"
    return f"time ratio: of {of}, over those of {reference} just before and after"
