"""Instance types as the machine model sees them: by its table, their family, or a guess of their CPU model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.core.instance_type_names import ec2_name, family_of, nearest_names
from pytest_benchmark_aws.predict.model.kinds import OCTAVES
from pytest_benchmark_aws.predict.model.specifications import specified
from pytest_benchmark_aws.predict.model.table import MachineTable, TypeRow
from pytest_benchmark_aws.predict.model.unseen import Guess, Guesses

_MORE, _BURSTING = 0.003, 0.08
"""Variance more of a type that is not in the table, beside what is not known of its CPU model: as types of a family
differ, from leaving out types; and of one whose speed depends on its credits."""
_HIGH_MEMORY = ("u-", "u7")
_ACCELERATED = ("mac", "g", "p", "inf", "trn", "dl", "vt", "f")


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
    """``measured``: its row is in the table; ``like m7g`` where another type there has its CPU model, as far as
    specifications say; else ``specifications``."""
    guess: Guess | None
    """Where the table has no type of its family."""
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
    guesses = Guesses((row for name, row in table.types.items() if not is_special(name)), table.guessing)
    return [
        _machine(instance_type, table, families, guesses)
        for instance_type in types
        if instance_type.vcpus and instance_type.memory_bytes
    ]


def _machine(
    instance_type: InstanceType, table: MachineTable, families: Mapping[str, Sequence[str]], guesses: Guesses
) -> Machine:
    """The machine of a type: by its own row, by those of its family, or by a guess of its CPU model."""
    row = table.types.get(ec2_name(instance_type.name))
    if row is not None:
        return _made(instance_type, row, table, "measured")
    family, special = family_of(instance_type.name), is_special(instance_type.name)
    rows = [table.types[name] for name in families.get(family, ()) if special or not is_special(name)]
    if rows:
        cpu = Counter(row.cpu for row in rows).most_common(1)[0][0]
        return _made(
            instance_type, _mean([row for row in rows if row.cpu == cpu], instance_type), table, f"like {family}"
        )
    guess = guesses.of(
        specified(
            family,
            maker_of(instance_type),
            None if _has_base_clock(instance_type.name) else instance_type.clock_ghz,
            instance_type.threads_per_core or 1,
            table.guessing,
        )
    )
    basis = "specifications"
    if guess.measured:
        same = tuple(other for other, names in families.items() if table.types[names[0]].cpu.name == guess.row.cpu.name)
        basis = f"like {_nearest(family, same)}" if same else basis
    return _made(instance_type, guess.row, table, basis, guess)


@lru_cache(maxsize=1024)
def _nearest(family: str, families: tuple[str, ...]) -> str:
    return nearest_names(family, families, 1)[0]


def _mean(rows: Sequence[TypeRow], instance_type: InstanceType) -> TypeRow:
    first = rows[0]
    return TypeRow(
        first.cpu,
        min(row.sockets for row in rows),
        instance_type.threads_per_core or first.threads_per_core,
        first.features,
        fmean(row.mean for row in rows),
        fmean(row.mean_multi for row in rows),
        fmean(row.variance for row in rows),
        fmean(row.variance_multi for row in rows),
        (0.0,) * len(first.single),
        (0.0,) * len(first.multi),
    )


def _made(
    instance_type: InstanceType, row: TypeRow, table: MachineTable, basis: str, guess: Guess | None = None
) -> Machine:
    vcpus, memory = instance_type.vcpus or 1, instance_type.memory_bytes or 1
    amplitude = {name: math.sqrt(value) for name, value in table.amplitudes.items()}
    more = 0.0 if basis == "measured" else _BURSTING if instance_type.burstable else _MORE
    more /= table.amplitudes["own"]  # which own variances are multiplied with
    size, cores = math.log2(vcpus), math.log2(vcpus / row.threads_per_core)
    two_threads = amplitude["smt"] if row.threads_per_core == 2 else 0.0
    return Machine(
        name=instance_type.name,
        vcpus=vcpus,
        usd_per_hour=None if instance_type.usd_per_hour is None else float(instance_type.usd_per_hour),
        cpu=row.cpu.name,
        vendor=maker_of(instance_type) if guess else vendor_of(row.cpu.name),
        mean=row.mean,
        mean_multi=row.mean_multi,
        variance=row.variance + more,
        variance_multi=row.variance_multi + more,
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
        guess=guess,
        current=instance_type.current_generation,
    )


def _scaled(factor: float, values: Sequence[float]) -> tuple[float, ...]:
    return tuple(factor * value for value in values)


def _octaves(size: float) -> list[float]:
    return [min(max(size - place, 0.0), 1.0) for place in range(OCTAVES + 1)]


def _has_base_clock(name: str) -> bool:
    """Whether EC2 may list its base clock, where others have what they sustain: 2.5 GHz for g4dn, 3.1 for m5."""
    return ec2_name(name).startswith(_HIGH_MEMORY) or is_accelerated(name)


def is_special(name: str) -> bool:
    """Whether it is a whole machine, of high memory, a Mac, or one with GPUs or other accelerators."""
    return "metal" in name or ec2_name(name).startswith(_HIGH_MEMORY) or is_accelerated(name)


def is_accelerated(name: str) -> bool:
    """Whether its price is for GPUs, FPGAs or other accelerators, or it is a Mac, which is let by the day."""
    return ec2_name(name).startswith(_ACCELERATED)


def vendor_of(cpu: str) -> str:
    """``arm``, ``amd`` or ``intel``, by the CPU model's name as lscpu says it."""
    return "arm" if cpu.startswith(("Neoverse", "Cortex")) else "amd" if "AMD" in cpu else "intel"


def maker_of(instance_type: InstanceType) -> str:
    """``arm``, ``amd``, ``intel`` or ``apple``, by the catalog."""
    return "arm" if "arm64" in instance_type.arches else (instance_type.cpu_manufacturer or "intel").lower()
