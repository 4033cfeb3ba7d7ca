"""Rows -> lines over a number: how a test scales with one of its parameters, and how it went from commit to commit."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_benchmark_aws.core.compare.identity import without_parameter
from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
from pytest_benchmark_aws.core.compare.records import Commit
from pytest_benchmark_aws.core.compare.rows import Row
from pytest_benchmark_aws.core.compare.tables import Table

SCALING_WORDS = frozenset(
    {
        "threads", "thread", "workers", "worker", "jobs", "processes", "procs", "cores", "vcpus", "rows", "size",
        "sizes", "n", "batch", "length", "count", "samples",
    }
)  # fmt: skip
"""A parameter scales a test where one of these is its name, or a word of it: ``n_jobs``, ``batch_size``. Of other
numbers, such as a seed or a rate, a line would tell nothing."""
PARALLEL_WORDS = frozenset({"threads", "thread", "workers", "worker", "jobs", "processes", "procs", "cores", "vcpus"})
_NUMBER = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)([kKM]?)")
_FACTORS = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6}


@dataclass(frozen=True, slots=True)
class Point:
    """A row of a table at its place on a line."""

    x: float
    label: str
    """The place in words: the parameter as it was given, or the commit."""
    row: Row


@dataclass(frozen=True, slots=True)
class Line:
    """One machine's points, in ascending order of x."""

    machine: MachineInfo
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Scaling:
    """A test whose instances differ in one number alone."""

    test: str
    """The node id without that parameter's part; what else is fixed stands in its brackets."""
    parameter: str
    parallel: bool
    """More of the parameter is more hands for the same work, so that time over the first point's is a speed-up."""
    unit: str
    """Of the rows' throughput: ``runs`` where there is none but time."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class History:
    """A test's commits."""

    test: str
    scale: str | None
    commits: tuple[str, ...]
    """In order of time; a point's x is its commit's place here."""
    lines: tuple[Line, ...]


def scalings(tables: Iterable[Table], scale_parameter: str | None = None) -> list[Scaling]:
    """A scaling for each parameter that has two or more numbers with all else equal, on one machine at least.

    ``scale_parameter`` is what ``Record.scale`` holds the values of; its numbers are units of work where the test
    has a throughput, else what the values say.
    """
    families: dict[tuple[str, str, str], dict[str, dict[float, Point]]] = {}
    units: dict[tuple[str, str, str], str] = {}
    for table in tables:
        for row in table.rows:
            for test, name, x, label in _places(row, table.unit, scale_parameter):
                key = (test, name, table.unit)
                units[key] = table.unit
                families.setdefault(key, {}).setdefault(row.machine.name, {}).setdefault(x, Point(x, label, row))
    all_scalings = []
    for key in sorted(families):
        lines = [
            Line(next(iter(points.values())).row.machine, tuple(points[x] for x in sorted(points)))
            for _, points in sorted(families[key].items())
            if len(points) > 1
        ]
        if lines:
            test, name, unit = key
            all_scalings.append(Scaling(test, name, bool(_words(name) & PARALLEL_WORDS), unit, tuple(lines)))
    return all_scalings


def histories(tables: Iterable[Table]) -> list[History]:
    """A history for each table whose rows are of more than one commit; ``tables`` have a row for each commit."""
    all_histories = []
    for table in tables:
        rows = [row for row in table.rows if row.commit.id]
        rows.sort(key=lambda row: (row.records[0].when, row.commit.id, row.commit.dirty))
        names = _commit_names([row.commit for row in rows])
        place = {commit: number for number, commit in enumerate(names)}
        for scale in dict.fromkeys(row.scale for row in table.rows):
            by_machine: dict[str, list[Point]] = {}
            for row in rows:
                if row.scale == scale:
                    key = (row.commit.id, row.commit.dirty)
                    by_machine.setdefault(row.machine.name, []).append(Point(place[key], names[key], row))
            lines = tuple(
                Line(points[0].row.machine, tuple(sorted(points, key=lambda point: point.x)))
                for _, points in sorted(by_machine.items())
            )
            if any(len(line.points) > 1 for line in lines):
                all_histories.append(History(table.case, scale, tuple(names.values()), lines))
    return all_histories


def _commit_names(commits: Iterable[Commit]) -> dict[tuple[str, bool], str]:
    """Commit -> its short name, or its whole one where another commit begins alike; in the order given."""
    each = {(commit.id, commit.dirty): commit for commit in commits}
    counts = Counter(map(str, each.values()))
    return {
        key: str(commit) if counts[str(commit)] == 1 else f"{commit.id}{'+' if commit.dirty else ''}"
        for key, commit in each.items()
    }


def _places(row: Row, unit: str, scale_parameter: str | None) -> Iterable[tuple[str, str, float, str]]:
    """Test without a parameter, the parameter, its number and that in words, for each that scales the test."""
    record = row.records[-1]
    if row.scale is not None:
        work = record.work if unit != "runs" else _number(row.scale, row.machine)
        if work is not None and math.isfinite(work):
            yield row.case, f"work ({unit})" if unit != "runs" else scale_parameter or "scale", work, row.scale
    for name, value in record.params.items():
        if name != scale_parameter and _words(str(name)) & SCALING_WORDS:
            number = _number(value, row.machine)
            test = None if number is None else without_parameter(record.node_id, record.params, name)
            if number is not None and test is not None:
                yield test, str(name), number, str(value)


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", name.lower()))


def _number(value: object, machine: MachineInfo) -> float | None:
    """A parameter's number; ``vcpus`` and ``cores`` mean the machine's."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if 0 < value < math.inf else None
    if not isinstance(value, str):
        return None
    if value in {"vcpus", "cores"}:
        count = machine.vcpus if value == "vcpus" else machine.cores
        return None if count is None else float(count)
    match = _NUMBER.fullmatch(value.replace(",", "").replace("_", ""))
    number = float(match[1]) * _FACTORS[match[2]] if match else 0.0
    return number or None
