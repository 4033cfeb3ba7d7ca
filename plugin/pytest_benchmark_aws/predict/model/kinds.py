"""How a benchmark's rate may grow with vCPUs, and how far it may be from the usual: the parts of the prior."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

OCTAVES = 8
"""Doublings of the vCPUs: from 2 to 4, up to from 256 to 512."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A way in which the rate grows with vCPUs."""

    name: str
    weight: float
    """How likely it is before anything is measured; over all kinds they add up to 1."""
    slopes: tuple[float, ...]
    """Of each octave, log2 of the rate gained: 1 where it doubles with the vCPUs, 0 where it stays."""
    note: str
    """What to say of a benchmark that is surely of this kind."""

    def log_seconds(self, vcpus: int) -> float:
        """The natural logarithm of the time on so many vCPUs over the time on 2 (at most 512 count)."""
        return _log_seconds(self.slopes, vcpus)


@lru_cache(maxsize=4096)
def _log_seconds(slopes: tuple[float, ...], vcpus: int) -> float:
    size = math.log2(max(vcpus, 1))
    gained = sum(slope * min(max(size - place, 0.0), 1.0) for place, slope in enumerate(slopes, start=1))
    return -math.log(2) * gained


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a benchmark may be from what its kind says."""

    name: str
    weight: float
    machines: float
    """What the variance between machines is multiplied by, as a power of the fitted factor: 0 leaves it."""
    scaling: float
    """The same, of the variance of how the rate grows."""


SPREADS = (
    Spread("usual", 0.49, 0, 0),
    Spread("own scaling", 0.17, 0, 1),
    Spread("own machines", 0.13, 1, 0),
    Spread("own ways", 0.19, 1, 1),
    Spread("unlike any", 0.02, 2, 1),
)
"""Of how many benchmarks of the measured table which holds, by eye, and one more for what contradicts itself."""


def _slopes(rate: Callable[[float], float]) -> tuple[float, ...]:
    sizes = [math.log2(rate(2.0**octave)) for octave in range(1, OCTAVES + 2)]
    return tuple(after - before for before, after in itertools.pairwise(sizes))


def _kinds() -> list[Kind]:
    def cap(most: int) -> tuple[float, ...]:
        return _slopes(lambda vcpus: min(vcpus, most))

    def serial(part: float) -> tuple[float, ...]:
        return _slopes(lambda vcpus: 1 / (part + (1 - part) / vcpus))

    def peak(most: int) -> tuple[float, ...]:
        return _slopes(lambda vcpus: min(vcpus, most) * max(vcpus / most, 1) ** -0.5)

    listed: list[tuple[str, float, Sequence[float], str]] = [
        ("one thread", 0.28, [0.0] * OCTAVES, "runs on one thread: more vCPUs make it no faster"),
        ("all threads", 0.18, [1.0] * OCTAVES, "uses all vCPUs"),
    ]
    for most, weight in (
        (4, 0.02), (8, 0.025), (12, 0.015), (16, 0.025), (24, 0.02), (32, 0.025), (48, 0.025), (64, 0.03), (96, 0.02),
        (128, 0.02),
    ):  # fmt: skip
        listed.append((f"up to {most}", weight, cap(most), f"grows up to about {most} vCPUs, and stays"))
    listed += [  # Amdahl's law
        (f"{part:.0%} serial", 0.025, serial(part), f"has a serial part of about {part:.0%}")
        for part in (0.3, 0.1, 0.03, 0.01)
    ]
    listed += [
        (f"peak at {most}", 0.02, peak(most), f"is best at about {most} vCPUs, and slower on more")
        for most in (8, 16, 32, 64)
    ]
    listed += [
        ("less and less", 0.04, [0.95, 0.9, 0.75, 0.6, 0.4, 0.2, -0.2, -0.4], "gains less with each doubling"),
        ("soon no more", 0.04, [0.9, 0.75, 0.5, 0.35, 0.2, 0.1, -0.1, -0.3], "soon gains little by more vCPUs"),
        ("memory", 0.03, [0.95, 0.7, 0.45, 0.3, 0.2, 0.5, 1.0, 1.0], "grows as a machine's memory bandwidth does"),
        ("more than all", 0.015, [1.8, 1.6, 1.3, 1.1, 1, 1, 1, 1], "grows faster than the vCPUs"),
    ]
    whole = sum(weight for _, weight, _, _ in listed)
    return [Kind(name, weight / whole, tuple(map(float, slopes)), note) for name, weight, slopes, note in listed]


KINDS = tuple(_kinds())
"""Weights by judgement: most benchmarks of a test suite run on one thread, some on all, the rest on some number."""
