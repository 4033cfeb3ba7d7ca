"""The charts of a test over commits (history) and over a parameter (scaling), and their numbers as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_benchmark_aws.core.compare.series import History, Line, Scaling
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.core.values.units import format_rate
from pytest_benchmark_aws.report.html.charts import units, vega
from pytest_benchmark_aws.report.html.charts.chart import EMBEDDED, Chart, described, joined, left_out, named, sentence
from pytest_benchmark_aws.report.html.machine_styles import Mark
from pytest_benchmark_aws.report.text import printable

MOST_COMMITS = 60
"""The newest commits that a history shows."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A chart's numbers as a table."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def history_chart(history: History, marks: Mapping[str, Mark]) -> Chart:
    """Time over the commits: a line for each machine, and at each point the span of its fastest and slowest round."""
    commits = history.commits[-MOST_COMMITS:]
    first = len(history.commits) - len(commits)
    lines = coloured(history.lines, marks)
    points = [(line, point) for line in lines for point in line.points if point.x >= first]
    unit = units.time_unit([point.row.seconds for _, point in points])
    values = [
        {
            "x": point.label,
            "y": point.row.seconds * unit.factor,
            "low": point.row.low * unit.factor,
            "high": point.row.high * unit.factor,
            **described(line.machine, marks, f", {point.label}: {format_seconds(point.row.seconds)}"),
        }
        for line, point in points
    ]
    ends = [value[name] for value in values for name in ("low", "high")]
    scale = vega.domain([float(str(end)) for end in ends], padding=0.08)
    encoding = {
        "x": vega.steps("x", "commit, oldest first", commits),
        "y": vega.number("y", f"time ({unit.words})", scale),
    }
    spans = {
        "mark": {"type": "rule", "opacity": 0.45},
        "encoding": {
            "x": encoding["x"],
            "y": {**encoding["y"], "field": "low"},
            "y2": {"field": "high"},
            "color": vega.colors([marks[line.machine.name] for line in lines]),
        },
    }
    shown = [marks[line.machine.name] for line in lines]
    layers = [spans, vega.line(encoding, shown), *vega.points(encoding, shown, size=50)]
    ends_of_lines = [
        f"{marks[line.machine.name].name} {format_seconds(line.points[0].row.seconds)} at {line.points[0].label} and "
        f"{format_seconds(line.points[-1].row.seconds)} at {line.points[-1].label}"
        for line in lines
    ]
    return Chart(
        kind="history",
        title="Time by commit",
        about=named(history.test, history.scale),
        alt=sentence(f"time over {len(commits)} commits", ", ".join(ends_of_lines)),
        note=_note(lines, len(history.lines), left_out("commits", len(commits), len(history.commits), "newest")),
        spec=vega.chart({"values": values}, layers, height=220),
    )


def scaling_chart(scaling: Scaling, marks: Mapping[str, Mark]) -> Chart:
    """Throughput over the parameter, or time where the test tells of no work: a line for each machine."""
    lines = coloured(scaling.lines, marks)
    rated = scaling.unit != "runs"
    points = [(line, point) for line in lines for point in line.points if not rated or point.row.throughput]
    unit = units.time_unit([point.row.seconds for _, point in points])
    if rated:
        unit = units.rate_unit([point.row.throughput or 0.0 for _, point in points], scaling.unit)
    values = []
    for line, point in points:
        figure = (point.row.throughput or 0.0) if rated else point.row.seconds
        text = f"{format_rate(figure).strip()} {scaling.unit}/s" if rated else format_seconds(figure)
        about = described(line.machine, marks, f", {scaling.parameter} {point.label}: {text}")
        values.append({"x": point.x, "y": figure * unit.factor, **about})
    across = sorted({point.x for _, point in points})
    x = vega.domain(across, padding=0.0, log_from=4.0)
    y = vega.domain([float(str(value["y"])) for value in values], padding=0.1, log_from=6.0)
    encoding = {
        "x": vega.number("x", printable(scaling.parameter), x, ticks=across if len(across) <= 8 else None),
        "y": vega.number("y", unit.words if rated else f"time ({unit.words})", y),
    }
    shown = [marks[line.machine.name] for line in lines]
    return Chart(
        kind="scaling",
        title=f"{'Throughput' if rated else 'Time'} over {printable(scaling.parameter)}",
        about=named(scaling.test, None),
        alt=sentence(
            f"{'throughput' if rated else 'time'} over {scaling.parameter}",
            ", ".join(str(values[place]["words"]) for place in (0, -1)),
        ),
        note=_note(lines, len(scaling.lines)),
        spec=vega.chart({"values": values}, [vega.line(encoding, shown), *vega.points(encoding, shown, size=50)], 220),
    )


def _note(lines: Sequence[Line], total: int, *parts: str) -> str:
    embedded = EMBEDDED if any(line.machine.embedded for line in lines) else ""
    return joined(*parts, left_out("machines", len(lines), total), embedded)


def coloured(lines: Sequence[Line], marks: Mapping[str, Mark]) -> list[Line]:
    """The lines of machines that have a colour of their own, as lines that look alike tell nothing; else the first."""
    return [line for line in lines if marks[line.machine.name].number] or list(lines[:1])


def history_numbers(history: History, marks: Mapping[str, Mark]) -> Numbers:
    """A history's times, with launches in parentheses: a row for each commit, a column for each machine."""
    lines, commits = coloured(history.lines, marks), history.commits[-MOST_COMMITS:]
    cells = [
        {point.label: f"{format_seconds(point.row.seconds)} ({point.row.launches})" for point in line.points}
        for line in lines
    ]
    rows = tuple((printable(commit), *(column.get(commit, "-") for column in cells)) for commit in commits)
    return Numbers("time (launches)", ("commit", *(marks[line.machine.name].name for line in lines)), rows)


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
    rows = tuple((printable(label), *(column.get((x, label), "-") for column in cells)) for x, label in across)
    caption = "time (times as fast as the first, share of a linear speed-up)" if scaling.parallel else "time"
    header = (printable(scaling.parameter), *(marks[line.machine.name].name for line in lines))
    return Numbers(caption, header, rows)
