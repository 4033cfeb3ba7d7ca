"""The page's part on machines that were not measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("jinja2", reason="the page needs the extra [report]")

from pytest_benchmark_aws.core.compare.records import Record
from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.report.html import predicted as module
from pytest_benchmark_aws.report.html.page import all_charts, view
from pytest_benchmark_aws.report.html.predicted import MOST_ROWS, Predicted, predictions
from tests.report import made
from tests.report.html.test_page import HOSTILE, Elements, page_of

THREE = ("m5.2xlarge", "c6i.2xlarge", "m5.8xlarge")


def records(types: tuple[str, ...] = THREE, name: str = "test_it", *, embedded: bool = False) -> list[Record]:
    return made.records(types=types, launches=1, commits=1, tests=(name,), threads=(1,), embedded=embedded)


@pytest.fixture(scope="module")
def predicted() -> Predicted:
    """Of one test on three types."""
    (test,) = predictions(compare_records(records()).tables).tests
    return test


def test_every_figure_says_whether_it_is_predicted(predicted: Predicted) -> None:
    """In the table by a column, in the chart by its words; the measured ones are those of the results."""
    how = {row[0]: row[1] for row in predicted.numbers.rows}
    assert {name for name, word in how.items() if word == "measured"} == set(THREE)
    assert 3 <= sum(word == "predicted" for word in how.values()) <= MOST_ROWS
    for value in predicted.chart.spec["data"]["values"]:
        assert value["words"].startswith(f"{value['machine']}, {how[value['machine']]}: ")
    assert all("(predicted)" in line or "(measured)" in line for line in predicted.said if line.startswith("Likeliest"))
    assert predicted.chart.title.endswith("predicted")
    assert "predicted, with the 95 % interval" in predicted.chart.note


def test_intervals_hold_their_figures_in_time_and_money(predicted: Predicted) -> None:
    """And are wider for what was not measured; the axes hold all of them."""
    for value in predicted.chart.spec["data"]["values"]:
        assert value["x1"] <= value["x"] * 1.000001
        assert value["x"] <= value["x2"] * 1.000001
        assert value["y1"] <= value["y"] * 1.000001
        assert value["y"] <= value["y2"] * 1.000001
        if not value["measured"]:
            assert value["y2"] / value["y1"] > 1.05
    encoding = predicted.chart.spec["layer"][1]["encoding"]
    for axis in ("x", "y"):
        low, high = encoding[axis]["scale"]["domain"]
        ends = [value[f"{axis}{end}"] for value in predicted.chart.spec["data"]["values"] for end in (1, 2)]
        assert low <= min(ends)
        assert max(ends) <= high


def test_the_page_has_the_part_from_three_types_on() -> None:
    """With source and licence; with two there is none, nor from embedded AWS, whose times are this machine's."""
    found = Elements(page_of(records()))
    assert "Machines that were not measured" in found.text
    assert "are no measurements: the machine model" in found.text
    assert "Spare Cores" in found.text
    assert "CC BY-SA 4.0" in found.text
    for fewer in (records(THREE[:2]), records(embedded=True)):
        assert "predicted" not in Elements(page_of(fewer)).text


def test_nothing_is_predicted_from_gpus_groups_and_training_types() -> None:
    """Neither do they count as types that were measured, nor do they move a figure; GPUs are said to be left out."""
    gpus, others = records(("g5.xlarge", "p4d.24xlarge")), records(("ml.m5.2xlarge",))
    (group,) = records(("m5.4xlarge",))
    group = group._replace(machine=replace(group.machine, instance_type="m5.4xlarge ×4", count=4))
    (alone,) = predictions(compare_records(records()).tables).tests
    (both,) = predictions(compare_records([*records(), *gpus, *others, group]).tables).tests
    assert both.numbers == alone.numbers
    assert "Left out, as their times may be their GPUs': g5.xlarge, p4d.24xlarge." in both.said
    fewer = predictions(compare_records([*records(THREE[:2]), *gpus, *others, group]).tables)
    assert (fewer.tests, fewer.left_out) == ((), 0)


def test_the_chart_is_among_the_files() -> None:
    """After the tests' own charts; it can be drawn as all others are."""
    pytest.importorskip("vl_convert", reason="the page needs the extra [report]")
    from pytest_benchmark_aws.report.html.charts.drawing import svg_for_page

    chart = all_charts(view(records(), title="T"))[-1]
    assert chart.kind == "predicted"
    svg = svg_for_page(chart)
    assert "stroke-dasharray" in svg
    assert "<title>" in svg


def test_a_page_has_few_tests_with_predictions_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with the most types; the page's time is bounded."""
    monkeypatch.setattr(module, "MOST_TESTS", 1)
    both = [*records(), *made.records(types=made.TYPES, launches=1, commits=1, tests=("test_more",), threads=(1,))]
    page = view(both, title="T")
    assert [test.name.test for test in page.predictions.tests] == ["test_more[1]"]
    assert any("predicted for 1 of 2 tests" in note for note in page.notes)


@pytest.mark.parametrize("name", [name for name in HOSTILE if "<" in name or "{" in name])
def test_a_hostile_name_adds_no_element(name: str) -> None:
    """A test's name is text here, too."""
    assert set(Elements(page_of(records(name=name))).tags) == set(Elements(page_of(records())).tags)
