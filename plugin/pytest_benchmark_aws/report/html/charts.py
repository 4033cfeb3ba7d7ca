"""The charts as Vega-Lite specifications: pure functions of tables, with everything as data and nothing as code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.units import format_rate, format_seconds, format_usd
from pytest_benchmark_aws.report.html import frame
from pytest_benchmark_aws.report.html.places import Placed, place_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.core.series import History, Line, Scaling
    from pytest_benchmark_aws.core.tables import Row, Table
    from pytest_benchmark_aws.report.html.marks import Mark

MOST_MACHINES = 24
"""Lines of a chart that has one for each machine."""
MOST_DOTS = 600
"""Of rounds in one chart: more lie on each other."""
MOST_POINTS = 400
"""Machines in one chart of time and money."""
MOST_COMMITS = 60
EMBEDDED = "hollow: embedded AWS, not the instance types' times"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, ready to be drawn."""

    kind: str
    """Part of file names: ``time-money``."""
    title: str
    about: str
    """The test, harmless to print."""
    alt: str
    """What it shows, in words."""
    note: str
    """What was left out or stands for something else; empty where all is there."""
    spec: dict[str, Any]


def time_money(table: Table, marks: Mapping[str, Mark]) -> Chart | None:
    """Each machine by USD and time of a run, and the front that no other machine beats in both; None without prices."""
    priced = [row for row in table.rows if row.run_usd is not None]
    if len(priced) < 2:
        return None
    shown = _first(priced, MOST_POINTS)
    time, money = frame.time_unit([row.run_seconds for row in shown]), frame.usd_unit([_usd(row) for row in shown])
    points = [(_usd(row) * money.factor, row.run_seconds * time.factor) for row in shown]
    x, y = (frame.domain([point[axis] for point in points], padding=0.12) for axis in (0, 1))
    labels = place_labels([_label(row, marks) for row in shown], points, x, y)
    values = []
    for row, point, placed in zip(shown, points, labels, strict=True):
        mark = marks[row.machine.name]
        words = f"{mark.name}: {format_seconds(row.run_seconds)}, {format_usd(row.run_usd or frame.ZERO)} USD a run"
        values.append(
            {
                "x": point[0],
                "y": point[1],
                "machine": mark.label,
                "place": placed.value,
                "embedded": row.machine.embedded,
                "words": words,
            }
        )
    best = [value for row, value in zip(shown, values, strict=True) if "front" in row.choice]
    encoding = {
        "x": frame.number("x", money.words, x),
        "y": frame.number("y", f"time of a run ({time.words})", y),
    }
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": [{"x": value["x"], "y": value["y"]} for value in best]},
            "mark": {"type": "line", "interpolate": "step-after", "color": frame.ACCENT, "strokeWidth": 2},
            "encoding": {**encoding, "order": {"field": "x"}},
        },
        *frame.points(encoding, [marks[row.machine.name] for row in shown], size=90),
    ]
    for placed in (Placed.RIGHT, Placed.LEFT, Placed.ABOVE, Placed.BELOW):
        if any(value["place"] == placed.value for value in values):
            layers.append(frame.label_layer(encoding, placed))
    return Chart(
        kind="time-money",
        title="Time and money",
        about=frame.told(table),
        alt=_sentence(
            f"{len(shown)} machines by USD and time of a run",
            "the front is " + ", ".join(str(value["words"]) for value in best) if best else "no front",
        ),
        note=_note(
            _left("machines", len(shown), len(priced)),
            _without_price(table),
            _projected(shown),
            EMBEDDED if _any_embedded(shown) else "",
        ),
        spec=frame.chart({"values": values}, layers, height=240),
    )


def rounds(table: Table, marks: Mapping[str, Mark]) -> Chart:
    """Each round a dot, a line for each machine, its launches under each other, a tick at what the table says."""
    shown = _first(table.rows, MOST_MACHINES)
    unit = frame.time_unit([row.run_seconds for row in shown])
    dots, centers = [], []
    total = 0
    for row in shown:
        factor = unit.factor * row.run_seconds / row.seconds
        launches = frame.spread(row.records, max(1, MOST_DOTS // len(shown) // 2))
        each = max(2, MOST_DOTS // len(shown) // len(launches))
        total += sum(len(record.rounds) for record in row.records)
        label = marks[row.machine.name].label + (f" {row.scale}" if table.mixed and row.scale else "")
        for number, record in enumerate(launches):
            offset = 0.0 if len(launches) == 1 else 2 * number / (len(launches) - 1) - 1
            dots += [
                {"y": label, "machine": marks[row.machine.name].label, "x": seconds * factor, "offset": offset,
                 "embedded": row.machine.embedded}
                for seconds in frame.spread(record.rounds, each)
            ]  # fmt: skip
        centers.append({"y": label, "x": row.run_seconds * unit.factor, "text": format_seconds(row.run_seconds)})
    order = list(dict.fromkeys(center["y"] for center in centers))
    scale = frame.domain([dot["x"] for dot in dots], padding=0.06)
    x = frame.number("x", f"time of a run ({unit.words})", scale)
    encoding = {"x": x, "y": frame.names("y", order)}
    offset = {"field": "offset", "type": "quantitative", "scale": {"domain": [-1, 1], "range": [7, 21]}}
    layers: list[dict[str, Any]] = [
        *frame.points(
            {**encoding, "yOffset": offset}, [marks[row.machine.name] for row in shown], size=16, dots=True, opacity=0.65
        ),
        {
            "data": {"values": centers},
            "mark": {"type": "tick", "thickness": 2, "size": 22, "color": frame.INK},
            "encoding": encoding,
        },
    ]
    return Chart(
        kind="rounds",
        title="Rounds",
        about=frame.told(table),
        alt=_sentence(
            f"each round's time on {len(shown)} machines",
            ", ".join(
                f"{marks[row.machine.name].name} {format_seconds(row.run_seconds)}, "
                f"{len(row.records)} launch{'es' * (len(row.records) > 1)}"
                for row in shown
            ),
        ),
        note=_note(
            _left("machines", len(shown), len(table.rows)),
            _left("rounds", len(dots), total) if len(dots) < total else "",
            _projected(shown),
            EMBEDDED if _any_embedded(shown) else "",
        ),
        spec=frame.chart({"values": dots}, layers, height={"step": 28}),
    )


def usd_a_run(table: Table, marks: Mapping[str, Mark]) -> Chart | None:
    """A bar for each machine with a price, the cheapest first and in the accent colour."""
    priced = sorted(
        (row for row in table.rows if row.run_usd is not None), key=lambda row: (_usd(row), row.machine.name)
    )
    if not priced:
        return None
    shown = priced[:MOST_MACHINES]
    unit = frame.usd_unit([_usd(row) for row in shown])
    values = [
        {
            "y": marks[row.machine.name].label + (f" {row.scale}" if table.mixed and row.scale else ""),
            "x": _usd(row) * unit.factor,
            "text": f"{'≈ ' if row.projected else ''}{_usd(row) * unit.factor:.3g}",
            "best": "cheapest" in row.choice,
            "embedded": row.machine.embedded,
        }
        for row in shown
    ]
    order = list(dict.fromkeys(str(value["y"]) for value in values))
    top = max(_usd(row) for row in shown) * unit.factor
    encoding = {
        "x": frame.number("x", unit.words, frame.Domain(0.0, top * 1.22, log=False)),
        "y": frame.names("y", order),
    }
    paint = {"condition": {"test": "datum.best", "value": frame.ACCENT}, "value": frame.OTHER}
    bar = {**encoding, "stroke": paint, "fill": paint}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "bar", "height": 14, "strokeWidth": 0}, "transform": [{"filter": "!datum.embedded"}],
         "encoding": bar},
        {"mark": {"type": "bar", "height": 13, "fillOpacity": 0.12, "strokeWidth": 1.2},
         "transform": [{"filter": "datum.embedded"}], "encoding": bar},
        {"mark": {"type": "text", "align": "left", "dx": 5, "color": frame.INK},
         "encoding": {**encoding, "text": {"field": "text"}}},
    ]  # fmt: skip
    cheapest = shown[0]
    return Chart(
        kind="usd",
        title="Money a run",
        about=frame.told(table),
        alt=_sentence(
            f"money of a run on {len(shown)} machines",
            f"the least is {marks[cheapest.machine.name].name} with {format_usd(cheapest.run_usd or frame.ZERO)} USD",
        ),
        note=_note(
            _left("machines", len(shown), len(priced)),
            _without_price(table),
            _projected(shown),
            EMBEDDED if _any_embedded(shown) else "",
        ),
        spec=frame.chart({"values": values}, layers, height={"step": 28}),
    )


def history(found: History, marks: Mapping[str, Mark]) -> Chart:
    """A line for each machine over the commits, with the fastest and the slowest round of each."""
    commits = found.commits[-MOST_COMMITS:]
    first = len(found.commits) - len(commits)
    lines = _coloured(found.lines, marks)
    points = [(line, point) for line in lines for point in line.points if point.x >= first]
    unit = frame.time_unit([point.row.seconds for _, point in points])
    values = [
        {
            "x": point.label,
            "y": point.row.seconds * unit.factor,
            "low": point.row.low * unit.factor,
            "high": point.row.high * unit.factor,
            "machine": marks[line.machine.name].label,
            "embedded": line.machine.embedded,
            "words": f"{marks[line.machine.name].name}, {point.label}: {format_seconds(point.row.seconds)}",
        }
        for line, point in points
    ]
    ends = [value[name] for value in values for name in ("low", "high")]
    scale = frame.domain([float(str(end)) for end in ends], padding=0.08)
    encoding = {
        "x": frame.steps("x", "commit, oldest first", commits),
        "y": frame.number("y", f"time ({unit.words})", scale),
    }
    spans = {
        "mark": {"type": "rule", "opacity": 0.45},
        "encoding": {
            "x": encoding["x"],
            "y": {**encoding["y"], "field": "low"},
            "y2": {"field": "high"},
            "color": frame.colors([marks[line.machine.name] for line in lines]),
        },
    }
    shown = [marks[line.machine.name] for line in lines]
    layers = [spans, frame.line(encoding, shown), *frame.points(encoding, shown, size=50)]
    said = [
        f"{marks[line.machine.name].name} {format_seconds(line.points[0].row.seconds)} at {line.points[0].label} and "
        f"{format_seconds(line.points[-1].row.seconds)} at {line.points[-1].label}"
        for line in lines
    ]
    return Chart(
        kind="history",
        title="History",
        about=frame.told_of(found.test, found.scale),
        alt=_sentence(f"time over {len(commits)} commits", ", ".join(said)),
        note=_note(
            _left("commits", len(commits), len(found.commits), "newest"),
            _left("machines", len(lines), len(found.lines)),
            EMBEDDED if any(line.machine.embedded for line in lines) else "",
        ),
        spec=frame.chart({"values": values}, layers, height=220),
    )


def scaling(found: Scaling, marks: Mapping[str, Mark]) -> Chart:
    """A line for each machine over the parameter: throughput where there is one, else time."""
    lines = _coloured(found.lines, marks)
    rated = found.unit != "runs"
    points = [(line, point) for line in lines for point in line.points if not rated or point.row.throughput]
    unit = frame.time_unit([point.row.seconds for _, point in points])
    if rated:
        unit = frame.rate_unit([point.row.throughput or 0.0 for _, point in points], found.unit)
    values = []
    for line, point in points:
        figure = (point.row.throughput or 0.0) if rated else point.row.seconds
        said = f"{format_rate(figure).strip()} {found.unit}/s" if rated else format_seconds(figure)
        values.append(
            {
                "x": point.x,
                "y": figure * unit.factor,
                "machine": marks[line.machine.name].label,
                "embedded": line.machine.embedded,
                "words": f"{marks[line.machine.name].name}, {found.parameter} {point.label}: {said}",
            }
        )
    across = sorted({point.x for _, point in points})
    x = frame.domain(across, padding=0.0, log_from=4.0)
    y = frame.domain([float(str(value["y"])) for value in values], padding=0.1, log_from=6.0)
    encoding = {
        "x": frame.number("x", found.parameter, x, ticks=across if len(across) <= 8 else None),
        "y": frame.number("y", unit.words if rated else f"time ({unit.words})", y),
    }
    shown = [marks[line.machine.name] for line in lines]
    return Chart(
        kind="scaling",
        title=f"Over {found.parameter}",
        about=frame.told_of(found.test, None),
        alt=_sentence(
            f"{'throughput' if rated else 'time'} over {found.parameter}",
            ", ".join(str(values[place]["words"]) for place in (0, -1)),
        ),
        note=_note(
            _left("machines", len(lines), len(found.lines)),
            EMBEDDED if any(line.machine.embedded for line in lines) else "",
        ),
        spec=frame.chart({"values": values}, [frame.line(encoding, shown), *frame.points(encoding, shown, size=50)], 220),
    )


def _coloured(lines: Sequence[Line], marks: Mapping[str, Mark]) -> list[Line]:
    """Those whose machines have a colour: lines that look alike tell nothing."""
    return [line for line in lines if marks[line.machine.name].number] or list(lines[:1])


def _first(rows: Sequence[Row], most: int) -> list[Row]:
    """The first rows, and in any case those of the front."""
    if len(rows) <= most:
        return list(rows)
    chosen = {id(row) for row in [*(row for row in rows if row.choice), *rows][:most]}
    return [row for row in rows if id(row) in chosen]


def _label(row: Row, marks: Mapping[str, Mark]) -> str:
    """Machines without a colour of their own are named where they are chosen."""
    mark = marks[row.machine.name]
    return mark.label if mark.number or row.choice else ""


def _usd(row: Row) -> float:
    return float(row.run_usd or 0)


def _any_embedded(rows: Sequence[Row]) -> bool:
    return any(row.machine.embedded for row in rows)


def _projected(rows: Sequence[Row]) -> str:
    return "≈: scales differ, so that times and money are of the largest work at each one's pace" * any(
        row.projected for row in rows
    )


def _without_price(table: Table) -> str:
    count = sum(row.run_usd is None for row in table.rows)
    return f"{count} machine{'s' * (count > 1)} without a price left out" if count else ""


def _left(what: str, shown: int, total: int, which: str = "") -> str:
    return f"{shown:,} of {total:,} {what}{f', the {which}' if which else ''}" if shown < total else ""


def _note(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _sentence(*parts: str) -> str:
    text = ": ".join(part for part in parts if part)
    return (text if len(text) <= 700 else text[:700] + " …") + "."
