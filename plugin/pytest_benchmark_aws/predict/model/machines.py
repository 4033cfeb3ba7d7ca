"""Instance types as the machine model sees them: by its table, a relative in it, or their specifications."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.core.instance_type_names import ec2_name, family_of
from pytest_benchmark_aws.predict.model.kinds import OCTAVES
from pytest_benchmark_aws.predict.model.table import Cpu, MachineTable, TypeRow

_OWN_FAMILY, _RELATIVE, _SPECIFICATIONS = 0.003, 0.02, 0.08
"""Variance more of what is not in the table: of a type whose family is in it, of one whose generation is under another
letter, and of one known by its specifications alone. From leaving out types, families and CPU models: see
``benchmarks/backtest.py``."""
_HIGH_MEMORY = ("u-", "u7")
_ACCELERATED = ("mac", "g", "p", "inf", "trn", "dl", "vt", "f")
_GENERATION = re.compile(r"([a-z]+?)(\d+)([a-z]*)")


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance type with what the model needs of it; vectors are scaled, so that a dot product is a covariance."""

    name: str
    vcpus: int
    usd_per_hour: float | None
    cpu: str
    vendor: str
    mean: float
    mean_multi: float
    variance: float
    variance_multi: float
    common: tuple[float, ...]
    single: tuple[float, ...]
    multi: tuple[float, ...]
    scaling: tuple[float, ...]
    basis: str
    """``measured``: its row is in the table; else what it is taken from, as in ``like m7g.large``."""
    current: bool

    @property
    def size(self) -> float:
        """How many doublings of 16 vCPUs."""
        return math.log2(self.vcpus) - 4


def machines_of(types: Iterable[InstanceType], table: MachineTable) -> list[Machine]:
    """The types that have vCPUs and memory, in their order; others are left out."""
    families: dict[str, list[str]] = {}
    for name in table.types:
        families.setdefault(family_of(name), []).append(name)
    return [machine for instance_type in types if (machine := machine_of(instance_type, table, families)) is not None]


def machine_of(
    instance_type: InstanceType, table: MachineTable, families: Mapping[str, Sequence[str]]
) -> Machine | None:
    """The machine of a type; None where its vCPUs or its memory are not known.

    Args:
        instance_type: of the catalog.
        table: the machine model.
        families: the names in the table, by family.
    """
    if not instance_type.vcpus or not instance_type.memory_bytes:
        return None
    row, basis = table.types.get(ec2_name(instance_type.name)), "measured"
    if row is None:
        row, basis = _stand_in(instance_type, table, families)
    return _machine(instance_type, row, basis, table)


def _stand_in(
    instance_type: InstanceType, table: MachineTable, families: Mapping[str, Sequence[str]]
) -> tuple[TypeRow, str]:
    """What is nearest in the table, with more variance."""
    family = family_of(instance_type.name)
    if family in families:
        return _like(instance_type, families[family], table, _OWN_FAMILY)
    match = _GENERATION.match(family)
    if match is not None and not instance_type.burstable:
        letters, generation, options = match.groups()
        maker = next((letter for letter in options if letter in "agi"), "")
        relatives = [
            name
            for other, names in families.items()
            if (relative := _GENERATION.match(other)) is not None
            and relative[2] == generation
            and next((letter for letter in relative[3] if letter in "agi"), "") == maker
            and len(relative[1]) == len(letters) == 1
            for name in names
        ]
        if relatives:
            return _like(instance_type, relatives, table, _RELATIVE)
    return _by_specifications(instance_type, table)


def _like(instance_type: InstanceType, names: Sequence[str], table: MachineTable, more: float) -> tuple[TypeRow, str]:
    """The mean of these types' rows, of those with the CPU model that most of them have."""
    more /= table.amplitudes["own"]  # which a type's variance is multiplied with
    rows = [table.types[name] for name in names]
    cpu = Counter(row.cpu for row in rows).most_common(1)[0][0]
    rows = [row for row in rows if row.cpu == cpu]
    return _mean(rows, cpu, more, instance_type), f"like {family_of(names[0])}"


def _by_specifications(instance_type: InstanceType, table: MachineTable) -> tuple[TypeRow, str]:
    vendor = _vendor_of_type(instance_type)
    rows = [row for row in table.types.values() if vendor_of(row.cpu.name) == vendor] or list(table.types.values())
    singles = [row.cpu.single for row in rows]
    multis = [row.cpu.multi for row in rows]
    cpu = Cpu(f"of {family_of(instance_type.name)}", _means(singles), _means(multis))
    return _mean(rows, cpu, _SPECIFICATIONS / table.amplitudes["own"], instance_type), "specifications"


def _mean(rows: Sequence[TypeRow], cpu: Cpu, more: float, instance_type: InstanceType) -> TypeRow:
    threads = instance_type.threads_per_core or rows[0].threads_per_core
    return TypeRow(
        cpu,
        min(row.sockets for row in rows),
        threads,
        rows[0].features,
        fmean(row.mean for row in rows),
        fmean(row.mean_multi for row in rows),
        fmean(row.variance for row in rows) + more,
        fmean(row.variance_multi for row in rows) + more,
        (0.0,) * len(rows[0].single),
        (0.0,) * len(rows[0].multi),
    )


def _means(vectors: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(map(fmean, zip(*vectors, strict=True)))


def _machine(instance_type: InstanceType, row: TypeRow, basis: str, table: MachineTable) -> Machine:
    vcpus, memory = instance_type.vcpus or 1, instance_type.memory_bytes or 1
    amplitude = {name: math.sqrt(value) for name, value in table.amplitudes.items()}
    size, cores = math.log2(vcpus), math.log2(vcpus / row.threads_per_core)
    two_threads = amplitude["smt"] if row.threads_per_core == 2 else 0.0
    return Machine(
        name=instance_type.name,
        vcpus=vcpus,
        usd_per_hour=None if instance_type.usd_per_hour is None else float(instance_type.usd_per_hour),
        cpu=row.cpu.name,
        vendor=vendor_of(row.cpu.name) if basis != "specifications" else _vendor_of_type(instance_type),
        mean=row.mean,
        mean_multi=row.mean_multi,
        variance=row.variance,
        variance_multi=row.variance_multi,
        common=(
            *(amplitude["features"] * feature for feature in row.features),
            amplitude["sockets"] * math.log2(row.sockets),
            amplitude["memory"] * (math.log2(memory / 2**20 / vcpus) - 12),
        ),
        single=_scaled(amplitude["cpu_single"], row.cpu.single) + _scaled(amplitude["type"], row.single),
        multi=(*_scaled(amplitude["cpu_multi"], row.cpu.multi), *_scaled(amplitude["type"], row.multi), two_threads),
        scaling=(
            amplitude["linear"] * (size - 4),
            *_scaled(amplitude["octave_vcpus"], _octaves(size)),
            *_scaled(amplitude["octave_cores"], _octaves(cores)),
        ),
        basis=basis,
        current=instance_type.current_generation,
    )


def _scaled(factor: float, values: Sequence[float]) -> tuple[float, ...]:
    return tuple(factor * value for value in values)


def _octaves(size: float) -> list[float]:
    return [min(max(size - place, 0.0), 1.0) for place in range(OCTAVES + 1)]


def is_special(name: str) -> bool:
    """Whether it is a whole machine, of high memory, a Mac, or one with GPUs or other accelerators."""
    return "metal" in name or ec2_name(name).startswith(_HIGH_MEMORY) or is_accelerated(name)


def is_accelerated(name: str) -> bool:
    """Whether its price is for GPUs, FPGAs or other accelerators, or it is a Mac, which is let by the day."""
    return ec2_name(name).startswith(_ACCELERATED)


def vendor_of(cpu: str) -> str:
    """``arm``, ``amd`` or ``intel``, by the CPU model's name as lscpu says it."""
    return "arm" if cpu.startswith(("Neoverse", "Cortex")) else "amd" if "AMD" in cpu else "intel"


def _vendor_of_type(instance_type: InstanceType) -> str:
    if "arm64" in instance_type.arches:
        return "arm"
    return "amd" if (instance_type.cpu_manufacturer or "").upper() == "AMD" else "intel"
