"""How sure a difference is: ratios of medians with a bootstrap interval over launches and their rounds.

Rounds of one process are not independent, so that the unit is the launch. Each launch's rounds become its median (or
mean, or least), and launches are drawn with replacement: of data in two levels, the upper alone is drawn again (Davison
and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). Drawing the rounds of a drawn launch again too
counts their spread twice, as launches' medians hold it already: with 5 launches of 5 rounds whose own noise is the
larger, such intervals held the truth in 100 percent of simulations instead of 95.
"""

from __future__ import annotations

import math
import operator
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

RESAMPLES = 2_000
LEAST_LAUNCHES = 3
"""With fewer on either side no interval over launches means anything; four or more make it narrower."""
MANY_LAUNCHES = 30
"""From here on the bootstrap's distribution is computed, not drawn."""
CENTERS: dict[str, Callable[[Sequence[float]], float]] = {
    "median": statistics.median,
    "mean": statistics.fmean,
    "min": min,
}
_Pick = Callable[[Sequence[float]], "tuple[float, ...]"]
"""Takes values at some places out of a sequence, which operator.itemgetter does in a fifth of a loop's time."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """One side of a ratio."""

    center: float
    launches: int
    away: Sequence[float]
    """Natural logarithms of the resamples' centers over the center, widened by sqrt(n / (n - 1)); none with too few."""
    variance: float
    """Of these."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A machine's time over the reference's."""

    value: float
    low: float | None
    high: float | None
    """The interval's ends; None where there are not enough launches."""
    confidence: float
    p_value: float | None
    """Two-sided, of the ratio being 1: Student's t with the bootstrap's standard error."""

    @property
    def enough(self) -> bool:
        """Whether there is an interval."""
        return self.low is not None

    @property
    def differs(self) -> bool:
        """Whether 1 lies outside the interval; never without one."""
        return self.low is not None and self.high is not None and not self.low <= 1.0 <= self.high


def sample(middles: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0) -> Sampled:
    """One side of a ratio, from each launch's median, mean or minimum in seconds: its center, and the draws of it.

    The center is the mean of these: a launch with more rounds counts for no more. Launches are few, and the median of a
    few jumps: its bootstrap has only as many values as there are launches.

    The same launches in any order give the same draws for the same seed; the two sides of a ratio need two seeds.

    With MANY_LAUNCHES and more, the distribution of the draws' mean is computed by Cornish and Fisher's expansion
    (Abramowitz and Stegun, 26.2.49), which then differs from 2,000 draws by less than two sets of draws differ.
    """
    ordered = sorted(middles)
    middle, count = _mean(ordered), len(ordered)
    if count < LEAST_LAUNCHES:
        return Sampled(middle, count, (), 0.0)
    wider = math.sqrt(count / (count - 1))
    away: Sequence[float]
    if count >= MANY_LAUNCHES:
        away = [wider * logarithm for logarithm in _computed(ordered, _scores(resamples, seed))]
    else:
        total, (distinct, all_draws) = middle * count, _draws(count, resamples, seed)
        away = all_draws([wider * math.log(sum(draw(ordered)) / total) for draw in distinct])
    return Sampled(middle, count, away, _variance(away, sum(away) / len(away)))


def ratio_of(sampled: Sampled, reference: Sampled, *, confidence: float = 0.95) -> Ratio:
    """The ratio of two sides' centers, with its interval: percentile bootstrap, widened for few launches.

    The percentile interval of few units is too narrow, by sqrt(n / (n - 1)) on each side and by the heavier tail of
    Student's t; both are made good on the log scale around the estimate (Hesterberg, What Teachers Should Know About
    the Bootstrap, 2015, section 4.4). The degrees of freedom are Welch's and Satterthwaite's, rounded down.
    """
    value = sampled.center / reference.center
    if not sampled.away or not reference.away:
        return Ratio(value, None, None, confidence, None)
    middle, sides = math.log(value), (sampled, reference)
    variances = [side.variance for side in sides]
    freedom = _freedom(variances, [side.launches - 1 for side in sides])
    low_away, high_away = _tails(list(map(operator.sub, sampled.away, reference.away)), (1 - confidence) / 2)
    widen = _heavier(confidence, freedom)
    # The estimate lies within its interval, also where skewed draws say otherwise.
    low, high = middle + min(0.0, widen * low_away), middle + max(0.0, widen * high_away)
    p_value = _p_value(middle, math.sqrt(sum(variances)), freedom)
    return Ratio(value, math.exp(low), math.exp(high), confidence, p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for many tests (Holm 1979): adjusted p-values, in the order given."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = running
    return adjusted


def _mean(middles: Sequence[float]) -> float:
    return math.fsum(middles) / len(middles)


def _freedom(variances: Sequence[float], freedoms: Sequence[int]) -> int:
    """Welch's and Satterthwaite's degrees of freedom, rounded down."""
    below = sum(variance**2 / freedom for variance, freedom in zip(variances, freedoms, strict=True))
    return max(1, math.floor(sum(variances) ** 2 / below)) if below else sum(freedoms)


def _computed(middles: Sequence[float], scores: Sequence[tuple[float, float]]) -> list[float]:
    """Logarithms of the bootstrap distribution of a mean over that mean, at each of the normal scores z, z^2 - 1."""
    count, mean = len(middles), _mean(middles)
    spread = math.sqrt(_variance(middles, mean))
    if not spread:
        return [0.0] * len(scores)
    skew = sum([(value - mean) ** 3 for value in middles]) / count / spread**3 / math.sqrt(count)
    error, least, bend = spread / math.sqrt(count) / mean, min(middles) / mean, skew / 6
    shares = [1 + error * (z + bend * curve) for z, curve in scores]
    if min(shares) < least:
        shares = [max(share, least) for share in shares]
    return list(map(math.log, shares))


@lru_cache(maxsize=2 * MANY_LAUNCHES)
def _draws(count: int, resamples: int, seed: int) -> tuple[list[_Pick], _Pick]:
    """So many draws of ``count`` units with replacement: the distinct ones, and which of their results each draw has.

    Of 5 units only 126 draws differ, so that 2,000 of them are computed in a tenth of the time.
    """
    units = random.Random(seed).choices(range(count), k=count * resamples)
    draws = [tuple(sorted(units[start : start + count])) for start in range(0, len(units), count)]
    distinct = {draw: place for place, draw in enumerate(dict.fromkeys(draws))}
    return [operator.itemgetter(*draw) for draw in distinct], operator.itemgetter(*map(distinct.__getitem__, draws))


@lru_cache(maxsize=8)
def _scores(count: int, seed: int) -> tuple[tuple[float, float], ...]:
    """Normal quantiles z at evenly spread shares, and z^2 - 1, in an order of the seed's.

    Two seeds are two independent samples.
    """
    normal = statistics.NormalDist()
    scores = [normal.inv_cdf((rank + 0.5) / count) for rank in range(count)]
    random.Random(seed).shuffle(scores)
    return tuple((z, z * z - 1) for z in scores)


def _variance(values: Sequence[float], mean: float) -> float:
    """Of these values; statistics.pvariance computes in fractions, which takes a hundred times as long."""
    return math.dist(values, [mean] * len(values)) ** 2 / len(values)


def _tails(values: Sequence[float], share: float) -> tuple[float, float]:
    """The quantiles at a small share and at 1 - share; the two ends alone are sorted, in a third of the time of all."""
    some = sorted(values[:100])
    end = len(some) // 10
    low, high = some[end], some[-1 - end]
    lowest, highest = [value for value in values if value <= low], [value for value in values if value >= high]
    if min(len(lowest), len(highest)) < share * len(values) + 2:
        lowest = highest = list(values)
    return _quantile(sorted(lowest), share, len(values)), -_quantile(
        sorted(map(operator.neg, highest)), share, len(values)
    )


def _quantile(ordered: Sequence[float], share: float, count: int | None = None) -> float:
    """Linear interpolation between order statistics (Hyndman and Fan's type 7, NumPy's default).

    Args:
        ordered: all values, or so many of the least that the quantile is among them.
        share: from 0 to 1.
        count: of all values.
    """
    place = share * ((count or len(ordered)) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _p_value(middle: float, error: float, freedom: int) -> float:
    """Two-sided, of a log ratio of 0."""
    if not middle or not error:
        return 1.0 if not middle else 0.0
    return 2 * (1 - _student_cdf(abs(middle) / error, freedom))


@lru_cache(maxsize=1024)
def _heavier(confidence: float, freedom: int) -> float:
    """Student's t quantile over the normal one."""
    share = 0.5 + confidence / 2
    return _student(share, freedom) / statistics.NormalDist().inv_cdf(share)


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
