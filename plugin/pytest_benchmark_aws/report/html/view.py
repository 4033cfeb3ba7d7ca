"""Records -> all that a page says, as plain text and numbers; what makes it HTML is the template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.series import histories, scalings
from pytest_benchmark_aws.core.tables import compare_records
from pytest_benchmark_aws.core.units import format_memory, format_rate, format_seconds, format_usd
from pytest_benchmark_aws.report.columns import printable
from pytest_benchmark_aws.report.html import charts
from pytest_benchmark_aws.report.html.marks import Mark, marks_of
from pytest_benchmark_aws.report.html.words import Said, speed_words, tally, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_benchmark_aws.core.records import MachineInfo, Record
    from pytest_benchmark_aws.core.series import History, Scaling
    from pytest_benchmark_aws.core.tables import Compared, Row, Table
    from pytest_benchmark_aws.report.html.charts import Chart

MOST_CHARTED = 30
"""Tests with charts on one page; a chart takes about 15 KB and 40 ms."""
MOST_SCALINGS = 12
MOST_SAID = 100
"""Tests with their choice in words; the table has the choice of all."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A chart's numbers as a table."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart on the page, with its numbers where the big table has them not."""

    chart: Chart
    numbers: Numbers | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """A test: its choice, and its charts if it has any here."""

    anchor: str
    name: str
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
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """What is known of one machine."""

    mark: Mark
    embedded: bool
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page says."""

    title: str
    facts: tuple[str, ...]
    """The results in figures: how many, of when, at which prices."""
    tests: tuple[Test, ...]
    unsaid: int
    """Tests whose choice is in the table alone."""
    tallies: tuple[tuple[Mark, bool, int, int, int, int], ...]
    scalings: tuple[tuple[str, Figure], ...]
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    machines: tuple[Machine, ...]
    notes: tuple[str, ...]
    refused: tuple[str, ...]
    embedded: bool


COLUMNS = (
    "machine", "test", "scale", "commit", "launches", "rounds", "time", "fastest round", "slowest round", "work/s",
    "speed", "95 % interval", "USD/hour", "USD/run", "choice", "flags",
)  # fmt: skip


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
    said = tables if len(tables) <= MOST_SAID else [table for table in tables if id(table) in charted]
    tests = tuple(_test(number, table, marks, found, id(table) in charted) for number, table in enumerate(said, 1))
    page = Page(
        title=printable(title),
        facts=tuple(_facts(records, tables)),
        tests=tests,
        unsaid=len(tables) - len(said),
        tallies=tuple(tally(tables, marks)) if len(tables) > 1 else (),
        scalings=tuple(
            (printable(one.test), Figure(charts.scaling(one, marks), _scaling_numbers(one, marks)))
            for one in scaled[:MOST_SCALINGS]
        ),
        columns=COLUMNS,
        lines=tuple(_line(table, row, marks) for table in tables for row in table.rows),
        machines=tuple(_machines(records, marks)),
        notes=tuple(_notes(compared, len(charted), len(scaled))),
        refused=tuple(sorted(printable(line) for line in refused)),
        embedded=any(record.machine.embedded for record in records),
    )
    return page


def all_charts(page: Page) -> list[Chart]:
    """The page's charts, in its order."""
    figures = [figure for test in page.tests for figure in test.figures]
    return [figure.chart for figure in [*figures, *(figure for _, figure in page.scalings)]]


def _charted(tables: Sequence[Table]) -> set[int]:
    """Those with the most to choose among, where there are too many."""
    ranked = sorted(tables, key=lambda table: -len(table.rows))
    return {id(table) for table in ranked[:MOST_CHARTED]}


def _test(number: int, table: Table, marks: Mapping[str, Mark], found: Sequence[History], charted: bool) -> Test:
    choice = verdict(table, marks)
    figures: list[Figure] = []
    if charted:
        drawn = (charts.time_money(table, marks), charts.rounds(table, marks), charts.usd_a_run(table, marks))
        figures = [Figure(chart) for chart in drawn if chart is not None]
        figures += [
            Figure(charts.history(one, marks), _history_numbers(one, marks))
            for one in found
            if one.test == table.case and (one.scale is None or any(row.scale == one.scale for row in table.rows))
        ]
    legend = {marks[row.machine.name]: row.machine.embedded for row in table.rows if marks[row.machine.name].number}
    return Test(
        f"test-{number}", _name(table), choice.said, choice.sure, tuple(figures), tuple(sorted(legend.items(), key=_place))
    )


def _place(one: tuple[Mark, bool]) -> int:
    return one[0].number


def _name(table: Table) -> str:
    return printable(table.case if table.full_scale is None else f"{table.case}, {table.full_scale}")


def _line(table: Table, row: Row, marks: Mapping[str, Mark]) -> Line:
    about = "≈ " if row.projected else ""
    price, usd, rate = row.machine.usd_per_hour, row.run_usd, row.throughput
    unit = f" {printable(table.unit)}" if table.unit != "runs" else ""
    cells = (
        Cell(marks[row.machine.name].name),
        Cell(printable(row.case)),
        Cell(printable(row.scale or "-")),
        Cell(printable(str(row.commit))),
        Cell(str(row.launches), row.launches),
        Cell(str(_round_count(row)), _round_count(row)),
        Cell(f"{about}{format_seconds(row.run_seconds)}", row.run_seconds),
        Cell(format_seconds(row.low), row.low),
        Cell(format_seconds(row.high), row.high),
        Cell("-" if rate is None else f"{format_rate(rate).strip()}{unit}", rate),
        Cell("-" if row.speed is None else f"{row.speed.value:.3f}", row.speed.value if row.speed else None),
        Cell(speed_words(row)),
        Cell("-" if price is None else f"{price:.4f}", None if price is None else float(price)),
        Cell("-" if usd is None else f"{about}{format_usd(usd)}", None if usd is None else float(usd)),
        Cell(", ".join(row.choice)),
        Cell(printable(", ".join(row.flags))),
    )
    return Line(marks[row.machine.name], row.machine.embedded, cells)


def _round_count(row: Row) -> int:
    return sum(record.round_count for record in row.records)


def _history_numbers(found: History, marks: Mapping[str, Mark]) -> Numbers:
    lines = found.lines
    cells = [
        {point.label: f"{format_seconds(point.row.seconds)} ({point.row.launches})" for point in line.points}
        for line in lines
    ]
    rows = [(commit, *(column.get(commit, "-") for column in cells)) for commit in found.commits]
    return Numbers(("commit", *(marks[line.machine.name].name for line in lines)), _all_printable(rows))


def _scaling_numbers(found: Scaling, marks: Mapping[str, Mark]) -> Numbers:
    """Time at each place and, of more hands for the same work, how many times as fast and what share of that linear."""
    across = sorted({(point.x, point.label) for line in found.lines for point in line.points})
    cells = []
    for line in found.lines:
        first = line.points[0]
        column = {}
        for point in line.points:
            text = format_seconds(point.row.seconds)
            if found.parallel and point is not first:
                gain = first.row.seconds / point.row.seconds
                text += f", {gain:.2f} times, {gain / (point.x / first.x):.0%} of linear".replace("%", " %")
            column[point.x, point.label] = text
        cells.append(column)
    rows = [(label, *(column.get((x, label), "-") for column in cells)) for x, label in across]
    return Numbers((printable(found.parameter), *(marks[line.machine.name].name for line in found.lines)), _all_printable(rows))


def _all_printable(rows: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(printable(cell) for cell in row) for row in rows)


def _machines(records: Iterable[Record], marks: Mapping[str, Mark]) -> list[Machine]:
    by_name: dict[str, list[Record]] = {}
    for record in records:
        by_name.setdefault(record.machine.name, []).append(record)
    found = []
    for name in sorted(by_name.keys() & marks.keys()):
        mine = by_name[name]
        infos = list(dict.fromkeys(record.machine for record in mine))
        launches = len({record.launch for record in mine})
        facts = [(label, _distinct(read(info) for info in infos)) for label, read in _FACTS]
        facts += [
            ("launches", str(launches)),
            ("results", f"{len(mine):,}"),
            ("commits", _distinct(str(record.commit) for record in mine if record.commit.id)),
            ("dates", _dates(mine)),
        ]
        shown = tuple((label, printable(text)) for label, text in facts if text)
        found.append(Machine(marks[name], mine[0].machine.embedded, shown))
    return found


def _price(info: MachineInfo) -> str | None:
    if info.usd_per_hour is None:
        return "not known"
    return f"{info.usd_per_hour:.4f} USD an hour" + (f", price of {info.price_date}" if info.price_date else "")


_FACTS = (
    ("instance type", lambda info: info.instance_type),
    ("market", lambda info: info.market),
    ("region", lambda info: info.region),
    ("price", _price),
    ("CPU", lambda info: info.cpu),
    ("architecture", lambda info: info.arch),
    ("vCPUs", lambda info: info.vcpus),
    ("cores", lambda info: info.cores),
    ("threads a core", lambda info: info.threads_per_core),
    ("memory", lambda info: None if info.memory_bytes is None else format_memory(info.memory_bytes)),
    ("system", lambda info: info.system),
    ("Python", lambda info: info.python),
)


def _distinct(values: Iterable[object], most: int = 6) -> str:
    """The different values in order; launches of one type may differ in their CPU."""
    each = sorted({str(value) for value in values if value is not None})
    more = f"; {len(each) - most} more" if len(each) > most else ""
    return "; ".join(each[:most]) + more


def _dates(records: Iterable[Record]) -> str:
    days = sorted({record.when[:10] for record in records if record.when})
    return "" if not days else days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _facts(records: Sequence[Record], tables: Sequence[Table]) -> list[str]:
    machines = {record.machine.name for record in records}
    prices = sorted({record.machine.price_date for record in records if record.machine.price_date})
    facts = [
        _count(len(records), "result"),
        _count(len(tables), "test"),
        _count(len(machines), "machine"),
        _count(len({(record.machine.name, record.launch) for record in records}), "launch", "es"),
    ]
    dates = _dates(records)
    facts.append(f"measured {dates} (UTC)" if dates else "no dates")
    if prices:
        facts.append("prices of " + (prices[0] if len(prices) == 1 else f"{prices[0]} to {prices[-1]}"))
    return facts


def _count(number: int, word: str, plural: str = "s") -> str:
    return f"{number:,} {word}{plural if number != 1 else ''}"


def _notes(compared: Compared, charted: int, scaled: int) -> list[str]:
    """What was left out, and where."""
    notes = []
    tests = len(compared.tables)
    if tests > charted:
        notes.append(f"Charts are of {charted} of the {tests:,} tests, those with the most machines; the table has all.")
    if scaled > MOST_SCALINGS:
        notes.append(f"Scaling is drawn for {MOST_SCALINGS} of {scaled:,} tests and parameters.")
    if compared.older:
        notes.append(
            f"{_count(compared.older, 'result')} of commits before a machine's newest: in the history, not in the choice "
            "nor in the table."
        )
    if compared.duplicates:
        notes.append(f"{_count(compared.duplicates, 'result')} that another file holds too counted once.")
    return notes
