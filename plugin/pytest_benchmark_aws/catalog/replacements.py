"""Why an instance type cannot be launched any more, and which living ones are nearest to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_benchmark_aws.catalog import gpus, lifecycle, training_types
from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX, family_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from pytest_benchmark_aws.core.catalog import Catalog, InstanceType

_INFERENTIA = ("inf1", "inf2")
"""What AWS names in the place of Elastic Inference's accelerators (its product page, (K))."""


def refusal(name: str, catalog: Catalog) -> str | None:
    """A sentence why an instance type is not launched, with what to name instead; None where nothing is against it."""
    return why_gone(name, catalog) or (
        training_types.why_none(name, catalog) if catalog.find(name) is not None else None
    )


def near(name: str, catalog: Catalog) -> tuple[str, ...]:
    """The names nearest to an unknown one; with SageMaker's prefix those that its training jobs have."""
    if name.startswith(SAGEMAKER_PREFIX):
        return training_types.nearest_training_types(name, catalog)
    return catalog.nearest(name)


def why_gone(name: str, catalog: Catalog) -> str | None:
    """A sentence for an instance type that AWS has withdrawn: since when, and what to name instead; None for others."""
    entry = lifecycle.family(name)
    if entry is None:
        return None
    had = gpus.of(name)
    what = f"{name} ({had})" if had is not None else name
    of = f" with {entry.name}" if name.startswith(SAGEMAKER_PREFIX) or entry is lifecycle.ELASTIC_INFERENCE else ""
    nearest = nearest_living(name, catalog)
    instead = " or ".join(_described(living, catalog) for living in nearest)
    remedy = f"name {instead} instead" if nearest else f"use {entry.instead} instead"
    return f"{what} has been gone{of} {entry.since}: {remedy}"


def nearest_living(name: str, catalog: Catalog, count: int = 2) -> tuple[str, ...]:
    """The names of living types in place of a withdrawn one: the cheapest of each family, the cheapest family first.

    They have as many GPUs, each with more memory than it had. A GPU of the same memory is no replacement: the T4 has
    the V100's 16 GiB and is the slower one, and AWS went from P3 to G5 and from G3 to G4dn in its own tests
    (deep-learning-containers #4723, #4727). Where none has as many GPUs, all together have its memory at least.
    With SageMaker's prefix they are types of training jobs; the prices are EC2's.
    """
    prefix = SAGEMAKER_PREFIX if name.startswith(SAGEMAKER_PREFIX) else ""
    had = gpus.of(name)
    if had is None:
        inference = lifecycle.family(name) is lifecycle.ELASTIC_INFERENCE
        fitting = [row for row in catalog.types.values() if inference and family_of(row.name) in _INFERENTIA]
    else:
        living = [
            (row, theirs)
            for row in catalog.types.values()
            if (theirs := gpus.of(row.name)) is not None
            and theirs.count
            and theirs.memory_mib > had.memory_mib
            and "x86_64" in row.arches  # as every withdrawn type
            and lifecycle.family(row.name) is None
        ]
        fitting = [row for row, theirs in living if theirs.count >= had.count]
        fitting = fitting or [row for row, theirs in living if theirs.total_mib >= had.total_mib]
    if prefix:
        fitting = [row for row in fitting if prefix + row.name in training_types.training_types()]
    return tuple(prefix + row.name for row in _cheapest_of_families(fitting)[:count])


def _cheapest_of_families(rows: Iterable[InstanceType]) -> list[InstanceType]:
    priced = [(row.usd_per_hour, row.name, row) for row in rows if row.usd_per_hour is not None]
    first: dict[str, InstanceType] = {}
    for _, name, row in sorted(priced, key=lambda item: item[:2]):
        first.setdefault(family_of(name), row)
    return list(first.values())


def _described(name: str, catalog: Catalog) -> str:
    """The type with its GPUs, and on EC2 its price."""
    row = catalog.find(name)
    price: Decimal | None = row.usd_per_hour if row is not None else None
    facts = [str(has)] if (has := gpus.of(name)) is not None else []
    facts += [] if price is None else [f"{price:.4f} USD an hour"]
    return f"{name} ({', '.join(facts)})" if facts else name
