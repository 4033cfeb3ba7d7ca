"""How often a translated baseline judges rightly: ``python -m benchmarks.backtest_translate MEASURED.csv``.

Leave-tool-out as in ``benchmarks.backtest``: baselines are random instance types, of the size of the new type or of
any, and the new result is what was measured there, unchanged or so many times as slow. ``compare --translate-to`` calls
worse what lies above the 95 % interval.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.backtest import eligible, truths
from benchmarks.machinemodel import Measured, fit, read_measured, tool_of
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.predict.measured import LAUNCH_DEVIATION
from pytest_benchmark_aws.predict.model.machines import Machine, machines_of
from pytest_benchmark_aws.predict.model.posterior import Prior, Probe, condition, prior_of
from pytest_benchmark_aws.predict.model.table import parse

COUNTS = (1, 2, 3, 5)
SLOWER = (1.5, 2.0, 3.0)
TRIALS = 8
"""Of each workload, count and choice of baselines."""

Outcome = tuple[bool, float, float, float]
"""Whether the baselines have the new type's size; the truth and the interval's ends, logarithms over the middle."""


def outcomes(
    prior: Prior, machines: Sequence[Machine], truth: Mapping[str, float], count: int, source: random.Random
) -> list[Outcome]:
    """Of random baselines of one workload."""
    found = []
    for _ in range(TRIALS):
        target = source.choice(machines)
        for same in (True, False):
            others = [m for m in machines if m is not target and (not same or m.vcpus == target.vcpus)]
            if len(others) < count:
                continue
            chosen = source.sample(others, count)
            probes = [Probe(machine, truth[machine.name], LAUNCH_DEVIATION**2) for machine in chosen]
            posterior = condition(prior, probes, [target])
            low, middle, high = (posterior.quantile(share, 0) for share in (0.025, 0.5, 0.975))
            found.append((same, truth[target.name] - middle, low - middle, high - middle))
    return found


def _tool(measured: Measured, tool: str, workloads: Sequence[int]) -> dict[int, list[Outcome]]:
    prior = prior_of(parse(*fit(measured, [p for p, name in enumerate(measured.workloads) if tool_of(name) != tool])))
    types = [t for t in snapshot.catalog().types.values() if eligible(t) and t.usd_per_hour]
    known = machines_of(types, prior.table)
    found: dict[int, list[Outcome]] = {count: [] for count in COUNTS}
    for place in workloads:
        truth = truths(measured, place)
        machines = [machine for machine in known if machine.name in truth]
        for count in COUNTS:
            source = random.Random(f"{measured.workloads[place]} {count}")
            found[count] += outcomes(prior, machines, truth, count, source)
    return found


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("measured", type=Path, help="the CSV file of rates: see benchmarks/machinemodel.py")
    measured = read_measured(parser.parse_args().measured)
    tools: dict[str, list[int]] = {}
    for place, name in enumerate(measured.workloads):
        tools.setdefault(tool_of(name), []).append(place)
    found: dict[int, list[Outcome]] = {count: [] for count in COUNTS}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for job in [pool.submit(_tool, measured, tool, places) for tool, places in tools.items()]:
            for count, rows in job.result().items():
                found[count] += rows
    titles = ["baselines", "of the size", "tried", "held", "called worse", "upper end"]
    print("  ".join(f"{title:>12}" for title in [*titles, *(f"{slower:g} times" for slower in SLOWER)]))
    for same in (True, False):
        for count in COUNTS:
            trials = [row[1:] for row in found[count] if row[0] == same]
            held = statistics.fmean(low <= off <= high for off, low, high in trials)
            worse = [statistics.fmean(off + math.log(s) > high for off, _, high in trials) for s in (1.0, *SLOWER)]
            upper = math.exp(statistics.median(high for *_, high in trials))
            cells = [str(count), "the same" if same else "any", f"{len(trials):,}", f"{held:.1%}", f"{worse[0]:.1%}"]
            cells += [f"{upper:.2f} times", *(f"{share:.0%}" for share in worse[1:])]
            print("  ".join(f"{cell:>12}" for cell in cells))


if __name__ == "__main__":
    main()
