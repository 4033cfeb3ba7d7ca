"""Which machine is the best: chances, and what is worth a launch."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_benchmark_aws.predict.model.design import improvement
from pytest_benchmark_aws.predict.model.normals import cholesky, dot
from pytest_benchmark_aws.predict.model.posterior import LEVEL, Conditioned, Pieces, Posterior, combined

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.model.machines import Machine

Goal = Literal["usd", "time"]
_DRAWS = 600
_LEAST_SHARE = 0.01
"""Of the posterior: a part that is less likely is not drawn from."""
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
    """The least logarithm of seconds, or of USD, that was measured on one of the posterior's machines.

    Infinite where none was, or none has a price.
    """
    names = {machine.name for machine in posterior.machines}
    values = [
        probe.log_seconds + extra
        for probe in posterior.probes
        if probe.machine.name in names and (extra := offset(probe.machine, goal)) is not None
    ]
    return min(values, default=math.inf)


def worth_launching(posterior: Posterior, goal: Goal) -> int | None:
    """The place of the machine, not measured, that is expected to be most below the best measured one.

    Where none of the posterior's machines was measured, the one that is expected to be the best; None without a price.
    """
    measured = {probe.machine.name for probe in posterior.probes}
    best = best_measured(posterior, goal)
    gains = [
        (
            -posterior.quantile(0.5, place) - extra if math.isinf(best) else improvement(posterior, place, best, extra),
            place,
        )
        for place, machine in enumerate(posterior.machines)
        if machine.name not in measured and (extra := offset(machine, goal)) is not None
    ]
    return max(gains)[1] if gains else None


def better(posterior: Posterior, place: int, goal: Goal, by: float = 0.0) -> float:
    """The chance that a machine is better than the best measured one, by more than a share of it."""
    extra = offset(posterior.machines[place], goal)
    if extra is None:
        return 0.0
    return posterior.below(best_measured(posterior, goal) - extra + math.log1p(-by), place)


def chances(posterior: Posterior, among: Collection[str] | None = None, seed: int = 0) -> Chances:
    """How likely each machine is the fastest and the cheapest of all, by draws from the posterior.

    ``among`` names the machines that count, all of them where None; the others have no chance.

    A measured machine is what was measured, as surely as its launches agree. Only machines that may be the best by
    their own bounds are drawn, at most 48 for each of the two; the others have no chance.
    """
    fastest = _shortlist(posterior, "time", among)
    cheapest = _shortlist(posterior, "usd", among)
    places = sorted({*fastest, *cheapest})
    if not places:
        nothing = (0.0,) * len(posterior.machines)
        return Chances(nothing, nothing)
    wins = {"time": [0.0] * len(posterior.machines), "usd": [0.0] * len(posterior.machines)}
    offsets = {place: offset(posterior.machines[place], "usd") for place in places}
    pieces = _pieces(posterior, places)
    source = random.Random(seed)
    total = 0
    for part in _drawn_from(posterior):
        count = max(1, round(part.weight * _DRAWS))
        total += count
        for values in _draws(posterior, part, places, pieces, count, source):
            wins["time"][places[min(range(len(places)), key=values.__getitem__)]] += 1
            priced = [
                (value + extra, place)
                for value, place in zip(values, places, strict=True)
                if (extra := offsets[place]) is not None
            ]
            if priced:
                wins["usd"][min(priced)[1]] += 1
    return Chances(tuple(count / total for count in wins["time"]), tuple(count / total for count in wins["usd"]))


def _shortlist(posterior: Posterior, goal: Goal, among: Collection[str] | None = None) -> list[int]:
    """The machines with the least likely lower bounds, those with a price alone where money counts."""
    bounds = []
    for place, machine in enumerate(posterior.machines):
        extra = offset(machine, goal)
        if extra is not None and (among is None or machine.name in among):
            low = sum(
                part.weight * (part.means[place] - 1.64 * math.sqrt(part.variances[place])) for part in posterior.parts
            )
            bounds.append((low + extra, place))
    return [place for _, place in sorted(bounds)[:_MOST_MACHINES]]


def _drawn_from(posterior: Posterior) -> list[Conditioned]:
    likely = [part for part in posterior.parts if part.weight >= _LEAST_SHARE]
    return likely or list(posterior.parts[:1])


def _pieces(posterior: Posterior, places: Sequence[int]) -> list[Pieces]:
    """The prior's covariances of each machine with all of these."""
    machines = [posterior.machines[place] for place in places]
    return [posterior.prior.pieces(machine, machines) for machine in machines]


def _draws(
    posterior: Posterior,
    part: Conditioned,
    places: Sequence[int],
    among: Sequence[Pieces],
    count: int,
    source: random.Random,
) -> list[list[float]]:
    """Logarithms of seconds of the machines, together, under one part of the posterior."""
    machines = [posterior.machines[place] for place in places]
    pieces = [combined(part.part, piece) for piece in posterior.probe_pieces]
    projected = [
        [dot(line, column) for line in part.inverse]
        for column in zip(*([values[place] + LEVEL for place in places] for values in pieces), strict=True)
    ]
    measured = {probe.machine.name: probe for probe in posterior.probes}
    matrix = []
    for row, machine in enumerate(machines):
        values = combined(part.part, among[row])
        line = [value + LEVEL - dot(projected[row], other) for value, other in zip(values, projected, strict=True)]
        line[row] += posterior.prior.own_variance(part.part, machine) + 1e-9
        matrix.append(line)
    means = [part.means[place] for place in places]
    lower = cholesky(matrix)
    drawn = []
    for _ in range(count):
        noise = [source.gauss(0.0, 1.0) for _ in places]
        values = [mean + dot(line, noise) for mean, line in zip(means, lower, strict=True)]
        for row, machine in enumerate(machines):
            probe = measured.get(machine.name)
            if probe is not None:
                values[row] = probe.log_seconds + math.sqrt(probe.variance) * noise[row]
        drawn.append(values)
    return drawn


def chance_of_better(posterior: Posterior, goal: Goal, by: float, seed: int = 0) -> float:
    """How likely it is that any machine that was not measured is better than the best measured, by more than a share.

    Args:
        posterior: of the benchmark; its machines are the candidates.
        goal: what the best is by.
        by: 0.05 asks for more than 5 % better.
        seed: of the draws.
    """
    limit = best_measured(posterior, goal) + math.log1p(-by)
    measured = {probe.machine.name for probe in posterior.probes}
    places = [place for place in _shortlist(posterior, goal) if posterior.machines[place].name not in measured]
    if not places:
        return 0.0
    if math.isinf(limit):  # nothing that counts was measured: anything is better
        return 1.0
    extras = [offset(posterior.machines[place], goal) or 0.0 for place in places]
    pieces = _pieces(posterior, places)
    source, total, wins = random.Random(seed), 0, 0
    for part in _drawn_from(posterior):
        count = max(1, round(part.weight * _DRAWS))
        total += count
        for values in _draws(posterior, part, places, pieces, count, source):
            wins += any(value + extra < limit for value, extra in zip(values, extras, strict=True))
    return wins / total
