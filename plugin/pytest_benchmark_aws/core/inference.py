"""How sure a difference is: ratios of medians with a bootstrap interval over launches and their rounds.

Rounds of one process are not independent, so that the unit is the launch: launches are drawn first, then rounds within
each (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 8; the order of drawing is that of Kalibera and
Jones, Rigorous Benchmarking in Reasonable Time, 2013).
"""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESAMPLES = 2_000
LEAST_LAUNCHES = 3
"""With fewer on either side no interval over launches means anything; four or more make it narrower."""
CENTERS: dict[str, Callable[[Sequence[float]], float]] = {
    "median": statistics.median,
    "mean": statistics.fmean,
    "min": min,
}


@dataclass(frozen=True, slots=True)
class Ratio:
    """A machine's time over the reference's."""

    value: float
    low: float | None
    high: float | None
    """The interval's ends; None where there are not enough launches."""
    confidence: float
    p_value: float | None
    """Two-sided, of the ratio being 1, by the bootstrap's own quantiles."""

    @property
    def enough(self) -> bool:
        """Whether there is an interval."""
        return self.low is not None

    @property
    def differs(self) -> bool:
        """Whether 1 lies outside the interval; never without one."""
        return self.low is not None and self.high is not None and not self.low <= 1.0 <= self.high


def center(launches: Sequence[Sequence[float]], how: str = "median") -> float:
    """The mean of the launches' medians (or means), or the least: a launch with more rounds counts for no more.

    Launches are few, and the median of a few jumps: its bootstrap has only as many values as there are launches.

    Raises:
        ValueError: a launch without rounds, or none at all.
    """
    if not launches or not all(launches):
        raise ValueError("a launch without rounds has no median")
    of = CENTERS[how]
    middles = [of(rounds) for rounds in launches]
    return min(middles) if how == "min" else statistics.fmean(middles)


def ratio(
    launches: Sequence[Sequence[float]],
    reference: Sequence[Sequence[float]],
    *,
    how: str = "median",
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Ratio:
    """The ratio of the centers, with its interval: percentile bootstrap, widened for few launches.

    The percentile interval of few units is too narrow, by about sqrt(n / (n - 1)) and the heavier tail of Student's t;
    both are made good on the log scale around the estimate (Hesterberg, What Teachers Should Know About the Bootstrap,
    2015, section 4.4). The same input gives the same answer: the draws are seeded, whatever the order of launches.
    """
    value = center(launches, how) / center(reference, how)
    few = min(len(launches), len(reference))
    if few < LEAST_LAUNCHES:
        return Ratio(value, None, None, confidence, None)
    # Sorted, so that the order of files and of rounds changes nothing.
    left, right = (sorted(sorted(one) for one in side) for side in (launches, reference))
    source = random.Random(seed)
    logs = sorted(math.log(_draw(left, how, source)) - math.log(_draw(right, how, source)) for _ in range(resamples))
    middle, widen = math.log(value), _widening(len(left), len(right), confidence)
    tail = (1 - confidence) / 2
    low = middle + widen * (_quantile(logs, tail) - middle)
    high = middle + widen * (_quantile(logs, 1 - tail) - middle)
    return Ratio(value, math.exp(low), math.exp(high), confidence, _p_value(logs, middle, widen))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for many tests (Holm 1979): adjusted p-values, in the order given."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = running
    return adjusted


def _draw(launches: Sequence[Sequence[float]], how: str, source: random.Random) -> float:
    """The center of a resample: launches with replacement, then rounds of each with replacement."""
    drawn = source.choices(launches, k=len(launches))
    return center([source.choices(rounds, k=len(rounds)) for rounds in drawn], how)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Linear interpolation between order statistics (Hyndman and Fan's type 7, NumPy's default)."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _p_value(logs: Sequence[float], middle: float, widen: float) -> float:
    """Twice the smaller share of the widened distribution beyond a ratio of 1; never 0, as draws are finite."""
    beyond = sum(middle + widen * (log - middle) <= 0 for log in logs)
    share = min(beyond, len(logs) - beyond)
    return min(1.0, 2 * (share + 1) / (len(logs) + 1))


def _widening(left: int, right: int, confidence: float) -> float:
    """Student's t over the normal quantile, times the root of n / (n - 1), for the smaller side."""
    few = min(left, right)
    share = 0.5 + confidence / 2
    return _student(share, left + right - 2) / statistics.NormalDist().inv_cdf(share) * math.sqrt(few / (few - 1))


def _student(share: float, freedom: int) -> float:
    """Student's t quantile, by bisection on its distribution function."""
    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_cdf(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def _student_cdf(t: float, freedom: int) -> float:
    """The distribution function for t >= 0, by its finite series (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = math.atan2(t, math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    if freedom == 1:
        return 0.5 + angle / math.pi
    term = total = cosine if odd else 1.0
    for k in range(1, (freedom - 1) // 2 if odd else freedom // 2):
        term *= cosine * cosine * (2 * k / (2 * k + 1) if odd else (2 * k - 1) / (2 * k))
        total += term
    return 0.5 + (angle + sine * total) / math.pi if odd else 0.5 + sine * total / 2
