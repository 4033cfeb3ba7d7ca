"""The scale model: the time of another number of rows, or of another numeric parameter, from measured ones.

The time at scale s, over that at the greatest measured one, is

    fixed + (1 - fixed) * growth(s),    growth(s) = s**power, or s + bend * max(0, s - knee)

a fixed cost, and a cost for each unit, which may grow faster or slower than the scale, or change its slope at one of
the measured scales. Nobody knows which from a few results, so none is chosen: each shape of a grid is weighted by how
well it explains them and how usual it is, and what the shapes say together is the prediction. The level is integrated
out (a flat prior on its logarithm), and so is the noise (inverse gamma): Gelman et al., Bayesian Data Analysis, 3rd
ed., section 14.2. Every shape grows with the scale, so that the prediction does.
"""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.estimate import Estimate, LogPart, mixture, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

POWERS = {
    0.5: 0.03,
    0.7: 0.04,
    0.8: 0.05,
    0.9: 0.08,
    0.95: 0.12,
    1.0: 0.4,
    1.05: 0.14,
    1.1: 0.1,
    1.2: 0.06,
    1.35: 0.04,
    1.5: 0.03,
    2.0: 0.03,
    2.5: 0.005,
    3.0: 0.005,
}
"""How usual each growth is. One is by far the most usual in lightgbm-threads (szilard/GBM-perf, MIT): with one thread,
ten times the rows take 10.2 to 11.2 times as long, a power of 1.01 to 1.05."""
BENDS = {0.5: 0.02, 1.0: 0.02, 3.0: 0.01}
"""How much steeper the growth is beyond a knee, and how usual that is."""
TIME_NOISE = 0.05
"""Of a time, as a share: ten identical runs of 1 s differ by 8 to 10 % on a shared machine, of minutes by less."""
MEMORY_NOISE = 0.01
NOISE_RESULTS = 4
"""What is said of the noise beforehand counts as so many results."""
BEYOND = 0.08
"""Share by which a time is less sure for each tenfold scale outside what was measured: slopes change unseen."""
MEMORY_BEYOND = 0.02
FAR_BEYOND = 3.0
CONTRADICTING = 0.15
"""Results that miss every shape by more than this share contradict each other."""


class ScaleDataError(ValueError):
    """What was measured is no time or size at a scale."""


@dataclass(frozen=True, slots=True)
class ScalePoint:
    """One launch's result: ``value`` (seconds or bytes) at ``scale``, a positive number such as rows."""

    scale: float
    value: float


@dataclass(frozen=True, slots=True)
class _Growth:
    """How what is not fixed grows; the scale is relative to the greatest measured one."""

    power: float = 1.0
    knee: float = 0.0
    bend: float = 0.0
    usual: float = 1.0

    def at(self, scale: float) -> float:
        """The part that grows, over what it is at scale 1."""
        if self.bend:
            return (scale + self.bend * max(0.0, scale - self.knee)) / (1 + self.bend * (1 - self.knee))
        return math.pow(scale, self.power)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A share that is fixed and a growth, with the weight, the level and the noise that the results give them."""

    fixed: float
    growth: _Growth
    weight: float
    level: float
    """Natural logarithm of the value at the greatest measured scale."""
    noise: float

    def log_value(self, scale: float) -> float:
        """Natural logarithm of the value at a scale that is relative to the greatest measured one."""
        return self.level + math.log(self.fixed + (1 - self.fixed) * self.growth.at(scale))


@dataclass(frozen=True, slots=True)
class ScaleModel:
    """What a benchmark's results at some scales tell of others."""

    smallest: float
    largest: float
    """Scales that were measured."""
    beyond: float
    """Share by which a prediction is less sure for each tenfold scale outside these."""
    shapes: tuple[_Shape, ...]
    notes: tuple[str, ...]
    held_out_error: float | None = None
    """How far the largest scale is predicted from the others, as a share of it; None with fewer than three scales."""
    inflation: float = 1.0
    """Intervals are widened by this, as the held-out scale lay further off than its own interval allows."""

    def predict(self, scale: float) -> Estimate:
        """The value at ``scale``, of one new launch, in the unit of the results.

        Raises:
            ScaleDataError: the scale is not a positive number.
        """
        if not (math.isfinite(scale) and scale > 0):
            raise ScaleDataError(f"scale {scale}: give a positive number, such as rows")
        relative = scale / self.largest
        outside = math.log10(max(relative, self.smallest / scale, 1.0))
        parts = [
            LogPart(
                shape.weight,
                shape.log_value(relative),
                self.inflation * math.hypot(shape.noise, self.beyond * outside),
            )
            for shape in self.shapes
        ]
        notes = self.notes
        if relative > FAR_BEYOND:
            notes = (*notes, f"{scale:,.6g} is {relative:,.3g} times the largest scale measured, {self.largest:,.6g}")
        return mixture(parts, notes)


def fit(points: Iterable[ScalePoint], *, noise: float = TIME_NOISE) -> ScaleModel:
    """The model of one benchmark's times on one machine; several launches at a scale are each a point.

    Raises:
        ScaleDataError: there is no point, or one that is not positive and finite.
    """
    return _fit(_checked(points), noise, bends=True)


def fit_memory(points: Iterable[ScalePoint]) -> ScaleModel:
    """The model of peak memory in bytes: a part for the process, and one that is linear in the scale.

    Raises:
        ScaleDataError: there is no point, or one that is not positive and finite.
    """
    return _fit(_checked(points), MEMORY_NOISE, bends=False)


@dataclass(frozen=True, slots=True)
class PhasedModel:
    """A benchmark whose phases grow differently, each with a model of its own."""

    phases: Mapping[str, ScaleModel]
    held_out_error: float | None
    """How far the sum at the largest scale is predicted from the others, as a share of it; None as for one model."""

    def predict(self, scale: float) -> Estimate:
        """The sum of the phases at ``scale``."""
        return together([model.predict(scale) for model in self.phases.values()])


def fit_phases(points: Mapping[str, Sequence[ScalePoint]], *, noise: float = TIME_NOISE) -> PhasedModel:
    """The model of a benchmark whose phases were timed apart, such as ``dataset``, ``init`` and ``rounds``.

    A phase that took no time anywhere is left out.

    Raises:
        ScaleDataError: no phase took any time, or a point is negative or not finite.
    """
    timed = {name: [point for point in each if point.value != 0] for name, each in points.items()}
    models = {name: fit(each, noise=noise) for name, each in timed.items() if each}
    if not models:
        raise ScaleDataError("no phase took any time: give points of at least one")
    return PhasedModel(models, _phases_held_out(timed, noise))


def phases_of(extra_info: Mapping[str, object], seconds: float) -> dict[str, float]:
    """A result's phases by name, from the ``..._seconds`` of its ``extra_info``; none where they are not the whole.

    ``cpu_seconds`` is no phase. Phases that do not add up to ``seconds`` within 5 % leave out something.
    """
    phases = {
        key.removesuffix("_seconds"): float(value)
        for key, value in extra_info.items()
        if key.endswith("_seconds") and key != "cpu_seconds" and isinstance(value, int | float) and value >= 0
    }
    total = math.fsum(phases.values())
    return phases if len(phases) > 1 and abs(total - seconds) <= 0.05 * seconds else {}


def _phases_held_out(points: Mapping[str, Sequence[ScalePoint]], noise: float) -> float | None:
    scales = sorted({point.scale for each in points.values() for point in each})
    if len(scales) < 3:
        return None
    largest = scales[-1]
    predicted = measured = 0.0
    for each in points.values():
        fewer = [point for point in each if point.scale != largest]
        at_largest = [point.value for point in each if point.scale == largest]
        if fewer and at_largest:
            predicted += _fit(fewer, noise, bends=True, held_out=False).predict(largest).value
            measured += statistics.median(at_largest)
    return abs(predicted / measured - 1) if measured else None


def _checked(points: Iterable[ScalePoint]) -> list[ScalePoint]:
    whole = list(points)
    for point in whole:
        if not all(math.isfinite(number) and number > 0 for number in (point.scale, point.value)):
            raise ScaleDataError(f"{point.value} at scale {point.scale}: give positive numbers")
    if not whole:
        raise ScaleDataError("no result was given: give at least one, and better three scales or more")
    return whole


def _fit(points: list[ScalePoint], noise: float, *, bends: bool, held_out: bool = True) -> ScaleModel:
    scales = sorted({point.scale for point in points})
    largest = scales[-1]
    growths = _growths([scale / largest for scale in scales]) if bends else [_Growth()]
    shapes = _weighted([(point.scale / largest, math.log(point.value)) for point in points], growths, noise, bends)
    usual = math.sqrt(math.fsum(shape.weight * shape.noise**2 for shape in shapes))
    model = ScaleModel(
        scales[0], largest, BEYOND if bends else MEMORY_BEYOND, shapes, tuple(_notes(points, scales, usual))
    )
    if not held_out or len(scales) < 3:
        return model
    fewer = _fit([point for point in points if point.scale != largest], noise, bends=bends, held_out=False)
    predicted = fewer.predict(largest)
    measured = statistics.median(point.value for point in points if point.scale == largest)
    reach = predicted.high / predicted.value if measured > predicted.value else predicted.value / predicted.low
    off = abs(math.log(measured / predicted.value)) / math.log(reach)
    return replace(model, held_out_error=abs(predicted.value / measured - 1), inflation=max(1.0, off))


def _weighted(
    results: Sequence[tuple[float, float]], growths: Sequence[_Growth], noise: float, coarse: bool
) -> tuple[_Shape, ...]:
    """The shapes that the results (scale, logarithm) leave possible, each with its weight, level and noise."""
    count = len(results)
    freedom = NOISE_RESULTS + count - 1
    scored = []
    for growth in growths:
        grown = [growth.at(scale) for scale, _ in results]
        for fixed in _fixed_shares(0.1 if coarse else 0.02):
            levels = [log - math.log(fixed + (1 - fixed) * part) for part, (_, log) in zip(grown, results, strict=True)]
            level = sum(levels) / count
            squares = NOISE_RESULTS * noise**2 + sum((each - level) ** 2 for each in levels)
            scored.append((math.log(growth.usual) - freedom / 2 * math.log(squares), fixed, growth, level, squares))
    best = max(score for score, *_ in scored)
    possible = [entry for entry in scored if entry[0] > best - 10]
    total = math.fsum(math.exp(score - best) for score, *_ in possible)
    # The level is as unsure as a mean of the launches, and a new launch has the noise of one.
    return tuple(
        _Shape(fixed, growth, math.exp(score - best) / total, level, math.sqrt(squares / freedom * (1 + 1 / count)))
        for score, fixed, growth, level, squares in possible
    )


def _growths(scales: Sequence[float]) -> list[_Growth]:
    """Each power, and each bend at the last inner ones of ``scales``, those measured, the largest of which is 1."""
    knees = scales[1:-1][-3:]
    bends = [_Growth(1.0, knee, bend, usual / len(knees)) for knee in knees for bend, usual in BENDS.items()]
    return [*(_Growth(power, usual=usual) for power, usual in POWERS.items()), *bends]


@lru_cache(maxsize=2)
def _fixed_shares(step: float) -> tuple[float, ...]:
    """Shares of a fixed cost, all as usual: their odds go from 1 to 10,000 up to 100,000 to 1 in steps of a decade.

    Up to nearly all, as what a fixed cost hides at small scales is what matters at large ones.
    """
    return tuple(1 / (1 + 10 ** -(number * step)) for number in range(round(-4 / step), round(5 / step) + 1))


def _notes(points: Sequence[ScalePoint], scales: Sequence[float], usual: float) -> Iterable[str]:
    if len(scales) == 1:
        yield f"measured at one scale alone, {scales[0]:,.6g}: how it grows is not known, give another scale"
        return
    if len(scales) == 2:
        yield "measured at two scales alone: a fixed cost and a changing slope cannot be told apart, give a third"
    centers = [statistics.median(point.value for point in points if point.scale == scale) for scale in scales]
    falls = [(a, b) for a, b in itertools.pairwise(range(len(scales))) if centers[b] < centers[a] / 1.15]
    if usual > CONTRADICTING:
        yield f"the results contradict each other: they lie {math.expm1(usual):.0%} off any growth; measure again"
    for before, after in falls[:1]:
        yield f"it is smaller at {scales[after]:,.6g} than at {scales[before]:,.6g}, which no growth explains"
    if centers[-1] < 1.1 * centers[0]:
        yield (
            f"it hardly grows from {scales[0]:,.6g} to {scales[-1]:,.6g}: "
            "a fixed cost hides what a unit costs, measure larger scales"
        )
