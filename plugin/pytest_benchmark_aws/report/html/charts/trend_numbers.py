"""The numbers of a chart over commits or over a parameter, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.report.html.charts.trends import MOST_COMMITS, coloured
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_benchmark_aws.core.compare.series import History, Scaling
    from pytest_benchmark_aws.report.html.machine_styles import Mark


@dataclass(frozen=True, slots=True)
class Numbers:
    """A chart's numbers as a table."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def history_numbers(found: History, marks: Mapping[str, Mark]) -> Numbers:
    """A line for each commit, a column for each machine."""
    lines, commits = coloured(found.lines, marks), found.commits[-MOST_COMMITS:]
    cells = [
        {point.label: f"{format_seconds(point.row.seconds)} ({point.row.launches})" for point in line.points}
        for line in lines
    ]
    rows = [(commit, *(column.get(commit, "-") for column in cells)) for commit in commits]
    return Numbers(
        "time (launches)", ("commit", *(marks[line.machine.name].name for line in lines)), _all_printable(rows)
    )


def scaling_numbers(found: Scaling, marks: Mapping[str, Mark]) -> Numbers:
    """Time at each place and, of more hands for the same work, how many times as fast and what share of that linear."""
    lines = coloured(found.lines, marks)
    across = sorted({(point.x, point.label) for line in lines for point in line.points})
    cells = []
    for line in lines:
        first = line.points[0]
        column = {}
        for point in line.points:
            text = format_seconds(point.row.seconds)
            if found.parallel and point is not first:
                gain = first.row.seconds / point.row.seconds
                text += f" ({gain:.2f}, {gain / (point.x / first.x):.0%})".replace("%", " %")
            column[point.x, point.label] = text
        cells.append(column)
    rows = [(label, *(column.get((x, label), "-") for column in cells)) for x, label in across]
    caption = "time (times as fast as the first, share of a linear speed-up)" if found.parallel else "time"
    header = (printable(found.parameter), *(marks[line.machine.name].name for line in lines))
    return Numbers(caption, header, _all_printable(rows))


def _all_printable(rows: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(printable(cell) for cell in row) for row in rows)
