"""What every format is made from: the measurement of a benchmark on a machine, with its spread and its price."""

from __future__ import annotations

import hashlib
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pytest_benchmark_aws.core.compare.records import Record
from pytest_benchmark_aws.core.compare.rows import Row
from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.values.usd import format_run_usd
from pytest_benchmark_aws.report.text import printable

SIMULATED = "simulated: embedded AWS's times are those of the machine that it ran on, not the instance type's"


@dataclass(frozen=True, slots=True)
class Export:
    """The files of a format."""

    files: Mapping[str, Any]
    """Path within the output -> JSON; the empty path is the output itself."""
    count: int
    """How many measurements they hold."""
    lost: tuple[str, ...]
    """What the format has no place for: a phrase each, with numbers."""
    grows: frozenset[str] = frozenset()
    """Files whose contents are added to an existing file of the same name."""
    stays: frozenset[str] = frozenset()
    """Files that are left as they are where they exist."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One benchmark on one machine at one commit."""

    row: Row
    name: str
    """The test and the machine: ``bench.py::test_it[a] on m5.large (embedded)``."""
    seconds: float
    """The mean over launches of their medians."""
    quartiles: tuple[float, float] | None
    """The mean over launches of their first and third quartiles, in seconds, widened where it must enclose the time."""
    usd: Decimal | None
    """USD of a run at the machine's price an hour; None without a price."""
    rate: float | None
    """Units of work a second; None where the test tells of no work."""

    @property
    def unit(self) -> str:
        """The unit of the rate's work, such as ``row trees``."""
        return self.row.records[0].unit

    @property
    def details(self) -> list[str]:
        """What a person wants to know of the number, in lines."""
        row, commits = self.row, _commits(self.row)
        rounds = sum(record.round_count for record in row.records)
        lines = [SIMULATED] if row.machine.embedded else []
        lines.append(
            f"median of {rounds:,} round{'s' * (rounds != 1)}, {row.launches} launch{'es' * (row.launches != 1)}"
        )
        if self.usd is not None:
            dated = f", prices of {row.machine.price_date}" if row.machine.price_date else ""
            lines.append(f"{format_run_usd(self.usd)} USD a run at {row.machine.usd_per_hour} USD/hour{dated}")
        if self.rate is not None:
            lines.append(f"{self.rate:,.6g} {self.unit} a second")
        lines += [f"commit {commit}" for commit in commits]
        return [printable(line) for line in [*lines, *(flag for flag in row.flags if flag != "embedded")]]


def measurements(records: Iterable[Record]) -> tuple[list[Measurement], list[str]]:
    """The measurements at each machine's newest commit, by name, and what that leaves out, in phrases."""
    compared = compare_records(records)
    by_name = [_measurement(row) for table in compared.tables for row in table.rows]
    by_name.sort(key=lambda measurement: measurement.name)
    lost = []
    if compared.older:
        lost.append(f"{compared.older:,} results of older commits: one report is of one commit")
    commits = sorted({commit for measurement in by_name for commit in _commits(measurement.row)})
    if len(commits) > 1:
        lost.append(f"which of the commits {', '.join(commits)} a result is of, as a report is taken for one commit's")
    flagged = sum(bool(set(measurement.row.flags) - {"embedded"}) for measurement in by_name)
    if flagged:
        lost.append(f"the reasons to doubt {flagged:,} results: see pytest-benchmark-aws compare")
    return by_name, lost


def _measurement(row: Row) -> Measurement:
    pairs = [record.quartiles for record in row.records if record.quartiles is not None]
    quartiles = None
    if len(pairs) == len(row.records):
        # Of data without repetition this encloses the center; pytest-benchmark's quartiles of two rounds may not.
        low, high = (statistics.fmean(pair[side] for pair in pairs) for side in (0, 1))
        quartiles = min(low, row.seconds), max(high, row.seconds)
    price, first = row.machine.usd_per_hour, row.records[0]
    rates = [record.throughput for record in row.records if record.unit != "runs"]
    return Measurement(
        row=row,
        name=printable(f"{first.case} on {row.machine.name}"),
        seconds=row.seconds,
        quartiles=quartiles,
        usd=None if price is None else usd(price, row.seconds),
        rate=statistics.fmean(rates) if len(rates) == len(row.records) else None,
    )


def _commits(row: Row) -> list[str]:
    """The short ids of the row's commits; stock pytest-benchmark calls none ``unversioned`` or ``unknown``."""
    return sorted({str(record.commit) for record in row.records if re.fullmatch("[0-9a-f]{7,}", record.commit.id)})


def shortened(name: str, most: int) -> str:
    """The name in at most so many bytes; a longer one ends in its hash."""
    if len(name.encode()) <= most:
        return name
    end = f"~{_digest(name)}"
    return name.encode()[: most - len(end)].decode(errors="ignore") + end


def unique_names(names: Mapping[str, str]) -> dict[str, str]:
    """The mapping with a hash of the key added to each value that several keys have."""
    counts = Counter(names.values())
    return {key: f"{value}~{_digest(key)}" if counts[value] > 1 else value for key, value in names.items()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
