"""``--aws-search``: which instance types a run launches on, chosen round by round from what came back.

A step is one launch that runs all selected cases; its time is the sum of their medians. Cases are collected for each
step (``test_it[search-1]``), and get their instance type when the step's turn comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends import registry
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.guest_tests import cases_of
from pytest_benchmark_aws.core.model import Case, Job, Plan, Price, Target
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.core.values.usd import format_run_usd, format_usd
from pytest_benchmark_aws.predict import answer
from pytest_benchmark_aws.predict import search as steps_of
from pytest_benchmark_aws.predict.measured import Measured, measured_of
from pytest_benchmark_aws.predict.model.best import chance_of_better
from pytest_benchmark_aws.predict.model.posterior import Prior, Probe, condition
from pytest_benchmark_aws.report import predicted
from pytest_benchmark_aws.report.text import few

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.predict.model.machines import Machine
    from pytest_benchmark_aws.report.formats.text import Paint
    from pytest_benchmark_aws.run.ledger import Finished

_MOST_ROWS = 12


@dataclass(slots=True)
class Search:
    """A search while it goes on."""

    settings: Settings
    cases: Mapping[int, Sequence[Case]]
    """Of each step, from 1; their targets have no instance type yet."""
    prior: Prior
    candidates: Sequence[Machine]
    plan_of: Callable[[Sequence[Case]], Plan]
    """The plan of cases whose instance types are chosen."""
    note: Callable[[str], object] = lambda _: None
    earlier: Mapping[str, Measured] = field(default_factory=dict)
    """What the storage held of these cases, by instance type."""
    chosen: dict[int, str] = field(default_factory=dict)
    """Step -> the instance type that it was launched on."""
    measured: dict[str, Measured] = field(default_factory=dict)
    """What this run's launches brought, by instance type."""
    refused: dict[str, str] = field(default_factory=dict)
    """Instance type -> why it is not launched on, or why its launch brought nothing."""
    lacking: set[str] = field(default_factory=set)
    """Bare ids of the tests that a launch brought no time of."""
    over: str = ""
    """Why the search ended."""

    @property
    def results(self) -> list[Measured]:
        """All that is measured: this run's before what was stored."""
        return list({**self.earlier, **self.measured}.values())

    @property
    def probes(self) -> list[Probe]:
        """The same, as the machine model takes it."""
        return [measured.probe for measured in self.results]

    def examples(self) -> list[Job]:
        """A job of each architecture that the candidates have, of the first step's cases: what is to be shipped."""
        catalog = snapshot.catalog()
        jobs: dict[str, Job] = {}
        for machine in self.candidates:
            job = job_of(catalog.types[machine.name], self.cases[1], self.settings)
            jobs.setdefault(job.platform, job)
        return list(jobs.values())

    def first_plan(self) -> Plan:
        """The plan of the first round, of which nothing is launched yet.

        Raises:
            PlanError: no candidate can be launched within the cost.
        """
        plan = self._round(self.settings.max_cost_usd, lambda _: ())
        if not plan.jobs and not self.probes:
            why = self.over or self._why()
            raise PlanError(
                f"--aws-search: none of {_counted(len(self.candidates), 'candidate')} can be launched: {why}; raise "
                "--aws-max-cost, lower --aws-time-limit, or name other types with --aws-instance-type"
            )
        return plan

    def resumed(self, chosen: Mapping[int, str]) -> Plan:
        """The plan of the steps that an earlier process of the run launched."""
        self.chosen = {step: name for step, name in sorted(chosen.items()) if step in self.cases}
        plans = [self.plan_of(self._cases(step, name)) for step, name in self.chosen.items()]
        return _joined(plans)

    def more(
        self,
        ended: Sequence[Finished],
        left_usd: Decimal,
        problems: Callable[[Job], Sequence[str]],
    ) -> list[Job]:
        """The jobs of the next round, once all before are over; none where the search is."""
        for launch in ended:
            self._take(launch)
        if any(launch.outcome.outcome.startswith("error: interrupted") for launch in ended):
            self.over = "interrupted"
            return []
        if ended and not self.measured:
            self.over = f"no launch of the first round brought the times of all tests: {self._lacking()}"
            self.note(f"search: {self.over}")
            return []
        plan = self._round(left_usd, problems)
        if self.over:
            self.note(f"search: {self.over}")
        return list(plan.jobs)

    def _lacking(self) -> str:
        return f"{few(sorted(self.lacking)) or 'all'}; mend these tests, or leave them out with --deselect or -k"

    def _why(self) -> str:
        reasons = list(dict.fromkeys(self.refused.values()))[:3]
        cap_usd = self.settings.max_cost_usd + self.settings.services_usd
        less = f" beside {format_usd(self.settings.services_usd)} USD of managed services"
        of_services = less if self.settings.services_usd else ""
        return "; ".join(reasons) or f"each could cost more than --aws-max-cost {cap_usd} USD allows{of_services}"

    def _take(self, launch: Finished) -> None:
        """What a launch brought: the sum of its cases' medians, if each has one."""
        name = launch.job.instance_type.name
        if name in self.measured or name in self.refused:
            return
        ids = [case.bare_id for case in launch.job.cases]
        tests = cases_of(launch.outcome.lines, ids).by_id
        medians = [[bench["stats"]["median"] for bench in tests[node_id].benchmarks] for node_id in ids]
        if not all(medians):
            lacking = [node_id for node_id, times in zip(ids, medians, strict=True) if not times]
            self.lacking.update(lacking)
            self.refused[name] = f"it lacks {few(lacking)}"
            self.note(f"search: {name} lacks the time of {few(lacking)}: {launch.outcome.outcome}")
            return
        seconds = math.fsum(map(math.fsum, medians))
        machine = next(machine for machine in self.candidates if machine.name == name)
        self.measured[name] = measured_of(machine, [seconds])
        self.note(f"search: {name} takes {_taken(machine, seconds)}")

    def _round(self, left_usd: Decimal, problems: Callable[[Job], Sequence[str]]) -> Plan:
        """The next launches that nothing is against and the cap allows all at once."""
        plans: list[Plan] = []
        room = len(self.cases) - len(self.chosen)
        if room <= 0:
            self.over = "all launches of the search are made"
        while len(plans) < min(room, steps_of.at_once(len(self.probes))):
            reserved = sum((plan.most_usd for plan in plans), Decimal(0))
            able = [machine for machine in self.candidates if self._most_usd(machine) <= left_usd - reserved]
            tried = {*self.refused, *self.measured, *self.earlier, *self.chosen.values()}
            if not plans and len(able) < len(self.candidates) and {machine.name for machine in able} <= tried:
                self.over = f"the {format_usd(left_usd)} USD that --aws-max-cost leaves allow no launch more"
                break
            step = steps_of.next_step(
                self.prior, able, self.probes, [_machine(plan, self.candidates) for plan in plans], tried,
                self.settings.search or "cheapest", self.settings.search_regret,
            )  # fmt: skip
            if step.machine is None:
                self.over = self.over if plans else step.why
                break
            number = max(self.chosen, default=0) + 1
            plan = self.plan_of(self._cases(number, step.machine.name))
            against = [reason for misfit in plan.misfits for reason in misfit.reasons]
            against += [problem for job in plan.jobs for problem in problems(job)]
            if against:
                self.refused[step.machine.name] = against[0]
                self.note(f"search: not {step.machine.name}: {against[0]}")
            else:
                self.chosen[number] = step.machine.name
                plans.append(plan)
                self.note(f"search: {number} of {len(self.cases)}: {step.machine.name}, {step.why}")
        return _joined(plans)

    def _most_usd(self, machine: Machine) -> Decimal:
        """The most that a launch on the machine costs, by the catalog's price."""
        return most_usd(job_of(snapshot.catalog().types[machine.name], self.cases[1], self.settings))

    def _cases(self, step: int, name: str) -> list[Case]:
        return [replace(case, target=replace(case.target, instance_type=name)) for case in self.cases[step]]

    def skipped(self) -> dict[str, str]:
        """Node id -> why it was not run: the cases of steps that were never launched."""
        launches = _counted(len(self.chosen), "launch")
        reason = f"the search ended after {launches}: {self.over or 'the run broke off'}"
        return {case.node_id: reason for step, cases in self.cases.items() if step not in self.chosen for case in cases}

    def types(self) -> dict[str, str]:
        """Node id -> the instance type that it ran on."""
        return {case.node_id: name for step, name in self.chosen.items() for case in self.cases[step]}

    def write(self, reporter: Any) -> None:
        """Writes the answer to the terminal."""
        for line, paint in self.lines():
            reporter.write_line(line, **({paint: True} if paint else {}))

    def lines(self) -> list[tuple[str, Paint]]:
        """The answer, how sure it is, and what the candidates were worth, with their colours; the first is a title."""
        probes = self.probes
        if not probes:
            return [(f"search: no answer, as nothing was measured; {self.over or 'the run broke off'}", "bold")]
        goals = steps_of.goals_of(self.settings.search or "cheapest")
        names = {machine.name for machine in self.candidates}
        machines = [*self.candidates, *(probe.machine for probe in probes if probe.machine.name not in names)]
        posterior = condition(self.prior, probes, machines)
        candidates = condition(self.prior, probes, self.candidates)
        earlier = len(set(self.earlier) - set(self.measured))
        title = f"search: {_counted(len(self.measured), 'launch')}"
        title += f" and {_counted(earlier, 'earlier result')}" if earlier else ""
        lines: list[tuple[str, Paint]] = [
            (f"{title}, {_counted(len(self.candidates), 'candidate')}; {self.over or 'not ended'}", "bold")
        ]
        for goal in goals:
            best = steps_of.best_of([probe for probe in probes if probe.machine.name in names], goal)
            if best is None:
                continue
            better = chance_of_better(candidates, goal, self.settings.search_regret)
            word = "cheapest" if goal == "usd" else "fastest"
            taken = _taken(best.machine, math.exp(best.log_seconds))
            sure = f"{1 - better:.0%} sure that no other is better by more than {self.settings.search_regret:.0%}"
            lines.append((f"▸ {word}: {best.machine.name}, {taken}; {sure}", "cyan"))
        rows = answer.rows_of(posterior, self.results, goals[0], names)
        return [*lines, *predicted.table_lines(rows, _MOST_ROWS), ("● measured, ○ predicted", "")]


def steps_in(lines: Iterable[Mapping[str, object]]) -> dict[int, str]:
    """Step -> the instance type that it was launched on, by a journal's lines."""
    chosen = {}
    for line in lines:
        name = str(line.get("job", ""))
        number = name.removeprefix("search-")
        if line.get("kind") == "intent" and name != number and number.isdecimal() and line.get("instance_type"):
            chosen[int(number)] = str(line["instance_type"])
    return chosen


def job_of(instance_type: InstanceType, cases: Sequence[Case], settings: Settings) -> Job:
    """A job as one on this type would be, by the catalog's price."""
    target = replace(cases[0].target, instance_type=instance_type.name) if cases else Target(instance_type.name)
    price = Price(instance_type.usd_per_hour or Decimal(0), "the catalog")
    grace_s = registry.grace_s(target)
    return Job(target, instance_type, tuple(cases), price, settings.time_limit_s, grace_s=grace_s)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('ch') else 's'}"


def _joined(plans: Sequence[Plan]) -> Plan:
    jobs = tuple(job for plan in plans for job in plan.jobs)
    lost = tuple(misfit for plan in plans for misfit in plan.misfits)
    return Plan(jobs, lost, sum((plan.most_usd for plan in plans), Decimal(0)))


def _machine(plan: Plan, machines: Sequence[Machine]) -> Machine:
    return next(machine for machine in machines if machine.name == plan.jobs[0].instance_type.name)


def _taken(machine: Machine, seconds: float) -> str:
    price = machine.usd_per_hour
    cost = "" if price is None else f", {format_run_usd(Decimal(repr(price * seconds / 3600)))} USD a run"
    return f"{format_seconds(seconds)}{cost}"
