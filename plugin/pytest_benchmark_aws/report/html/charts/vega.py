"""Vega-Lite specifications: axes, points and lines by machine, and the look that all charts have.

Pure functions, which take all names as data and none as code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_benchmark_aws.report.html.charts.label_places import CLEAR, Domain, Side
from pytest_benchmark_aws.report.html.machine_styles import Mark
from pytest_benchmark_aws.report.text import printable, with_texts

WIDTH = 372
"""A chart's width in pixels: the page shows it at this size on a phone, so that its text stays readable."""
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""vl-convert brings Liberation Sans along, which has Arial's widths: no font of this machine is needed."""
DESCRIBED = "described"
"""Begins the names of the layers whose points have a description; Vega makes them classes of the SVG."""
# The page's style sheet turns each of these into its theme's colour, so that no two may be the same.
INK, MUTED, GRID, ACCENT, OTHER = "#1b1f24", "#59636e", "#d8dee4", "#b4460f", "#5a6672"


def domain(values: Sequence[float], *, padding: float, log_from: float = 12.0) -> Domain:
    """The span of an axis: logarithmic where values differ ``log_from`` times or more, from 0 where 0 is near."""
    low, high = min(values), max(values)
    if low > 0 and high / low >= log_from:
        room = (high / low) ** padding
        return Domain(low / room, high * room, log=True)
    room = (high - low) * padding or high * 0.1
    return Domain(0.0 if padding and low < 0.45 * high else low - room, high + room, log=False)


def number(field: str, title: str, span: Domain, ticks: Sequence[float] | None = None) -> dict[str, Any]:
    """A channel of numbers over that span."""
    scale: dict[str, Any] = {"domain": [span.low, span.high], "nice": False, "zero": False}
    if span.log:
        scale["type"] = "log"
    axis: dict[str, Any] = {
        "title": title,
        "tickCount": 4 if field == "x" else 5,
        "labelOverlap": "greedy",
        "labelSeparation": 8,
        "titleLimit": 200,
    }
    if ticks is not None:
        axis["values"] = list(ticks)
    if span.log:
        axis["format"] = ",~r" if span.high < 1e5 else "~s"
        if ticks is None:
            axis["values"] = log_ticks(span)
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def log_ticks(span: Domain) -> list[float]:
    """Ticks at 1, 2 and 5 of each power of ten within the span, or at the powers alone where these are many."""
    powers = range(math.floor(math.log10(span.low)), math.ceil(math.log10(span.high)) + 1)
    digits = (1, 2, 5) if len(powers) <= 4 else (1,)
    ticks = [digit * 10.0**power for power in powers for digit in digits]
    return [tick for tick in ticks if span.low <= tick <= span.high]


def names(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The channel ``y`` with a line for each name that the values have there, in their order."""
    axis = {"title": None, "ticks": False, "domain": False, "labelLimit": 240, "labelPadding": 6, "grid": True,
            "tickBand": "extent"}  # fmt: skip
    scale = {"paddingInner": 0, "paddingOuter": 0}
    order = list(dict.fromkeys(value["y"] for value in values))
    return {"field": "y", "type": "nominal", "sort": order, "axis": axis, "scale": scale}


def steps(field: str, title: str, order: Sequence[str]) -> dict[str, Any]:
    """A channel with a place for each name along the bottom."""
    few = len(order) <= 4
    axis = {"title": title, "labelAngle": 0 if few else -40, "labelOverlap": True, "labelLimit": 80, "grid": False}
    return {"field": field, "type": "ordinal", "sort": list(order), "axis": axis, "scale": {"type": "point"}}


def colors(marks: Sequence[Mark]) -> dict[str, Any]:
    """The channel of the machines' colours."""
    return _styles(marks, lambda mark: mark.style.light)


def _styles(marks: Sequence[Mark], style: Callable[[Mark], str]) -> dict[str, Any]:
    shown = list({mark.label: mark for mark in marks}.values())
    scale = {"domain": [mark.label for mark in shown], "range": [style(mark) for mark in shown]}
    return {"field": "machine", "type": "nominal", "scale": scale, "legend": None}


def points(
    encoding: dict[str, Any], marks: Sequence[Mark], *, size: int, dots: bool = False, opacity: float = 1.0
) -> list[dict[str, Any]]:
    """Two layers with a point for each value: filled ones, and hollow ones of embedded AWS; dots are always circles."""
    channels = {**encoding, "color": colors(marks)}
    if not dots:
        channels |= {"shape": _styles(marks, lambda mark: mark.style.shape), "description": {"field": "words"}}
    layers = []
    for embedded in (False, True):
        mark = {"type": "point", "filled": not embedded, "size": size, "opacity": opacity, "strokeWidth": 1.4}
        if dots:
            mark |= {"shape": "circle", "strokeWidth": 1.0}
        layer = {"mark": mark, "transform": [{"filter": "datum.embedded" if embedded else "!datum.embedded"}]}
        layers.append({**layer, "encoding": channels, **({} if dots else {"name": f"{DESCRIBED}{int(embedded)}"})})
    return layers


def line(encoding: dict[str, Any], marks: Sequence[Mark]) -> dict[str, Any]:
    """A layer with a line through each machine's points."""
    return {"mark": {"type": "line", "strokeWidth": 1.6}, "encoding": {**encoding, "color": colors(marks)}}


def label_layer(encoding: dict[str, Any], side: Side) -> dict[str, Any]:
    """A layer with the names that are on that side of their points."""
    mark: dict[str, Any] = {"type": "text", "color": INK, "fontSize": 11}
    mark |= {"align": side.align, "dx": side.across * CLEAR, "dy": side.down * (CLEAR + 6)}
    return {
        "mark": mark,
        "transform": [{"filter": f"datum.place === '{side.value}'"}],
        "encoding": {**encoding, "text": {"field": "machine"}},
    }


def chart(data: dict[str, Any], layers: list[dict[str, Any]], height: int | dict[str, int]) -> dict[str, Any]:
    """The whole specification, all its texts harmless to print: a control character in an SVG makes it none."""
    spec: dict[str, Any] = with_texts({
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "height": height,
        "autosize": {"type": "fit-x" if isinstance(height, dict) else "fit", "contains": "padding"},
        "padding": {"left": 2, "top": 4, "right": 4, "bottom": 2},
        "background": None,
        "data": data,
        "layer": layers,
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                "labelColor": MUTED, "titleColor": MUTED, "labelFontSize": 11, "titleFontSize": 11,
                "titleFontWeight": "normal", "gridColor": GRID, "domainColor": GRID, "tickColor": GRID,
                "labelFont": FONT, "titleFont": FONT,
            },
            "text": {"font": FONT, "fontSize": 11},
            "legend": {"labelColor": INK, "labelFontSize": 11, "title": None, "labelLimit": 260},
            "title": {"color": INK, "subtitleColor": MUTED, "fontSize": 13, "subtitleFontSize": 11, "anchor": "start"},
        },
    }, printable)  # fmt: skip
    return spec
