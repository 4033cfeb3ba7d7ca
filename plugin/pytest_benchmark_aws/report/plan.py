"""A plan as text: what would be launched, what cannot, and the most it can cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.core.units import format_duration, format_memory, format_usd
from pytest_benchmark_aws.report.columns import aligned, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pytest_benchmark_aws.core.model import Misfit, Plan


def plan_lines(plan: Plan, max_cost_usd: Decimal, *, embedded: bool) -> list[str]:
    """The jobs as a table, the misfits with their reasons, and the total where anything is launched."""
    header = ("instance type", "launch", "vCPUs", "memory", "market", "cases", "USD/hour", "time limit", "USD at most")
    rows = [header]
    for job in plan.jobs:
        known = job.instance_type
        rows.append(
            (
                job.target.instance_type,
                str(job.target.launch),
                "-" if known.vcpus is None else str(known.vcpus),
                "-" if known.memory_bytes is None else format_memory(known.memory_bytes),
                job.target.market,
                str(len(job.cases)),
                f"{job.price.usd_per_hour:.4f}",
                format_duration(job.time_limit_s),
                format_usd(most_usd(job)),
            )
        )
    lines = [f"  {line}" for line in aligned(rows, left=(0, 4))] if plan.jobs else ["  no instance would be launched"]
    lines += misfit_lines(plan.misfits)
    if not plan.jobs:
        return lines
    sources = sorted({job.price.source for job in plan.jobs})
    lines.append(f"  prices: {', '.join(sources)}; on demand, Linux")
    where = ", on embedded AWS nothing is billed" if embedded else ", data transfer and disks aside"
    most, cap = format_usd(plan.most_usd, max_cost_usd), format_usd(max_cost_usd, plan.most_usd)
    lines.append(f"  at most {most} USD in all, --aws-max-cost is {cap} USD{where}")
    return lines


def misfit_lines(misfits: Sequence[Misfit]) -> list[str]:
    """A line for all cases that cannot be run for the same reasons, and the types that can hold them."""
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for misfit in misfits:
        alike.setdefault((misfit.reasons, misfit.would_fit), []).append(misfit.case.node_id)
    lines = []
    for (reasons, would_fit), (first, *others) in alike.items():
        more = f" and {len(others):,} more" if others else ""
        fitting = f"; would fit: {', '.join(would_fit)}" if would_fit else ""
        lines.append(f"  ✗ {printable(first)}{more}: {'; '.join(reasons)}{fitting}")
    return lines
