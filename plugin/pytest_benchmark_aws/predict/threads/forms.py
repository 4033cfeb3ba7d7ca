"""The forms that a time by rows and threads may have, and what is usual of them: the thread model's prior.

A form is a sum of terms, each with a coefficient that is not negative. With n the scale over a reference, p threads on
c cores of s sockets, and q = c + gain * (p - c) the cores that they are worth:

    n**overhead * (1, sqrt(p), c, p - c, (s - 1) * p)  +  n**work * (1/q, 1)

What the threads cost one another, at each of the many times that they wait for each other, hardly grows with the scale;
the work does, and is divided among them, but for a serial part. So no time is less than one thread's divided by the
number of threads, and none falls where the scale grows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark_aws.predict.threads.placement import Placement

TERMS = ("overhead", "root", "core", "second thread", "socket", "work", "serial")


@dataclass(frozen=True, slots=True)
class ThreadPrior:
    """What is usual of the coefficients, over the time of one thread at the reference scale, and of the powers."""

    coefficients: tuple[float, ...]
    """In the order of ``TERMS``."""
    overhead_power: float
    overhead_power_spread: float
    work_power: float
    work_power_spread: float
    source: str


@dataclass(frozen=True, slots=True)
class Form:
    """One choice of powers and of what a second thread of a core is worth, with how usual it is (a logarithm)."""

    overhead_power: float
    work_power: float
    gain: float
    rooted: bool
    """Whether there is a term in the square root of the threads."""
    usual: float = 0.0

    def terms(self, scale: float, placement: Placement) -> list[float]:
        """What the coefficients are multiplied with; ``scale`` is relative to the reference."""
        overhead = math.pow(scale, self.overhead_power)
        work = math.pow(scale, self.work_power)
        worth = placement.cores + self.gain * placement.second_threads
        return [
            overhead,
            overhead * math.sqrt(placement.threads) if self.rooted else 0.0,
            overhead * placement.cores,
            overhead * placement.second_threads,
            overhead * (placement.sockets - 1) * placement.threads,
            work / worth,
            work,
        ]


OVERHEAD_POWERS = tuple(0.05 * number for number in range(11))
WORK_POWERS = (0.97, 1.0, 1.03, 1.06, 1.09)
GAINS = (0.15, 0.4)
"""What a second thread of a core is worth, in cores."""


def forms(prior: ThreadPrior) -> Iterator[Form]:
    """Every form, but those whose powers are far from what is usual."""
    for overhead_power in OVERHEAD_POWERS:
        for work_power in WORK_POWERS:
            usual = (
                -(((overhead_power - prior.overhead_power) / prior.overhead_power_spread) ** 2) / 2
                - ((work_power - prior.work_power) / prior.work_power_spread) ** 2 / 2
            )
            if usual > -4.5:
                for gain in GAINS:
                    yield Form(overhead_power, work_power, gain, True, usual)
                    yield Form(overhead_power, work_power, gain, False, usual)


# Printed by python -m benchmarks.backtest_threads --data FOLDER --prior.
LIGHTGBM = ThreadPrior(
    coefficients=(0.0782, 0.0145, 0.003, 0.0038, 0.0044, 0.8799, 0.0243),
    overhead_power=0.13,
    overhead_power_spread=0.1,
    work_power=1.048,
    work_power_spread=0.04,
    source="LightGBM on c5, c7a, c7i, r4 and an EPYC (szilard/GBM-perf, 2025-11-06, MIT)",
)
