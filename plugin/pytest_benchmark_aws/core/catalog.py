"""The instance types there are, looked up by name."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.model import InstanceType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SAGEMAKER_PREFIX = "ml."
"""``ml.p3.2xlarge`` is the instance type ``p3.2xlarge`` as SageMaker rents it."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Instance types by name, with the date that its prices are of (ISO 8601)."""

    types: Mapping[str, InstanceType]
    price_date: str

    def find(self, name: str) -> InstanceType | None:
        """The type of that name, SageMaker's prefix aside, or None."""
        return self.types.get(name.removeprefix(SAGEMAKER_PREFIX))

    def nearest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """The known names nearest to an unknown one, best first.

        Same family or same size first: ``m5.9xlarge`` is more likely ``m5.8xlarge`` than ``m6.9xlarge``.
        """
        from difflib import SequenceMatcher

        prefix = SAGEMAKER_PREFIX if name.startswith(SAGEMAKER_PREFIX) else ""
        wanted = name.removeprefix(SAGEMAKER_PREFIX).strip().lower()
        family, _, size = wanted.partition(".")
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(wanted)

        def score(known: str) -> tuple[float, str]:
            known_family, _, known_size = known.partition(".")
            matcher.set_seq1(known)
            bonus = 0.5 * (known_family == family) + 0.25 * (known_size == size)
            return -(matcher.ratio() + bonus), known

        return tuple(prefix + known for known in sorted(self.types, key=score)[:count])


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
