"""The median of paired differences or ratios, with an interval that assumes nothing of their distribution."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Interval:
    """A median and the bounds that hold it with at least ``confidence``."""

    median: float
    low: float
    high: float
    confidence: float
    pairs: int

    def text(self, digits: int, unit: str = "") -> str:
        """The median and its interval, in one unit."""
        low, mid, high = (f"{value:.{digits}f}{unit}" for value in (self.low, self.median, self.high))
        return f"{mid} ({self.confidence:.1%} interval {low} to {high}, {self.pairs} pairs)"


def median_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The median's interval between order statistics, by the binomial distribution (the sign test, inverted).

    Raises:
        ValueError: fewer than six values, too few for 95 percent.
    """
    count, ordered = len(values), sorted(values)
    if count < 6:
        raise ValueError(f"{count} pairs: at least 6 are needed for an interval")
    tail, rank = 0.5**count, 0
    while 2 * (tail + math.comb(count, rank + 1) * 0.5**count) <= 1 - confidence:
        rank += 1
        tail += math.comb(count, rank) * 0.5**count
    return Interval(statistics.median(ordered), ordered[rank], ordered[count - 1 - rank], 1 - 2 * tail, count)
