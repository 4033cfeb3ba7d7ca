"""Records -> all that a page says, as plain text and numbers; what makes it HTML is the template."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.compare.choice import tallies_of
from pytest_benchmark_aws.core.compare.series import histories, scalings
from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.report.columns import COLUMNS, NEVER_DROPPED, titled
from pytest_benchmark_aws.report.html.charts import of_test, trends
from pytest_benchmark_aws.report.html.facts import Machine, count_of, figures_of, machines_of
from pytest_benchmark_aws.report.html.marks import Mark, marks_of
from pytest_benchmark_aws.report.html.numbers import Numbers, history_numbers, scaling_numbers
from pytest_benchmark_aws.report.html.words import Said, headline, verdict
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_benchmark_aws.core.compare.choice import Tally
    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.core.compare.rows import Row
    from pytest_benchmark_aws.core.compare.series import History
    from pytest_benchmark_aws.core.compare.tables import Compared, Table
    from pytest_benchmark_aws.report.columns import Column
    from pytest_benchmark_aws.report.html.charts.chart import Chart

MOST_CHARTED = 20
"""Tests with charts on one page; a chart takes about 15 KB and 50 ms."""
MOST_SCALINGS = MOST_HISTORIES = 12
MOST_SAID = 100
"""Tests with their choice in words; the table has the choice of all."""


@dataclass(frozen=True, slots=True)
class Name:
    """A test's node id, at its last ``::``."""

    path: str
    test: str


@dataclass(frozen=True, slots=True)
class Heading:
    """Of a column."""

    title: str
    left: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart on the page, with its numbers where the big table has them not."""

    chart: Chart
    numbers: Numbers | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """A test: its choice, and its charts if it has any here."""

    anchor: str
    name: Name
    said: tuple[Said, ...]
    sure: str
    figures: tuple[Figure, ...]
    legend: tuple[tuple[Mark, bool], ...]
    """The machines and whether each is embedded AWS's."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Of the big table; ``value`` is what it sorts by where that is not its text."""

    text: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the big table."""

    mark: Mark
    embedded: bool
    test: Name
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page says."""

    title: str
    facts: tuple[str, ...]
    """The results in figures: how many, of when, at which prices."""
    tests: tuple[Test, ...]
    unsaid: int
    """Tests whose choice is in the table alone."""
    headline: tuple[Said, ...]
    tallies: tuple[tuple[Mark, Tally], ...]
    scalings: tuple[tuple[Name, Figure], ...]
    histories: tuple[tuple[Name, Figure], ...]
    legend: tuple[tuple[Mark, bool], ...]
    """All machines that have a colour, and whether each is embedded AWS's."""
    columns: tuple[Heading, ...]
    lines: tuple[Line, ...]
    machines: tuple[Machine, ...]
    notes: tuple[str, ...]
    refused: tuple[str, ...]
    embedded: bool


COLUMN_NAMES = (
    "machine", "test", "scale", "time", "relative", "interval", "usd-run", "choice", "launches", "spread", "throughput",
    "usd-hour", "rounds", "commit", "flags",
)  # fmt: skip
"""Of compare's; those in which no row has anything are left out."""


def view(
    records: Sequence[Record],
    *,
    title: str,
    reference: str | None = None,
    scale_parameter: str | None = None,
    refused: Iterable[str] = (),
) -> Page:
    """The page of these records, the same in any order of them.

    Raises:
        PlanError: the reference is none of the machines.
    """
    compared = compare_records(records, reference=reference)
    tables = compared.tables
    marks = marks_of(tables)
    by_commit = compare_records(records, row_of="commit").tables if compared.older else ()
    found = histories(by_commit)
    scaled = scalings(tables, scale_parameter)
    charted = _charted(tables)
    columns = _columns(tables)
    tallies = tallies_of(tables)
    said = tables if len(tables) <= MOST_SAID else [table for table in tables if id(table) in charted]
    tests = tuple(_test(number, table, marks, id(table) in charted) for number, table in enumerate(said, 1))
    return Page(
        title=printable(title),
        facts=tuple(figures_of(records, tables)),
        tests=tests,
        unsaid=len(tables) - len(said),
        headline=tuple(headline(tables, tallies, marks)),
        tallies=tuple((marks[tally.machine.name], tally) for tally in tallies)
        if len(tables) > 1 < len(tallies)
        else (),
        scalings=tuple(
            (_named(one.test), Figure(trends.scaling(one, marks), scaling_numbers(one, marks)))
            for one in scaled[:MOST_SCALINGS]
        ),
        histories=tuple(
            (_named(one.test, one.scale), Figure(trends.history(one, marks), history_numbers(one, marks)))
            for one in _most_changed(found)
        ),
        legend=_legend(tables, marks),
        columns=tuple(Heading(titled(column, "work", "time"), column.left) for column in columns),
        lines=tuple(_line(table, row, columns, marks) for table in tables for row in table.rows),
        machines=tuple(machines_of(records, marks)),
        notes=tuple(_notes(compared, len(charted), len(scaled), len(found))),
        refused=tuple(sorted(printable(line) for line in refused)),
        embedded=any(record.machine.embedded for record in records),
    )


def all_charts(page: Page) -> list[Chart]:
    """The page's charts, in its order."""
    figures = [figure for test in page.tests for figure in test.figures]
    return [figure.chart for figure in (*figures, *(figure for _, figure in (*page.scalings, *page.histories)))]


def _most_changed(found: Sequence[History]) -> list[History]:
    """In order; where there are too many, those whose newest commits differ the most from the one before."""

    def change(one: History) -> float:
        pairs = [line.points[-2:] for line in one.lines if len(line.points) > 1]
        return max(abs(after.row.seconds / before.row.seconds - 1) for before, after in pairs)

    kept = {id(one) for one in sorted(found, key=change, reverse=True)[:MOST_HISTORIES]}
    return [one for one in found if id(one) in kept]


def _charted(tables: Sequence[Table]) -> set[int]:
    """Those with the most to choose among, where there are too many."""
    ranked = sorted(tables, key=lambda table: -len(table.rows))
    return {id(table) for table in ranked[:MOST_CHARTED]}


def _test(number: int, table: Table, marks: Mapping[str, Mark], charted: bool) -> Test:
    choice = verdict(table, marks)
    drawn: list[Chart | None] = []
    if charted:
        drawn = [of_test.time_money(table, marks), of_test.rounds(table, marks), of_test.usd_a_run(table, marks)]
    figures = tuple(Figure(chart) for chart in drawn if chart is not None)
    name = _named(table.case, table.full_scale)
    return Test(f"test-{number}", name, choice.said, choice.sure, figures, _legend([table], marks))


def _legend(tables: Iterable[Table], marks: Mapping[str, Mark]) -> tuple[tuple[Mark, bool], ...]:
    rows = [row for table in tables for row in table.rows if marks[row.machine.name].number]
    return tuple(sorted({marks[row.machine.name]: row.machine.embedded for row in rows}.items(), key=_place))


def _place(one: tuple[Mark, bool]) -> int:
    return one[0].number


def _named(case: str, scale: str | None = None) -> Name:
    folder, separator, test = case.rpartition("::")
    return Name(printable(folder + separator), printable(test if scale is None else f"{test}, {scale}"))


def _columns(tables: Sequence[Table]) -> list[Column]:
    rows = [row for table in tables for row in table.rows]
    unneeded = set() if any(table.unit != "runs" for table in tables) else {"throughput"}  # it is one over the time
    chosen = [COLUMNS[name] for name in COLUMN_NAMES if name not in unneeded]
    return [
        column
        for column in chosen
        if column.name in {*NEVER_DROPPED, "test"} or any(column.value(row) not in {None, ""} for row in rows)
    ]


def _line(table: Table, row: Row, columns: Sequence[Column], marks: Mapping[str, Mark]) -> Line:
    mark, cells = marks[row.machine.name], tuple(_cell(table, row, column) for column in columns)
    return Line(mark, row.machine.embedded, _named(row.case), cells)


def _cell(table: Table, row: Row, column: Column) -> Cell:
    value, text = column.value(row), printable(column.shown(row))
    if column.name == "throughput" and value is not None and table.unit != "runs":
        text += f" {printable(table.unit)}"
    if column.name == "spread":
        value = row.low
    return Cell(text, float(value) if isinstance(value, int | float | Decimal) else None)


def _notes(compared: Compared, charted: int, scaled: int, changed: int) -> list[str]:
    """What was left out, and where."""
    notes = []
    tests = len(compared.tables)
    if tests > charted:
        notes.append(
            f"Charts are of {charted} of the {tests:,} tests, those with the most machines; the table has all."
        )
    if scaled > MOST_SCALINGS:
        notes.append(f"Scaling is drawn for {MOST_SCALINGS} of {scaled:,} tests and parameters.")
    if changed > MOST_HISTORIES:
        notes.append(f"History is drawn for the {MOST_HISTORIES} of {changed:,} tests that changed most.")
    if compared.older:
        notes.append(
            f"{count_of(compared.older, 'result')} of commits before a machine's newest: in the history, not in the "
            "choice nor in the table."
        )
    if compared.duplicates:
        notes.append(f"{count_of(compared.duplicates, 'result')} that another file holds too counted once.")
    return notes
