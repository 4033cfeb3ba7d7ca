"""Cases -> jobs, misfits, and the most that they can cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from pytest_benchmark_aws.core.catalog import Catalog, InstanceType
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.fit import misfits
from pytest_benchmark_aws.core.instance_type_names import family_of
from pytest_benchmark_aws.core.model import (
    GRACE_S,
    Case,
    Job,
    Machine,
    Misfit,
    Plan,
    Price,
    Requirements,
    Target,
)

KERNEL_SHOWS = 0.925
"""Share of an instance type's memory that its kernel shows at least (karpenter-provider-aws #7929; 7,985 of 8,192 MiB
on m4.large by AWS Batch's guide, "Compute resource memory management")."""


def make_plan(
    cases: Sequence[Case],
    catalog: Catalog,
    price_of: Callable[[InstanceType], Price | None],
    time_limit_s: int,
    *,
    allow_burstable: bool = False,
    unpriced: str | None = None,
    grace_of: Callable[[Target], int] = lambda _: GRACE_S,
    refusal_of: Callable[[str], str | None] = lambda _: None,
) -> Plan:
    """One job for each target, in the order of the cases; what cannot be run is a misfit.

    ``unpriced`` says why prices are not known and what to do, where that is the same for all.
    ``grace_of`` gives the seconds that a launch of a target may live beyond the time limit.
    ``refusal_of`` says why an instance type is launched for no case whatever it requires, as one that is withdrawn.

    Raises:
        PlanError: an instance type is unknown.
    """
    grouped: dict[Target, list[Case]] = {}
    types: dict[Target, InstanceType] = {}
    unfit: list[Misfit] = []
    for case in cases:
        instance_type = catalog.find(case.target.instance_type)
        if instance_type is None:
            near = ", ".join(catalog.nearest(case.target.instance_type))
            raise PlanError(f"{case.target.instance_type}: no such instance type is known; did you mean {near}?")
        if refused := refusal_of(case.target.instance_type):
            unfit.append(Misfit(case, (refused,), ()))
            continue
        reasons = misfits(case.requirements, as_machine(instance_type))
        if reasons and case.target.count > 1:
            reasons += (f"what a test requires each of the {case.target.count} machines of a group must have",)
        if instance_type.bursts and not allow_burstable:
            reasons += (
                f"{instance_type.name} is burstable: its speed depends on the CPU credits it has, so that its times "
                "compare with nothing; allow it with --aws-allow-burstable",
            )
        if reasons:
            unfit.append(Misfit(case, reasons, _would_fit(case.requirements, instance_type, catalog, refusal_of)))
            continue
        if price_of(instance_type) is None:  # another type would not help
            unfit.append(Misfit(case, (unpriced or _no_price(instance_type.name),), ()))
            continue
        types[case.target] = instance_type
        grouped.setdefault(case.target, []).append(case)
    jobs = []
    for target, members in grouped.items():
        price = price_of(types[target])
        assert price is not None  # else each of its cases is a misfit
        price = replace(price, usd_per_hour=price.usd_per_hour * target.count)
        jobs.append(Job(target, types[target], tuple(members), price, time_limit_s, grace_s=grace_of(target)))
    return Plan(tuple(jobs), tuple(unfit), sum((most_usd(job) for job in jobs), Decimal(0)))


def most_usd(job: Job) -> Decimal:
    """The most that a job can cost: its machines' price for the time limit and the grace. Spot counts at full price."""
    return usd(job.price.usd_per_hour, job.longest_s)


def as_machine(instance_type: InstanceType) -> Machine:
    """The instance type as a machine that a case fits or does not."""
    memory = instance_type.memory_bytes
    return Machine(
        instance_type.name,
        instance_type.vcpus,
        memory,
        instance_type.arches,
        None if instance_type.vcpus is None else instance_type.gpus,  # of some old types the catalog has a price alone
        None if memory is None else int(memory * KERNEL_SHOWS),
    )


def _no_price(name: str) -> str:
    return f"the price of {name} is not known, so its cost cannot be bounded: give --aws-price {name}=USD"


def _would_fit(
    requirements: Requirements,
    unfit: InstanceType,
    catalog: Catalog,
    refusal_of: Callable[[str], str | None],
    count: int = 3,
) -> tuple[str, ...]:
    """The names of the cheapest current, priced types that hold what is required; the same family first."""
    fitting = [
        (family_of(candidate.name) != family_of(unfit.name), candidate.usd_per_hour, candidate.name)
        for candidate in catalog.types.values()
        if candidate.usd_per_hour is not None
        and candidate.current_generation
        and not candidate.bursts
        and candidate.name != unfit.name
        and not misfits(requirements, as_machine(candidate))
        and refusal_of(candidate.name) is None
    ]
    return tuple(name for *_, name in sorted(fitting)[:count])
