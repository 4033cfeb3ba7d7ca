"""The page's table of results: its columns, and a line for each row of the compared tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pytest_benchmark_aws.core.compare.rows import Row
from pytest_benchmark_aws.core.compare.tables import Table
from pytest_benchmark_aws.report.columns import COLUMNS, Column, not_blank, titled
from pytest_benchmark_aws.report.html.machine_styles import Mark
from pytest_benchmark_aws.report.text import printable

COLUMN_NAMES = (
    "machine", "test", "scale", "time", "relative", "interval", "usd-run", "choice", "speed-up", "gpu", "launches",
    "spread", "throughput", "usd-hour", "rounds", "commit", "flags",
)  # fmt: skip
"""The table's columns, by the names that they have in ``compare``; one in which no row has anything is left out."""


@dataclass(frozen=True, slots=True)
class Name:
    """A test's node id, parted after its last ``::``."""

    path: str
    test: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the table."""

    text: str
    value: float | None = None
    """The number that it sorts by; None where it sorts by its text."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table."""

    mark: Mark
    embedded: bool
    test: Name
    cells: tuple[Cell, ...]


def results_table(tables: Sequence[Table], marks: Mapping[str, Mark]) -> tuple[tuple[Column, ...], tuple[Line, ...]]:
    """The columns with their titles here, and the rows in the tables' order."""
    unneeded = set() if any(table.unit != "runs" for table in tables) else {"throughput"}  # it is 1 over the time
    columns = not_blank([COLUMNS[name] for name in COLUMN_NAMES if name not in unneeded], tables)
    lines = []
    for table in tables:
        for row in table.rows:
            cells = tuple(_cell(table, row, column) for column in columns)
            lines.append(Line(marks[row.machine.name], row.machine.embedded, case_name(row.case), cells))
    return tuple(replace(column, title=titled(column, "work", "time")) for column in columns), tuple(lines)


def case_name(case: str, scale: str | None = None) -> Name:
    """A case's node id, with its scale if it has one, harmless to print."""
    folder, separator, test = case.rpartition("::")
    return Name(printable(folder + separator), printable(test if scale is None else f"{test}, {scale}"))


def _cell(table: Table, row: Row, column: Column) -> Cell:
    value, text = column.value(row), printable(column.shown(row))
    if column.name == "throughput" and value is not None and table.unit != "runs":
        text += f" {printable(table.unit)}"
    if column.name == "spread":
        value = row.low
    return Cell(text, float(value) if isinstance(value, int | float | Decimal) else None)
