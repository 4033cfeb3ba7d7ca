"""Which machine is the best: chances, and what is worth a launch."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_benchmark_aws.predict.design import improvement
from pytest_benchmark_aws.predict.machines import Machine
from pytest_benchmark_aws.predict.normals import cholesky, dot
from pytest_benchmark_aws.predict.posterior import LEVEL, Conditioned, Posterior, combined

Goal = Literal["usd", "time"]
_DRAWS = 600
_MOST_MACHINES = 48
"""Of which one is surely the best: those with the least likely bounds."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Of each machine, in the posterior's order."""

    fastest: tuple[float, ...]
    cheapest: tuple[float, ...]
    """0 of a machine without a price."""


def offset(machine: Machine, goal: Goal) -> float | None:
    """What the logarithm of seconds is added to for the goal; None for money without a price."""
    if goal == "time":
        return 0.0
    return None if not machine.usd_per_hour else math.log(machine.usd_per_hour / 3600)


def best_measured(posterior: Posterior, goal: Goal) -> float:
    """The least logarithm of seconds, or of USD, that was measured; infinite where no probe has a price."""
    values = [
        probe.log_seconds + extra
        for probe in posterior.probes
        if (extra := offset(probe.machine, goal)) is not None
    ]
    return min(values, default=math.inf)


def worth_launching(posterior: Posterior, goal: Goal) -> int | None:
    """The place of the machine, not measured yet, that promises most below the best so far; None if there is none."""
    measured = {probe.machine.name for probe in posterior.probes}
    best = best_measured(posterior, goal)
    promising = [
        (improvement(posterior, place, best, extra), place)
        for place, machine in enumerate(posterior.machines)
        if machine.name not in measured and (extra := offset(machine, goal)) is not None
    ]
    return max(promising)[1] if promising else None
