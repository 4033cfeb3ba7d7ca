"""Records -> one table for each case: a row for each machine, and how sure its difference from the reference is."""

from __future__ import annotations

import fnmatch
import math
import operator
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pytest_benchmark_aws.core.compare.choice import Offer, front
from pytest_benchmark_aws.core.compare.inference import Ratio, Sampled, holm, ratio_of, sample
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.launch_flags import smt_differs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
    from pytest_benchmark_aws.core.compare.records import Commit, Record

RowOf = Literal["machine", "commit", "launch"]
How = Literal["median", "mean", "min"]
CONFIDENCE = 0.95
_NOISE = ("steal", "canary")
"""How flags begin that tell of an unsteady machine (core.launch_flags)."""
SIGNIFICANT = 0.05
"""Of Holm's adjusted p-values, over all rows that are compared."""


@dataclass(frozen=True, slots=True)
class Row:
    """One machine in the table of a case."""

    case: str
    scale: str | None
    machine: MachineInfo
    commit: Commit
    records: tuple[Record, ...]
    """One for each launch, in order of time."""
    seconds: float
    """The mean over launches of their medians (or means, or minima)."""
    low: float
    high: float
    """The fastest and the slowest round of all launches."""
    throughput: float | None
    """Units of work a second; None where the table's other files have one and this does not."""
    run_seconds: float
    """Of the table's full work at this pace; the row's own seconds where that is its work."""
    projected: bool
    """run_seconds is for more or less work than was measured."""
    run_usd: Decimal | None
    speed: Ratio | None
    """Over the reference's: 2 is twice as fast. None without a reference in the table."""
    is_reference: bool
    adjusted_p: float | None
    """Holm's, over all rows that are compared."""
    flags: tuple[str, ...]
    choice: tuple[str, ...]
    """``fastest``, ``cheapest``, ``front``: of the rows with a price."""

    @property
    def launches(self) -> int:
        """How many launches the row is made of: each record is one's, duplicates aside."""
        return len(self.records)

    @property
    def differs(self) -> bool:
        """Whether the row differs from the reference for sure: outside the interval, and after Holm's correction."""
        sure = self.adjusted_p is not None and self.adjusted_p < SIGNIFICANT
        return self.speed is not None and self.speed.differs and sure

    @property
    def offer(self) -> Offer | None:
        """What the machine asks for a run; None without a price."""
        price = self.machine.usd_per_hour
        return None if price is None else Offer(self.machine.name, self.run_seconds, price)


@dataclass(frozen=True, slots=True)
class Table:
    """The machines of one case."""

    case: str
    unit: str
    """Of throughput: ``row trees``, or ``runs``."""
    full_scale: str | None
    """The scale of the largest work in the table, which run_seconds and run_usd are for."""
    mixed: bool
    """Whether the rows' scales differ, so that seconds do not compare."""
    rows: tuple[Row, ...]

    @property
    def offers(self) -> list[Offer]:
        """The rows with a price."""
        return [offer for row in self.rows if (offer := row.offer) is not None]


@dataclass(frozen=True, slots=True)
class Compared:
    """All tables, and what was left out of them."""

    tables: tuple[Table, ...]
    duplicates: int
    """Records that another file holds too."""
    older: int
    """Records of other commits than the newest of their machine."""


def compare_records(
    records: Iterable[Record], *, how: How = "median", row_of: RowOf = "machine", reference: str | None = None
) -> Compared:
    """A table for each case, rows by time of a run, the fastest first; any order of records gives the same.

    Args:
        records: of any number of files.
        how: what of a launch's rounds is compared.
        row_of: a row for each machine, with its newest commit alone; for each commit too; or for each launch.
        reference: the name or instance type of the machine that others are compared with, or a pattern of shell
            wildcards; the fastest of each table where None.

    Raises:
        PlanError: the reference is in no table.
    """
    single, duplicates = _without_duplicates(records)
    groups: dict[tuple[str, str | None], list[Record]] = {}
    rated = {record.case for record in single if record.unit != "runs"}
    for record in single:
        # Without a throughput, amounts of work cannot be told apart, and scales are tests of their own.
        groups.setdefault((record.case, None if record.case in rated else record.scale), []).append(record)
    older, tables = 0, []
    for (case, _), members in sorted(groups.items(), key=lambda one: (one[0][0], one[0][1] or "")):
        rows, left = _rows(members, how, row_of)
        older += left
        tables.append(_table(case, rows, how, reference))
    if reference is not None and tables and not any(row.is_reference for table in tables for row in table.rows):
        names = sorted({row.machine.name for table in tables for row in table.rows})
        raise PlanError(f"reference {reference!r} is none of the machines compared: {', '.join(names)}")
    return Compared(tuple(_corrected(tables)), duplicates, older)


def matches(machine: MachineInfo, wanted: str) -> bool:
    """Whether a machine is meant: by its name, its instance type, or a pattern of either."""
    names = (machine.name, machine.instance_type or "")
    return wanted in names or any(name and fnmatch.fnmatchcase(name, wanted) for name in names)


_AGE = operator.attrgetter("when", "launch", "case", "source", "median", "round_count")


def _without_duplicates(records: Iterable[Record]) -> tuple[list[Record], int]:
    """The same benchmark of the same launch counts once, in whatever files it is; the first by file name stays."""
    ordered = sorted(records, key=_AGE)
    found: dict[tuple[object, ...], Record] = {}
    for record in ordered:
        key = (record.launch, record.case, record.scale, record.machine.name, record.median, record.round_count)
        found.setdefault(key, record)
    return list(found.values()), len(ordered) - len(found)


def _rows(members: Sequence[Record], how: How, row_of: RowOf) -> tuple[list[Row], int]:
    """Rows without what is relative, and how many records are of older commits."""
    by_machine: dict[tuple[str, str | None], list[Record]] = {}
    for record in members:
        by_machine.setdefault((record.machine.name, record.scale), []).append(record)
    rows, older = [], 0
    for mine in by_machine.values():
        parts: dict[tuple[str, bool, str], list[Record]] = {}
        for record in mine:
            launch = record.launch if row_of == "launch" else ""
            parts.setdefault((record.commit.id, record.commit.dirty, launch), []).append(record)
        if row_of == "machine":
            newest = max(parts, key=lambda part: (max(record.when for record in parts[part]), part))
            older += len(mine) - len(parts[newest])
            parts = {newest: parts[newest]}
        rows += [_row(part, how) for part in parts.values()]
    return rows, older


def _row(records: Sequence[Record], how: How) -> Row:
    last = records[-1]  # the newest: its price and its kernel
    seconds = math.fsum(getattr(record, how) for record in records) / len(records)
    return Row(
        case=last.case,
        scale=last.scale,
        machine=last.machine,
        commit=last.commit,
        records=tuple(records),
        seconds=seconds,
        low=min(record.min for record in records),
        high=max(record.max for record in records),
        throughput=_work(records) / seconds if last.unit != "runs" else None,
        run_seconds=seconds,
        projected=False,
        run_usd=None,
        speed=None,
        is_reference=False,
        adjusted_p=None,
        flags=(),
        choice=(),
    )


def _table(case: str, rows: Sequence[Row], how: How, reference: str | None) -> Table:
    units = Counter(record.unit for row in rows for record in row.records if record.unit != "runs")
    unit = min(units, key=lambda one: (-units[one], one)) if units else "runs"
    mixed = len({row.scale for row in rows}) > 1
    full = max(rows, key=lambda row: (_work(row.records), row.scale or ""))
    work = _work(full.records)
    paced = []
    for row in rows:
        comparable = row.throughput is not None and row.records[-1].unit == unit
        projected = mixed and comparable and abs(_work(row.records) / work - 1) > 1e-3
        seconds = work / row.throughput if projected and row.throughput else row.seconds
        price = row.machine.usd_per_hour
        paced.append(
            replace(
                row,
                throughput=row.throughput if comparable else 1 / row.seconds if unit == "runs" else None,
                run_seconds=seconds,
                projected=projected,
                run_usd=None if price is None else Offer(row.machine.name, seconds, price).usd,
            )
        )
    paced.sort(key=_order)
    against = _reference(paced, reference)
    chosen = _chosen(paced)
    sampled = None if against is None else _sampled(against, how, seed=1)
    done = []
    for row in paced:
        is_reference = row is against
        speed = None
        if against is not None and sampled is not None:
            # Equal scales: equal work, whatever a throughput says of it.
            gain = 1.0
            if row.scale != against.scale and row.throughput and against.throughput:
                gain = _work(row.records) / _work(against.records)
            speed = _identity(sampled) if is_reference else _speed(_sampled(row, how, seed=0), sampled, gain)
        done.append(
            replace(
                row,
                speed=speed,
                is_reference=is_reference,
                flags=_row_flags(row, against),
                choice=tuple(word for word, ones in chosen.items() if any(row is one for one in ones)),
            )
        )
    return Table(case, unit, full.scale, mixed, tuple(done))


def _order(row: Row) -> tuple[object, ...]:
    return (row.run_seconds, row.machine.name, row.commit.id, row.commit.dirty, row.records[0].launch, row.scale or "")


def _reference(rows: Sequence[Row], wanted: str | None) -> Row | None:
    """The wanted machine's row, the newest of several; the fastest where none is wanted."""
    if wanted is None:
        return rows[0]
    found = [row for row in rows if matches(row.machine, wanted)]
    # An exact name before what a pattern or an instance type fits.
    found.sort(key=lambda row: (row.machine.name == wanted, row.records[-1].when), reverse=True)
    return found[0] if found else None


def _sampled(row: Row, how: How, seed: int) -> Sampled:
    return sample([getattr(one, how) for one in row.records], seed=seed)


def _speed(one: Sampled, reference: Sampled, gain: float) -> Ratio:
    """The ratio of times turned into one of speeds; ``gain`` is the work done over the reference's."""
    time = ratio_of(one, reference, confidence=CONFIDENCE)
    low, high = (None, None) if time.low is None or time.high is None else (gain / time.high, gain / time.low)
    return Ratio(gain / time.value, low, high, time.confidence, time.p_value)


def _identity(sampled: Sampled) -> Ratio:
    end = 1.0 if sampled.away else None
    return Ratio(1.0, end, end, CONFIDENCE, None)


def _work(records: Sequence[Record]) -> float:
    """Units of work in one run; launches of one row do the same work, up to rounding."""
    return max(record.work for record in records)


def _row_flags(row: Row, reference: Row | None) -> tuple[str, ...]:
    """Reasons to doubt the row, or to read it with care."""
    machine = row.machine
    found = ["embedded"] if machine.embedded else []
    if machine.market == "spot":
        found.append("spot")
    told = sorted({flag for record in row.records for flag in record.flags})
    noise = sorted({flag.split()[0] for flag in told if flag.startswith(_NOISE)})
    if noise:
        count = sum(any(flag.startswith(_NOISE) for flag in record.flags) for record in row.records)
        worst = max((flag for flag in told if flag.startswith(_NOISE)), key=_size)
        what = worst if len(row.records) == 1 else f"{count} of {len(row.records)} launches, the most {worst}"
        found.append(f"noisy: {what}")
    found += [flag for flag in told if not flag.startswith(_NOISE)]
    if any(record.commit.dirty for record in row.records):
        found.append("dirty")
    if reference is not None:
        smt = smt_differs(machine.threads_per_core, reference.machine.threads_per_core, "reference")
        found += [smt] if smt else []
    return tuple(found)


def _size(flag: str) -> float:
    """Of the number in ``canary -15.3%``."""
    match = re.search(r"-?\d+(\.\d+)?", flag)
    return abs(float(match[0])) if match else 0.0


def _chosen(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Word -> the rows that it is said of; embedded AWS's times are no instance type's, and choose among themselves."""
    real = [row for row in rows if row.offer is not None and not row.machine.embedded]
    priced = real or [row for row in rows if row.offer is not None]
    if len(priced) < 2:  # too few for money: the fastest is the fastest all the same
        timed = [row for row in rows if not row.machine.embedded] or list(rows)
        return {"fastest": [row for row in timed if row.run_seconds == timed[0].run_seconds]} if len(timed) > 1 else {}
    best = {(offer.machine, offer.seconds) for offer in front([row.offer for row in priced if row.offer])}
    least = min(row.run_usd for row in priced if row.run_usd is not None)
    return {
        "fastest": [row for row in priced if row.run_seconds == priced[0].run_seconds],
        "cheapest": [row for row in priced if row.run_usd == least],
        "front": [row for row in priced if (row.machine.name, row.run_seconds) in best],
    }


def _corrected(tables: Sequence[Table]) -> list[Table]:
    """The tables with Holm's adjusted p-values."""
    p_values = [
        row.speed.p_value
        for table in tables
        for row in table.rows
        if row.speed is not None and row.speed.p_value is not None
    ]
    adjusted = iter(holm(p_values))
    corrected = []
    for table in tables:
        rows = [
            replace(row, adjusted_p=next(adjusted)) if row.speed is not None and row.speed.p_value is not None else row
            for row in table.rows
        ]
        corrected.append(replace(table, rows=tuple(rows)))
    return corrected
