"""What is to be thought of a benchmark's time on any machine once it ran on some: a mixture of normals for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from statistics import fmean
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.model.kinds import KINDS, SPREADS, Kind, Spread
from pytest_benchmark_aws.predict.model.normals import (
    below,
    cholesky,
    dot,
    inverse_lower,
    mixture_quantile,
    solve_lower,
)

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.model.machines import Machine
    from pytest_benchmark_aws.predict.model.table import MachineTable

LEVEL = 100.0
"""Variance of a benchmark's level: nothing is known of how long it takes before it ran."""
_LEAST_WEIGHT = 0.004
"""A part of the mixture that is less likely is left out."""
COVERED = 0.95


@dataclass(frozen=True, slots=True)
class Probe:
    """What was measured on one machine."""

    machine: Machine
    log_seconds: float
    variance: float
    """Of the logarithm, as launches differ and rounds do."""


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of benchmark with its spread, and what it is multiplied with."""

    kind: Kind
    spread: Spread
    share: float
    """How much of all threads it uses: 0 of one thread, 1 of all."""
    machines: float
    """Factor of the covariance between machines."""
    scaling: float
    own: float
    """Factor of a type's own variance."""
    log_weight: float

    def mean(self, machine: Machine) -> float:
        """Of the logarithm of seconds, level aside."""
        return machine.mean + self.share * machine.mean_multi + self.kind.log_seconds(machine.vcpus)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The four covariances of one machine with others, to be added up as a part says."""

    common: list[float]
    single: list[float]
    multi: list[float]
    scaling: list[float]


@dataclass(frozen=True, slots=True)
class Prior:
    """The model, ready to be conditioned."""

    table: MachineTable
    parts: tuple[Part, ...]

    def pieces(self, machine: Machine, others: Sequence[Machine]) -> Pieces:
        """Covariances of a machine with each of the others."""
        amplitudes = self.table.amplitudes
        vendor, cpu, cpu_multi = amplitudes["vendor"], amplitudes["cpu"], amplitudes["cpu_multi_own"]
        guessing, guess = self.table.guessing, machine.guess
        by_size = amplitudes["cpu_scaling"] * machine.size
        common, single, multi, scaling = [], [], [], []
        for other in others:
            alike = machine.cpu == other.cpu
            common.append(
                dot(machine.common, other.common) + vendor * (machine.vendor == other.vendor) + (cpu if alike else 0.0)
            )
            wrong = guess.shared(other.guess) if guess and other.guess else 0.0  # in units
            single.append(dot(machine.single, other.single) + guessing.single * wrong)
            multi.append(dot(machine.multi, other.multi) + (cpu_multi if alike else 0.0) + guessing.multi * wrong)
            scaling.append(dot(machine.scaling, other.scaling) + (by_size * other.size if alike else 0.0))
        return Pieces(common, single, multi, scaling)

    def own_variance(self, part: Part, machine: Machine) -> float:
        """A type's own variance under a part of the prior."""
        share = min(max(part.share, 0.0), 1.0)
        mixed = (1 - share) * machine.variance + share * machine.variance_multi
        return part.own * (self.table.amplitudes["own"] * mixed + self.table.amplitudes["noise"])


def combined(part: Part, pieces: Pieces) -> list[float]:
    """The covariances under a part of the prior, level aside."""
    share = min(max(part.share, 0.0), 1.0)
    common, single = part.machines, part.machines * (1 - share)
    multi, scaling = part.machines * share, part.scaling
    return [
        common * first + single * second + multi * third + scaling * fourth
        for first, second, third, fourth in zip(pieces.common, pieces.single, pieces.multi, pieces.scaling, strict=True)
    ]


def prior_of(table: MachineTable) -> Prior:
    """The prior that a machine model means."""
    return Prior(table, tuple(_part(kind, spread, table) for kind in KINDS for spread in SPREADS))


def _part(kind: Kind, spread: Spread, table: MachineTable) -> Part:
    amplitudes = table.amplitudes
    share = dot(kind.slopes, table.octave_shares)
    inside = min(max(share, 0.0), 1.0)
    return Part(
        kind=kind,
        spread=spread,
        share=share,
        machines=amplitudes["wider_machines"] ** spread.machines,
        scaling=amplitudes["wider_scaling"] ** spread.scaling * (inside + amplitudes["single_scaling"] * (1 - inside)),
        own=amplitudes["wider_own"] ** spread.machines,
        log_weight=math.log(kind.weight * spread.weight),
    )


@dataclass(frozen=True, slots=True)
class Conditioned:
    """One part of the mixture, given the probes."""

    part: Part
    weight: float
    inverse: list[list[float]]
    """Of the lower triangle of the probes' covariance."""
    scores: list[float]
    """The probes' residuals times it."""
    means: list[float]
    """Of each machine: natural logarithm of seconds."""
    variances: list[float]


@dataclass(frozen=True, slots=True)
class Posterior:
    """Times of one benchmark on machines; logarithms are natural ones of seconds."""

    prior: Prior
    probes: tuple[Probe, ...]
    machines: tuple[Machine, ...]
    parts: tuple[Conditioned, ...]
    """The likeliest first; their weights add up to 1."""
    probe_pieces: tuple[Pieces, ...]
    """For each probe, with the machines."""

    def quantile(self, share: float, place: int) -> float:
        """Of the logarithm of seconds of a machine; intervals are wider by the model's own factor."""
        widen = self.prior.table.amplitudes["widen"]
        return mixture_quantile(
            share,
            [part.weight for part in self.parts],
            [part.means[place] for part in self.parts],
            [math.sqrt(part.variances[place]) * widen for part in self.parts],
        )

    def below(self, log_seconds: float, place: int) -> float:
        """The chance that a machine is faster than that."""
        widen = self.prior.table.amplitudes["widen"]
        return sum(
            part.weight * below((log_seconds - part.means[place]) / (math.sqrt(part.variances[place]) * widen))
            for part in self.parts
        )

    def kinds(self) -> list[tuple[Kind, float]]:
        """Each kind with its probability, the likeliest first."""
        shares: dict[str, float] = {}
        named = {kind.name: kind for kind in KINDS}
        for part in self.parts:
            shares[part.part.kind.name] = shares.get(part.part.kind.name, 0.0) + part.weight
        return sorted(((named[name], share) for name, share in shares.items()), key=lambda pair: -pair[1])

    @property
    def unlike(self) -> float:
        """How probable it is that the benchmark is unlike any that the model has seen, or its results disagree."""
        return sum(part.weight for part in self.parts if part.part.spread.machines > 1)


def condition(prior: Prior, probes: Sequence[Probe], machines: Sequence[Machine]) -> Posterior:
    """What the probes tell of the machines.

    Raises:
        ValueError: there is no probe.
    """
    if not probes:
        raise ValueError("there is no probe to condition on")
    measured = [probe.machine for probe in probes]
    level = fmean(probe.log_seconds for probe in probes)  # taken out, so that no unit of time is nearer to the prior
    among = [prior.pieces(machine, measured) for machine in measured]
    across = [prior.pieces(machine, machines) for machine in measured]
    itself = [prior.pieces(machine, [machine]) for machine in machines]
    diagonal = Pieces(*([getattr(piece, name)[0] for piece in itself] for name in Pieces.__slots__))
    triangles = [_triangle(prior, part, probes, among, level) for part in prior.parts]
    most = max(evidence for *_, evidence in triangles)
    whole = sum(math.exp(evidence - most) for *_, evidence in triangles)
    likely = [
        (math.exp(evidence - most) / whole, part, lower, scores)
        for part, (lower, scores, evidence) in zip(prior.parts, triangles, strict=True)
        if evidence - most > math.log(_LEAST_WEIGHT * whole)
    ]
    total = sum(weight for weight, *_ in likely)
    parts = [
        _conditioned(prior, part, weight / total, lower, scores, machines, across, diagonal, level)
        for weight, part, lower, scores in sorted(likely, key=lambda item: -item[0])
    ]
    return Posterior(prior, tuple(probes), tuple(machines), tuple(parts), tuple(across))


def _triangle(
    prior: Prior, part: Part, probes: Sequence[Probe], among: Sequence[Pieces], level: float
) -> tuple[list[list[float]], list[float], float]:
    """The probes' covariance as a lower triangle, their scores, and the logarithm of how likely they are."""
    matrix = [[value + LEVEL for value in combined(part, pieces)] for pieces in among]
    for place, probe in enumerate(probes):
        matrix[place][place] += prior.own_variance(part, probe.machine) + probe.variance
    lower = cholesky(matrix)
    scores = solve_lower(lower, [probe.log_seconds - level - part.mean(probe.machine) for probe in probes])
    evidence = part.log_weight - dot(scores, scores) / 2 - sum(math.log(line[-1]) for line in lower)
    return lower, scores, evidence


def _conditioned(
    prior: Prior,
    part: Part,
    weight: float,
    lower: list[list[float]],
    scores: list[float],
    machines: Sequence[Machine],
    across: Sequence[Pieces],
    diagonal: Pieces,
    level: float,
) -> Conditioned:
    inverse = inverse_lower(lower)
    covariances = [[value + LEVEL for value in combined(part, pieces)] for pieces in across]
    means = [level + part.mean(machine) for machine in machines]
    variances = [
        value + LEVEL + prior.own_variance(part, machine)
        for value, machine in zip(combined(part, diagonal), machines, strict=True)
    ]
    columns = list(zip(*covariances, strict=True))
    for line, score in zip(inverse, scores, strict=True):
        projected = [sum(map(mul, line, column)) for column in columns]
        means = [mean + score * value for mean, value in zip(means, projected, strict=True)]
        variances = [variance - value * value for variance, value in zip(variances, projected, strict=True)]
    return Conditioned(part, weight, inverse, scores, means, [max(variance, 1e-9) for variance in variances])
