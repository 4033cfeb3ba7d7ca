"""A predicted value with its interval, and the interval of a mixture of what several models say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CONFIDENCE = 0.95
_FAR = 600.0
"""Natural logarithms beyond which no time or size lies; exp(709) is the greatest float."""
_NEAR = 0.01
"""Natural logarithms, so 1 %, within which two models say the same."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is predicted, in the unit of what it was fitted to (seconds, bytes), with a 95 % interval."""

    value: float
    low: float
    high: float
    notes: tuple[str, ...] = ()
    """Sentences on why the interval is wide, or what the prediction could not take into account."""

    @property
    def width(self) -> float:
        """The interval's upper end over its lower end: 1 is certain."""
        return self.high / self.low

    def holds(self, measured: float) -> bool:
        """Whether the interval contains what was measured."""
        return self.low <= measured <= self.high

    def times(self, factor: float) -> Estimate:
        """The same in another unit, or on a machine that takes ``factor`` times as long."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor, self.notes)


@dataclass(frozen=True, slots=True)
class LogPart:
    """One model's say: Student's t with four degrees of freedom about the natural logarithm ``center``.

    Four, whatever the number of results: launches of one project share what makes them fast or slow, so that there are
    fewer independent ones than are counted.
    """

    weight: float
    center: float
    scale: float


def mixture(parts: Iterable[LogPart], notes: tuple[str, ...] = ()) -> Estimate:
    """The mean of the logarithms, as it grows wherever each part does, and the interval that 95 % of it lie in.

    Raises:
        ValueError: there is no part with a weight.
    """
    whole = list(parts)
    most = max((part.weight for part in whole), default=0.0)
    if not most > 0:
        raise ValueError("a mixture without a part that has a weight says nothing")
    counted = _merged(part for part in whole if part.weight > most * 1e-4)
    total = sum(part.weight for part in counted)
    tail = (1 - CONFIDENCE) / 2
    low, high = (_quantile(counted, total * share) for share in (tail, 1 - tail))
    value = math.exp(math.fsum(part.weight * part.center for part in whole) / math.fsum(part.weight for part in whole))
    return Estimate(value, min(low, value), max(high, value), notes)


def together(estimates: Sequence[Estimate], notes: tuple[str, ...] = ()) -> Estimate:
    """The sum of several estimates that are wrong in part together: half of what each may be off is common to all.

    Raises:
        ValueError: there is none.
    """
    if not estimates:
        raise ValueError("the sum of no estimates is not known")
    value = math.fsum(estimate.value for estimate in estimates)
    low = max(value - _joint([estimate.value - estimate.low for estimate in estimates]), 0.0)
    high = value + _joint([estimate.high - estimate.value for estimate in estimates])
    each = [note for estimate in estimates for note in estimate.notes]
    # No phase can be faster than nothing, and their sum no faster than the sum of their lower ends.
    least = math.fsum(estimate.low for estimate in estimates)
    return Estimate(value, max(low, least), high, tuple(dict.fromkeys((*each, *notes))))


def _merged(parts: Iterable[LogPart]) -> list[LogPart]:
    """The same mixture with neighbours as one part: hundreds of models say nearly the same."""
    listed = list(parts)
    middle = max(listed, key=lambda part: part.weight).center  # so that neighbours are the same in every unit
    neighbours: dict[int, list[LogPart]] = {}
    for part in listed:
        neighbours.setdefault(round((part.center - middle) / _NEAR), []).append(part)
    merged = []
    for near in neighbours.values():
        weight = math.fsum(part.weight for part in near)
        center = math.fsum(part.weight * part.center for part in near) / weight
        squares = math.fsum(part.weight * (part.scale**2 + (part.center - center) ** 2) for part in near) / weight
        merged.append(LogPart(weight, center, math.sqrt(squares)))
    return merged


def _joint(errors: Sequence[float]) -> float:
    return math.sqrt(0.5 * math.fsum(error * error for error in errors) + 0.5 * math.fsum(errors) ** 2)


def _quantile(parts: Sequence[LogPart], wanted: float) -> float:
    """The value below which ``wanted`` of the weights lie, by bisection."""
    low = max(min(part.center - 60 * part.scale for part in parts), -_FAR)
    high = min(max(part.center + 60 * part.scale for part in parts), _FAR)
    for _ in range(40):
        middle = (low + high) / 2
        below = sum(part.weight * _student_below((middle - part.center) / part.scale) for part in parts)
        low, high = (middle, high) if below < wanted else (low, middle)
    return math.exp((low + high) / 2)


def _student_below(t: float) -> float:
    """Student's t distribution function with four degrees of freedom (Abramowitz and Stegun 26.7.4)."""
    x = 1 / (1 + t * t / 4)
    half = 0.375 * t * math.sqrt(x) * (1 - t * t * x / 12)
    return min(max(0.5 + half, 0.0), 1.0)
