"""The chart of what a run of a test costs on each machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.report.html.charts import chart, units, vega
from pytest_benchmark_aws.report.html.charts.label_places import Domain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_benchmark_aws.core.compare.tables import Table
    from pytest_benchmark_aws.report.html.machine_styles import Mark


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
    order = list(dict.fromkeys(str(value["y"]) for value in values))
    top = max(chart.usd(row) for row in shown) * unit.factor
    encoding = {"x": vega.number("x", unit.words, Domain(0.0, top * 1.22, log=False)), "y": vega.names("y", order)}
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
    return chart.Chart(
        kind="usd",
        title="Money a run",
        about=chart.named(table.case, table.full_scale),
        alt=chart.sentence(
            f"money of a run on {len(shown)} machines",
            f"the least is {marks[cheapest.machine.name].name} with {unit.shown(chart.usd(cheapest))} {unit.words}",
        ),
        note=chart.row_notes(shown, chart.left_out("machines", len(shown), len(priced)), chart.without_price(table)),
        spec=vega.chart({"values": values}, layers, height={"step": 28}),
    )
