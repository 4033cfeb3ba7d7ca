"""Charts as SVG and PNG: offline, the same each time, a drawing and nothing else."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("vl_convert", reason="charts need the extra [report]")

from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.report.html.charts import drawing
from pytest_benchmark_aws.report.html.charts.money import time_money_chart
from pytest_benchmark_aws.report.html.machine_styles import marks_of
from pytest_benchmark_aws.report.html.page import all_charts, view
from tests.report import made
from tests.report.html.test_page import HOSTILE, with_names

if TYPE_CHECKING:
    from pytest_benchmark_aws.report.html.charts.chart import Chart

DRAWN = {"svg", "g", "path", "line", "text", "tspan", "title"}


def chart_of(**how: Any) -> Chart:
    tables = compare_records(made.records(**{"commits": 1, "tests": ("test_sum",), "threads": (1,), **how})).tables
    chart = time_money_chart(tables[0], marks_of(tables))
    assert chart is not None
    return chart


@pytest.fixture(scope="module")
def chart() -> Chart:
    return chart_of()


def test_the_same_chart_is_the_same_bytes(chart: Chart) -> None:
    """As SVG for the page, as a file, and as PNG."""
    assert drawing.svg_for_page(chart) == drawing.svg_for_page(chart)
    svg = drawing.svg_file(chart)
    assert drawing.svg_file(chart) == svg
    assert drawing.png_file(svg) == drawing.png_file(svg)


def test_the_pages_svg_is_small_and_has_no_font_no_style_and_no_reference(chart: Chart) -> None:
    """The page's own font and colours; ids would be those of every other chart on the page too."""
    svg = drawing.svg_for_page(chart)
    assert len(svg) < 12_000
    assert {element.tag for element in ElementTree.fromstring(svg).iter()} <= DRAWN
    assert not re.search(r'\b(style|id|class="mark|font-family|href)=|url\(', svg)


def test_a_point_says_its_numbers(chart: Chart) -> None:
    """As a title, which browsers show over it."""
    titles = re.findall(r"<title>(.*?)</title>", drawing.svg_for_page(chart))
    assert len(titles) == len(made.TYPES)
    assert (
        re.fullmatch(r"c6i\.2xlarge: [\d.]+ ms a run, [\d.]+ USD per million runs", titles[0]) or "a run" in titles[0]
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_in_a_chart(name: str) -> None:
    """In every kind of chart, on the page and in files: well-formed, no element but drawing's, no control character."""
    found = {chart.kind: chart for chart in all_charts(view(with_names(name), title=name))}
    assert found.keys() == {"time-money", "rounds", "usd", "scaling", "history"}
    for chart in found.values():
        for svg in (drawing.svg_for_page(chart), drawing.svg_file(chart)):
            elements = {element.tag.split("}")[-1] for element in ElementTree.fromstring(svg).iter()}
            assert elements <= {*DRAWN, "rect"}  # the ground of a file
            assert [char for char in svg if not char.isprintable() and char != "\n"] == []


def test_what_is_no_drawing_is_refused(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a renderer ever let an element through."""
    odd = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><g><script>alert(1)</script></g></svg>'
    monkeypatch.setattr(drawing, "_convert", lambda spec: odd)
    with pytest.raises(AssertionError, match="script"):
        drawing.svg_for_page(chart)


def test_nothing_is_fetched(chart: Chart) -> None:
    """A specification that names a URL is refused by the renderer, as no base URL is allowed."""
    spec = {**chart.spec, "data": {"url": "http://127.0.0.1:9/data.json"}}
    with pytest.raises(ValueError, match=r"(?i)url|base"):
        drawing.svg_for_page(dataclasses.replace(chart, spec=spec))


def test_a_file_has_title_legend_and_ground(chart: Chart) -> None:
    """What the page says around a chart is within its file."""
    svg = drawing.svg_file(chart)
    assert "Time and money" in svg
    assert "test_sum[1]" in svg
    assert 'fill="#ffffff"' in svg
    for name in made.TYPES:
        assert name in svg
    assert drawing.png_file(svg).startswith(b"\x89PNG")
