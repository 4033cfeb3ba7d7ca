"""A chart and the sentences beside it, and what the charts of one test share: rows, labels and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
from pytest_benchmark_aws.core.compare.rows import Row
from pytest_benchmark_aws.core.compare.tables import Table
from pytest_benchmark_aws.report.html.machine_styles import Mark
from pytest_benchmark_aws.report.text import printable

MOST_MACHINES = 24
"""Lines of a chart that has one for each machine."""
PROJECTED = "≈: scales differ, so that times and money are of the largest work at each one's pace"
EMBEDDED = "hollow: embedded AWS, not the instance types' times"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, ready to be drawn."""

    kind: str
    """As in ``time-money``; a part of file names."""
    title: str
    about: str
    """The test that it is of, harmless to print."""
    alt: str
    """What it shows, in words."""
    note: str
    """What was left out or stands for something else; empty where all is there."""
    spec: dict[str, Any]


def of_table(
    table: Table, shown: Sequence[Row], total: int, kind: str, title: str, *alt: str, notes: Sequence[str], spec: Any
) -> Chart:
    """A chart of a table's machines, of ``total`` those that are ``shown``; ``alt`` and ``notes`` are of parts."""
    machines = left_out("machines", len(shown), total)
    return Chart(
        kind, title, named(table.case, table.full_scale), sentence(*alt), row_notes(shown, machines, *notes), spec
    )


def named(test: str, scale: str | None) -> str:
    """A test and its scale, harmless to print."""
    return printable(test if scale is None else f"{test}, {scale}")


def left_out(what: str, shown: int, total: int, which: str = "") -> str:
    """As in ``24 of 30 machines, the newest``; empty where all are shown."""
    return f"{shown:,} of {total:,} {what}{f', the {which}' if which else ''}" if shown < total else ""


def joined(*parts: str) -> str:
    """A note of the parts that are not empty."""
    return "; ".join(part for part in parts if part)


def sentence(*parts: str) -> str:
    """A sentence of the parts that are not empty, cut off where it is too long to be listened to."""
    text = printable(": ".join(part for part in parts if part))
    return (text if len(text) <= 700 else text[:700] + " …") + "."


def first_rows(rows: Sequence[Row], most: int) -> list[Row]:
    """The first ``most`` rows in their order, with all that are chosen among them."""
    if len(rows) <= most:
        return list(rows)
    chosen_first = [*(row for row in rows if row.choice), *(row for row in rows if not row.choice)]
    shown = {id(row) for row in chosen_first[:most]}
    return [row for row in rows if id(row) in shown]


def row_label(table: Table, row: Row, marks: Mapping[str, Mark]) -> str:
    """The machine's label, with the scale where a machine may have rows of several."""
    scale = f" {printable(row.scale)}" if table.mixed and row.scale else ""
    return f"{marks[row.machine.name].label}{scale}{' ≈' if row.projected else ''}"


def described(machine: MachineInfo, marks: Mapping[str, Mark], words: str) -> dict[str, Any]:
    """What a point of a chart says of its machine: its label, whether it is embedded AWS's, its name and the words."""
    mark = marks[machine.name]
    return {"machine": mark.label, "embedded": machine.embedded, "words": f"{mark.name}{words}"}


def usd(row: Row) -> float:
    """USD of a run; 0 without a price."""
    return float(row.run_usd or 0)


def without_price(table: Table) -> str:
    """How many machines are left out as they have no price; empty where all have one."""
    count = sum(row.run_usd is None for row in table.rows)
    return f"{count} machine{'s' * (count > 1)} without a price left out" if count else ""


def row_notes(rows: Sequence[Row], *parts: str) -> str:
    """A chart's note: the parts, and what is to be said of projected figures and of embedded AWS among the rows."""
    projected = PROJECTED if any(row.projected for row in rows) else ""
    return joined(*parts, projected, EMBEDDED if any(row.machine.embedded for row in rows) else "")
