"""airspeed velocity's results folder, for ``asv publish``, ``asv show`` and ``asv compare``.

Source: airspeed-velocity/asv 0.6: ``asv/benchmarks.py`` (benchmarks.json, version 2), ``asv/machine.py`` (machine.json,
version 1), ``asv/results.py`` (``<commit>-<environment>.json``, version 2, with its columns), ``asv/_stats.py`` and
``asv/commands/compare.py`` (what is done with samples and intervals), ``asv/util.py`` (``sanitize_filename``, which
names must pass unchanged for asv's regressions to find them); its developer docs, "Benchmark suite layout and file
formats".

Decided here: asv takes samples as independent, and rounds of one process are not; so a sample is a launch, its median.
``stats_ci_99`` is the interval of the median by order statistics, and infinite where there are fewer than 8 launches,
as asv's own is of too few samples: it then never says that a difference is sure, but of a single sample on either side,
where it looks at the size of the difference alone. Of a single launch, the quartiles are its rounds'. A benchmark is a
whole test id, as pytest's parameters need not be a full product; a dirty working tree is an environment of its own.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from pytest_benchmark_aws.core.compare.machine_info import MachineInfo
from pytest_benchmark_aws.core.compare.records import Record
from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.values.file_names import safe_name
from pytest_benchmark_aws.report.export.measurements import Export, shortened, unique_names

BENCHMARKS = "benchmarks.json"
MACHINE = "machine.json"
LONGEST_NAME = 200
"""Bytes of a benchmark's name: asv makes a file's name of it."""
COLUMNS = (
    "result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25",
    "stats_q_75", "stats_number", "stats_repeat", "samples",
)  # fmt: skip
USD = ".usd_per_run"
_VERSION = "1"
"""The version of each benchmark: asv shows results of the version that benchmarks.json has."""
_COMMIT = re.compile("[0-9a-f]{40}")


def export(records: Sequence[Record]) -> Export:
    """benchmarks.json, and for each machine machine.json and a file for each commit and Python.

    Raises:
        PlanError: no result is of a known commit, which asv shows results by.
    """
    committed = [record for record in records if _COMMIT.fullmatch(record.commit.id)]
    if records and not committed:
        raise PlanError(
            f"asv shows results by commit, and none of {len(records):,} is of one: run the benchmarks in a git checkout"
        )
    lost = []
    if len(committed) < len(records):
        lost.append(f"{len(records) - len(committed):,} results of no known commit")
    groups = _groups(committed)
    names = unique_names({case: benchmark_name(case) for _, case in groups})
    machines = {record.machine.name: record.machine for record in reversed(committed)}
    folders = unique_names({name: safe_name(name) for name in machines})
    files: dict[str, Any] = {BENCHMARKS: _benchmarks(groups, names)}
    for name in sorted(machines):
        files[f"{folders[name]}/{MACHINE}"] = {**_machine(machines[name], folders[name]), "version": 1}
    for (place, case), members in sorted(groups.items(), key=itemgetter(0)):
        machine, commit, environment = place
        path = f"{folders[machine]}/{commit[:8]}-{environment}.json"
        if path not in files:
            files[path] = _results_file(members[0], folders[machine], environment)
        files[path]["results"].update(_results(names[case], members))
    lost += _lost(groups)
    stays = frozenset(path for path in files if path.endswith(f"/{MACHINE}"))
    return Export(files, len(groups), tuple(lost), grows=frozenset({BENCHMARKS}), stays=stays)


_Groups = dict[tuple[tuple[str, str, str], str], list["Record"]]


def _groups(records: Sequence[Record]) -> _Groups:
    """(machine, commit, environment) and case -> a record for each launch."""
    groups: _Groups = {}
    for table in compare_records(records, row_of="commit").tables:
        for row in table.rows:
            for record in row.records:
                place = (record.machine.name, record.commit.id, environment_name(record))
                groups.setdefault((place, record.case), []).append(record)
    return groups


def _lost(groups: _Groups) -> list[str]:
    """What asv's files have no place for, in phrases."""
    rounds = sum(record.round_count for members in groups.values() for record in members)
    rated = sum(members[0].unit != "runs" for members in groups.values())
    flagged = sum(any(record.flags for record in members) for members in groups.values())
    lost = [f"{rounds:,} rounds, as a launch is one sample; and prices an hour"]
    alone = sum(len(members) == 1 for members in groups.values())
    if alone:
        lost.append(
            f"how unsure {alone:,} results of one launch are: asv judges them by the size of a difference alone"
        )
    if rated:
        lost.append(f"the throughput of {rated:,} results: asv takes less for better")
    if flagged:
        lost.append(f"the reasons to doubt {flagged:,} results: see pytest-benchmark-aws compare")
    return lost


def benchmark_name(case: str) -> str:
    """``benchmarks/test_it.py::test_it[a/b]`` as asv's dotted name, without characters that no file's name may have."""
    head, bracket, rest = case.partition("[")
    path, *inner = head.split("::")
    dotted = ".".join([path.removesuffix(".py").replace("/", "."), *inner])
    plain = re.sub(r'[<>:"/\\^|?*\x00-\x1f]', "_", f"{dotted}{bracket}{rest}")
    return shortened(plain, LONGEST_NAME - len(USD) - 16)


def environment_name(record: Record) -> str:
    """``python3.11``, or ``python3.11-dirty``."""
    python = safe_name(record.machine.python or "")[:20] if record.machine.python else ""
    return f"python{'.'.join(python.split('.')[:2])}" + "-dirty" * record.commit.dirty


def _benchmarks(groups: _Groups, names: Mapping[str, str]) -> dict[str, Any]:
    benchmarks: dict[str, Any] = {}
    for (_, case), members in sorted(groups.items(), key=lambda group: group[0][1]):
        name = names[case]
        benchmarks[name] = _benchmark(name, case, "time", "seconds")
        if members[0].machine.usd_per_hour is not None:
            benchmarks[name + USD] = _benchmark(name + USD, f"{case}: USD a run", "track", "USD")
    return {**dict(sorted(benchmarks.items())), "version": 2}


def _benchmark(name: str, case: str, kind: str, unit: str) -> dict[str, Any]:
    return {
        "code": case,
        "name": name,
        "param_names": [],
        "params": [],
        "pretty_name": case,
        "timeout": 60.0,
        "type": kind,
        "unit": unit,
        "version": _VERSION,
    }


def _machine(machine: MachineInfo, name: str) -> dict[str, str]:
    """A machine's facts in the fields that asv has, all of them text."""
    cpu = machine.cpu or ""
    return {
        "arch": machine.arch or "",
        "cpu": f"{cpu} (simulated: embedded AWS)".strip() if machine.embedded else cpu,
        "machine": name,
        "num_cpu": str(machine.vcpus or ""),
        "os": machine.system or "",
        "ram": str(machine.memory_bytes or ""),
    }


def _results_file(record: Record, machine: str, environment: str) -> dict[str, Any]:
    python = environment.removeprefix("python").removesuffix("-dirty")
    date = _milliseconds(record.commit.time) or _milliseconds(record.when) or 0
    return {
        "commit_hash": record.commit.id,
        "date": date,
        "durations": {},
        "env_name": environment,
        "env_vars": {},
        "params": {**_machine(record.machine, machine), "python": python, "dirty": str(record.commit.dirty).lower()},
        "python": python,
        "requirements": {},
        "result_columns": list(COLUMNS),
        "results": {},
        "version": 2,
    }


def _results(name: str, members: Sequence[Record]) -> dict[str, list[Any]]:
    samples = sorted(record.median for record in members)
    seconds = statistics.median(samples)
    started = min(filter(None, (_milliseconds(record.when) for record in members)), default=None)
    low, high = interval(samples)
    if len(samples) > 1:
        first, _, third = statistics.quantiles(samples, n=4, method="inclusive")
    else:
        first, third = members[0].quartiles or (seconds, seconds)
    stats = [[low], [high], [first], [third], [1], [len(samples)]]
    results = {name: [[seconds], [], _VERSION, started, None, *stats, [samples]]}
    price = members[0].machine.usd_per_hour
    if price is not None:
        results[name + USD] = [[float(usd(price, seconds))], [], _VERSION, started]
    return results


def interval(ordered: Sequence[float]) -> tuple[float, float]:
    """The interval of the median at 99 percent at least, by order statistics; infinite where samples are too few.

    The r-th of n lies above the median with the probability that a fair coin falls heads less than r times of n.
    """
    count, tail, rank = len(ordered), 0.0, 0
    while rank < count and tail + math.comb(count, rank) / 2**count <= 0.005:
        tail += math.comb(count, rank) / 2**count
        rank += 1
    return (ordered[rank - 1], ordered[-rank]) if rank else (-math.inf, math.inf)


def _milliseconds(text: str | None) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 time; None where the text is none."""
    try:
        return round(datetime.fromisoformat((text or "").replace("Z", "+00:00")).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
