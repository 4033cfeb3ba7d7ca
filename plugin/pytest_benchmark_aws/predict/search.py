"""The steps of a search for the best machine: what to launch next, given all results so far, or why to stop."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.answer import promise
from pytest_benchmark_aws.predict.model.best import Goal, better, chance_of_better, offset, worth_launching
from pytest_benchmark_aws.predict.model.design import FIRST, first_probes, pool_of
from pytest_benchmark_aws.predict.model.posterior import Prior, Probe, condition

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.settings import SearchGoal
    from pytest_benchmark_aws.predict.model.machines import Machine

AT_ONCE = 2
"""Launches of a round, once the first ones are back: more at once is sooner done and worse chosen."""
_EXPECTED_VARIANCE = 1e-4
_ALONGSIDE = 0.05
"""The least chance to be better that a launch beside others of its round is worth; the next round knows more."""
REAL_CHANCE = 0.1
"""Below it nothing is launched for the hope that something is better by more than the regret."""


@dataclass(frozen=True, slots=True)
class Step:
    """A machine to launch on; None where the search is over."""

    machine: Machine | None
    why: str
    """Why this machine, or why no other."""


def goals_of(search: SearchGoal) -> tuple[Goal, ...]:
    """By what machines are compared."""
    return {"cheapest": ("usd",), "fastest": ("time",), "front": ("usd", "time")}[search]  # type: ignore[return-value]


def at_once(measured: int) -> int:
    """How many launches a round has, by how many machines were measured."""
    return FIRST - measured if measured < FIRST else AT_ONCE


def next_step(
    prior: Prior,
    candidates: Sequence[Machine],
    probes: Sequence[Probe],
    coming: Sequence[Machine],
    tried: Collection[str],
    search: SearchGoal,
    regret: float,
) -> Step:
    """The next launch, or why there is none.

    Args:
        prior: the machine model.
        candidates: what may be launched on.
        probes: what was measured, in this search and before.
        coming: of this round already; each counts as if it had given what is expected of it.
        tried: names of candidates that are not to be launched again, with or without a result.
        search: what is looked for.
        regret: the share by which something must be likely to be better.
    """
    open_machines = [machine for machine in candidates if machine.name not in tried]
    if not open_machines:
        return Step(None, "all candidates were launched on")
    if len(probes) < FIRST:
        measured = [*(probe.machine for probe in probes), *coming]
        chosen = first_probes(prior, pool_of(open_machines), 1, measured)
        return Step(chosen[0], "spans how machines differ")
    names = {machine.name for machine in open_machines}
    able = {machine.name for machine in candidates}
    named = [*(probe.machine for probe in probes if probe.machine.name in able), *coming]
    machines = [*open_machines, *(machine for machine in named if machine.name not in names)]
    posterior = condition(prior, probes, machines)
    goals = goals_of(search)
    if not coming:
        chance = max(chance_of_better(posterior, goal, regret) for goal in goals)
        if chance < REAL_CHANCE:
            return Step(None, f"the chance that another is better by more than {regret:.0%} is {chance:.0%}")
    else:
        expected = [
            Probe(machine, posterior.quantile(0.5, machines.index(machine)), _EXPECTED_VARIANCE) for machine in coming
        ]
        posterior = condition(prior, [*probes, *expected], machines)
    goal = goals[(len(probes) + len(coming)) % len(goals)]
    place = worth_launching(posterior, goal)
    if place is None:
        return Step(None, "no candidate has a price")
    if coming and better(posterior, place, goal) < _ALONGSIDE:
        return Step(None, "nothing else of this round is likely to be better")
    return Step(machines[place], promise(posterior, place, goal))


def best_of(probes: Sequence[Probe], goal: Goal) -> Probe | None:
    """The best that was measured; None where nothing with a price was."""
    values = [
        (probe.log_seconds + extra, probe) for probe in probes if (extra := offset(probe.machine, goal)) is not None
    ]
    return min(values, key=lambda pair: pair[0])[1] if values else None
