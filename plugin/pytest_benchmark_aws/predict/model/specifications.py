"""CPU models by what is said of their instance types before one is measured, and how alike two of them are."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_IN_STEP = ("c", "m", "r")
"""Series whose generations AWS counts alike: c5, m5 and r5 are of one; i3 and d2 are of the one of m4."""
_FAMILY = re.compile(r"([a-z]+?)(\d+)")
_SAME_GENERATION, _SAME_CLOCK = 0.5, 0.05
"""How far apart the specifications of one CPU model may be: of generation, and of the clock's logarithm, as of m8g's
large sizes, which are listed with 2.7 GHz beside 2.8."""


@dataclass(frozen=True, slots=True)
class Guessing:
    """How CPU models follow from specifications, fitted to those that were measured; variances are in a unit."""

    level: float
    generation: float
    """Variance for each generation from the middle, squared."""
    one_thread: float
    """Of CPUs with one thread a core, which all AMD's later and all Arm ones have."""
    generation_width: float
    clock_width: float
    """Within which CPU models of one maker are alike; of the clock's logarithm."""
    own: float
    """Between CPU models whose specifications are the same."""
    single: float
    """A unit of variance in logarithms of seconds, for workloads of one thread."""
    multi: float
    """The same, for workloads of all threads."""
    middle: float
    """The generation from which others are counted."""
    in_step_from: int
    """The generation from which on all series are counted as c, m and r are."""
    lag: float
    """How many generations other series were behind before that, as z1 of z1d, and its variance."""
    lag_variance: float
    clock: tuple[float, float, float]
    """The clock's logarithm where it is not listed: at generation 0, more for each generation, variance."""


@dataclass(frozen=True, slots=True)
class Specification:
    """What is said of a CPU model."""

    maker: str
    generation: float
    """As AWS counts the series c, m and r."""
    log_clock: float
    """Natural logarithm of the sustained clock in GHz."""
    one_thread: bool
    doubt: float = 0.0
    """Variance, in units, because generation or clock are not known well."""


def specified(family: str, maker: str, ghz: float | None, threads_per_core: int, guessing: Guessing) -> Specification:
    """The specification of a family's CPU model.

    Args:
        family: of instance types, as ``m8azn``.
        maker: of the CPU.
        ghz: sustained clock; None where it is not listed or is another clock.
        threads_per_core: of its types.
        guessing: how generations are counted.
    """
    generation, variance = counted(family, guessing)
    doubt = variance * (guessing.generation + guessing.generation_width**-2)
    start, slope, spread = guessing.clock
    if not ghz:
        doubt += spread * (guessing.clock_width**-2 + 1 / guessing.single)  # seconds go as 1 / clock
    log_clock = math.log(ghz) if ghz else start + slope * generation
    return Specification(maker, generation, log_clock, threads_per_core == 1, doubt)


def counted(family: str, guessing: Guessing) -> tuple[float, float]:
    """The generation of a family as c, m and r are counted, and its variance."""
    match = _FAMILY.match(family)
    if match is None:
        return guessing.middle, guessing.lag**2 + guessing.lag_variance
    number = int(match[2])
    if match[1] in _IN_STEP or number >= guessing.in_step_from:
        return number, 0.0
    return number + guessing.lag, guessing.lag_variance


def number_of(family: str) -> int | None:
    """The number of a family whose series is c, m or r; None of another."""
    match = _FAMILY.match(family)
    return int(match[2]) if match and match[1] in _IN_STEP else None


def covariance(first: Specification, second: Specification, guessing: Guessing) -> float:
    """Of what two CPU models are, in units, before any is known, clock aside: seconds go as 1 / clock."""
    generations = (first.generation - guessing.middle) * (second.generation - guessing.middle)
    value = guessing.level + guessing.generation * generations
    if first.one_thread and second.one_thread:
        value += guessing.one_thread
    if first.maker == second.maker:
        value += _near(first, second, guessing.generation_width, guessing.clock_width)
    return value


def sameness(first: Specification, second: Specification) -> float:
    """How sure two specifications are of one CPU model, from 0 to 1."""
    alike = first.maker == second.maker and first.one_thread == second.one_thread
    return _near(first, second, _SAME_GENERATION, _SAME_CLOCK) if alike else 0.0


def _near(first: Specification, second: Specification, generations: float, clocks: float) -> float:
    apart = ((first.generation - second.generation) / generations) ** 2
    return math.exp(-(apart + ((first.log_clock - second.log_clock) / clocks) ** 2) / 2)
