"""The machine model's two files: what is common, and a row for each instance type."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.predict.model.specifications import Guessing, Specification

FOLDER = Path(__file__).parent / "data"
MODEL = "machine-model.json"
TYPES = "machine-types.csv"
SCHEMA = 1
TYPE_FACTORS = 4
COLUMNS = (
    "instance_type", "cpu", "sockets", "threads_per_core", "amx", "avx512", "sve", "mean", "mean_multi", "variance",
    "variance_multi", *(f"single_{place}" for place in range(1, TYPE_FACTORS + 1)),
    *(f"multi_{place}" for place in range(1, TYPE_FACTORS + 1)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cpu:
    """What is known of a CPU model; factors without unit, to be multiplied by the root of their amplitude."""

    name: str
    single: tuple[float, ...]
    multi: tuple[float, ...]
    specification: Specification | None = None
    """None of CPU models that special types alone have, or whose clock is not listed."""


@dataclass(frozen=True, slots=True)
class TypeRow:
    """What the model holds of an instance type; logarithms are natural ones of seconds, over the mean of all types."""

    cpu: Cpu
    sockets: int
    threads_per_core: int
    features: tuple[float, float, float]
    """1 or 0: has AMX, AVX-512, SVE; between them where it is a guess."""
    mean: float
    """Of workloads of one thread, growth by vCPUs aside."""
    mean_multi: float
    """What workloads of all threads add to it."""
    variance: float
    variance_multi: float
    single: tuple[float, ...]
    multi: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MachineTable:
    """The machine model."""

    types: Mapping[str, TypeRow]
    amplitudes: Mapping[str, float]
    octave_shares: tuple[float, ...]
    """Of the types, by which an average over octaves is taken."""
    guessing: Guessing
    """How CPU models that are not among them are guessed."""
    source: str
    licence: str


def load(folder: Path = FOLDER) -> MachineTable:
    """The model of a folder; the shipped one by default.

    Raises:
        PlanError: a file of it is missing or no such model.
    """
    try:
        document = json.loads((folder / MODEL).read_text(encoding="utf-8"))
        with (folder / TYPES).open(encoding="utf-8", newline="") as lines:
            return parse(document, csv.DictReader(lines))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise PlanError(
            f"{folder}: no machine model ({type(error).__name__}: {error}); it is made by "
            "python -m benchmarks.machinemodel"
        ) from error


def parse(document: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> MachineTable:
    """The model from its two files' values.

    Raises:
        ValueError, KeyError, IndexError, TypeError: they are no such model.
    """
    if document["schema"] != SCHEMA:
        raise ValueError(f"its schema is {document['schema']!r}, this version reads {SCHEMA}")
    cpus = [_cpu(cpu) for cpu in document["cpus"]]
    guessing = dict(document["guessing"])
    return MachineTable(
        {row["instance_type"]: _row(row, cpus) for row in rows},
        {name: float(value) for name, value in document["amplitudes"].items()},
        tuple(map(float, document["octave_shares"])),
        Guessing(**{**guessing, "clock": tuple(guessing["clock"])}),
        document["source"],
        document["licence"],
    )


def _cpu(cpu: Mapping[str, Any]) -> Cpu:
    specification = cpu.get("specification")
    return Cpu(
        cpu["name"],
        tuple(cpu["single"]),
        tuple(cpu["multi"]),
        Specification(**specification) if specification else None,
    )


def _row(row: Mapping[str, Any], cpus: Sequence[Cpu]) -> TypeRow:
    amx, avx512, sve = (float(row[name]) for name in ("amx", "avx512", "sve"))
    single, multi = (
        tuple(float(row[f"{kind}_{place}"]) for place in range(1, TYPE_FACTORS + 1)) for kind in ("single", "multi")
    )
    return TypeRow(
        cpus[int(row["cpu"])],
        int(row["sockets"]),
        int(row["threads_per_core"]),
        (amx, avx512, sve),
        float(row["mean"]),
        float(row["mean_multi"]),
        float(row["variance"]),
        float(row["variance_multi"]),
        single,
        multi,
    )
