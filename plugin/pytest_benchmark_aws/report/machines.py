"""The comparison of a run's machines, as pytest's terminal shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.core.values.units import format_memory, format_rate
from pytest_benchmark_aws.core.values.usd import format_run_usd
from pytest_benchmark_aws.report.terminal import unit_of
from pytest_benchmark_aws.report.text import aligned, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.core.compare.machines import MachineRow
    from pytest_benchmark_aws.report.terminal import Terminal

EMBEDDED = (
    "embedded AWS: these times are this machine's, not the instance types'; money is what they would pay for them"
)


def write_machines(
    terminal: Terminal,
    tables: Mapping[str, Sequence[MachineRow]],
    throughput_key: str | None,
    *,
    embedded: bool,
    price_note: str,
) -> None:
    """A table for each case."""
    unit = unit_of(throughput_key)
    for case, rows in tables.items():
        lines = machine_table(rows, unit)
        terminal.write_line("")
        title = f"{printable(case)}: by instance type" + (" (embedded AWS)" if embedded else "")
        terminal.write_line(title, bold=True)
        terminal.write_line(f"  {lines[0]}")
        terminal.write_line("─" * (2 + max(map(len, lines))))
        for row, line in zip(rows, lines[1:], strict=True):
            best = row.fastest or row.cheapest
            terminal.write_line(f"{'▸' if best else ' '} {line}", cyan=best)
    if tables:
        terminal.write_line(
            "  spread: fastest to slowest round. USD/run: the median's. billed: the whole launch, boot too."
        )
        if any(row.baseline is not None for rows in tables.values() for row in rows):
            terminal.write_line(
                "  vs baseline: throughput over the saved baseline's of that instance type, at its scale."
            )
        terminal.write_line(f"  {price_note}")
    if embedded:
        terminal.write_line(f"  ! {EMBEDDED}", yellow=True)


def machine_table(rows: Sequence[MachineRow], unit: str) -> list[str]:
    """The header and a line for each row; a scale or a baseline that no row has is no column."""
    header = (
        "instance type", "scale", "vCPUs", "memory", "median", "spread", f"{unit}/s", "relative", "USD/hour", "USD/run",
        "billed", "vs baseline", "",
    )  # fmt: skip
    cells = [header, *(_cells(row) for row in rows)]
    kept = [
        place
        for place, title in enumerate(header)
        if title not in {"scale", "vs baseline"} or any(row[place] != "-" for row in cells[1:])
    ]
    left = {kept.index(place) for place in (0, 1, 12) if place in kept}
    return aligned([tuple(row[place] for place in kept) for row in cells], left=left)


def _cells(row: MachineRow) -> tuple[str, ...]:
    one = row.measurement
    base = "-"
    if row.baseline is not None and row.against_baseline is not None:
        scale = f" of {row.baseline.scale}" if row.baseline.scale else ""
        base = f"{row.against_baseline:.3f} x {format_rate(row.baseline.throughput).strip()}{scale}"
    doubts = [f"! {flag}" for flag in map(printable, row.flags)]
    marks = doubts + [word for word, is_it in (("fastest", row.fastest), ("cheapest", row.cheapest)) if is_it]
    return (
        printable(one.machine),
        printable(one.scale or "-"),
        str(one.vcpus or "-"),
        "-" if one.memory_bytes is None else format_memory(one.memory_bytes),
        format_seconds(row.median),
        f"{format_seconds(row.low)} - {format_seconds(row.high)}" if len(one.rounds) > 1 else "1 round",
        format_rate(one.throughput).strip(),
        f"{row.relative:.3f}",
        f"{one.usd_per_hour:.4f}",
        format_run_usd(row.usd_per_run),
        f"{one.billed_usd:.4f}",
        base,
        ", ".join(marks),
    )
