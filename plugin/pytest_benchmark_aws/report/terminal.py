"""The comparison with the baselines, as pytest's terminal shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pytest_benchmark_aws.core.values.units import format_rate
from pytest_benchmark_aws.report.text import aligned, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark_aws.core.compare.compare import Comparison, Row

_BLANK = "-"
_ACCENT = "▸"


class Terminal(Protocol):
    """What of pytest's terminal reporter is used."""

    def write_line(self, line: str, **markup: bool) -> None: ...  # noqa: D102


def write_comparisons(
    terminal: Terminal,
    comparisons: Sequence[Comparison],
    throughput_key: str | None,
    price_date: str,
    problems: Sequence[str] = (),
) -> None:
    """Writes a table for each comparison, this machine's row in the accent colour and with its glyph."""
    for problem in problems:
        terminal.write_line(f"aws: baseline left out: {printable(problem)}", yellow=True)
    for comparison in comparisons:
        lines = table(comparison, unit_of(throughput_key))
        terminal.write_line("")
        terminal.write_line(f"{comparison.case}: this machine next to the baselines", bold=True)
        terminal.write_line(lines[0])
        terminal.write_line("─" * max(map(len, lines)))
        for row, line in zip(comparison.rows, lines[1:], strict=True):
            terminal.write_line(line, cyan=row.result.here)
    if comparisons:
        for note in _notes(comparisons, price_date):
            terminal.write_line(note)


def table(comparison: Comparison, unit: str) -> list[str]:
    """The header and a line for each row, columns aligned."""
    header = ("machine", "scale", "vCPUs", f"{unit}/s", "per vCPU", "relative", "USD/hour", "USD full", "")
    cells = [header, *(_cells(row) for row in comparison.rows)]
    lines = []
    for number, line in enumerate(aligned(cells, left=(0, 1, 8))):
        mark = _ACCENT if number and comparison.rows[number - 1].result.here else " "
        lines.append(f"{mark} {line}")
    return lines


def unit_of(throughput_key: str | None) -> str:
    """The unit of work, from the key that holds its rate: ``row_trees_per_second`` -> ``row trees``."""
    return throughput_key.removesuffix("_per_second").replace("_", " ") if throughput_key else "runs"


def _cells(row: Row) -> tuple[str, ...]:
    result = row.result
    money = _BLANK if row.usd is None else f"{'≈ ' if row.projected else ''}{row.usd:.3f}"
    return (
        printable(result.machine) + (" (published)" if result.published else ""),
        printable(result.scale or _BLANK),
        str(result.vcpus or _BLANK),
        format_rate(result.throughput).rstrip(),
        _BLANK if row.per_vcpu is None else format_rate(row.per_vcpu).rstrip(),
        f"{row.relative:.3f}",
        _BLANK if result.usd_per_hour is None else f"{result.usd_per_hour:.3f}",
        money,
        ", ".join(f"! {printable(flag)}" for flag in row.flags),
    )


def _notes(comparisons: Sequence[Comparison], price_date: str) -> list[str]:
    rows = [row for comparison in comparisons for row in comparison.rows]
    scale = comparisons[0].scale
    notes = [
        f"  relative: throughput over that of {printable(comparisons[0].rows[1].result.machine)}. "
        f"USD full: the {f'{printable(scale)} ' if scale else ''}workload at this pace, on demand, us-east-1, prices "
        f"of {price_date}."
    ]
    if any(row.projected for row in rows):
        notes.append(
            "  Scales differ: compare throughput, not seconds; it grows with the scale, so ≈ is a projection that a "
            "run at full scale replaces."
        )
    if any(row.result.here and row.usd is None for row in rows):
        notes.append(f"  {_BLANK}: this machine is no EC2 instance with a known price.")
    return notes
