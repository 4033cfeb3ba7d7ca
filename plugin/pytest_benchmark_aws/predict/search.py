"""The steps of a search for the best machine: what to launch next, given all results so far, or why to stop."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.answer import promise
from pytest_benchmark_aws.predict.model.best import Goal, chance_of_better, offset, worth_launching
from pytest_benchmark_aws.predict.model.design import FIRST, first_probes, pool_of
from pytest_benchmark_aws.predict.model.posterior import Posterior, Prior, Probe, condition

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.settings import SearchGoal
    from pytest_benchmark_aws.predict.model.machines import Machine

AT_ONCE = 2
"""Launches of a round, once the first ones are back: more at once is sooner done and worse chosen."""
REAL_CHANCE = 0.1
"""Below it nothing is launched for the hope that something is better by more than the regret."""


@dataclass(frozen=True, slots=True)
class Step:
    """A machine to launch on."""

    machine: Machine
    why: str


@dataclass(frozen=True, slots=True)
class Round:
    """What to launch now, or why nothing."""

    steps: tuple[Step, ...]
    over: str = ""
    chance: float | None = None
    """That something is better by more than the regret; None as long as that is not asked."""


def goals_of(search: SearchGoal) -> tuple[Goal, ...]:
    """By what machines are compared."""
    return {"cheapest": ("usd",), "fastest": ("time",), "front": ("usd", "time")}[search]  # type: ignore[return-value]


def next_round(
    prior: Prior,
    candidates: Sequence[Machine],
    probes: Sequence[Probe],
    tried: Collection[str],
    search: SearchGoal,
    *,
    room: int,
    regret: float,
) -> Round:
    """The next launches.

    Args:
        prior: the machine model.
        candidates: what may be launched on.
        probes: what was measured, in this search and before.
        tried: names of candidates that are not to be launched again, with or without a result.
        search: what is looked for.
        room: how many launches are left.
        regret: the share by which something must be likely to be better.
    """
    open_machines = [machine for machine in candidates if machine.name not in tried]
    if not open_machines:
        return Round((), "all candidates were launched on")
    if room <= 0:
        return Round((), "all launches of the search are made")
    if len(probes) < FIRST:
        given = [probe.machine for probe in probes]
        chosen = first_probes(prior, pool_of(open_machines), min(FIRST - len(probes), room), given)
        return Round(tuple(Step(machine, "spans how machines differ") for machine in chosen))
    names = {machine.name for machine in open_machines}
    machines = [*open_machines, *(probe.machine for probe in probes if probe.machine.name not in names)]
    posterior = condition(prior, probes, machines)
    goals = goals_of(search)
    chance = max(chance_of_better(posterior, goal, regret) for goal in goals)
    if chance < REAL_CHANCE:
        return Round((), f"the chance that another is better by more than {regret:.0%} is {chance:.0%}", chance)
    return Round(_steps(prior, posterior, goals, min(AT_ONCE, room)), "", chance)


def _steps(prior: Prior, posterior: Posterior, goals: Sequence[Goal], count: int) -> tuple[Step, ...]:
    """The most promising machines, each further one as if those before had given what is expected of them."""
    steps: list[Step] = []
    probes = list(posterior.probes)
    while len(steps) < count:
        goal = goals[(len(posterior.probes) + len(steps)) % len(goals)]
        place = worth_launching(posterior, goal)
        if place is None:
            break
        steps.append(Step(posterior.machines[place], promise(posterior, place, goal)))
        probes.append(Probe(posterior.machines[place], posterior.quantile(0.5, place), 1e-4))
        posterior = condition(prior, probes, posterior.machines)
    return tuple(steps)


def best_of(probes: Sequence[Probe], goal: Goal) -> Probe | None:
    """The best that was measured; None where nothing with a price was."""
    values = [
        (probe.log_seconds + extra, probe) for probe in probes if (extra := offset(probe.machine, goal)) is not None
    ]
    return min(values, key=lambda pair: pair[0])[1] if values else None
