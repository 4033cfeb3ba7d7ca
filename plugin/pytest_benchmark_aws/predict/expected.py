"""How long the cases of a launch are expected to take on an instance type, from what is stored of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.answer import LAUNCH_OVERHEAD_S
from pytest_benchmark_aws.predict.measured import Measured, measured_of
from pytest_benchmark_aws.predict.model.machines import is_accelerated
from pytest_benchmark_aws.predict.model.posterior import Posterior, Prior, condition

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.model.machines import Machine

MOST_CASES = 20
"""Cases that are predicted each for itself, the longest; the others together, as one."""
MOST_PROBES = 16
"""Results that a case is predicted from, those on the plan's CPU models first: the time grows with their cube."""
TOGETHER = "the other tests together"


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of a case on one instance type."""

    measured: Measured
    """Of one run."""
    runs: float
    """How often a launch runs the benchmark: rounds times iterations."""
    when: str
    """The day of the newest result, ISO 8601; empty where it does not say."""

    @property
    def seconds(self) -> float:
        """Of all runs of a launch."""
        return self.measured.seconds * self.runs


@dataclass(frozen=True, slots=True)
class CaseTime:
    """All runs of one case in a launch."""

    case: str
    """Its bare node id."""
    seconds: float
    low: float
    """With ``high``, the 95 % interval."""
    high: float
    measured: bool
    results: int
    """How many it is predicted from; of what was measured, its launches."""
    when: str
    """The day that it was measured on; empty of what is predicted."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a launch is expected to take."""

    cases: tuple[CaseTime, ...]
    """The longest first."""
    unknown: int
    """Cases of the launch of which nothing is stored that counts."""

    @property
    def test_seconds(self) -> float:
        """Of all runs of all cases."""
        return math.fsum(case.seconds for case in self.cases)

    @property
    def test_low(self) -> float:
        """With ``test_high`` the 95 % interval, as if all cases were off together, as a machine's cases mostly are."""
        return math.fsum(case.low for case in self.cases)

    @property
    def test_high(self) -> float:
        """The upper end."""
        return math.fsum(case.high for case in self.cases)

    @property
    def seconds(self) -> float:
        """Billed: the tests, and what a launch needs besides."""
        return LAUNCH_OVERHEAD_S + self.test_seconds

    @property
    def low(self) -> float:
        """With ``high`` the 95 % interval."""
        return LAUNCH_OVERHEAD_S + self.test_low

    @property
    def high(self) -> float:
        """The upper end."""
        return LAUNCH_OVERHEAD_S + self.test_high

    @property
    def predicted(self) -> bool:
        """Whether any case was not measured on this instance type."""
        return not all(case.measured for case in self.cases)


def expect(
    prior: Prior, stored: Mapping[str, Mapping[str, Stored]], launches: Mapping[str, tuple[Machine, Sequence[str]]]
) -> dict[str, Expected]:
    """What each launch is expected to take; a launch of whose cases nothing is stored is left out.

    Args:
        prior: the machine model.
        stored: of each case by its bare node id, by instance type.
        launches: of each launch by its name, its machine and the bare node ids of its cases.
    """
    wanted: dict[str, dict[str, Machine]] = {}
    for machine, cases in launches.values():
        for case in cases:
            if _probes(stored.get(case, {})) and not is_accelerated(machine.name):
                wanted.setdefault(case, {})[machine.name] = machine
    lacking = [case for case, machines in wanted.items() if not machines.keys() <= stored[case].keys()]
    lacking.sort(key=lambda case: (-max(result.seconds for result in stored[case].values()), case))
    singly, rest = (lacking, []) if len(lacking) <= MOST_CASES else (lacking[:MOST_CASES], lacking[MOST_CASES:])
    whole = _together([_probes(stored[case]) for case in rest])
    machines = {machine.name: machine for machine, _ in launches.values()}
    posteriors = {case: _posterior(prior, stored[case], list(wanted[case].values())) for case in singly}
    for_rest = _posterior(prior, whole, list(machines.values())) if whole else None
    expected = {}
    for name, (machine, cases) in launches.items():
        times, unknown, others = [], 0, 0
        for case in cases:
            results = stored.get(case) or {}
            if machine.name in results:
                times.append(_measured(case, results[machine.name]))
            elif is_accelerated(machine.name):  # nothing follows from CPUs' times
                unknown += 1
            elif case in posteriors:
                times.append(_predicted(case, _probes(results), posteriors[case], machine))
            elif _probes(results) and for_rest is not None:
                others += 1
            else:
                unknown += 1
        if others and for_rest is not None:
            share = others / len(rest)
            times.append(_predicted(TOGETHER, whole, for_rest, machine, share))
        if times:
            times.sort(key=lambda time: (-time.seconds, time.case))
            expected[name] = Expected(tuple(times), unknown)
    return expected


def _together(cases: Sequence[Mapping[str, Stored]]) -> dict[str, Stored]:
    """The sum of some cases as one, of the instance types that measured all of them; empty where there is none."""
    if not cases:
        return {}
    names = set(cases[0]).intersection(*cases[1:])
    whole = {}
    for name in sorted(names):
        results = [case[name] for case in cases]
        machine = results[0].measured.probe.machine
        seconds = math.fsum(result.seconds for result in results)
        whole[name] = Stored(measured_of(machine, [seconds]), 1.0, max(result.when for result in results))
    return whole


def _probes(results: Mapping[str, Stored]) -> dict[str, Stored]:
    """Those of instance types without GPUs, whose times may be the GPUs'."""
    return {name: result for name, result in results.items() if not is_accelerated(name)}


def _posterior(prior: Prior, results: Mapping[str, Stored], machines: Sequence[Machine]) -> Posterior:
    cpus = {machine.cpu for machine in machines}
    probes = sorted(
        (result.measured.probe for result in _probes(results).values()), key=lambda probe: probe.machine.name
    )
    near = [probe for probe in probes if probe.machine.cpu in cpus]
    far = sorted(
        (probe for probe in probes if probe.machine.cpu not in cpus),
        key=lambda probe: (probe.machine.vcpus, probe.machine.name),
    )
    left = MOST_PROBES - len(near)
    if len(far) > left > 0:  # of all sizes
        far = [far[place * len(far) // left] for place in range(left)]
    return condition(prior, [*near, *far][:MOST_PROBES], machines)


def _measured(case: str, result: Stored) -> CaseTime:
    measured = result.measured
    low, high = measured.low * result.runs, measured.high * result.runs
    return CaseTime(case, result.seconds, low, high, True, measured.launches, result.when)


def _predicted(
    case: str, results: Mapping[str, Stored], posterior: Posterior, machine: Machine, share: float = 1.0
) -> CaseTime:
    """A case on a machine that it was not measured on: as often as where it took about as long.

    pytest-benchmark runs what is fast more often, so that the runs of the nearest time are the likeliest.
    """
    place = posterior.machines.index(machine)
    low, middle, high = (math.exp(posterior.quantile(quantile, place)) for quantile in (0.025, 0.5, 0.975))
    nearest = min(
        results.values(),
        key=lambda result: (abs(math.log(result.measured.seconds / middle)), result.measured.probe.machine.name),
    )
    runs = nearest.runs * share
    return CaseTime(case, middle * runs, low * runs, high * runs, False, len(posterior.probes), "")
