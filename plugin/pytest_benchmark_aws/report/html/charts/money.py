"""The charts of what a run of a test costs: beside its time, and on each machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_benchmark_aws.core.compare.rows import Row
from pytest_benchmark_aws.core.compare.tables import Table
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.report.html.charts import chart, units, vega
from pytest_benchmark_aws.report.html.charts.label_places import Domain, Side, place_labels
from pytest_benchmark_aws.report.html.machine_styles import Mark

MOST_POINTS = 400
"""Machines in one chart."""


def time_money_chart(table: Table, marks: Mapping[str, Mark]) -> chart.Chart | None:
    """A test's chart of machines by USD and time of a run, with the front; None where fewer than two have a price.

    The front are the machines that no other beats in both.
    """
    priced = [row for row in table.rows if row.run_usd is not None]
    if len(priced) < 2:
        return None
    shown = chart.first_rows(priced, MOST_POINTS)
    time = units.time_unit([row.run_seconds for row in shown])
    money = units.usd_unit([chart.usd(row) for row in shown])
    points = [(chart.usd(row) * money.factor, row.run_seconds * time.factor) for row in shown]
    x, y = (vega.domain([point[axis] for point in points], padding=0.12) for axis in (0, 1))
    front = [point for row, point in zip(shown, points, strict=True) if "front" in row.choice]
    sides = place_labels([_label(row, marks) for row in shown], points, x, y, front)
    values = []
    for row, point, side in zip(shown, points, sides, strict=True):
        words = f": {format_seconds(row.run_seconds)} a run, {money.shown(chart.usd(row))} {money.words}"
        about = chart.described(row.machine, marks, words)
        values.append({"x": point[0], "y": point[1], "place": side.value, **about})
    best = [value for row, value in zip(shown, values, strict=True) if "front" in row.choice]
    encoding = {"x": vega.number("x", money.words, x), "y": vega.number("y", f"time of a run ({time.words})", y)}
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": [{"x": value["x"], "y": value["y"]} for value in best]},
            "mark": {"type": "line", "interpolate": "step-after", "color": vega.ACCENT, "strokeWidth": 2},
            "encoding": {**encoding, "order": {"field": "x"}},
        },
        *vega.points(encoding, [marks[row.machine.name] for row in shown], size=90),
    ]
    layers += [vega.label_layer(encoding, side) for side in Side if side is not Side.NONE and side in sides]
    return chart.of_table(
        table,
        shown,
        len(priced),
        "time-money",
        "Time and money",
        f"{len(shown)} machines by USD and time of a run",
        "the front is " + ", ".join(str(value["words"]) for value in best) if best else "no front",
        notes=[chart.without_price(table)],
        spec=vega.chart({"values": values}, layers, height=240),
    )


def run_usd_chart(table: Table, marks: Mapping[str, Mark]) -> chart.Chart | None:
    """A test's chart of money: a bar for each machine with a price, the cheapest first and in the accent colour.

    None where no machine has a price.
    """
    priced = sorted(
        (row for row in table.rows if row.run_usd is not None), key=lambda row: (chart.usd(row), row.machine.name)
    )
    if not priced:
        return None
    shown = priced[: chart.MOST_MACHINES]
    unit = units.usd_unit([chart.usd(row) for row in shown])
    values = [
        {
            "y": chart.row_label(table, row, marks),
            "x": chart.usd(row) * unit.factor,
            "text": f"{'≈ ' if row.projected else ''}{unit.shown(chart.usd(row))}",
            "best": "cheapest" in row.choice,
            "embedded": row.machine.embedded,
        }
        for row in shown
    ]
    top = max(chart.usd(row) for row in shown) * unit.factor
    encoding = {"x": vega.number("x", unit.words, Domain(0.0, top * 1.22, log=False)), "y": vega.names(values)}
    paint = {"condition": {"test": "datum.best", "value": vega.ACCENT}, "value": vega.OTHER}
    bar = {**encoding, "stroke": paint, "fill": paint}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "bar", "height": 14, "strokeWidth": 0}, "transform": [{"filter": "!datum.embedded"}],
         "encoding": bar},
        {"mark": {"type": "bar", "height": 13, "fillOpacity": 0.12, "strokeWidth": 1.2},
         "transform": [{"filter": "datum.embedded"}], "encoding": bar},
        {"mark": {"type": "text", "align": "left", "dx": 5, "color": vega.INK},
         "encoding": {**encoding, "text": {"field": "text"}}}
    ]  # fmt: skip
    cheapest = shown[0]
    return chart.of_table(
        table,
        shown,
        len(priced),
        "usd",
        "Money a run",
        f"money of a run on {len(shown)} machines",
        f"the least is {marks[cheapest.machine.name].name} with {unit.shown(chart.usd(cheapest))} {unit.words}",
        notes=[chart.without_price(table)],
        spec=vega.chart({"values": values}, layers, height={"step": 28}),
    )


def _label(row: Row, marks: Mapping[str, Mark]) -> str:
    """The name beside a point; empty where the machine has no colour of its own and is not chosen."""
    mark = marks[row.machine.name]
    return mark.label if mark.number or row.choice else ""
