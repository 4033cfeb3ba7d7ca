"""Where the names in a chart go, so that none lies on another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 300.0, 205.0
"""Of the plot inside a chart's axes, in pixels, about: axis labels take some of it."""
CHARACTER, LINE = 5.9, 13.0
"""A name's width for each character and its height at 11 pixels, in pixels."""
CLEAR = 8.0
"""Between a point and its name, in pixels."""


class Placed(Enum):
    """On which side of its point a name is."""

    NONE = ""
    RIGHT = "right"
    LEFT = "left"
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Domain:
    """What an axis spans."""

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


def place_labels(names: Sequence[str], points: Sequence[tuple[float, float]], x: Domain, y: Domain) -> list[Placed]:
    """For each point the first side on which its name is within the plot and meets no point and no earlier name."""
    centers = [(x.share(across) * WIDTH, (1 - y.share(up)) * HEIGHT) for across, up in points]
    taken = [_Box(a - 5, b - 5, a + 5, b + 5) for a, b in centers]
    sides = []
    for name, (across, down) in zip(names, centers, strict=True):
        side = Placed.NONE
        for tried in (Placed.RIGHT, Placed.LEFT, Placed.ABOVE, Placed.BELOW) if name else ():
            box = _box(tried, across, down, len(name) * CHARACTER)
            inside = box.left >= 0 and box.right <= WIDTH and box.top >= 0 and box.bottom <= HEIGHT
            if inside and not any(box.meets(other) for other in taken):
                side = tried
                taken.append(box)
                break
        sides.append(side)
    return sides


def _box(side: Placed, across: float, down: float, width: float) -> _Box:
    if side in {Placed.RIGHT, Placed.LEFT}:
        left = across + CLEAR if side is Placed.RIGHT else across - CLEAR - width
        return _Box(left, down - LINE / 2, left + width, down + LINE / 2)
    top = down - CLEAR - LINE if side is Placed.ABOVE else down + CLEAR
    return _Box(across - width / 2, top, across + width / 2, top + LINE)
