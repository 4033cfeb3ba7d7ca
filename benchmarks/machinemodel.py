"""Fits the machine model that the plugin ships: ``python -m benchmarks.machinemodel MEASURED.csv``.

MEASURED.csv has a row for each instance type: cpu_model, vcpus, threads_per_core, sockets, amx, avx512, sve, and a
column for each workload with its rate (more is faster; blank: not measured). The files that are shipped hold factors,
means and variances fitted to them, not the measurements. Source of the shipped ones: Spare Cores
(SpareCores/sc-inspector-data, 2026-08-22), CC BY-SA 4.0; ``--sparecores`` reads Spare Cores' public database in place
of a CSV (extra ``[scores]``, needs network).

How a workload's logarithm of seconds on a type is thought of: a level, its kind's growth by vCPUs (taken out here,
octave by octave), a mean over workloads of one thread and another over workloads of all threads, factors of the CPU
models (principal components of the means over each CPU model's types), factors of the single types, and a variance
that is each type's own.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import unseenmodel
from pytest_benchmark_aws.predict.model.kinds import OCTAVES
from pytest_benchmark_aws.predict.model.machines import is_special
from pytest_benchmark_aws.predict.model.table import COLUMNS, FOLDER, MODEL, TYPES, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SOURCE = "Spare Cores, SpareCores/sc-inspector-data, state of 2026-08-22"
LICENCE = "CC BY-SA 4.0 (derived figures)"
CPU_FACTORS, TYPE_FACTORS = 5, 4
_OWN = ("instance_type", "cpu_model", "vcpus", "threads_per_core", "sockets", "l3", "amx", "avx512", "sve")
AMPLITUDES = {
    "cpu_single": 0.2, "cpu_multi": 0.11, "type": 0.165, "own": 0.01, "smt": 0.03, "cpu_multi_own": 0.003,
    "cpu_scaling": 4.5e-5, "linear": 1.2e-4, "octave_vcpus": 2.2e-4, "octave_cores": 6.8e-5, "noise": 4.5e-5,
    "wider_machines": 7.4, "wider_scaling": 81.0, "single_scaling": 0.06, "wider_own": 2.2, "vendor": 0.0136,
    "features": 0.022, "sockets": 1.2e-4, "memory": 8.3e-5, "cpu": 0.0045, "widen": 1.12,
}  # fmt: skip
"""Variances and factors of them, by a search along the coordinates for the density that probes of a tool's workloads
give to its other types, the tool being left out of the fit; ``widen`` makes intervals hold what they say there."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Rates of workloads on instance types."""

    types: tuple[dict[str, str], ...]
    workloads: tuple[str, ...]
    log_seconds: Array
    """Of types x workloads, natural logarithm of 1 / rate; NaN where it was not measured."""

    @property
    def tools(self) -> list[str]:
        """The tool of each workload: what stands before its colon, Geekbench's two as one."""
        return [tool_of(name) for name in self.workloads]


def tool_of(workload: str) -> str:
    """``openssl`` of ``openssl all threads: sha256``: workloads of one tool are alike, and are left out together."""
    for tool in ("memory bandwidth", "geekbench", "stress-ng", "passmark", "openssl", "compression"):
        if workload.startswith(tool):
            return tool
    return workload.partition(":")[0]


def read_measured(path: Path) -> Measured:
    """The measured table of a CSV file, without burstable types, whose rate depends on their credits."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if not is_burstable(row["instance_type"])]
    workloads = tuple(name for name in rows[0] if name not in _OWN)
    rates = [[float(row[name]) if row[name] else math.nan for name in workloads] for row in rows]
    logs = -np.log(np.where(np.array(rates) > 0, rates, np.nan))
    return Measured(tuple({name: row[name] for name in _OWN} for row in rows), workloads, logs)


def is_burstable(name: str) -> bool:
    """Whether it is of the families t1 to t4g."""
    return name[0] == "t" and name[1].isdigit()


def fit(measured: Measured, workloads: Sequence[int]) -> tuple[dict[str, Any], list[dict[str, object]]]:
    """The model's two files as values: what is common, and a row for each type.

    Args:
        measured: types x workloads.
        workloads: the columns that count.
    """
    types = measured.types
    cpus = sorted({row["cpu_model"] for row in types})
    member = np.eye(len(cpus))[[cpus.index(row["cpu_model"]) for row in types]]
    vcpus = np.array([int(row["vcpus"]) for row in types])
    octaves = np.clip(np.log2(vcpus)[:, None] - np.arange(1, OCTAVES + 1), 0, 1)
    sizes = np.array([np.sum(vcpus >= 2**place) for place in range(1, 7)], float)
    sizes /= sizes.sum()
    logs = _filled(measured.log_seconds[:, list(workloads)])
    logs -= logs.mean(0)
    slopes = np.array([_slopes(column, octaves, member) for column in logs.T])
    share = slopes[:, :6] @ sizes
    flat = logs + math.log(2) * octaves @ slopes.T
    flat -= flat.mean(0)
    counts = Counter(tool_of(measured.workloads[place]) for place in workloads)
    weight = np.array([1 / math.sqrt(counts[tool_of(measured.workloads[place])]) for place in workloads])
    weight /= weight.sum()
    design = np.stack([np.ones(len(share)), share], 1)
    means = np.linalg.solve(
        design.T @ (design * weight[:, None]) + np.diag([1e-6, 0.02]), (design * weight[:, None]).T @ flat.T
    )
    rest = flat - (design @ means).T
    part = np.clip(share, 0, 1)
    usual = np.array([not is_special(row["instance_type"]) for row in types])
    single = _factors(rest, weight * (1 - part) ** 2, member, usual)
    multi = _factors(rest, weight * part**2, member, usual)
    model: dict[str, Any] = {
        "schema": 1,
        "source": SOURCE,
        "licence": LICENCE,
        "workloads": len(workloads),
        "amplitudes": AMPLITUDES,
        "octave_shares": _rounded(sizes),
        "cpus": [
            {"name": name, "single": _rounded(single[0][place]), "multi": _rounded(multi[0][place])}
            for place, name in enumerate(cpus)
        ],
    }
    rows = []
    for place, row in enumerate(types):
        values = [
            row["instance_type"], cpus.index(row["cpu_model"]), int(row["sockets"] or 1),
            int(row["threads_per_core"] or 1), *(int(float(row[name] or 0)) for name in ("amx", "avx512", "sve")),
            *_rounded([means[0, place], means[1, place]]), *_rounded([single[2][place], multi[2][place]]),
            *_rounded(single[1][place]), *_rounded(multi[1][place]),
        ]  # fmt: skip
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    parsed = parse({**model, "guessing": asdict(unseenmodel.START)}, rows)
    guessing, specifications = unseenmodel.fit(parsed.types, AMPLITUDES)
    model["guessing"] = unseenmodel.as_document(guessing)
    for cpu in model["cpus"]:
        if cpu["name"] in specifications:
            cpu["specification"] = unseenmodel.specification_document(specifications[cpu["name"]])
    return model, rows


def _filled(logs: Array, rank: int = 12, rounds: int = 30) -> Array:
    """Without gaps: what was not measured is what a low-rank approximation of the rest says."""
    missing = np.isnan(logs)
    level = np.nanmean(logs, 0)
    filled = np.where(missing, 0.0, logs - level)
    for _ in range(rounds):
        centre = filled.mean(1, keepdims=True)
        left, size, right = np.linalg.svd(filled - centre, full_matrices=False)
        rank = min(rank, len(size))
        filled[missing] = (centre + (left[:, :rank] * size[:rank]) @ right[:rank])[missing]
    return np.where(missing, filled + level, logs)


def _slopes(column: Array, octaves: Array, member: Array) -> Array:
    """Of each octave, log2 of the rate gained, CPU models aside (ridge regression)."""
    design = np.concatenate([octaves, member], 1)
    ridge = np.diag([0.5] * octaves.shape[1] + [0.1] * member.shape[1])
    solved: Array = np.linalg.solve(design.T @ design + ridge, design.T @ column)
    return -solved[: octaves.shape[1]] / math.log(2)


def _factors(rest: Array, weight: Array, member: Array, usual: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """Of CPU models, of types, and the variance that is each type's own; the axes are those of usual types."""
    weighed = rest * np.sqrt(weight / weight.sum())
    counted = member * usual[:, None]
    counted = np.where(counted.sum(0) > 0, counted, member)
    by_cpu = (counted.T @ weighed) / counted.sum(0)[:, None]
    own = weighed - member @ by_cpu
    common = counted.sum(0) > 0
    axes = np.linalg.svd(by_cpu[common], full_matrices=False)[2][:CPU_FACTORS].T
    axes_own = np.linalg.svd(own[usual], full_matrices=False)[2][:TYPE_FACTORS].T
    return by_cpu @ axes, own @ axes_own, (own**2).sum(1)


def _rounded(values: Sequence[float] | Array) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def write(model: dict[str, Any], rows: Sequence[dict[str, object]], folder: Path) -> None:
    """Writes the model's two files."""
    lines = json.dumps(model, indent=1).replace("\n   ", " ").replace("\n  ]", "]")
    (folder / MODEL).write_text(f"{lines}\n", encoding="utf-8")
    with (folder / TYPES).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Fits to all workloads and writes what the plugin ships."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("measured", type=Path, nargs="?", help="the CSV file of rates")
    parser.add_argument(
        "--sparecores",
        nargs="?",
        const="",
        metavar="FILE",
        help="Spare Cores' database in place of a CSV file: this one, or the newest (extra [scores], needs network)",
    )
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="folder (default: the plugin's)")
    options = parser.parse_args()
    if (options.measured is None) == (options.sparecores is None):
        parser.error("give a CSV file of rates, or --sparecores")
    if options.sparecores is not None:
        from benchmarks import sparecores

        measured = sparecores.read(Path(options.sparecores) if options.sparecores else sparecores.database())
    else:
        measured = read_measured(options.measured)
    model, rows = fit(measured, range(len(measured.workloads)))
    write(model, rows, options.output)
    print(f"{len(rows):,} types, {len(measured.workloads)} workloads -> {options.output / TYPES}, {MODEL}")


if __name__ == "__main__":
    main()
