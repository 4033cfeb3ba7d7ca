"""What the charts of one test share: which rows they show, their labels and their notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_benchmark_aws.report.html.charts.chart import EMBEDDED, joined
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.core.compare.rows import Row
    from pytest_benchmark_aws.core.compare.tables import Table
    from pytest_benchmark_aws.report.html.machine_styles import Mark

MOST_MACHINES = 24
"""Lines of a chart that has one for each machine."""
PROJECTED = "≈: scales differ, so that times and money are of the largest work at each one's pace"


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
