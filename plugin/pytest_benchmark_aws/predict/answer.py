"""The prediction of one case: a row for each candidate, and what to measure next."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.model.best import Goal, best_measured, better, chances, offset, worth_launching
from pytest_benchmark_aws.predict.model.design import FIRST, Pool, first_probes, narrowing, pool_of
from pytest_benchmark_aws.predict.model.posterior import Posterior, Prior, Probe, condition

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.measured import CaseResults, Measured
    from pytest_benchmark_aws.predict.model.machines import Machine

LAUNCH_OVERHEAD_S = 120.0
"""Billed beside the benchmark: boot, installing what is shipped, sending results. EC2 bills a minute at the least."""
NARROW = 5
"""Probes up to which the next is the one that narrows most, before the best is looked for."""
FEW_PROBES = 3
_SURE_KIND = 0.8
_UNLIKE = 0.5


@dataclass(frozen=True, slots=True)
class PredictedRow:
    """A case on one instance type."""

    machine: Machine
    seconds: float
    low: float
    """With ``high``, the 95 % interval."""
    high: float
    measured: bool
    launches: int
    fastest: float
    """The chance to be the fastest of all rows."""
    cheapest: float
    candidate: bool = True
    """Whether it is among those that were asked for: what was measured besides is shown, and is never the best."""

    def usd(self, seconds: float) -> float | None:
        """What so many seconds cost; None without a price."""
        price = self.machine.usd_per_hour
        return None if price is None else price * seconds / 3600

    @property
    def usd_run(self) -> float | None:
        """Of one run of the benchmark, without what a launch needs besides."""
        return self.usd(self.seconds)


@dataclass(frozen=True, slots=True)
class NextProbe:
    """What to measure next."""

    machine: Machine
    usd: float | None
    """What the launch is expected to cost; without any result, what it needs besides the benchmark."""
    why: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """One case at one scale."""

    case: str | None
    """None where nothing was measured."""
    scale: str | None
    probes: tuple[Measured, ...]
    rows: tuple[PredictedRow, ...]
    """Best first."""
    next: tuple[NextProbe, ...]
    notes: tuple[str, ...]
    embedded: bool = False


def first(prior: Prior, candidates: Sequence[Machine], count: int) -> Prediction:
    """What to begin with where nothing was measured yet."""
    chosen = first_probes(prior, pool_of(candidates), count)
    steps = [
        NextProbe(machine, _launch_usd(machine, 0.0), "tells most of how machines differ, before anything is known")
        for machine in chosen
    ]
    return Prediction(None, None, (), (), tuple(steps), ())


def predict_case(
    prior: Prior, results: CaseResults, candidates: Sequence[Machine], goal: Goal, next_count: int
) -> Prediction:
    """The rows of the candidates and of what was measured, and what to measure next.

    Args:
        prior: the machine model.
        results: of the case; at least one was measured.
        candidates: what is predicted.
        goal: what the rows are in order of, and what the best is by.
        next_count: how many machines to name.
    """
    probes = [measured.probe for measured in results.measured]
    named = {machine.name for machine in candidates}
    machines = [*candidates, *(probe.machine for probe in probes if probe.machine.name not in named)]
    posterior = condition(prior, probes, machines)
    return Prediction(
        results.case,
        results.scale,
        results.measured,
        rows_of(posterior, results.measured, goal, named),
        tuple(next_probes(prior, posterior, candidates, goal, next_count)),
        tuple(_notes(results, posterior)),
        results.embedded,
    )


def rows_of(
    posterior: Posterior, results: Sequence[Measured], goal: Goal, candidates: Collection[str]
) -> tuple[PredictedRow, ...]:
    """A row for each of the posterior's machines, best first; what was measured is as it was measured.

    Only those whose names are ``candidates`` have a chance to be the best.
    """
    by_name = {measured.probe.machine.name: measured for measured in results}
    chance = chances(posterior, candidates)
    rows = [
        replace(
            _row(posterior, place, by_name.get(machine.name), chance.fastest[place], chance.cheapest[place]),
            candidate=machine.name in candidates,
        )
        for place, machine in enumerate(posterior.machines)
    ]
    return tuple(sorted(rows, key=lambda row: _order(row, goal)))


def _row(posterior: Posterior, place: int, measured: Measured | None, fastest: float, cheapest: float) -> PredictedRow:
    machine = posterior.machines[place]
    if measured is not None:
        return PredictedRow(
            machine, measured.seconds, measured.low, measured.high, True, measured.launches, fastest, cheapest
        )
    low, middle, high = (math.exp(posterior.quantile(share, place)) for share in (0.025, 0.5, 0.975))
    return PredictedRow(machine, middle, low, high, False, 0, fastest, cheapest)


def _order(row: PredictedRow, goal: Goal) -> tuple[float, float, str]:
    usd = row.usd_run
    if goal == "usd":
        return (math.inf if usd is None else usd, row.seconds, row.machine.name)
    return (row.seconds, math.inf if usd is None else usd, row.machine.name)


def next_probes(
    prior: Prior, posterior: Posterior, candidates: Sequence[Machine], goal: Goal, count: int
) -> list[NextProbe]:
    """What to measure next, the most useful first.

    With fewer than five probes the first is what narrows most, from then on what may beat the best; each further one
    is chosen as if the ones before had given what is expected of them.
    """
    pool = pool_of(candidates)
    probes = list(posterior.probes)
    steps: list[NextProbe] = []
    while len(steps) < count:
        step = _step(prior, probes, candidates, pool, goal, best=len(probes) >= NARROW and len(steps) % 2 == 0)
        if step is None:
            break
        chosen, expected = step
        steps.append(chosen)
        probes.append(Probe(chosen.machine, expected, 1e-4))
    return steps


def _step(
    prior: Prior, probes: Sequence[Probe], candidates: Sequence[Machine], pool: Pool, goal: Goal, *, best: bool
) -> tuple[NextProbe, float] | None:
    """The next probe and the logarithm of seconds that is expected of it; None where all are measured."""
    if len(probes) < FIRST:
        chosen = first_probes(prior, pool, 1, [probe.machine for probe in probes])
        if not chosen:
            return None
        posterior = condition(prior, probes, chosen)
        return _next(posterior, 0, "tells most of how this benchmark differs between machines, as little is known")
    if best:
        posterior = condition(prior, probes, candidates)
        place = worth_launching(posterior, goal)
        if place is not None:
            return _next(posterior, place, promise(posterior, place, goal))
    machine = narrowing(prior, probes, pool)
    if machine is None:
        return None
    posterior = condition(prior, probes, [machine])
    spread = math.exp((posterior.quantile(0.975, 0) - posterior.quantile(0.025, 0)) / 2)
    return _next(posterior, 0, f"narrows most: its own time is known within a factor of {spread:.2f} only")


def promise(posterior: Posterior, place: int, goal: Goal) -> str:
    """Why a machine may be the best."""
    extra = offset(posterior.machines[place], goal) or 0.0
    if math.isinf(best_measured(posterior, goal)):
        return f"expected to be the best by {'USD a run' if goal == 'usd' else 'time'}, of which none was measured"
    change = math.expm1(posterior.quantile(0.5, place) + extra - best_measured(posterior, goal))
    what = "USD a run" if goal == "usd" else "time"
    return (
        f"most likely to beat the best: {change:+.0%} of its {what} expected, "
        f"a chance of {better(posterior, place, goal):.0%} to be better"
    )


def _next(posterior: Posterior, place: int, why: str) -> tuple[NextProbe, float]:
    machine, expected = posterior.machines[place], posterior.quantile(0.5, place)
    return NextProbe(machine, _launch_usd(machine, math.exp(expected)), why), expected


def _launch_usd(machine: Machine, seconds: float) -> float | None:
    price = machine.usd_per_hour
    return None if price is None else price * (LAUNCH_OVERHEAD_S + seconds) / 3600


def _notes(results: CaseResults, posterior: Posterior) -> list[str]:
    count = len(results.measured)
    notes = []
    if results.embedded:
        notes.append(
            "! measured by embedded AWS: its times are those of the machine that it runs on, so these predictions show "
            "how it works, and tell nothing of AWS"
        )
    if count < FEW_PROBES:
        notes.append(
            f"! {count} instance type{'s' if count > 1 else ''} measured: with fewer than {FEW_PROBES} the intervals "
            "are wide, as most of them is what benchmarks are like in general"
        )
    elif len({measured.probe.machine.cpu for measured in results.measured}) == 1:
        notes.append(
            f"! all {count} measured types have one CPU model, {results.measured[0].probe.machine.cpu}: of how this "
            "benchmark differs between CPU models nothing is known; measure another one"
        )
    if len({measured.probe.machine.vcpus for measured in results.measured}) == 1 < count:
        notes.append(
            f"! all measured types have {results.measured[0].probe.machine.vcpus} vCPUs: how its time changes with "
            "their number is not known; measure another size"
        )
    kind, share = posterior.kinds()[0]
    if share >= _SURE_KIND and count >= FEW_PROBES and posterior.unlike <= _UNLIKE:
        notes.append(f"It {kind.note} ({share:.0%} sure).")
    if posterior.unlike > _UNLIKE:
        notes.append(
            "! the results contradict each other, or are unlike any that the model knows: the intervals are wide; "
            "measure again what is furthest from its neighbours"
        )
    if results.unknown:
        notes.append(f"Left out, as no single machine of the catalog: {', '.join(results.unknown)}.")
    return notes
