"""Records -> rows: which of them are launches of one machine."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pytest_benchmark_aws.core.compare.choice import Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark_aws.core.compare.inference import Ratio
    from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
    from pytest_benchmark_aws.core.compare.records import Commit, Record

RowOf = Literal["machine", "commit", "launch"]
How = Literal["median", "mean", "min"]
SIGNIFICANT = 0.05
"""Of Holm's adjusted p-values, over all rows that are compared."""
_ROW = ("machine.name", "scale", "version")
"""What the records of a row have in common."""


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
    """The words of ``core.compare.choice.choice``."""
    speed_up: float | None = None
    """Of a group over one machine of its type, where the table has that; for the same work."""
    usd_over_one: float | None = None
    """What a run costs over what it costs on that machine."""
    baseline: Record | None = None
    """The saved result that the row is compared with, where it is compared with one."""

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
    def is_best(self) -> bool:
        """Whether it is the fastest or the cheapest."""
        return any(word != "front" for word in self.choice)

    @property
    def over_baseline(self) -> float | None:
        """Throughput over the baseline's; None where there is none in the same unit of work."""
        base, last = self.baseline, self.records[-1]
        if base is None or base.unit != last.unit or (last.unit == "runs" and base.scale != last.scale):
            return None
        return (1 / self.seconds if last.unit == "runs" else work_of(self.records) / self.seconds) / base.throughput

    @property
    def offer(self) -> Offer | None:
        """What the machine asks for a run; None without a price."""
        return offer_of(self.machine, self.run_seconds)


def offer_of(machine: MachineInfo, seconds: float) -> Offer | None:
    """What a machine, or a managed service, asks for a run of so many seconds; None without a price."""
    if machine.usd_per_request is not None:
        return Offer(machine.name, seconds, Decimal(0), machine.usd_per_request)
    return None if machine.usd_per_hour is None else Offer(machine.name, seconds, machine.usd_per_hour)


def rows_of(members: Sequence[Record], how: How, row_of: RowOf) -> list[Row]:
    """Rows without what is relative, of records in order of time."""
    parts: dict[tuple[object, ...], list[Record]] = {}
    key_of = operator.attrgetter(*_ROW, *(["launch"] if row_of == "launch" else []))
    for record in members:
        parts.setdefault(key_of(record), []).append(record)
    return [_row(part, how) for part in parts.values()]


def _row(records: Sequence[Record], how: How) -> Row:
    last = records[-1]  # the newest: its price and its kernel
    seconds = math.fsum(map(operator.attrgetter(how), records)) / len(records)
    return Row(
        case=last.case,
        scale=last.scale,
        machine=last.machine,
        commit=last.commit,
        records=tuple(records),
        seconds=seconds,
        low=min([record.min or record.rounds[0] for record in records]),
        high=max([record.max or record.rounds[-1] for record in records]),
        throughput=work_of(records) / seconds if last.unit != "runs" else None,
        run_seconds=seconds,
        projected=False,
        run_usd=None,
        speed=None,
        is_reference=False,
        adjusted_p=None,
        flags=(),
        choice=(),
    )


def work_of(records: Sequence[Record]) -> float:
    """Units of work in one run; launches of one row do the same work, up to rounding."""
    return max([record.throughput * record.median for record in records])
