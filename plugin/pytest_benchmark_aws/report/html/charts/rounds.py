"""The chart of a test's rounds on each machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pytest_benchmark_aws.core.compare.tables import Table
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.report.html.charts import chart, units, vega
from pytest_benchmark_aws.report.html.machine_styles import Mark

MOST_DOTS = 600
"""Rounds that are drawn: more would lie on each other."""
_T = TypeVar("_T")


def rounds_chart(table: Table, marks: Mapping[str, Mark]) -> chart.Chart:
    """A test's chart of rounds: a dot for each, a line for each machine, and a tick at the time that the table has.

    Within a machine's line, its launches are under each other.
    """
    shown = chart.first_rows(table.rows, chart.MOST_MACHINES)
    unit = units.time_unit([row.run_seconds for row in shown])
    dots: list[dict[str, Any]] = []
    centers: list[dict[str, Any]] = []
    total = 0
    for row in shown:
        factor = unit.factor * row.run_seconds / row.seconds
        launches = spread(row.records, max(1, MOST_DOTS // len(shown) // 2))
        dots_per_launch = max(2, MOST_DOTS // len(shown) // len(launches))
        total += sum(len(record.rounds) for record in row.records)
        label = chart.row_label(table, row, marks)
        for number, record in enumerate(launches):
            lane = 0.0 if len(launches) == 1 else 2 * number / (len(launches) - 1) - 1
            dots += [
                {"y": label, "machine": marks[row.machine.name].label, "x": seconds * factor, "offset": lane,
                 "embedded": row.machine.embedded}
                for seconds in spread(record.rounds, dots_per_launch)
            ]  # fmt: skip
        centers.append({"y": label, "x": row.run_seconds * unit.factor, "text": format_seconds(row.run_seconds)})
    scale = vega.domain([dot["x"] for dot in dots], padding=0.06)
    encoding = {"x": vega.number("x", f"time of a run ({unit.words})", scale), "y": vega.names(centers)}
    offset = {"field": "offset", "type": "quantitative", "scale": {"domain": [-1, 1], "range": [7, 21]}}
    layers: list[dict[str, Any]] = [
        *vega.points(
            {**encoding, "yOffset": offset},
            [marks[row.machine.name] for row in shown],
            size=16,
            dots=True,
            opacity=0.65,
        ),
        {
            "data": {"values": centers},
            "mark": {"type": "tick", "thickness": 2, "size": 22, "color": vega.INK},
            "encoding": encoding,
        },
    ]
    return chart.of_table(
        table,
        shown,
        len(table.rows),
        "rounds",
        "Rounds",
        f"each round's time on {len(shown)} machines",
        ", ".join(
            f"{marks[row.machine.name].name} {format_seconds(row.run_seconds)}, "
            f"{len(row.records)} launch{'es' * (len(row.records) > 1)}"
            for row in shown
        ),
        notes=[chart.left_out("rounds", len(dots), total)],
        spec=vega.chart({"values": dots}, layers, height={"step": 28}),
    )


def spread(values: Sequence[_T], most: int) -> list[_T]:
    """At most so many of the values, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    if most == 1:
        return [values[0]]
    step = (len(values) - 1) / (most - 1)
    return [values[round(rank * step)] for rank in range(most)]
