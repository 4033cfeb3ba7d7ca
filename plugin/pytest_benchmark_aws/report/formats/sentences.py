"""What a comparison says in sentences: the choice, what the columns mean, and how the gate judged."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.compare.choice import (
    Offer,
    best_of,
    best_within,
    break_even_requests,
    break_even_seconds,
    tallies_of,
)
from pytest_benchmark_aws.core.compare.rows import Row
from pytest_benchmark_aws.core.compare.tables import Compared, Table
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.core.values.usd import format_run_usd
from pytest_benchmark_aws.report.text import aligned, few

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.compare.gate import Change, Judged

MOST_TALLIED = 12
_FEW_ORIGINS = 3
EMBEDDED = (
    "embedded: these times are those of the machine that embedded AWS ran on, not the instance type's; money is what "
    "these times would cost on them."
)


def verdict(tables: Sequence[Table]) -> list[str]:
    """The fastest and the cheapest of most tests, and of how many each machine is; nothing of fewer than two tests."""
    tallies = tallies_of(tables)
    best = best_of(tables, tallies)
    if not best:
        return []
    header = ("machine", "fastest", "cheapest", "on the front", "tests")
    counts = [
        (tally.machine.name, *map(str, (tally.fastest, tally.cheapest, tally.front, tally.tests)))
        for tally in tallies[:MOST_TALLIED]
    ]
    lines = [f"▸ {choice.word} {choice.tests_said}: {choice.machine.name}" for choice in best]
    lines += [f"  {line}" for line in aligned([header, *counts])]
    if len(tallies) > MOST_TALLIED:
        lines.append(f"  {MOST_TALLIED} of {len(tallies):,} machines, those that are the best most often")
    return lines


def within(table: Table, max_seconds: float | None, max_usd: Decimal | None) -> list[str]:
    """Which machine to take within a time, within an amount of money, or within both."""
    offers = table.offers
    if max_seconds is None and max_usd is None:
        return []
    if not offers:
        return ["no machine here has a known price"]
    limits = [] if max_seconds is None else [format_seconds(max_seconds)]
    limits += [] if max_usd is None else [f"{format_run_usd(max_usd)} USD"]
    limit, best = " and ".join(limits), best_within(offers, max_seconds, max_usd)
    if best is not None:
        return [f"{'fastest' if max_seconds is None else 'cheapest'} within {limit}: {_offer(best)}"]
    nearest = min(offers, key=lambda offer: offer.seconds if max_seconds is not None else offer.usd)
    what = "fastest" if max_seconds is not None else "cheapest"
    return [f"none keeps {limit}; the {what} is {_offer(nearest)}"]


def break_even(table: Table, machine: str, usd_per_hour: Decimal) -> list[str]:
    """Below which time a machine at that price is cheaper than the cheapest other one."""
    others = [offer for offer in table.offers if offer.machine != machine]
    if not others:
        return [f"{machine}: no other machine here has a known price"]
    cheapest = min(others, key=lambda offer: (offer.usd, offer.seconds))
    seconds = break_even_seconds(usd_per_hour, cheapest)
    return [
        f"{machine} ({usd_per_hour:.4f} USD/hour) is cheaper below {format_seconds(seconds)} than {_offer(cheapest)}"
    ]


def per_day(table: Table, machine: str | None = None, usd_per_hour: Decimal | None = None) -> list[str]:
    """From how many requests a day on each machine is cheaper than each managed service, where it can do as many.

    The machine that is named, with its price, stands for the fastest without a price here; where there is none, nobody
    knows that it can do the same.
    """
    services = [row for row in table.rows if row.machine.usd_per_request]
    own = [row for row in table.rows if row.machine.usd_per_request is None]
    unpriced = min((row.run_seconds for row in own if not row.machine.usd_per_hour), default=None)
    machines: list[tuple[str, Decimal | None, float | None]] = [
        (row.machine.name, row.machine.usd_per_hour, row.run_seconds) for row in own
    ]
    if machine is not None and unpriced is not None:
        machines.append((machine, usd_per_hour, unpriced))
    lines = []
    for name, price, seconds in machines:
        for service in services if price else ():
            offer = service.offer
            if offer is None or price is None:
                continue
            requests = break_even_requests(price, offer)
            said = f"{name} ({price:.4f} USD/hour, on all day) is cheaper than {_offer(offer)}"
            most = None if seconds is None else 86_400 / seconds
            if most is not None and requests > most:
                lines.append(
                    f"{said} for no number of requests: it does {most:,.0f} a day, and {requests:,.0f} are due"
                )
            else:
                lines.append(f"{said}, from {requests:,.0f} requests a day on")
    return lines


def relative(reference: str | None) -> str:
    """What the column of that name is."""
    return f"relative: speed over {reference or 'the fastest machine'}'s, in units of work where scales differ."


def notes(compared: Compared, how: str, reference: str | None, embedded: str = EMBEDDED) -> list[str]:
    """What the columns mean, and what was left out; ``embedded`` is said where a row is embedded AWS's."""
    rows = [row for table in compared.tables for row in table.rows]
    what = {"median": "median", "mean": "mean", "min": "fastest round"}[how]
    lines = [f"{how}: the mean over launches of each one's {what}. {relative(reference)}"]
    if any(row.speed is not None and row.speed.enough and not row.is_reference for row in rows):
        lines.append(
            "interval: 95 %, bootstrap over launches. ▲ ▼: surely differs, Holm's correction for all rows; ≈: not."
        )
    if any(row.speed_up is not None for row in rows):
        lines.append("speed-up: a group's, and its USD, over one machine of its type for the same work.")
    if any(row.projected and row.run_usd is not None for row in rows):
        scales = sorted({table.full_scale for table in compared.tables if table.mixed and table.full_scale})
        lines.append(f"≈ USD: the work of scale {', '.join(scales)} at this pace; throughput changes with the scale.")
    if embedded and any(row.machine.embedded for row in rows):
        lines.append(embedded)
    if any(flag.startswith("noisy") for row in rows for flag in row.flags):
        lines.append(
            "noisy: others took more than 1 % of the CPU's time (steal), or a fixed piece of work (canary) took "
            "over 3 % more or less time after the tests than before."
        )
    if any(row.run_usd is not None for row in rows):
        lines.append("USD: on demand, Linux, the time of one run; boot and installation aside.")
    if any(row.machine.usd_per_request is not None for row in rows):
        lines.append("USD of a managed service: the list price of one request, first tier, without what is free.")
    if compared.older:
        what = "commits" if all(row.commit.id for row in rows) else "commits, or of older sessions without git,"
        lines.append(f"{compared.older:,} results of older {what} are left out; --rows commit shows them.")
    if compared.duplicates:
        lines.append(f"{compared.duplicates:,} results are in several files, and count once.")
    return lines


def gate_lines(judged: Sequence[Judged], without: Sequence[Row], missing: Sequence[Row]) -> list[str]:
    """What failed, what could not be judged, how many passed, and which baselines have no new result."""
    lines = []
    for result in judged:
        count = len(result.passed) + len(result.failed) + len(result.undecided)
        passed = f"{len(result.passed)} of {count} rows pass"
        passed += f", {len(result.undecided)} undecided" if result.undecided else ""
        lines.append(f"{'✗' if result.failed else '?' if result.undecided else '✓'} {result.condition}: {passed}")
        lines += [f"  ✗ {_change(change)}" for change in result.failed]
        lines += [f"  ? {_change(change)}" for change in result.undecided]
        lines += [f"  ✓ {_change(change)}" for change in result.passed if change.translated is not None]
    if without:
        names = sorted({f"{row.case} on {row.machine.name}" for row in without})
        lines.append(f"  no baseline: {few(names)}")
    if missing:
        names = sorted(
            {f"{row.case}{f' at {row.scale}' if row.scale else ''} on {row.machine.name}" for row in missing}
        )
        lines.append(f"  no new result: {few(names)}; --fail-missing fails for it")
    return lines


def translated_lines(changes: Sequence[Change], machine: str, source: str) -> list[str]:
    """What of the baselines of other machines is predicted for this one, and how the new results stand to it."""
    lines = [
        f"{len(changes)} baseline{'s' if len(changes) > 1 else ''} translated to {machine}: predicted by the machine "
        f"model ({source}), not measured; worse is what lies beyond the 95 % interval"
    ]
    few_origins = sum(len(change.translated.origins) < _FEW_ORIGINS for change in changes if change.translated)
    if few_origins:
        lines.append(
            f"  ! {few_origins} of them from fewer than {_FEW_ORIGINS} instance types: these intervals are wide, as "
            "how such a test differs between machines is hardly known"
        )
    return lines


def change_lines(changes: Sequence[Change]) -> list[str]:
    """A line for each change, without a verdict over all."""
    return [f"  {_change(change)}{f', {change.verdict}' if change.ratio.enough else ''}" for change in changes]


def _change(change: Change) -> str:
    row, ratio = change.row, change.ratio
    where = f"{row.case}{f' at {row.scale}' if row.scale else ''} on {row.machine.name}"
    old, new = (
        f"{format_run_usd(Decimal(repr(value)))} USD" if change.metric == "usd" else format_seconds(value)
        for value in (change.old, change.new)
    )
    values, by = f"{old} -> {new}", ""
    if change.translated is not None:
        values, by = f"predicted {old} -> {new}", f", translated from {', '.join(change.translated.origins)}"
    if ratio.low is None or ratio.high is None:
        return f"{where}: {change.percent:+.1f} % ({values}), {change.verdict}"
    ends = f"{100 * (ratio.low - 1):+.1f} to {100 * (ratio.high - 1):+.1f} %"
    return f"{where}: {change.percent:+.1f} % ({values}), 95 % interval {ends}, p {change.adjusted_p:.2g}{by}"


def _offer(offer: Offer) -> str:
    return f"{offer.machine}, {format_seconds(offer.seconds)}, {format_run_usd(offer.usd)} USD"
