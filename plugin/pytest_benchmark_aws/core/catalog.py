"""The instance types there are, looked up by name."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX, family_of, nearest_names

_BURSTING = {"t1"}
"""Burstable, though EC2 does not list it so: "a small amount of consistent CPU resources", increased "in short bursts"
(https://aws.amazon.com/ec2/previous-generation/)."""


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One row of the catalog. What is not known is None."""

    name: str
    vcpus: int | None
    cores: int | None
    threads_per_core: int | None
    memory_bytes: int | None
    arches: tuple[str, ...]
    cpu_manufacturer: str | None
    clock_ghz: float | None
    gpu: str | None
    gpus: int
    burstable: bool
    current_generation: bool
    usd_per_hour: Decimal | None
    """On demand, Linux, shared tenancy, us-east-1."""

    @property
    def bursts(self) -> bool:
        """Whether its speed depends on what it did before: burstable, or T1."""
        return self.burstable or family_of(self.name) in _BURSTING


@dataclass(frozen=True, slots=True)
class Catalog:
    """Instance types by name, with the date that its prices are of (ISO 8601)."""

    types: Mapping[str, InstanceType]
    price_date: str

    def find(self, name: str) -> InstanceType | None:
        """The type of that name, or None; with SageMaker's prefix the same machine, whose price is another."""
        row = self.types.get(name.removeprefix(SAGEMAKER_PREFIX))
        return row if row is None or row.name == name else replace(row, name=name, usd_per_hour=None)

    def nearest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """The names of types nearest to an unknown one, best first; their number is ``count``."""
        return nearest_names(name, self.types, count)


def parse_catalog(lines: Iterable[str], price_date: str) -> Catalog:
    """The catalog from the lines of its CSV; a blank cell is not known.

    Raises:
        KeyError: a column is missing.
        ValueError: a cell is no number where one belongs.
    """
    return Catalog({row["instance_type"]: _instance_type(row) for row in csv.DictReader(lines)}, price_date)


def _instance_type(row: dict[str, str]) -> InstanceType:
    def whole(column: str) -> int | None:
        return int(row[column]) if row[column] else None

    memory_mib = whole("memory_mib")
    return InstanceType(
        name=row["instance_type"],
        vcpus=whole("vcpus"),
        cores=whole("cores"),
        threads_per_core=whole("threads_per_core"),
        memory_bytes=None if memory_mib is None else memory_mib * 2**20,
        arches=tuple(row["arch"].split()),
        cpu_manufacturer=row["cpu_manufacturer"] or None,
        clock_ghz=float(row["clock_ghz"]) if row["clock_ghz"] else None,
        gpu=row["gpu"] or None,
        gpus=whole("gpus") or 0,
        burstable=row["burstable"] == "1",
        current_generation=row["current_generation"] == "1",
        usd_per_hour=Decimal(row["usd_per_hour"]) if row["usd_per_hour"] else None,
    )
