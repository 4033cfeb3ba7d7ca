"""Vega-Lite -> SVG and PNG, by vl-convert: offline, once, and checked to be a drawing and nothing else."""

from __future__ import annotations

import re
from html import escape
from typing import Any
from xml.etree import ElementTree

from pytest_benchmark_aws.report.html.charts.chart import Chart
from pytest_benchmark_aws.report.html.charts.vega import DESCRIBED
from pytest_benchmark_aws.report.text import short

VEGA_LITE = "5.21"
"""Fixed, so that another release of vl-convert draws the same."""
WIDTH = 620
"""The width of a chart as a file, in pixels."""
SCALE = 2.0
"""Pixels of a PNG for each pixel of its chart."""
_NAMESPACE = "{http://www.w3.org/2000/svg}"
_ELEMENTS = frozenset({"svg", "g", "path", "line", "text", "tspan"})
_ATTRIBUTES = frozenset(
    {
        "d", "transform", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "fill", "stroke", "stroke-width", "opacity",
        "fill-opacity", "stroke-opacity", "stroke-dasharray", "stroke-miterlimit", "stroke-linecap",
        "stroke-linejoin", "text-anchor", "font-size", "font-weight",
    }
)  # fmt: skip
_DEFAULTS = {
    ("opacity", "1"), ("stroke-width", "1"), ("transform", "translate(0,0)"), ("stroke-miterlimit", "10"),
    ("x2", "0"), ("y2", "0"),
}  # fmt: skip
_DIGITS = re.compile(r"-?\d+\.\d+")


def svg_for_page(chart: Chart) -> str:
    """The chart as an ``svg`` element for the page, whose style sheet maps its colours.

    It has known elements and attributes alone, two decimals, and the words of a point as the point's title.

    Raises:
        AssertionError: Vega drew an element that is not known.
    """
    root = ElementTree.fromstring(_convert(chart.spec))
    parts: list[str] = []
    for child in root:
        _write(child, parts, described=False)
    box = escape(root.attrib["viewBox"])
    label = escape(f"{chart.title}. {chart.alt}")
    return f'<svg class="chart" role="img" aria-label="{label}" viewBox="{box}">{"".join(parts)}</svg>'


def svg_file(chart: Chart) -> str:
    """The text of an SVG file of the chart, with title, legend and light ground."""
    return _convert(alone(chart))


def png_file(svg: str) -> bytes:
    """The PNG of an SVG file's text."""
    import vl_convert

    png: bytes = vl_convert.svg_to_png(svg, scale=SCALE)
    return png


def alone(chart: Chart) -> dict[str, Any]:
    """The Vega-Lite specification of a chart that stands alone, with title, notes and legend."""
    spec = {**chart.spec, "background": "#ffffff", "padding": 16, "width": WIDTH}
    lines = [line for part in (chart.about, chart.note) if part for line in _folded(part)]
    spec["title"] = {"text": chart.title, "subtitle": lines, "offset": 14}
    if isinstance(spec["height"], int):
        shown = {value["machine"] for value in spec["data"]["values"]}
        spec["height"] = 300 + 14 * len(lines) + 16 * len(shown)
        legend = {"orient": "bottom", "columns": 1, "title": None, "symbolOpacity": 1}
        spec["layer"] = [
            {**layer, "encoding": {**layer["encoding"], **_legends(layer["encoding"], legend)}}
            for layer in spec["layer"]
        ]
    return spec


def _legends(encoding: dict[str, Any], legend: dict[str, Any]) -> dict[str, Any]:
    """The channels with a legend, of points alone: a line has the colour of its points."""
    if "shape" not in encoding:
        return {}
    return {name: {**encoding[name], "legend": legend} for name in ("color", "shape")}


def _folded(text: str, width: int = 96) -> list[str]:
    """A chart's subtitle in lines, as Vega breaks none; a long id keeps its end, which tells it from others."""
    import textwrap

    return textwrap.wrap(short(text, 4 * width), width)


def _convert(spec: dict[str, Any]) -> str:
    import vl_convert

    # No base URL is allowed: a chart has its data within, and nothing is fetched whatever a name says.
    svg: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])
    return svg


def _write(element: ElementTree.Element, parts: list[str], *, described: bool) -> None:
    """Appends the element to the page's parts, without what is invisible; ``described`` is of a layer with titles."""
    name = element.tag.removeprefix(_NAMESPACE)
    if name not in _ELEMENTS:
        raise AssertionError(f"a chart has an element {name!r}, which is no drawing")
    source = element.attrib
    if source.get("display") == "none" or (name == "path" and source.get("d", "") in {"", "M0,0h0v0h0Z"}):
        return
    if name == "path" and "background" in source.get("class", "") and not {"fill", "stroke"} & source.keys():
        return
    rounded = {key: _DIGITS.sub(_rounded, value) for key, value in source.items() if key in _ATTRIBUTES}
    attributes = {key: value for key, value in rounded.items() if (key, value) not in _DEFAULTS}
    described = described or DESCRIBED in source.get("class", "")
    inner: list[str] = []
    if described and name == "path" and source.get("aria-label"):
        inner.append(f"<title>{escape(source['aria-label'])}</title>")
    if element.text:
        inner.append(escape(element.text))
    for child in element:
        _write(child, inner, described=described)
        if child.tail:
            inner.append(escape(child.tail))
    content = "".join(inner)
    if name == "g" and not content:
        return
    if name == "g" and not attributes:
        parts.append(content)
        return
    start = name + "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    parts.append(f"<{start}>{content}</{name}>" if content else f"<{start}/>")


def _rounded(match: re.Match[str]) -> str:
    """A number with two decimals at most, and no zeros at its end."""
    text = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
