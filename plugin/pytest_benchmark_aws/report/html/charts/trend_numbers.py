"""The numbers of a history or scaling chart as a table."""

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


def history_numbers(history: History, marks: Mapping[str, Mark]) -> Numbers:
    """A history's times, with launches in parentheses: a row for each commit, a column for each machine."""
    lines, commits = coloured(history.lines, marks), history.commits[-MOST_COMMITS:]
    cells = [
        {point.label: f"{format_seconds(point.row.seconds)} ({point.row.launches})" for point in line.points}
        for line in lines
    ]
    rows = [(commit, *(column.get(commit, "-") for column in cells)) for commit in commits]
    return Numbers(
        "time (launches)", ("commit", *(marks[line.machine.name].name for line in lines)), _all_printable(rows)
    )


def scaling_numbers(scaling: Scaling, marks: Mapping[str, Mark]) -> Numbers:
    """A scaling's times: a row for each value of the parameter, a column for each machine.

    Where the parameter is more hands for the same work, with the speed-up and its share of a linear one.
    """
    lines = coloured(scaling.lines, marks)
    across = sorted({(point.x, point.label) for line in lines for point in line.points})
    cells = []
    for line in lines:
        first = line.points[0]
        column = {}
        for point in line.points:
            text = format_seconds(point.row.seconds)
            if scaling.parallel and point is not first:
                gain = first.row.seconds / point.row.seconds
                text += f" ({gain:.2f}, {gain / (point.x / first.x):.0%})".replace("%", " %")
            column[point.x, point.label] = text
        cells.append(column)
    rows = [(label, *(column.get((x, label), "-") for column in cells)) for x, label in across]
    caption = "time (times as fast as the first, share of a linear speed-up)" if scaling.parallel else "time"
    header = (printable(scaling.parameter), *(marks[line.machine.name].name for line in lines))
    return Numbers(caption, header, _all_printable(rows))


def _all_printable(rows: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(printable(cell) for cell in row) for row in rows)
