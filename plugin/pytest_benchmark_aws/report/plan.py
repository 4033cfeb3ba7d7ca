"""A plan as text: what would be launched, what cannot, and the most it can cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.model import Job, Misfit, Plan
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.core.values.durations import format_duration
from pytest_benchmark_aws.core.values.units import format_memory
from pytest_benchmark_aws.core.values.usd import format_usd
from pytest_benchmark_aws.report.text import aligned, printable

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.expected import Expected


def plan_lines(
    plan: Plan,
    max_cost_usd: Decimal,
    *,
    embedded: bool,
    misfits: bool = True,
    expected: Mapping[str, Expected] | None = None,
    services_usd: Decimal = Decimal(0),
) -> list[str]:
    """The jobs as a table, the misfits with their reasons, and the total where anything is launched.

    Launches of one instance type for the same cases are one row.

    Args:
        plan: what is shown.
        max_cost_usd: the cap of the launches.
        embedded: whether it runs on embedded AWS.
        misfits: False where they are said elsewhere.
        expected: what the jobs are expected to take, by their names, where anything is stored of them.
        services_usd: what is taken off the cap for benchmarks of managed services.
    """
    header = ("instance type", "launch", "vCPUs", "memory", "market", "cases", "USD/hour", "time limit", "USD at most")
    rows: list[tuple[str, ...]] = [header + (_EXPECTED if expected else ())]
    for jobs in _alike(plan.jobs):
        job = jobs[0]
        instance_type, count = job.instance_type, job.count
        rows.append(
            (
                job.target.machines,
                _ranges([launch.target.launch for launch in jobs]),
                "-" if instance_type.vcpus is None else str(count * instance_type.vcpus),
                "-" if instance_type.memory_bytes is None else format_memory(count * instance_type.memory_bytes),
                job.target.market,
                str(len(job.cases)),
                f"{job.price.usd_per_hour:.4f}",
                format_duration(job.time_limit_s),
                format_usd(sum(map(most_usd, jobs), Decimal(0))),
                *(_expected_cells(jobs, expected) if expected else ()),
            )
        )
    left = (0, 4, 10, 12)
    lines = [f"  {line}" for line in aligned(rows, left=left)] if plan.jobs else ["  no instance would be launched"]
    lines += misfit_lines(plan.misfits) if misfits else []
    if not plan.jobs:
        return lines
    sources = sorted({job.price.source for job in plan.jobs})
    lines.append(f"  prices: {', '.join(sources)}; on demand, Linux")
    lines += _expected_lines(plan, expected, embedded=embedded) if expected else []
    where = ", on embedded AWS nothing is billed" if embedded else ", data transfer and disks aside"
    cap_usd = max_cost_usd + services_usd
    most, cap = format_usd(plan.most_usd, cap_usd), format_usd(cap_usd, plan.most_usd)
    less = f", {format_usd(services_usd)} USD of it for managed services" if services_usd else ""
    lines.append(f"  at most {most} USD in all, --aws-max-cost is {cap} USD{less}{where}")
    return lines


def time_limit_lines(plan: Plan, expected: Mapping[str, Expected]) -> list[str]:
    """A line for each instance type on which the time limit may end the tests before they are through."""
    lines = []
    for jobs in _alike(plan.jobs):
        job, times = jobs[0], expected.get(jobs[0].name)
        if times is None or times.test_high <= job.time_limit_s:
            continue
        longest = times.cases[0]
        if longest.high > job.time_limit_s or len(times.cases) == 1:
            what, seconds, low, high = longest.case, longest.seconds, longest.low, longest.high
            how = "was measured to take" if longest.measured else "is predicted to take"
        else:
            what, seconds, low, high = (
                f"{len(times.cases)} tests together", times.test_seconds, times.test_low, times.test_high
            )  # fmt: skip
            how = "are predicted to take" if times.predicted else "were measured to take"
        interval = "" if (span := _span(low, high)) == format_duration(seconds) else f" ({span})"
        lines.append(
            f"  ! {job.target.machines}: {printable(what)} {how} {format_duration(seconds)}{interval}, "
            f"--aws-time-limit is {format_duration(job.time_limit_s)}"
        )
    return lines


_EXPECTED = ("expected", "95 % interval", "USD expected", "source")


def _expected_cells(jobs: Sequence[Job], expected: Mapping[str, Expected]) -> tuple[str, ...]:
    """What a launch is expected to take, what all of these cost by that, and how that is known."""
    times = expected.get(jobs[0].name)
    if times is None:
        return ("-", "-", "-", "nothing is stored" if jobs[0].count == 1 else "not known of groups")
    cost = sum((usd(job.price.usd_per_hour, times.seconds) for job in jobs), Decimal(0))
    return (format_duration(times.seconds), _span(times.low, times.high), format_usd(cost), _source(times))


def _source(times: Expected) -> str:
    """As in ``measured on 2026-11-20`` and ``predicted from 5 results``."""
    measured = [case for case in times.cases if case.measured]
    predicted = [case for case in times.cases if not case.measured]
    parts = []
    if predicted:
        least, most = min(case.results for case in predicted), max(case.results for case in predicted)
        count = str(most) if least == most else f"{least} to {most}"
        parts.append(f"predicted from {count} result{'s' if most > 1 else ''}")
    if measured:
        days = sorted({case.when for case in measured if case.when})
        on = "" if not days else f" on {days[0]}" if len(days) == 1 else f" {days[0]} to {days[-1]}"
        of = f"{len(measured)} of {len(times.cases)} " if predicted else ""
        parts.append(f"{of}measured{on}")
    if times.unknown:
        parts.append(f"nothing stored of {times.unknown} more")
    return "; ".join(parts)


def _expected_lines(plan: Plan, expected: Mapping[str, Expected], *, embedded: bool) -> list[str]:
    """The sum, and what the figures are."""
    from pytest_benchmark_aws.predict.answer import LAUNCH_OVERHEAD_S

    jobs = [(job, times) for job in plan.jobs if (times := expected.get(job.name)) is not None]
    total = sum((usd(job.price.usd_per_hour, times.seconds) for job, times in jobs), Decimal(0))
    of = "" if len(jobs) == len(plan.jobs) else f" for {len(jobs)} of {len(plan.jobs)} launches"
    predicted = any(times.predicted for _, times in jobs)
    besides = f"{LAUNCH_OVERHEAD_S:.0f} s a launch for boot and shipping"
    notes = [f"  expected {format_usd(total)} USD{of}: each test runs as often as stored, and {besides}"]
    if predicted:
        notes.append("  predicted: by the machine model, from results on other instance types; not measured")
    if embedded:
        notes.append("  embedded AWS: stored times are those of the machine that it ran on, whatever the instance type")
    return notes


def _span(low: float, high: float) -> str:
    ends = dict.fromkeys((format_duration(low), format_duration(high)))
    return " to ".join(ends)


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
        groups.setdefault((job.target.machines, job.target.market, job.price, cases), []).append(job)
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
