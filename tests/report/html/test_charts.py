"""The charts' specifications: what is drawn, from which numbers, and what is left out in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core.compare.series import histories, scalings
from pytest_benchmark_aws.core.compare.tables import Table, compare_records
from pytest_benchmark_aws.report.html.charts import trends, units, vega
from pytest_benchmark_aws.report.html.charts.chart import MOST_MACHINES
from pytest_benchmark_aws.report.html.charts.label_places import HEIGHT, WIDTH, Domain, Side, place_labels
from pytest_benchmark_aws.report.html.charts.money import run_usd_chart, time_money_chart
from pytest_benchmark_aws.report.html.charts.rounds import MOST_DOTS, rounds_chart
from pytest_benchmark_aws.report.html.machine_styles import LONGEST, STYLES, marks_of, short
from tests.report import made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark_aws.report.html.charts.chart import Chart

ONE = {"tests": ("test_sum",), "threads": (1,)}


def table(*types: str, **how: Any) -> Table:
    """One test on these types."""
    (found,) = compare_records(made.records(types=types or made.TYPES, commits=1, **{**ONE, **how})).tables
    return found


def values(chart: Chart | None) -> list[dict[str, Any]]:
    assert chart is not None
    found: list[dict[str, Any]] = chart.spec["data"]["values"]
    return found


def layers(chart: Chart | None) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each layer's mark and the layer."""
    assert chart is not None
    for layer in chart.spec["layer"]:
        yield layer["mark"]["type"], layer


def test_time_and_money_has_each_machine_where_its_figures_are() -> None:
    """USD across and time up, in the units that the axes name."""
    found = table("m5.8xlarge", "c5.24xlarge")
    chart = time_money_chart(found, marks_of([found]))
    for row, value in zip(found.rows, values(chart), strict=True):
        assert value["y"] == pytest.approx(row.run_seconds)
        assert value["x"] == pytest.approx(float(row.run_usd or 0) * 1000)
    titles = [layer["encoding"]["x"]["axis"]["title"] for _, layer in layers(chart)]
    assert set(titles) == {"USD per 1,000 runs"}


def test_the_front_is_a_line_of_steps_through_the_chosen() -> None:
    """The rows that no other beats in both, and no others."""
    found = table()
    chart = time_money_chart(found, marks_of([found]))
    (line,) = [layer for mark, layer in layers(chart) if mark == "line"]
    front = [row for row in found.rows if "front" in row.choice]
    assert len(line["data"]["values"]) == len(front) < len(found.rows)
    assert line["mark"]["interpolate"] == "step-after"


def test_without_prices_there_is_no_chart_of_money() -> None:
    """One priced machine is nothing to compare, and a bar for none is no chart."""
    found = table("a CPU", "another CPU")
    assert time_money_chart(found, marks_of([found])) is None
    assert run_usd_chart(found, marks_of([found])) is None
    single = table("m5.large", "a CPU")
    chart = run_usd_chart(single, marks_of([single]))
    assert chart is not None
    assert "1 machine without a price left out" in chart.note


def test_rounds_are_dots_in_a_lane_for_each_launch() -> None:
    """5 launches of 7 rounds are 35 dots of a machine, in 5 lanes."""
    found = table("m5.8xlarge", "c5.24xlarge")
    dots = values(rounds_chart(found, marks_of([found])))
    lane_dots = [dot for dot in dots if dot["machine"] == "m5.8xlarge"]
    assert len(lane_dots) == 35
    assert len({dot["offset"] for dot in lane_dots}) == 5


@pytest.mark.parametrize("many", [{"rounds": 60, "launches": 40}, {"types": sorted(made.SPEED), "launches": 30}])
def test_too_many_rounds_are_thinned_and_it_is_said(many: dict[str, Any]) -> None:
    """No more than MOST_DOTS, with the numbers beside the chart."""
    found = table(*many.pop("types", ("m5.large",)), **many)
    chart = rounds_chart(found, marks_of([found]))
    assert len(values(chart)) <= MOST_DOTS
    assert f"{len(values(chart)):,} of " in chart.note
    assert "rounds" in chart.note


def test_more_machines_than_lines_leave_the_front_in() -> None:
    """30 machines: 24 lines, those that are chosen among them, and it is said."""
    types = [f"CPU {number}" for number in range(28)]
    found = table("m5.large", "c7g.2xlarge", *types, launches=1)
    chart = rounds_chart(found, marks_of([found]))
    shown = {value["machine"] for value in values(chart)}
    assert len(shown) == MOST_MACHINES
    assert {row.machine.name for row in found.rows if row.choice} <= shown
    assert "24 of 30 machines" in chart.note


def test_bars_begin_at_zero_and_the_cheapest_is_first() -> None:
    """Money is a length, and only from 0 on is a length a proportion."""
    found = table()
    chart = run_usd_chart(found, marks_of([found]))
    bar = next(layer for mark, layer in layers(chart) if mark == "bar")
    assert bar["encoding"]["x"]["scale"]["domain"][0] == 0
    shown = values(chart)
    assert [value["best"] for value in shown] == [True] + [False] * (len(shown) - 1)
    assert [value["x"] for value in shown] == sorted(value["x"] for value in shown)


def test_what_is_embedded_is_hollow_and_named_so() -> None:
    """In each chart: a layer of its own without filling, ``embedded`` in the machine's name and beside the chart."""
    found = table("m5.8xlarge", "c5.24xlarge", embedded=True)
    marks = marks_of([found])
    for chart in (time_money_chart(found, marks), rounds_chart(found, marks), run_usd_chart(found, marks)):
        assert chart is not None
        assert all(value["embedded"] for value in values(chart))
        assert all("(embedded)" in str(value.get("machine", value.get("y"))) for value in values(chart))
        assert "embedded" in chart.note
        hollow = [layer for _, layer in layers(chart) if layer.get("transform") == [{"filter": "datum.embedded"}]]
        assert hollow
        assert all(
            layer["mark"].get("filled") is False or layer["mark"].get("fillOpacity", 1) < 0.5 for layer in hollow
        )


def test_history_has_a_line_for_each_machine_over_the_commits() -> None:
    """Three commits of two machines are six points, oldest first."""
    records = made.records(types=("m5.8xlarge", "c5.24xlarge"), **ONE)
    (found,) = histories(compare_records(records, row_of="commit").tables)
    chart = trends.history_chart(found, marks_of(compare_records(records).tables))
    assert len(values(chart)) == 6
    x = chart.spec["layer"][0]["encoding"]["x"]
    assert x["sort"] == [commit[:10] for commit in made.COMMITS]


def test_a_long_history_shows_its_newest_commits_and_says_so() -> None:
    """70 commits: the newest 60."""
    records = made.records(types=("m5.large",), commits=70, launches=1, **ONE)
    (found,) = histories(compare_records(records, row_of="commit").tables)
    chart = trends.history_chart(found, marks_of(compare_records(records).tables))
    assert len(values(chart)) == trends.MOST_COMMITS
    assert "60 of 70 commits, the newest" in chart.note


def test_scaling_is_over_the_parameters_own_numbers() -> None:
    """1, 2, 4 and 8 threads are where these numbers are, and the axis has these ticks."""
    tables = compare_records(made.records(types=("m5.8xlarge",), commits=1, tests=("test_sum",))).tables
    (found,) = scalings(tables)
    chart = trends.scaling_chart(found, marks_of(tables))
    assert [value["x"] for value in values(chart)] == [1, 2, 4, 8]
    assert chart.spec["layer"][0]["encoding"]["x"]["axis"]["values"] == [1, 2, 4, 8]


def test_a_machine_has_one_colour_and_shape_in_every_chart() -> None:
    """Whatever subset of machines a test has: by name, from one list for the page."""
    records = made.records(commits=1, tests=("test_sum",))
    tables = compare_records(records).tables
    marks = marks_of(tables)
    assert marks_of(reversed(tables)) == marks
    assert sorted(mark.number for mark in marks.values()) == [1, 2, 3, 4, 5, 6]


def test_machines_beyond_the_palette_share_no_hue() -> None:
    """No colour is used twice: what has none of its own is grey, and has no line in a chart of lines."""
    types = sorted(made.SPEED)
    records = made.records(types=types, tests=("test_sum",), threads=(1, 2), commits=1, launches=1)
    tables = compare_records(records).tables
    marks = marks_of(tables)
    numbers = [mark.number for mark in marks.values()]
    assert sorted(number for number in numbers if number) == list(range(1, len(STYLES) + 1))
    (found,) = scalings(tables)
    chart = trends.scaling_chart(found, marks)
    assert len({value["machine"] for value in values(chart)}) == len(STYLES)
    assert f"{len(STYLES)} of {len(types)} machines" in chart.note


def test_a_long_name_keeps_its_end_and_no_two_are_one() -> None:
    """``(embedded)`` is at the end, and two names that are cut alike get a number."""
    assert short("x" * 60 + " (embedded)").endswith(" (embedded)")
    names = [f"{'A' * 20}{middle}{'B' * 40}" for middle in "123"]
    found = [table(name) for name in names]
    labels = {mark.label for mark in marks_of(found).values()}
    assert len(labels) == 3
    assert all(len(label) <= LONGEST for label in labels)


def test_names_lie_on_no_point_no_name_and_not_on_the_front() -> None:
    """Five points in a corner: whoever finds no free side goes without a name."""
    points = [(0.5 + step / 100, 0.5 + step / 50) for step in range(5)]
    span = Domain(0.0, 1.0, log=False)
    sides = place_labels(["m5.8xlarge"] * 5, points, span, span, front=[(0.5, 0.6), (0.9, 0.5)])
    assert len(sides) == 5
    assert any(side is not Side.NONE for side in sides)
    assert place_labels(["x" * 200], [(0.5, 0.5)], span, span) == [Side.NONE]
    assert (WIDTH, HEIGHT) > (0, 0)


def test_axes_are_logarithmic_from_twelve_times_on() -> None:
    """And from 0 where 0 is near; the numbers on an axis are never below a twentieth nor in powers of ten."""
    assert vega.domain([1, 11], padding=0.1).low == 0
    assert vega.domain([1, 12], padding=0.1).log
    assert not vega.domain([5, 6], padding=0.1).log
    assert vega.domain([5, 6], padding=0.1).low > 4
    assert units.time_unit([0.02]).words == "ms"
    assert units.usd_unit([2.6e-7]).words == "USD per million runs"


def test_a_specification_is_data_alone() -> None:
    """It is JSON, loads nothing by URL, and no name of a result is anywhere but among the values and the domains."""
    name = "m5'); alert(1)//"
    found = table(name, "c5.large")
    for chart in (time_money_chart(found, marks_of([found])), rounds_chart(found, marks_of([found]))):
        if chart is None:
            continue
        spec = json.loads(json.dumps(chart.spec))
        assert "url" not in json.dumps(spec["data"])
        for layer in spec["layer"]:
            for transform in layer.get("transform", []):
                assert name not in json.dumps(transform)
