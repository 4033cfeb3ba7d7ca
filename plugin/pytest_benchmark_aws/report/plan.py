"""A plan as text: what would be launched, what cannot, and the most it can cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pytest_benchmark_aws.core.model import Job, Misfit, Plan
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.core.values.durations import format_duration
from pytest_benchmark_aws.core.values.units import format_memory
from pytest_benchmark_aws.core.values.usd import format_usd
from pytest_benchmark_aws.report.text import aligned, printable


def plan_lines(plan: Plan, max_cost_usd: Decimal, *, embedded: bool, misfits: bool = True) -> list[str]:
    """The jobs as a table, the misfits with their reasons, and the total where anything is launched.

    Launches of one instance type for the same cases are one row. ``misfits`` is False where they are said elsewhere.
    """
    header = ("instance type", "launch", "vCPUs", "memory", "market", "cases", "USD/hour", "time limit", "USD at most")
    rows = [header]
    for jobs in _alike(plan.jobs):
        job = jobs[0]
        instance_type = job.instance_type
        rows.append(
            (
                job.target.instance_type,
                _ranges([launch.target.launch for launch in jobs]),
                "-" if instance_type.vcpus is None else str(instance_type.vcpus),
                "-" if instance_type.memory_bytes is None else format_memory(instance_type.memory_bytes),
                job.target.market,
                str(len(job.cases)),
                f"{job.price.usd_per_hour:.4f}",
                format_duration(job.time_limit_s),
                format_usd(sum(map(most_usd, jobs), Decimal(0))),
            )
        )
    lines = [f"  {line}" for line in aligned(rows, left=(0, 4))] if plan.jobs else ["  no instance would be launched"]
    lines += misfit_lines(plan.misfits) if misfits else []
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


def _alike(jobs: Sequence[Job]) -> list[list[Job]]:
    """Launches of one instance type and market for the same cases together, in the order of the first ones."""
    groups: dict[tuple[object, ...], list[Job]] = {}
    for job in jobs:
        cases = tuple(case.bare_id for case in job.cases)
        groups.setdefault((job.target.instance_type, job.target.market, job.price, cases), []).append(job)
    return list(groups.values())


def _ranges(numbers: Sequence[int]) -> str:
    """``1-3, 5`` of 1, 2, 3 and 5."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    return ", ".join("-".join(map(str, span)) for span in spans)
