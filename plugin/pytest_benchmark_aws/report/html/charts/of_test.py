"""A test's charts as Vega-Lite specifications: pure functions of tables, all names as data and none as code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.values.units import format_seconds
from pytest_benchmark_aws.report.html.charts import frame
from pytest_benchmark_aws.report.html.charts.chart import EMBEDDED, Chart, joined, left_out, sentence, told
from pytest_benchmark_aws.report.html.charts.places import Domain, Placed, place_labels
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.core.compare.rows import Row
    from pytest_benchmark_aws.core.compare.tables import Table
    from pytest_benchmark_aws.report.html.marks import Mark

MOST_MACHINES = 24
"""Lines of a chart that has one for each machine."""
MOST_DOTS = 600
"""Of rounds in one chart: more lie on each other."""
MOST_POINTS = 400
"""Machines in one chart of time and money."""


def time_money(table: Table, marks: Mapping[str, Mark]) -> Chart | None:
    """Each machine by USD and time of a run, and the front that no other machine beats in both; None without prices."""
    priced = [row for row in table.rows if row.run_usd is not None]
    if len(priced) < 2:
        return None
    shown = _first(priced, MOST_POINTS)
    time, money = frame.time_unit([row.run_seconds for row in shown]), frame.usd_unit([_usd(row) for row in shown])
    points = [(_usd(row) * money.factor, row.run_seconds * time.factor) for row in shown]
    x, y = (frame.domain([point[axis] for point in points], padding=0.12) for axis in (0, 1))
    front = [point for row, point in zip(shown, points, strict=True) if "front" in row.choice]
    labels = place_labels([_label(row, marks) for row in shown], points, x, y, front)
    values = []
    for row, point, placed in zip(shown, points, labels, strict=True):
        mark = marks[row.machine.name]
        words = f"{mark.name}: {format_seconds(row.run_seconds)} a run, {money.shown(_usd(row))} {money.words}"
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
    layers += [frame.label_layer(encoding, side) for side in Placed if side is not Placed.NONE and side in labels]
    return Chart(
        kind="time-money",
        title="Time and money",
        about=told(table),
        alt=sentence(
            f"{len(shown)} machines by USD and time of a run",
            "the front is " + ", ".join(str(value["words"]) for value in best) if best else "no front",
        ),
        note=joined(
            left_out("machines", len(shown), len(priced)),
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
    dots: list[dict[str, Any]] = []
    centers: list[dict[str, Any]] = []
    total = 0
    for row in shown:
        factor = unit.factor * row.run_seconds / row.seconds
        launches = frame.spread(row.records, max(1, MOST_DOTS // len(shown) // 2))
        each = max(2, MOST_DOTS // len(shown) // len(launches))
        total += sum(len(record.rounds) for record in row.records)
        label = _row_label(table, row, marks)
        for number, record in enumerate(launches):
            lane = 0.0 if len(launches) == 1 else 2 * number / (len(launches) - 1) - 1
            dots += [
                {"y": label, "machine": marks[row.machine.name].label, "x": seconds * factor, "offset": lane,
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
            {**encoding, "yOffset": offset},
            [marks[row.machine.name] for row in shown],
            size=16,
            dots=True,
            opacity=0.65,
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
        about=told(table),
        alt=sentence(
            f"each round's time on {len(shown)} machines",
            ", ".join(
                f"{marks[row.machine.name].name} {format_seconds(row.run_seconds)}, "
                f"{len(row.records)} launch{'es' * (len(row.records) > 1)}"
                for row in shown
            ),
        ),
        note=joined(
            left_out("machines", len(shown), len(table.rows)),
            left_out("rounds", len(dots), total) if len(dots) < total else "",
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
            "y": _row_label(table, row, marks),
            "x": _usd(row) * unit.factor,
            "text": f"{'≈ ' if row.projected else ''}{unit.shown(_usd(row))}",
            "best": "cheapest" in row.choice,
            "embedded": row.machine.embedded,
        }
        for row in shown
    ]
    order = list(dict.fromkeys(str(value["y"]) for value in values))
    top = max(_usd(row) for row in shown) * unit.factor
    encoding = {
        "x": frame.number("x", unit.words, Domain(0.0, top * 1.22, log=False)),
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
        about=told(table),
        alt=sentence(
            f"money of a run on {len(shown)} machines",
            f"the least is {marks[cheapest.machine.name].name} with {unit.shown(_usd(cheapest))} {unit.words}",
        ),
        note=joined(
            left_out("machines", len(shown), len(priced)),
            _without_price(table),
            _projected(shown),
            EMBEDDED if _any_embedded(shown) else "",
        ),
        spec=frame.chart({"values": values}, layers, height={"step": 28}),
    )


def _first(rows: Sequence[Row], most: int) -> list[Row]:
    """The first rows, and in any case those of the front."""
    if len(rows) <= most:
        return list(rows)
    wanted = [*(row for row in rows if row.choice), *(row for row in rows if not row.choice)]
    chosen = {id(row) for row in wanted[:most]}
    return [row for row in rows if id(row) in chosen]


def _label(row: Row, marks: Mapping[str, Mark]) -> str:
    """Machines without a colour of their own are named where they are chosen."""
    mark = marks[row.machine.name]
    return mark.label if mark.number or row.choice else ""


def _row_label(table: Table, row: Row, marks: Mapping[str, Mark]) -> str:
    """With the scale where one machine may have several."""
    scale = f" {printable(row.scale)}" if table.mixed and row.scale else ""
    return f"{marks[row.machine.name].label}{scale}{' ≈' if row.projected else ''}"


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
