"""What all charts have in common: axes, units, points and lines by machine, and the look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_benchmark_aws.report.html.charts.label_places import CLEAR, Domain, Placed
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark_aws.report.html.machine_styles import Mark

T = TypeVar("T")
WIDTH = 372
"""Of a whole chart in pixels: the page shows it at this size on a phone, so that its text stays readable."""
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""vl-convert brings Liberation Sans along, which has Arial's widths: no font of this machine is needed."""
# The page's style sheet turns each of these into its theme's colour, so that no two may be the same.
INK, MUTED, GRID, ACCENT, OTHER = "#1b1f24", "#59636e", "#d8dee4", "#b4460f", "#5a6672"


@dataclass(frozen=True, slots=True)
class Unit:
    """What a value is multiplied by so that an axis has readable numbers, and how that is called."""

    factor: float
    words: str

    def shown(self, value: float) -> str:
        """The value in this unit, to three digits or all before the point."""
        scaled = value * self.factor
        return f"{scaled:,.0f}" if scaled >= 100 else f"{scaled:.3g}"


def time_unit(seconds: Sequence[float]) -> Unit:
    """By the smallest value, so that no number on the axis is below a tenth."""
    least = min(seconds, default=1.0)
    for words, size in (("s", 0.1), ("ms", 1e-4), ("µs", 1e-7)):
        if least >= size:
            return Unit({"s": 1.0, "ms": 1e3, "µs": 1e6}[words], words)
    return Unit(1e9, "ns")


def usd_unit(usd: Sequence[float]) -> Unit:
    """USD of one run, or of so many that the numbers are readable."""
    least = min((one for one in usd if one > 0), default=1.0)
    for factor, words in ((1.0, "a run"), (1e3, "per 1,000 runs"), (1e6, "per million runs")):
        if least * factor >= 0.05:
            return Unit(factor, f"USD {words}")
    return Unit(1e9, "USD per billion runs")


def rate_unit(rates: Sequence[float], unit: str) -> Unit:
    """Units of work a second, with a prefix."""
    least = min((rate for rate in rates if rate > 0), default=1.0)
    words = printable(unit)
    for factor, prefix in ((1e9, "billion "), (1e6, "million "), (1e3, "thousand ")):
        if least >= factor / 10:
            return Unit(1 / factor, f"{prefix}{words} a second")
    return Unit(1.0, f"{words} a second")


def domain(values: Sequence[float], *, padding: float, log_from: float = 12.0) -> Domain:
    """What an axis spans: logarithmic where values differ ``log_from`` times or more, from 0 where 0 is near."""
    low, high = min(values), max(values)
    if low > 0 and high / low >= log_from:
        room = (high / low) ** padding
        return Domain(low / room, high * room, log=True)
    room = (high - low) * padding or high * 0.1
    return Domain(0.0 if padding and low < 0.45 * high else low - room, high + room, log=False)


def number(field: str, title: str, span: Domain, ticks: Sequence[float] | None = None) -> dict[str, Any]:
    """A quantitative channel over that span."""
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
    """1, 2 and 5 of each power of ten within the span, or the powers alone where these are many."""
    powers = range(math.floor(math.log10(span.low)), math.ceil(math.log10(span.high)) + 1)
    digits = (1, 2, 5) if len(powers) <= 4 else (1,)
    ticks = [digit * 10.0**power for power in powers for digit in digits]
    return [tick for tick in ticks if span.low <= tick <= span.high]


def names(field: str, order: Sequence[str]) -> dict[str, Any]:
    """A line for each name."""
    axis = {"title": None, "ticks": False, "domain": False, "labelLimit": 240, "labelPadding": 6, "grid": True,
            "tickBand": "extent"}  # fmt: skip
    scale = {"paddingInner": 0, "paddingOuter": 0}
    return {"field": field, "type": "nominal", "sort": list(order), "axis": axis, "scale": scale}


def steps(field: str, title: str, order: Sequence[str]) -> dict[str, Any]:
    """A place for each name along the bottom."""
    few = len(order) <= 4
    axis = {"title": title, "labelAngle": 0 if few else -40, "labelOverlap": True, "labelLimit": 80, "grid": False}
    return {"field": field, "type": "ordinal", "sort": list(order), "axis": axis, "scale": {"type": "point"}}


def colors(marks: Sequence[Mark]) -> dict[str, Any]:
    """The machines' colours."""
    each = list({mark.label: mark for mark in marks}.values())
    return {
        "field": "machine",
        "type": "nominal",
        "scale": {"domain": [mark.label for mark in each], "range": [mark.style.light for mark in each]},
        "legend": None,
    }


def shapes(marks: Sequence[Mark]) -> dict[str, Any]:
    """The machines' shapes."""
    each = list({mark.label: mark for mark in marks}.values())
    return {
        "field": "machine",
        "type": "nominal",
        "scale": {
            "domain": [mark.label for mark in each],
            "range": [mark.style.shape for mark in each],
        },
        "legend": None,
    }


def points(
    encoding: dict[str, Any], marks: Sequence[Mark], *, size: int, dots: bool = False, opacity: float = 1.0
) -> list[dict[str, Any]]:
    """A point for each value, hollow where its machine is embedded AWS's; dots are circles on any machine."""
    channels = {**encoding, "color": colors(marks)}
    if not dots:
        channels |= {"shape": shapes(marks), "description": {"field": "words"}}
    layers = []
    for embedded in (False, True):
        mark = {"type": "point", "filled": not embedded, "size": size, "opacity": opacity, "strokeWidth": 1.4}
        if dots:
            mark |= {"shape": "circle", "strokeWidth": 1.0}
        layer = {"mark": mark, "transform": [{"filter": "datum.embedded" if embedded else "!datum.embedded"}]}
        layers.append({**layer, "encoding": channels, **({} if dots else {"name": f"told{int(embedded)}"})})
    return layers


def line(encoding: dict[str, Any], marks: Sequence[Mark]) -> dict[str, Any]:
    """A line through each machine's points."""
    return {"mark": {"type": "line", "strokeWidth": 1.6}, "encoding": {**encoding, "color": colors(marks)}}


def label_layer(encoding: dict[str, Any], side: Placed) -> dict[str, Any]:
    """The names that are on that side of their points."""
    mark: dict[str, Any] = {"type": "text", "color": INK, "fontSize": 11}
    mark |= {"align": side.align, "dx": side.across * CLEAR, "dy": side.down * (CLEAR + 6)}
    return {
        "mark": mark,
        "transform": [{"filter": f"datum.place === '{side.value}'"}],
        "encoding": {**encoding, "text": {"field": "machine"}},
    }


def chart(data: dict[str, Any], layers: list[dict[str, Any]], height: int | dict[str, int]) -> dict[str, Any]:
    """The whole specification, all its texts harmless to print: a control character in an SVG makes it none."""
    spec: dict[str, Any] = harmless({
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
    })  # fmt: skip
    return spec


def harmless(value: Any) -> Any:
    """The same with each text in it, and each key, escaped where it is not to be printed."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(key): harmless(each) for key, each in value.items()}
    return [harmless(each) for each in value] if isinstance(value, list) else value


def spread(values: Sequence[T], most: int) -> list[T]:
    """At most so many of the values, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    if most == 1:
        return [values[0]]
    step = (len(values) - 1) / (most - 1)
    return [values[round(rank * step)] for rank in range(most)]
