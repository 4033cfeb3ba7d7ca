"""On which side of its point each name in a chart is, so that none lies on another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

WIDTH, HEIGHT = 300.0, 205.0
"""The plot inside a chart's axes in pixels, about: axis labels take some of it."""
CHARACTER, LINE = 5.9, 13.0
"""A name's width for each character and its height at 11 pixels, in pixels."""
CLEAR = 8.0
"""Pixels between a point and its name."""


class Side(Enum):
    """The side of a point that its name is on."""

    NONE = ""
    RIGHT = "right"
    LEFT = "left"
    ABOVE = "above"
    BELOW = "below"
    ABOVE_RIGHT = "above right"
    BELOW_RIGHT = "below right"
    ABOVE_LEFT = "above left"
    BELOW_LEFT = "below left"

    @property
    def across(self) -> int:
        """1 to the right of the point, -1 to its left, 0 above and below it, where names begin or end at the point."""
        return {"right": 1, "left": -1}.get(self.value, 0)

    @property
    def down(self) -> int:
        """1 below the point, -1 above it, 0 beside it."""
        return {"above": -1, "below": 1}.get(self.value.split(" ", maxsplit=1)[0], 0)

    @property
    def align(self) -> str:
        """Vega's word for the part of the name that is at its place."""
        return {"right": "left", "left": "right"}.get(self.value.rsplit(" ", maxsplit=1)[-1], "center")


@dataclass(frozen=True, slots=True)
class Domain:
    """The span of an axis."""

    low: float
    high: float
    log: bool

    def share(self, value: float) -> float:
        """How far along the axis a value is, from 0 to 1."""
        low, high, at = (map(math.log, (self.low, self.high, value))) if self.log else (self.low, self.high, value)
        return (at - low) / (high - low) if high > low else 0.5


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


_TRIED = [side for side in Side if side is not Side.NONE]


def place_labels(
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    x: Domain,
    y: Domain,
    front: Sequence[tuple[float, float]] = (),
) -> list[Side]:
    """For each point the first side on which its name is within the plot and meets no point, name or part of the front.

    The front is drawn as steps: across at a point's height, then down at the next one's place.
    """
    centers = [(x.share(across) * WIDTH, (1 - y.share(up)) * HEIGHT) for across, up in points]
    taken = [_Box(a - 5, b - 5, a + 5, b + 5) for a, b in centers]
    corners = [(x.share(across) * WIDTH, (1 - y.share(up)) * HEIGHT) for across, up in sorted(front)]
    for (left, top), (right, bottom) in pairwise(corners):
        taken.append(_Box(left, top - 1, right, top + 1))
        taken.append(_Box(right - 1, min(top, bottom), right + 1, max(top, bottom)))
    sides = []
    for name, (across, down) in zip(names, centers, strict=True):
        side = Side.NONE
        for tried in _TRIED if name else ():
            box = _box(tried, across, down, len(name) * CHARACTER)
            inside = box.left >= 0 and box.right <= WIDTH and box.top >= 0 and box.bottom <= HEIGHT
            if inside and not any(box.meets(other) for other in taken):
                side = tried
                taken.append(box)
                break
        sides.append(side)
    return sides


def _box(side: Side, across: float, down: float, width: float) -> _Box:
    left = across + side.across * CLEAR - {"left": 0.0, "right": width, "center": width / 2}[side.align]
    middle = down + side.down * (CLEAR + LINE / 2)
    return _Box(left, middle - LINE / 2, left + width, middle + LINE / 2)
