"""How well the machine model predicts what it was not shown: ``python -m benchmarks.backtest MEASURED.csv``.

Leave-tool-out: the workloads of one tool are predicted by a model fitted to the other tools', by the code that the
plugin ships. Probes are chosen one after the other, as ``predict --next`` does. Errors are of predicted over measured
seconds, for types that were not probed; a search begins with three designed probes and goes on by what may be better.
With ``--cpus`` it leaves out CPU models instead: all types of one CPU model are missing in the table, and are predicted
from probes on others, then with one more on one of them.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.machinemodel import Measured, fit, read_measured, tool_of
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.predict.model.best import Goal, worth_launching
from pytest_benchmark_aws.predict.model.design import FIRST, first_probes, narrowing, pool_of
from pytest_benchmark_aws.predict.model.machines import Machine, is_special, machines_of
from pytest_benchmark_aws.predict.model.posterior import Prior, Probe, condition, prior_of
from pytest_benchmark_aws.predict.model.table import MachineTable, parse

NOISE = 0.02**2
"""Variance of a probe's logarithm beside the type's own, which the measured table holds already."""
COUNTS = (5, 8)


@dataclass(frozen=True, slots=True)
class Score:
    """Of one workload: at each count of probes, then of the searches."""

    workload: str
    errors: dict[int, list[float]]
    naive: dict[int, list[float]]
    held: dict[int, float]
    """The share of types within the 95 % interval."""
    regret_usd: float
    regret_time: float
    random_usd: float


def eligible(instance_type: InstanceType) -> bool:
    """Whether it is among the types that are predicted in this test."""
    special = is_special(instance_type.name) or instance_type.burstable or instance_type.gpus
    return not special and (instance_type.vcpus or 0) >= 2


def score(prior: Prior, machines: Sequence[Machine], truth: dict[str, float], workload: str) -> Score:
    """One workload.

    Args:
        prior: of a model that has not seen the workload.
        machines: that are predicted.
        truth: natural logarithm of seconds by type.
        workload: its name.
    """
    machines = [machine for machine in machines if machine.name in truth]
    pool = pool_of(machines)
    probes = [_probe(machine, truth) for machine in first_probes(prior, pool, FIRST)]
    opening = list(probes)
    errors, naive, held = {}, {}, {}
    while True:
        if len(probes) in COUNTS:
            errors[len(probes)], held[len(probes)] = _errors(prior, probes, machines, truth)
            naive[len(probes)] = _naive(probes, machines, truth)
        if len(probes) == max(COUNTS):
            break
        chosen = narrowing(prior, probes, pool)
        assert chosen is not None
        probes.append(_probe(chosen, truth))
    return Score(
        workload, errors, naive, held, _regret(prior, opening, machines, truth, "usd"),
        _regret(prior, opening, machines, truth, "time"), _random_regret(machines, truth, workload),
    )  # fmt: skip


def _probe(machine: Machine, truth: dict[str, float]) -> Probe:
    return Probe(machine, truth[machine.name], NOISE)


def _errors(
    prior: Prior, probes: Sequence[Probe], machines: Sequence[Machine], truth: dict[str, float]
) -> tuple[list[float], float]:
    probed = {probe.machine.name for probe in probes}
    others = [machine for machine in machines if machine.name not in probed]
    posterior = condition(prior, probes, others)
    errors, inside = [], 0
    for place, machine in enumerate(others):
        actual = truth[machine.name]
        errors.append(abs(math.expm1(posterior.quantile(0.5, place) - actual)))
        inside += posterior.quantile(0.025, place) <= actual <= posterior.quantile(0.975, place)
    return errors, inside / len(others)


def _naive(probes: Sequence[Probe], machines: Sequence[Machine], truth: dict[str, float]) -> list[float]:
    """Flat or per vCPU, whichever fits the probes better."""
    flat = [probe.log_seconds for probe in probes]
    each = [probe.log_seconds + math.log(probe.machine.vcpus) for probe in probes]
    by_vcpus = statistics.pstdev(each) < statistics.pstdev(flat)
    level = statistics.fmean(each if by_vcpus else flat)
    return [
        abs(math.expm1(level - (math.log(machine.vcpus) if by_vcpus else 0.0) - truth[machine.name]))
        for machine in machines
    ]


def _value(machine: Machine, log_seconds: float, goal: str) -> float:
    return log_seconds + (math.log(machine.usd_per_hour or 1) if goal == "usd" else 0.0)


def _regret(
    prior: Prior, opening: Sequence[Probe], machines: Sequence[Machine], truth: dict[str, float], goal: Goal
) -> float:
    priced = [machine for machine in machines if machine.usd_per_hour]
    probes = list(opening)
    while len(probes) < max(COUNTS):
        place = worth_launching(condition(prior, probes, priced), goal)
        if place is None:
            break
        probes.append(_probe(priced[place], truth))
    best = min(_value(machine, truth[machine.name], goal) for machine in priced)
    return math.expm1(min(_value(probe.machine, probe.log_seconds, goal) for probe in probes) - best)


def _random_regret(machines: Sequence[Machine], truth: dict[str, float], seed: str) -> float:
    import random

    priced = [machine for machine in machines if machine.usd_per_hour]
    values = [_value(machine, truth[machine.name], "usd") for machine in priced]
    source = random.Random(seed)
    least = [min(source.sample(values, max(COUNTS))) for _ in range(50)]
    return math.expm1(statistics.median(least) - min(values))


def truths(measured: Measured, workload: int) -> dict[str, float]:
    """Natural logarithm of seconds by type, of those that were measured."""
    column = measured.log_seconds[:, workload]
    return {
        row["instance_type"]: float(value)
        for row, value in zip(measured.types, column, strict=True)
        if not math.isnan(value)
    }


def _tool(measured: Measured, tool: str, workloads: Sequence[int]) -> list[Score]:
    others = [place for place, name in enumerate(measured.workloads) if tool_of(name) != tool]
    prior = prior_of(parse(*fit(measured, others)))
    machines = _machines(prior.table)
    return [score(prior, machines, truths(measured, place), measured.workloads[place]) for place in workloads]


def _machines(table: MachineTable) -> list[Machine]:
    types = [t for t in snapshot.catalog().types.values() if eligible(t)]
    return [machine for machine in machines_of(types, table) if machine.usd_per_hour]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one workload on one type whose CPU model the fit never saw."""

    error: float
    naive: float
    held: bool
    times: float
    """How many times as long as the prediction the interval's upper end is, and the lower as short: their mean."""


def _cpu(measured: Measured, cpu: str, workloads: Sequence[int]) -> tuple[list[Outcome], list[Outcome]]:
    """On the types of a CPU model that no table row is of: after probes on others alone, and with one among them."""
    shown = [place for place, row in enumerate(measured.types) if row["cpu_model"] != cpu]
    hidden = {row["instance_type"] for row in measured.types if row["cpu_model"] == cpu}
    part = replace(measured, types=tuple(measured.types[i] for i in shown), log_seconds=measured.log_seconds[shown])
    without: list[Outcome] = []
    among: list[Outcome] = []
    for tool in sorted({tool_of(measured.workloads[place]) for place in workloads}):
        others = [place for place, name in enumerate(measured.workloads) if tool_of(name) != tool]
        prior = prior_of(parse(*fit(part, others)))
        machines = _machines(prior.table)
        chosen: dict[tuple[str, ...], list[Machine]] = {}
        """Names of the types that are seen -> the probes among them, which no workload's times decide."""
        for place in (place for place in workloads if tool_of(measured.workloads[place]) == tool):
            truth = truths(measured, place)
            seen = [machine for machine in machines if machine.name in truth and machine.name not in hidden]
            unseen = [machine for machine in machines if machine.name in truth and machine.name in hidden]
            if not unseen:
                continue
            names = tuple(machine.name for machine in seen)
            if names not in chosen:
                chosen[names] = first_probes(prior, pool_of(seen), max(COUNTS))
            probes = [_probe(machine, truth) for machine in chosen[names]]
            without += _outcomes(prior, probes, unseen, truth)
            middle = sorted(unseen, key=lambda machine: (machine.vcpus, machine.name))[(len(unseen) - 1) // 2]
            rest = [machine for machine in unseen if machine is not middle]
            among += _outcomes(prior, [*probes, _probe(middle, truth)], rest, truth)
    return without, among


def _outcomes(
    prior: Prior, probes: Sequence[Probe], machines: Sequence[Machine], truth: dict[str, float]
) -> list[Outcome]:
    posterior = condition(prior, probes, machines)
    outcomes = []
    for place, (machine, naive) in enumerate(zip(machines, _naive(probes, machines, truth), strict=True)):
        actual = truth[machine.name]
        low, middle, high = (posterior.quantile(share, place) for share in (0.025, 0.5, 0.975))
        held, times = low <= actual <= high, math.exp((high - low) / 2)
        outcomes.append(Outcome(abs(math.expm1(middle - actual)), naive, held, times))
    return outcomes


def _share(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _line(title: str, scores: Sequence[Score]) -> str:
    cells = [f"{title:<18} {len(scores):>5}"]
    for count in COUNTS:
        medians = [statistics.median(item.errors[count]) for item in scores]
        tails = [_share(item.errors[count], 0.9) for item in scores]
        naive = [statistics.median(item.naive[count]) for item in scores]
        held = statistics.fmean(item.held[count] for item in scores)
        cells.append(
            f"{statistics.median(medians):>8.1%} {statistics.median(tails):>7.1%} {held:>7.1%} "
            f"{statistics.median(naive):>7.1%}"
        )
    usd, time = [item.regret_usd for item in scores], [item.regret_time for item in scores]
    random = [item.random_usd for item in scores]
    cells.append(
        f"{statistics.median(usd):>8.1%} {_share(usd, 0.9):>7.1%} {statistics.median(time):>8.1%} "
        f"{_share(time, 0.9):>7.1%} {statistics.median(random):>8.1%}"
    )
    return "  ".join(cells)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("measured", type=Path, help="the CSV file of rates: see benchmarks/machinemodel.py")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th workload of a tool")
    parser.add_argument("--cpus", action="store_true", help="leave out CPU models, not tools")
    options = parser.parse_args()
    measured = read_measured(options.measured)
    tools: dict[str, list[int]] = {}
    for place, name in enumerate(measured.workloads):
        tools.setdefault(tool_of(name), []).append(place)
    tools = {tool: places[:: options.every] for tool, places in tools.items()}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        if options.cpus:
            _print_cpus(pool, measured, tools)
            return
        jobs = [
            pool.submit(_tool, measured, tool, places[start : start + 5])
            for tool, places in tools.items()
            for start in range(0, len(places), 5)
        ]
        scores = [item for job in jobs for item in job.result()]
    names = {row["instance_type"] for row in measured.types}
    count = sum(
        eligible(t) and t.name in names and t.usd_per_hour is not None for t in snapshot.catalog().types.values()
    )
    print(f"{len(scores)} workloads, each tool's predicted without it; {count} types that are not special.")
    print("Median over workloads of: median error; error that 90 % of types are within. Held: of 95 % intervals.\n")
    titles = ("--- 5 probes ---", "--- 8 probes ---", "--- search, 8 launches: regret ---")
    print(f"{'':<18} {'':>5}  {titles[0]:^32}  {titles[1]:^32}  {titles[2]:^42}")
    head = f"{'error':>8} {'90 %':>7} {'held':>7} {'naive':>7}"
    print(f"{'tool':<18} {'count':>5}  {head}  {head}  {'USD':>8} {'90 %':>7} {'time':>8} {'90 %':>7} {'random':>8}")
    for tool in tools:
        print(_line(tool, [item for item in scores if tool_of(item.workload) == tool]))
    print(_line("all", scores))


def _print_cpus(pool: ProcessPoolExecutor, measured: Measured, tools: dict[str, list[int]]) -> None:
    listed = {t.name for t in snapshot.catalog().types.values() if eligible(t) and t.usd_per_hour is not None}
    cpus = sorted({row["cpu_model"] for row in measured.types if row["instance_type"] in listed})
    workloads = [place for places in tools.values() for place in places]
    jobs = {cpu: pool.submit(_cpu, measured, cpu, workloads) for cpu in cpus}
    print("Interval: how many times as long or as short its ends are, median.\n")
    print(f"{'':<46} {'':>7}  {'--- 8 probes on others ---':^42}  {'--- and one on one of its types ---':^42}")
    head = f"{'error':>8} {'90 %':>8} {'held':>7} {'interval':>8} {'naive':>7}"
    print(f"{'CPU model that the fit never saw':<46} {'count':>7}  {head}  {head}")
    every: tuple[list[Outcome], list[Outcome]] = ([], [])
    for cpu, job in jobs.items():
        both = job.result()
        print(_cpu_line(cpu, both))
        for outcomes, more in zip(every, both, strict=True):
            outcomes.extend(more)
    print(_cpu_line("all", every))


def _cpu_line(title: str, both: tuple[list[Outcome], list[Outcome]]) -> str:
    cells = [f"{title:<46} {len(both[0]):>7,}"]
    for outcomes in filter(None, both):
        errors = [outcome.error for outcome in outcomes]
        held = statistics.fmean(outcome.held for outcome in outcomes)
        times = statistics.median(outcome.times for outcome in outcomes)
        naive = statistics.median(outcome.naive for outcome in outcomes)
        cells.append(
            f"{statistics.median(errors):>8.1%} {_share(errors, 0.9):>8.1%} {held:>7.1%} {times:>8.2f} {naive:>7.1%}"
        )
    return "  ".join(cells)


if __name__ == "__main__":
    main()
