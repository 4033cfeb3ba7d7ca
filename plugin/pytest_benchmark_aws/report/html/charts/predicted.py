"""The chart of machines that were not measured, beside those that were: time against money, with intervals."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.compare.choice import Offer, front
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.report.html.charts import chart, units, vega
from pytest_benchmark_aws.report.html.charts.label_places import Side, place_labels
from pytest_benchmark_aws.report.predicted import percent
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.answer import PredictedRow
    from pytest_benchmark_aws.predict.likeliest import Likeliest

_PREDICTED = "diamonds with a line: predicted, with the 95 % interval; dots: measured; dashes: the front of both"


def predicted_chart(case: str, scale: str | None, result: Likeliest) -> chart.Chart:
    """Time and USD of a run on the likeliest best machines, each with its interval, and on the measured ones.

    A machine's interval lies on a slope: at its price, more time is more money.
    """
    rows = [row for row in (*result.predicted, *result.measured) if row.usd_run is not None]
    time = units.time_unit([row.seconds for row in rows])
    money = units.usd_unit([row.usd_run or 0.0 for row in rows])
    values = [_value(row, time, money) for row in rows]
    x, y = (
        vega.domain([value[name] for value in values for name in names], padding=0.08)
        for names in (("x", "x1", "x2"), ("y", "y1", "y2"))
    )
    best = {offer.machine for offer in front(map(_offer, rows))}
    on_front = sorted((value["x"], value["y"]) for value in values if value["machine"] in best)
    points = [(value["x"], value["y"]) for value in values]
    sides = place_labels([value["machine"] for value in values], points, x, y, on_front)
    for value, side in zip(values, sides, strict=True):
        value["place"] = side.value
    encoding = {"x": vega.number("x", money.words, x), "y": vega.number("y", f"time of a run ({time.words})", y)}
    predicted = [value for value in values if not value["measured"]]
    ends = {
        "x": {**encoding["x"], "field": "x1"}, "x2": {"field": "x2"},
        "y": {**encoding["y"], "field": "y1"}, "y2": {"field": "y2"},
    }  # fmt: skip
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": [{"x": across, "y": up} for across, up in on_front]},
            "mark": {"type": "line", "interpolate": "step-after", "color": vega.ACCENT, "strokeWidth": 1.4,
                     "strokeDash": [5, 4]},
            "encoding": {**encoding, "order": {"field": "x"}},
        },
        {
            "data": {"values": predicted},
            "mark": {"type": "rule", "color": vega.OTHER, "opacity": 0.55, "strokeWidth": 1.4},
            "encoding": ends,
        },
        _points(encoding, predicted, {"shape": "diamond", "filled": False, "color": vega.ACCENT, "strokeWidth": 1.4}),
        _points(encoding, [value for value in values if value["measured"]],
                {"shape": "circle", "filled": True, "color": vega.INK}),
    ]  # fmt: skip
    layers += [vega.label_layer(encoding, side) for side in Side if side is not Side.NONE and side in sides]
    words = ", ".join(str(value["words"]) for value in values if value["machine"] in best)
    return chart.Chart(
        kind="predicted",
        title="Time and money, predicted",
        about=chart.named(case, scale),
        alt=chart.sentence(f"{len(predicted)} predicted and {len(values) - len(predicted)} measured machines by USD "
                           "and time of a run", f"the front is {words}"),
        note=_PREDICTED,
        spec=vega.chart({"values": values}, layers, height=280),
    )  # fmt: skip


def _points(encoding: dict[str, Any], values: list[dict[str, Any]], mark: dict[str, Any]) -> dict[str, Any]:
    """A layer with a point for each value, described."""
    return {
        "name": f"{vega.DESCRIBED}{mark['shape']}",
        "data": {"values": values},
        "mark": {"type": "point", "size": 70, "opacity": 1, **mark},
        "encoding": {**encoding, "description": {"field": "words"}},
    }


def _value(row: PredictedRow, time: units.Unit, money: units.Unit) -> dict[str, Any]:
    name = printable(row.machine.name)
    low, high = row.usd(row.low) or 0.0, row.usd(row.high) or 0.0
    how = "measured" if row.measured else "predicted"
    interval = "" if row.measured else f" ({format_seconds(row.low)} to {format_seconds(row.high)})"
    words = (
        f"{name}, {how}: {format_seconds(row.seconds)}{interval} a run, {money.shown(row.usd_run or 0.0)} {money.words}"
    )
    chances = f", cheapest {percent(row.cheapest)}, fastest {percent(row.fastest)}"
    return {
        "x": (row.usd_run or 0.0) * money.factor,
        "y": row.seconds * time.factor,
        "x1": low * money.factor,
        "x2": high * money.factor,
        "y1": row.low * time.factor,
        "y2": row.high * time.factor,
        "machine": name,
        "measured": row.measured,
        "words": words + chances,
    }


def _offer(row: PredictedRow) -> Offer:
    return Offer(printable(row.machine.name), row.seconds, Decimal(repr(row.machine.usd_per_hour)))
