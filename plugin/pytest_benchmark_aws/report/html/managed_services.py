"""The page's section of managed services: each benchmark's requests in each region, beside a model of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.compare.tables import Compared, Table, matches, tables_of
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.core.values.percentiles import percentile
from pytest_benchmark_aws.report.formats.sentences import per_day
from pytest_benchmark_aws.report.html.results_table import Name, case_name
from pytest_benchmark_aws.report.services import per_1000, price_said
from pytest_benchmark_aws.report.text import few, printable

if TYPE_CHECKING:
    from decimal import Decimal

    from pytest_benchmark_aws.core.compare.rows import Row
    from pytest_benchmark_aws.core.values.service_requests import ServiceRequests
    from pytest_benchmark_aws.report.html.machine_styles import Mark

HEADER = (
    "answered by", "requests", "p50", "p95", "p99", "throttled", "given up", "errors", "USD per 1,000",
    "price in USD, its day and source",
)  # fmt: skip
MOST_TESTS = 100
"""Benchmarks of services on one page."""
MOST_SAID = 12
"""Sentences on when a machine is cheaper, of one benchmark."""
_BLANK = "-"


@dataclass(frozen=True, slots=True)
class Answered:
    """Who answered the requests of a benchmark: a service in a region, or a machine here."""

    name: str
    mark: Mark | None
    """Of a machine."""
    embedded: bool
    cells: tuple[str, ...]
    """After the name, as in HEADER."""


@dataclass(frozen=True, slots=True)
class ServiceTest:
    """A benchmark of a managed service."""

    name: Name
    answered: tuple[Answered, ...]
    said: tuple[str, ...]
    """From how many requests a day on a machine is cheaper."""


@dataclass(frozen=True, slots=True)
class Services:
    """The page's section; of no tests where nothing asked a managed service."""

    tests: tuple[ServiceTest, ...]
    left_out: int
    """Benchmarks beyond MOST_TESTS."""
    embedded: bool
    """Whether embedded AWS answered any."""
    results: int


def without_services(compared: Compared, reference: str | None) -> tuple[Table, ...]:
    """The tables of machines: of a task that a managed service does too, those that do it here are compared alone.

    All of them are corrected together, as the page has them together.
    """
    rows = [row for table in compared.tables for row in table.rows]
    own = [row for row in rows if not _is_service(row)]
    if len(own) == len(rows):
        return compared.tables
    named = reference if any(matches(row.machine, reference or "") for row in own) else None
    return tables_of([record for row in own for record in row.records], reference=named)


def services_of(compared: Compared, marks: Mapping[str, Mark]) -> Services:
    """The section, of the tables in which a managed service has a row."""
    tables = [table for table in compared.tables if any(map(_is_service, table.rows))]
    rows = [row for table in tables for row in table.rows if _is_service(row)]
    return Services(
        tests=tuple(_test(table, marks) for table in tables[:MOST_TESTS]),
        left_out=max(0, len(tables) - MOST_TESTS),
        embedded=any(row.machine.embedded for row in rows),
        results=sum(len(row.records) for row in rows),
    )


def _is_service(row: Row) -> bool:
    return row.records[-1].service is not None


def _test(table: Table, marks: Mapping[str, Mark]) -> ServiceTest:
    rows = sorted(table.rows, key=lambda row: row.machine.embedded)  # of equals the table's order, by time
    answered = tuple(_answered(row, marks) for row in rows)
    return ServiceTest(case_name(table.case, table.full_scale), answered, tuple(map(printable, _said(table))))


def _said(table: Table) -> Iterable[str]:
    """When a machine is cheaper than AWS's own answers, or than embedded AWS's where there are no others."""
    real = tuple(row for row in table.rows if not row.machine.embedded)
    lines = per_day(replace(table, rows=real) if any(map(_is_service, real)) else table)
    own = [row.machine for row in table.rows if not _is_service(row)]
    unpriced = [machine.name for machine in own if not machine.usd_per_hour]
    priced = any(row.machine.usd_per_request for row in table.rows)
    if unpriced and priced:
        lines.append(
            f"{few(unpriced)}: no price of an hour is known; pytest-benchmark-aws compare --break-even TYPE says from "
            "how many requests a day on an instance type in its place is cheaper."
        )
    more = len(lines) - MOST_SAID
    return [*lines[:MOST_SAID], *([f"{more} more such sentences: pytest-benchmark-aws compare"] if more > 0 else ())]


def _answered(row: Row, marks: Mapping[str, Mark]) -> Answered:
    requests = row.records[-1].service
    cells = _machine_cells(row) if requests is None else _service_cells(requests)
    mark = marks.get(row.machine.name)
    name = printable(row.machine.name) if mark is None else mark.name
    return Answered(name, None if requests is not None else mark, row.machine.embedded, cells)


def _service_cells(requests: ServiceRequests) -> tuple[str, ...]:
    """Of its newest session."""
    counts = (requests.throttled, requests.given_up, requests.errors)
    source = (requests.price_source or "").removesuffix(f", {requests.price_date}")  # the day is said before it
    price = price_said(requests)
    return (
        _count(requests.requests),
        *(map(format_seconds, requests.latency_s) if requests.latency_s else [_BLANK] * 3),
        *map(_count, counts),
        per_1000(requests.usd_per_1000),
        f"{price}: {printable(source)}" if source and requests.usd_per_unit is not None else price,
    )


def _machine_cells(row: Row) -> tuple[str, ...]:
    """Of a machine, whose runs are requests that nobody throttles."""
    record = row.records[-1]
    usd: Decimal | None = None if row.run_usd is None else row.run_usd * 1000
    hour = row.machine.usd_per_hour
    day = f", {printable(row.machine.price_date)}" if row.machine.price_date else ""
    median, *tail = (format_seconds(percentile(record.rounds, percent)) for percent in (50, 95, 99))
    if len(record.rounds) < min(record.round_count, 2):  # without --benchmark-save-data its median is all there is
        tail = [_BLANK] * 2
    return (
        f"{record.round_count:,}",
        median,
        *tail,
        *([_BLANK] * 3),
        per_1000(usd),
        "not known" if hour is None else f"{hour:.4f} an hour{day}",
    )


def _count(number: int | None) -> str:
    return _BLANK if number is None else f"{number:,}"
