"""Records -> one table for each case: a row for each machine, and how sure its difference from the reference is."""

from __future__ import annotations

import operator
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.compare.choice import Offer, choice
from pytest_benchmark_aws.core.compare.heads import newest, without_duplicates
from pytest_benchmark_aws.core.compare.inference import Ratio, Sampled, holm, ratio_of, sample
from pytest_benchmark_aws.core.compare.rows import How, Row, RowOf, offer_of, rows_of, work_of
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.instance_type_names import is_meant
from pytest_benchmark_aws.core.launch_flags import over_launches, smt_differs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
    from pytest_benchmark_aws.core.compare.records import Record

CONFIDENCE = 0.95
_AGE = operator.attrgetter("when", "launch", "source", "median", "round_count")


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
    single, duplicates = without_duplicates(records)
    counting = newest(single) if row_of == "machine" else single
    tables = tables_of(counting, how=how, row_of=row_of, reference=reference)
    return Compared(tables, duplicates, len(single) - len(counting))


def tables_of(
    counting: Iterable[Record], *, how: How = "median", row_of: RowOf = "machine", reference: str | None = None
) -> tuple[Table, ...]:
    """As ``compare_records``, of records that all count: none twice, and none of an older commit where none may be.

    A record that lacks what is compared, as the clock was too coarse for it, is left out.
    """
    counting = [record for record in counting if getattr(record, how) is not None]
    groups: dict[tuple[str, str | None], list[Record]] = {}
    rated = {record.case for record in counting if record.unit != "runs"}
    for record in counting:
        # Without a throughput, amounts of work cannot be told apart, and scales are tests of their own.
        groups.setdefault((record.case, None if record.case in rated else record.scale), []).append(record)
    tables = [
        _table(case, rows_of(sorted(members, key=_AGE), how, row_of), how, reference)
        for (case, _), members in sorted(groups.items(), key=lambda group: (_natural(group[0][0]), group[0][1] or ""))
    ]
    if reference is not None and tables and not any(row.is_reference for table in tables for row in table.rows):
        names = sorted({row.machine.name for table in tables for row in table.rows})
        raise PlanError(f"reference {reference!r} is none of the machines compared: {', '.join(names)}")
    return tuple(_corrected(tables))


def _natural(text: str) -> list[tuple[int, int, str]]:
    """What texts are in order of as people count: ``[2]`` before ``[10]``."""
    parts = re.split(r"(\d{1,18})", text)  # each second one is digits
    return [(0, int(part), "") if place % 2 else (1, 0, part) for place, part in enumerate(parts)]


def with_baselines(compared: Compared, baselines: Iterable[Record]) -> Compared:
    """The same tables, each row beside the last saved result of its test on its instance type, at whatever scale.

    Where their cores run other numbers of threads, the row is flagged. Times of embedded AWS are nobody's baseline.
    """
    last = {(base.case, base.machine.instance_type): base for base in baselines if not base.machine.embedded}

    def beside(row: Row) -> Row:
        base = last.get((row.case, row.machine.instance_type)) if row.machine.instance_type else None
        if base is None:
            return row
        smt = smt_differs(row.machine.threads_per_core, base.machine.threads_per_core)
        return replace(row, baseline=base, flags=(*row.flags, smt) if smt else row.flags)

    tables = [replace(table, rows=tuple(map(beside, table.rows))) for table in compared.tables]
    return replace(compared, tables=tuple(tables))


def matches(machine: MachineInfo, wanted: str) -> bool:
    """Whether a machine is meant: by its name, its instance type, or a pattern of either; a group also as its tests."""
    return any(is_meant(name, wanted) for name in (machine.name, machine.instance_type) if name)


def _table(case: str, rows: Sequence[Row], how: How, reference: str | None) -> Table:
    units = Counter(record.unit for row in rows for record in row.records if record.unit != "runs")
    unit = min(units, key=lambda name: (-units[name], name)) if units else "runs"
    mixed = len({row.scale for row in rows}) > 1
    full = max(rows, key=lambda row: (work_of(row.records), row.scale or ""))
    work = work_of(full.records)
    paced = []
    for row in rows:
        comparable = row.throughput is not None and row.records[-1].unit == unit
        projected = mixed and comparable and abs(work_of(row.records) / work - 1) > 1e-3
        seconds = work / row.throughput if projected and row.throughput else row.seconds
        offer = offer_of(row.machine, seconds)
        paced.append(
            replace(
                row,
                throughput=row.throughput if comparable else 1 / row.seconds if unit == "runs" else None,
                run_seconds=seconds,
                projected=projected,
                run_usd=None if offer is None else offer.usd,
            )
        )
    paced = [_over_one(row, paced) for row in sorted(paced, key=_order)]
    against = _reference(paced, reference)
    words = choice([(row.offer, row.run_seconds, row.machine.embedded) for row in paced])
    sampled = None if against is None else _sampled(against, how, seed=1)
    related = []
    for row, chosen_as in zip(paced, words, strict=True):
        is_reference = row is against
        speed = None
        if against is not None and sampled is not None:
            # Equal scales: equal work, whatever a throughput says of it.
            gain = 1.0
            if row.scale != against.scale and row.throughput and against.throughput:
                gain = work_of(row.records) / work_of(against.records)
            speed = _identity(sampled) if is_reference else _speed(_sampled(row, how, seed=0), sampled, gain)
        related.append(
            replace(row, speed=speed, is_reference=is_reference, flags=_row_flags(row, against), choice=chosen_as)
        )
    return Table(case, unit, full.scale, mixed, tuple(related))


def _over_one(row: Row, rows: Sequence[Row]) -> Row:
    """The row of a group with its speed-up and its cost over one machine of its type; others as they are."""
    if row.machine.count == 1:
        return row
    alone = [other for other in rows if other.machine.count == 1 and other.machine.name == row.machine.single_name]
    if not alone:
        return row
    single = max(alone, key=lambda other: (other.commit == row.commit, other.records[-1].when))
    costs = None if not (single.run_usd and row.run_usd) else float(row.run_usd / single.run_usd)
    return replace(row, speed_up=single.run_seconds / row.run_seconds, usd_over_one=costs)


def _order(row: Row) -> tuple[object, ...]:
    return (row.run_seconds, row.machine.name, row.commit.id, row.commit.dirty, row.records[0].launch, row.scale or "")


def _reference(rows: Sequence[Row], wanted: str | None) -> Row | None:
    """The wanted machine's row, the newest of several; the fastest where none is wanted."""
    if wanted is None:
        return rows[0]
    fitting = [row for row in rows if matches(row.machine, wanted)]
    # An exact name before what a pattern or an instance type fits.
    return max(fitting, key=lambda row: (row.machine.name == wanted, row.records[-1].when), default=None)


def _sampled(row: Row, how: How, seed: int) -> Sampled:
    return sample([getattr(record, how) for record in row.records], seed=seed)


def _speed(sampled: Sampled, reference: Sampled, gain: float) -> Ratio:
    """The ratio of times turned into one of speeds; ``gain`` is the work done over the reference's."""
    time = ratio_of(sampled, reference, confidence=CONFIDENCE)
    low, high = (None, None) if time.low is None or time.high is None else (gain / time.high, gain / time.low)
    return Ratio(gain / time.value, low, high, time.confidence, time.p_value)


def _identity(sampled: Sampled) -> Ratio:
    end = 1.0 if sampled.away else None
    return Ratio(1.0, end, end, CONFIDENCE, None)


def _row_flags(row: Row, reference: Row | None) -> tuple[str, ...]:
    """Reasons to doubt the row, or to read it with care."""
    machine = row.machine
    flags = ["embedded"] if machine.embedded else []
    if machine.market == "spot":
        flags.append("spot")
    flags += over_launches([record.flags for record in row.records])
    if row.commit.dirty:
        flags.append("dirty")
    # The cores of an embedded type are the catalog's, and its times those of whatever machine it ran on.
    if reference is not None and not machine.embedded and not reference.machine.embedded:
        smt = smt_differs(machine.threads_per_core, reference.machine.threads_per_core, "reference")
        flags += [smt] if smt else []
    return tuple(flags)


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
