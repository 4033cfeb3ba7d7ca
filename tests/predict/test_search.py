"""The steps of a search, on benchmarks whose times are known for every machine."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.predict import search
from pytest_benchmark_aws.predict.measured import measured_of
from pytest_benchmark_aws.predict.model.best import chance_of_better, offset
from pytest_benchmark_aws.predict.model.kinds import KINDS
from pytest_benchmark_aws.predict.model.posterior import condition
from tests.predict.machines_here import machines, prior

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.model.machines import Machine


def times(kind: str, seed: int) -> dict[str, float]:
    """A benchmark of a kind, with a factor of its own for each CPU model: up to about 15 %."""
    growth = next(part for part in KINDS if part.name == kind)
    source = random.Random(seed)
    factors: dict[str, float] = {}
    return {
        machine.name: math.exp(machine.mean + growth.log_seconds(machine.vcpus))
        * factors.setdefault(machine.cpu, math.exp(source.gauss(0, 0.08)))
        for machine in candidates()
    }


def candidates() -> list[Machine]:
    """Priced machines of current generations with 2 to 64 vCPUs, not burstable."""
    burstable = {t.name for t in snapshot.catalog().types.values() if t.burstable}
    able = [m for m in machines().values() if m.usd_per_hour and m.current and 2 <= m.vcpus <= 64]
    return [machine for machine in able if machine.name not in burstable]


def run(truth: dict[str, float], goal: str, launches: int = 8) -> tuple[list[str], str]:
    """The names of the machines that a search launches, and why it ended."""
    launched: list[str] = []
    while len(launched) < launches:
        probes = [measured_of(machines()[name], [truth[name]]).probe for name in launched]
        coming: list[Machine] = []
        for _ in range(min(search.at_once(len(probes)), launches - len(launched))):
            tried = [*launched, *(machine.name for machine in coming)]
            step = search.next_step(prior(), candidates(), probes, coming, tried, goal, 0.05)  # type: ignore[arg-type]
            if step.machine is None:
                return launched, step.why
            coming.append(step.machine)
        launched += [machine.name for machine in coming]
    return launched, "all launches are made"


def value(name: str, truth: dict[str, float], goal: str) -> float:
    """What counts of a machine: USD a run, or seconds."""
    machine = machines()[name]
    extra = offset(machine, "usd" if goal == "cheapest" else "time")
    assert extra is not None
    return math.exp(math.log(truth[name]) + extra)


@pytest.mark.parametrize(
    ("kind", "goal"),
    [("one thread", "cheapest"), ("all threads", "fastest"), ("up to 8", "cheapest"), ("10% serial", "fastest")],
)
def test_eight_launches_end_near_the_best_of_all(kind: str, goal: str) -> None:
    """Within 10 % of it, and no machine is launched twice."""
    truth = times(kind, seed=1)
    launched, _ = run(truth, goal)
    assert len(set(launched)) == len(launched) <= 8
    best = min(value(name, truth, goal) for name in truth)
    assert min(value(name, truth, goal) for name in launched) <= 1.1 * best


def test_a_search_that_is_sure_ends_early() -> None:
    """Where only few machines are left to be better, and none is likely to be."""
    names = ["m7i.xlarge", "m7a.xlarge", "m7g.xlarge", "m7i.2xlarge"]
    known = [measured_of(machines()[name], [1.0] * 5).probe for name in names[:3]]
    all_four = [machines()[name] for name in names]
    step = search.next_step(prior(), all_four, known, [], names[:3], "cheapest", 0.05)
    assert step.machine is None
    assert "chance that another is better by more than 5%" in step.why


def test_a_front_looks_for_both_in_turn() -> None:
    """A launch for money, and one for time."""
    truth = times("all threads", seed=2)
    probes = [measured_of(machines()[n], [truth[n]]).probe for n in ("m7i.xlarge", "c7g.4xlarge", "m7a.8xlarge")]
    tried = [probe.machine.name for probe in probes]
    first = search.next_step(prior(), candidates(), probes, [], tried, "front", 0.05)
    assert first.machine is not None
    second = search.next_step(
        prior(), candidates(), probes, [first.machine], [*tried, first.machine.name], "front", 0.05
    )
    assert {"time" in first.why, "time" in second.why} == {True, False}


def test_candidates_that_were_all_launched_end_the_search() -> None:
    """Whatever came of their launches."""
    only = [machines()["m7i.xlarge"]]
    assert search.next_step(prior(), only, [], [], ["m7i.xlarge"], "cheapest", 0.05).machine is None


def test_the_best_is_by_the_goal() -> None:
    """The cheapest is not the fastest."""
    probes = [measured_of(machines()[n], [s]).probe for n, s in (("m7i.large", 10.0), ("m7i.24xlarge", 1.0))]
    cheapest, fastest = (search.best_of(probes, goal) for goal in ("usd", "time"))  # type: ignore[arg-type]
    assert cheapest is not None
    assert fastest is not None
    assert (cheapest.machine.name, fastest.machine.name) == ("m7i.large", "m7i.24xlarge")


def test_the_chance_of_better_falls_with_what_is_asked() -> None:
    """More than 50 % better is less likely than better at all."""
    probes = [measured_of(machines()[n], [1.0]).probe for n in ("m7i.xlarge", "m7a.xlarge", "m7g.xlarge")]
    posterior = condition(prior(), probes, [*candidates()[::8], *(probe.machine for probe in probes)])
    chances = [chance_of_better(posterior, "time", by) for by in (0.0, 0.05, 0.5)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > chances[2]


def test_where_no_candidate_was_measured_the_search_goes_on() -> None:
    """What other machines took is no verdict on these."""
    probes = [measured_of(machines()[n], [0.01]).probe for n in ("c8g.48xlarge", "m7a.8xlarge", "c7g.4xlarge")]
    two = [machines()[name] for name in ("m7i.large", "c7i.large")]
    step = search.next_step(prior(), two, probes, [], [], "fastest", 0.05)
    assert step.machine in two
