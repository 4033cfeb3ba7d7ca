"""What the page says, made of records as plain text and numbers; ``render`` makes it HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_benchmark_aws.core.compare.choice import Tally, tallies_of
from pytest_benchmark_aws.core.compare.records import Record
from pytest_benchmark_aws.core.compare.series import History, histories, scalings
from pytest_benchmark_aws.core.compare.tables import Compared, Table, compare_records
from pytest_benchmark_aws.report.columns import Column
from pytest_benchmark_aws.report.html.charts.chart import Chart
from pytest_benchmark_aws.report.html.charts.money import run_usd_chart, time_money_chart
from pytest_benchmark_aws.report.html.charts.rounds import rounds_chart
from pytest_benchmark_aws.report.html.charts.trends import (
    Numbers,
    history_chart,
    history_numbers,
    scaling_chart,
    scaling_numbers,
)
from pytest_benchmark_aws.report.html.choice import Said, headline, verdict
from pytest_benchmark_aws.report.html.machine_details import Machine, dates_of, machines_of
from pytest_benchmark_aws.report.html.machine_styles import Mark, marks_of
from pytest_benchmark_aws.report.html.managed_services import Services, services_of, without_services
from pytest_benchmark_aws.report.html.predicted import Predictions, predictions
from pytest_benchmark_aws.report.html.results_table import Line, Name, case_name, results_table
from pytest_benchmark_aws.report.text import printable

MOST_CHARTED = 20
"""Tests with charts on one page, those with the most machines to choose among; a chart takes about 15 KB and 50 ms."""
MOST_SCALINGS = MOST_HISTORIES = 12
MOST_SAID = 100
"""Tests with their choice in words; the table has the choice of all tests."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart on the page, with its numbers where the table of results does not have them."""

    chart: Chart
    numbers: Numbers | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """A test: its choice in words, and its charts if it has any here."""

    anchor: str
    name: Name
    said: tuple[Said, ...]
    sure: str
    figures: tuple[Figure, ...]
    legend: tuple[tuple[Mark, bool], ...]
    """The machines and whether each is embedded AWS's."""


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page says, in its order."""

    title: str
    facts: tuple[str, ...]
    """The results in figures: how many, of when, at which prices."""
    tests: tuple[Test, ...]
    unsaid: int
    """Tests whose choice is in the table alone."""
    headline: tuple[Said, ...]
    tallies: tuple[tuple[Mark, Tally], ...]
    predictions: Predictions
    """Of machines that were not measured."""
    services: Services
    """Managed services, which are in no other part of the page."""
    scalings: tuple[tuple[Name, Figure], ...]
    histories: tuple[tuple[Name, Figure], ...]
    legend: tuple[tuple[Mark, bool], ...]
    """All machines that have a colour, and whether each is embedded AWS's."""
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    machines: tuple[Machine, ...]
    notes: tuple[str, ...]
    refused: tuple[str, ...]
    embedded: bool


def view(
    records: Sequence[Record],
    *,
    title: str,
    reference: str | None = None,
    scale_parameter: str | None = None,
    refused: Iterable[str] = (),
) -> Page:
    """The page of these records, which is the same in any order of them.

    Raises:
        PlanError: the reference is none of the machines.
    """
    compared = compare_records(records, reference=reference)
    tables = without_services(compared, reference)
    own = [record for record in records if record.service is None]
    marks = marks_of(tables)
    by_commit = compare_records(own, row_of="commit").tables if compared.older else ()
    changed = histories(by_commit)
    scaled = scalings(tables, scale_parameter)
    charted = {id(table) for table in sorted(tables, key=lambda table: -len(table.rows))[:MOST_CHARTED]}
    columns, lines = results_table(tables, marks)
    tallies = tallies_of(tables)
    predicted = predictions(tables)
    in_words = tables if len(tables) <= MOST_SAID else [table for table in tables if id(table) in charted]
    tests = tuple(_test(number, table, marks, id(table) in charted) for number, table in enumerate(in_words, 1))
    return Page(
        title=printable(title),
        facts=tuple(_figures(records, own, tables)),
        tests=tests,
        unsaid=len(tables) - len(in_words),
        headline=tuple(headline(tables, tallies, marks)),
        tallies=tuple((marks[tally.machine.name], tally) for tally in tallies)
        if len(tables) > 1 < len(tallies)
        else (),
        predictions=predicted,
        services=services_of(compared, marks),
        scalings=tuple(
            (case_name(scaling.test), Figure(scaling_chart(scaling, marks), scaling_numbers(scaling, marks)))
            for scaling in scaled[:MOST_SCALINGS]
        ),
        histories=tuple(
            (
                case_name(history.test, history.scale),
                Figure(history_chart(history, marks), history_numbers(history, marks)),
            )
            for history in _most_changed(changed)
        ),
        legend=_legend(tables, marks),
        columns=columns,
        lines=lines,
        machines=tuple(machines_of(own, marks)),
        notes=tuple(_notes(compared, tables, len(charted), len(scaled), len(changed), predicted)),
        refused=tuple(sorted(printable(line) for line in refused)),
        embedded=any(record.machine.embedded for record in own),
    )


def all_charts(page: Page) -> list[Chart]:
    """The page's charts, in the page's order."""
    charts = [figure.chart for test in page.tests for figure in test.figures]
    charts += [test.chart for test in page.predictions.tests]
    return charts + [figure.chart for _, figure in (*page.scalings, *page.histories)]


def _most_changed(changed: Sequence[History]) -> list[History]:
    """At most MOST_HISTORIES, in order: those whose newest commits differ the most from the one before."""

    def change(history: History) -> float:
        pairs = [line.points[-2:] for line in history.lines if len(line.points) > 1]
        return max(abs(after.row.seconds / before.row.seconds - 1) for before, after in pairs)

    shown = {id(history) for history in sorted(changed, key=change, reverse=True)[:MOST_HISTORIES]}
    return [history for history in changed if id(history) in shown]


def _test(number: int, table: Table, marks: Mapping[str, Mark], charted: bool) -> Test:
    choice = verdict(table, marks)
    drawn: list[Chart | None] = []
    if charted:
        drawn = [time_money_chart(table, marks), rounds_chart(table, marks), run_usd_chart(table, marks)]
    figures = tuple(Figure(chart) for chart in drawn if chart is not None)
    name = case_name(table.case, table.full_scale)
    return Test(f"test-{number}", name, choice.said, choice.sure, figures, _legend([table], marks))


def _legend(tables: Iterable[Table], marks: Mapping[str, Mark]) -> tuple[tuple[Mark, bool], ...]:
    """The machines that have a colour of their own, and whether each is embedded AWS's."""
    rows = [row for table in tables for row in table.rows if marks[row.machine.name].number]
    machines = {marks[row.machine.name]: row.machine.embedded for row in rows}
    return tuple(sorted(machines.items(), key=lambda machine: machine[0].number))


def _notes(
    compared: Compared, tables: Sequence[Table], charted: int, scaled: int, changed: int, predicted: Predictions
) -> list[str]:
    """Sentences on what was left out."""
    notes = []
    tests = len(tables)
    if tests > charted:
        notes.append(
            f"Charts are of {charted} of the {tests:,} tests, those with the most machines; the table has all."
        )
    if predicted.left_out:
        shown = len(predicted.tests)
        notes.append(
            f"Machines are predicted for {shown} of {_count(shown + predicted.left_out, 'test')}, those with the most "
            "instance types measured; pytest-benchmark-aws predict has all."
        )
    if scaled > MOST_SCALINGS:
        notes.append(f"Scaling is drawn for {MOST_SCALINGS} of {scaled:,} tests and parameters.")
    if changed > MOST_HISTORIES:
        notes.append(f"History is drawn for the {MOST_HISTORIES} of {changed:,} tests that changed most.")
    if compared.older:
        notes.append(
            f"{_count(compared.older, 'result')} of commits before a machine's newest: in the history, not in the "
            "choice nor in the table."
        )
    if compared.duplicates:
        notes.append(f"{_count(compared.duplicates, 'result')} that another file holds too counted once.")
    return notes


def _figures(records: Sequence[Record], own: Sequence[Record], tables: Sequence[Table]) -> list[str]:
    """The results in figures: how many of what, measured when, at which prices; ``own`` are those of machines."""
    machines = {record.machine.name for record in own}
    prices = sorted({record.machine.price_date for record in records if record.machine.price_date})
    facts = [
        _count(len(own), "result"),
        _count(len(tables), "test"),
        _count(len(machines), "machine"),
        _count(len({(record.machine.name, record.launch) for record in own}), "launch", "es"),
    ]
    if len(own) < len(records):
        services = f"{_count(len(records) - len(own), 'result')} of managed services"
        facts = [*facts, services] if own else [services]
    dates = dates_of(records)
    facts.append(f"measured {dates} (UTC)" if dates else "no dates")
    if prices:
        facts.append("prices of " + (prices[0] if len(prices) == 1 else f"{prices[0]} to {prices[-1]}"))
    return facts


def _count(number: int, word: str, plural: str = "s") -> str:
    """A number and its noun: ``1,440 results``."""
    return f"{number:,} {word}{plural if number != 1 else ''}"
