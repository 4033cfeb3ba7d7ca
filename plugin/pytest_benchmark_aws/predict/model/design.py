"""Which machines to measure on next: the first ones, those that narrow most, and those that may be the best."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import mul
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.model.kinds import KINDS
from pytest_benchmark_aws.predict.model.normals import below, density, dot
from pytest_benchmark_aws.predict.model.posterior import (
    LEVEL,
    Conditioned,
    Part,
    Posterior,
    Prior,
    Probe,
    combined,
    condition,
)
from pytest_benchmark_aws.predict.model.table import TYPE_FACTORS

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.model.machines import Machine

FIRST = 3
"""Probes before what was measured chooses the next: with fewer, most of a posterior is still the prior."""
_LEAST_SHARE = 0.01
"""Of a CPU model among the candidates: what is rarer tells little of the others."""
_MOST_POOL, _MOST_TARGETS, _MOST_PARTS = 140, 130, 8
_SIZES = (2, 4, 8, 16, 32, 48, 64, 96, 128, 192)
_LARGEST_PROBE = 96
"""vCPUs: a larger machine costs more than it tells, and is a probe only where all candidates are as large. Nor is one
with a single vCPU, which the model has hardly seen."""
_CPU_APART, _FACTORS_APART = 4.0, 2.0
"""Factors of the variance of a CPU model's own and of its factors by which probes are chosen, not predicted: what is
unlike the model is so by CPU model above all, and probes that expect it spread over more of them."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Machines that may be probes, one for each CPU model and size, and those that shall be predicted well."""

    probes: tuple[Machine, ...]
    targets: tuple[Machine, ...]


def pool_of(candidates: Sequence[Machine]) -> Pool:
    """The cheapest of each CPU model and size among priced machines of current generations, or among all."""
    usable = [machine for machine in candidates if machine.usd_per_hour and machine.current] or list(candidates)
    usable = [machine for machine in usable if 2 <= machine.vcpus <= _LARGEST_PROBE] or usable
    cheapest: dict[tuple[str, int], Machine] = {}
    for machine in sorted(usable, key=lambda machine: (machine.usd_per_hour or math.inf, machine.name)):
        size = min(_SIZES, key=lambda size: abs(math.log(size / machine.vcpus)))
        cheapest.setdefault((machine.cpu, size), machine)
    counts = Counter(machine.cpu for machine in usable)
    common = {cpu for cpu, count in counts.items() if count >= _LEAST_SHARE * len(usable)}
    probes = [machine for machine in cheapest.values() if machine.cpu in common] or list(cheapest.values())
    probes = sorted(probes, key=lambda machine: (-counts[machine.cpu], machine.cpu, machine.vcpus))
    ordered = sorted(candidates, key=lambda machine: (machine.cpu, machine.vcpus, machine.name))
    step = max(1, -(-len(ordered) // _MOST_TARGETS))
    return Pool(tuple(probes[:_MOST_POOL]), tuple(ordered[step // 2 :: step]))


def first_probes(prior: Prior, pool: Pool, count: int, measured: Sequence[Machine] = ()) -> list[Machine]:
    """The machines to begin with: those after which least is unknown, by how the model's kinds differ and vary.

    Args:
        prior: the machine model.
        pool: what may be measured, and what shall be known.
        count: how many, at most as many as there are.
        measured: those that are measured in any case.
    """
    tight = [part for part in prior.parts if part.spread is prior.parts[0].spread]
    weights = [math.exp(part.log_weight) for part in tight]
    whole = sum(weights)
    weights = [weight / whole for weight in weights]
    prior, everyone = _apart(prior), _farther([*measured, *pool.probes])
    columns = [*everyone, *_farther(pool.targets)]
    average = [part.share for part in tight]
    share = dot(weights, average)
    middle = Part(KINDS[0], tight[0].spread, share, 1.0, dot(weights, [part.scaling for part in tight]), 1.0, 0.0)
    # Twice the usual spread: what is measured is as often unlike the usual as it is like it.
    rows = [[2 * value + LEVEL for value in combined(middle, prior.pieces(row, columns))] for row in everyone]
    own = [2 * prior.own_variance(middle, machine) for machine in everyone]
    means = [[part.mean(machine) for machine in columns] for part in tight]
    pairs, apart, differences = [], [], []
    for left in range(len(tight)):
        for right in range(left):
            difference = [a - b for a, b in zip(means[left], means[right], strict=True)]
            targets = difference[len(everyone) :]
            centre = sum(targets) / len(targets)
            pairs.append(2 * weights[left] * weights[right] * sum((value - centre) ** 2 for value in targets))
            differences.append(difference[: len(everyone)])
            apart.append(0.0)
    chosen: list[int] = []
    for step in range(len(measured) + min(count, len(pool.probes))):
        place = step if step < len(measured) else _best(rows, own, pairs, apart, differences, chosen, len(everyone))
        if place < 0:
            break
        scale = rows[place][place] + own[place]
        covariances = rows[place]
        apart = [value + line[place] ** 2 / scale for value, line in zip(apart, differences, strict=True)]
        differences = [
            [value - line[place] / scale * other for value, other in zip(line, covariances, strict=False)]
            for line in differences
        ]
        rows = [
            [value - row[place] / scale * other for value, other in zip(row, covariances, strict=True)] for row in rows
        ]
        chosen.append(place)
    return [pool.probes[place - len(measured)] for place in chosen[len(measured) :]]


def _apart(prior: Prior) -> Prior:
    amplitudes = {**prior.table.amplitudes, "cpu": _CPU_APART * prior.table.amplitudes["cpu"]}
    return replace(prior, table=replace(prior.table, amplitudes=amplitudes))


def _farther(machines: Sequence[Machine]) -> list[Machine]:
    """With the factors of their CPU models, which stand before those of types, so much larger."""
    factor = math.sqrt(_FACTORS_APART)
    return [
        replace(machine, single=(*(factor * value for value in cpu), *machine.single[-TYPE_FACTORS:]))
        for machine in machines
        for cpu in [machine.single[:-TYPE_FACTORS]]
    ]


def _best(
    rows: Sequence[Sequence[float]],
    own: Sequence[float],
    pairs: Sequence[float],
    apart: Sequence[float],
    differences: Sequence[Sequence[float]],
    chosen: Sequence[int],
    count: int,
) -> int:
    """The place after which least is unknown: variance that is left, and kinds that are not told apart."""
    best, least = -1, math.inf
    for place in range(count):
        if place in chosen:
            continue
        scale = rows[place][place] + own[place]
        targets = rows[place][count:]
        left = -sum(map(mul, targets, targets)) / scale
        for pair, value, line in zip(pairs, apart, differences, strict=True):
            left += pair * math.exp(-(value + line[place] ** 2 / scale) / 8)
        if left < least:
            best, least = place, left
    return best


def narrowing(prior: Prior, probes: Sequence[Probe], pool: Pool) -> Machine | None:
    """The machine of the pool whose result is expected to leave least unknown; None where all are measured."""
    measured = {probe.machine.name for probe in probes}
    begun = _farther([probe.machine for probe in probes])
    candidates, aims = _farther(pool.probes), _farther(pool.targets)
    seen = [replace(probe, machine=machine) for probe, machine in zip(probes, begun, strict=True)]
    posterior = condition(_apart(prior), seen, [*candidates, *aims])
    parts = posterior.parts[:_MOST_PARTS]
    count = len(pool.probes)
    left = [0.0] * count
    spreads: list[list[float]] = []
    pieces = [posterior.prior.pieces(machine, aims) for machine in candidates]
    for part in parts:
        variances = part.variances[:count]
        spreads.append(variances)
        projected = _projected(posterior, part)
        targets = projected[count:]
        for place in range(count):
            covariances = combined(part.part, pieces[place])
            projection = projected[place]
            rest = [value + LEVEL - dot(projection, other) for value, other in zip(covariances, targets, strict=True)]
            left[place] -= part.weight * sum(map(mul, rest, rest)) / variances[place] / len(rest)
    for first, part in enumerate(parts):
        for second in range(first):
            other = parts[second]
            gaps = [a - b for a, b in zip(part.means[count:], other.means[count:], strict=True)]
            pair = 2 * part.weight * other.weight * sum(map(mul, gaps, gaps)) / len(gaps)
            for place in range(count):
                variance = (spreads[first][place] + spreads[second][place]) / 2
                left[place] += pair * math.exp(-((part.means[place] - other.means[place]) ** 2) / variance / 8)
    places = [place for place in range(count) if pool.probes[place].name not in measured]
    return pool.probes[min(places, key=lambda place: left[place])] if places else None


def _projected(posterior: Posterior, part: Conditioned) -> list[list[float]]:
    """For each machine, its covariances with the probes times the inverse of their triangle."""
    columns = list(
        zip(*([value + LEVEL for value in combined(part.part, piece)] for piece in posterior.probe_pieces), strict=True)
    )
    return [[sum(map(mul, line, column)) for line in part.inverse] for column in columns]


def improvement(posterior: Posterior, place: int, best: float, offset: float = 0.0) -> float:
    """How much less than the best a machine's logarithm is expected to be (expected improvement).

    Args:
        posterior: of the benchmark.
        place: the machine's.
        best: the least logarithm measured so far, of seconds or of USD.
        offset: added to the machine's logarithm of seconds: of its USD a second, or 0.
    """
    expected = 0.0
    for part in posterior.parts:
        deviation = math.sqrt(part.variances[place])
        gap = best - part.means[place] - offset
        score = gap / deviation
        expected += part.weight * (gap * below(score) + deviation * density(score))
    return expected
