"""The table of ``pytest -m compiled``: what a compiled model takes to make, whether it agrees, and how fast it is.

It imports no compiler, as every session's end reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.ratios import Ratio, loads, read_ratios, shape_of, threads_of
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.report.text import aligned, few, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.ratios import Ratios

REFERENCE = "lightgbm"
_CASE = re.compile(r"\[.*?-(?P<compiler>[a-z0-9]+)-(?:batch|row)-[a-z0-9]+(?:-(?P<machine>.+))?\]$")
MIB = 2**20


@dataclass(frozen=True, slots=True)
class CompiledResult:
    """One compiler at one number of rows and threads: a cell of the lower half, and its row of the upper."""

    name: str
    version: str
    shape: str
    """Data and machine; a table is of one shape."""
    rows: int
    """Of one call."""
    threads: int
    seconds: float
    """Of one call, by the clock."""
    cpu_seconds: float
    ratios: Ratios
    compile_seconds: float | None
    compile_cpu_seconds: float | None
    compile_peak_bytes: int | None
    size_bytes: int
    load_seconds: float
    grown_bytes: int | None
    largest_difference: float
    equal_classes: float
    is_gpu: bool
    does: str
    load: float | None

    @property
    def column(self) -> str:
        """Where it stands in the lower half."""
        return f"{self.rows:,} row{'s' if self.rows > 1 else ''}, {threads_of(self.threads)}"

    @property
    def is_by_cpu(self) -> bool:
        """Whether its time is of CPU seconds, which other work on the machine moves least, and not by the clock."""
        return self.threads == 1 and not self.is_gpu

    @property
    def faster(self) -> Ratio:
        """How many times as fast as LightGBM: of CPU seconds with one thread, else by the clock."""
        time = self.ratios.cpu if self.is_by_cpu else self.ratios.wall
        if time.low is None or time.high is None:
            return Ratio(1 / time.value, None, None)
        return Ratio(1 / time.value, 1 / time.high, 1 / time.low)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A compiler that was not measured."""

    name: str
    reason: str
    machine: str = ""
    """The instance type, with ``--aws``."""


def read(median: float, extra: Mapping[str, Any]) -> CompiledResult | None:
    """A result from a benchmark's ``extra_info``; None where nothing was timed."""
    ratios = read_ratios(extra)
    if ratios is None:
        return None
    return CompiledResult(
        name=extra["compiler"],
        version=extra["compiler_version"],
        shape=shape_of(extra, threads=False),
        rows=extra["rows_per_call"],
        threads=extra["threads"],
        seconds=median,
        cpu_seconds=extra["cpu_seconds"],
        ratios=ratios,
        compile_seconds=extra["compile_seconds"],
        compile_cpu_seconds=extra["compile_cpu_seconds"],
        compile_peak_bytes=extra["compile_peak_bytes"],
        size_bytes=extra["size_bytes"],
        load_seconds=extra["load_seconds"],
        grown_bytes=extra["grown_bytes"],
        largest_difference=extra["largest_difference"],
        equal_classes=extra["equal_classes"],
        is_gpu=extra["is_gpu"],
        does=extra["compiler_does"],
        load=extra["load_average"],
    )


def left_out(skipped: Iterable[tuple[str, str]]) -> list[LeftOut]:
    """Of skipped cases' ids and reasons: the compilers that were not there, each reason once for each machine."""
    rows = dict[LeftOut, None]()
    for node, reason in skipped:
        case = _CASE.search(node)
        if case is not None and reason.startswith(f"{case['compiler']} "):  # and not of threads or of memory
            rows.setdefault(LeftOut(case["compiler"], reason, case["machine"] or ""))
    return list(rows)


def lines_of(results: Sequence[CompiledResult], missing: Sequence[LeftOut] = ()) -> list[str]:
    """A table for each shape, of two halves; then what was left out."""
    lines: list[str] = []
    for shape in dict.fromkeys(result.shape for result in results):
        same = [result for result in results if result.shape == shape]
        lines += ["", f"compiled: {shape}; {loads([result.load for result in same])}"]
        lines += [*_costs(same), "", *_speeds(same)]
        lines.append(
            "  of one call: CPU seconds with one thread, by the clock with more and on a GPU; times as fast: those of "
            "LightGBM just before and after over these, with the 95 % interval"
        )
        lines += [f"  → {line}" for line in _fastest(same)]
    if missing:
        lines += ["", "compiled: left out"]
        rows = [(f"  {row.name}", row.machine, f"{row.reason}") for row in missing]
        lines += [printable(line) for line in aligned(rows, left=(0, 1, 2))]
    return lines


def _costs(results: Sequence[CompiledResult]) -> list[str]:
    head = (
        "  compiler", "version", "compile s", "of CPU", "compile MiB", "size MiB", "load s", "memory MiB",
        "largest difference", "equal classes", "what it makes",
    )  # fmt: skip
    rows: list[Sequence[str]] = [head]
    for name in dict.fromkeys(result.name for result in results):
        own = [result for result in results if result.name == name]
        first = own[0]
        compiling = (first.compile_seconds, first.compile_cpu_seconds)
        rows.append(
            (
                f"  {name}",
                first.version,
                *("-" if took is None else f"{took:.1f}" for took in compiling),
                _mib([first.compile_peak_bytes], ",.0f"),
                _mib([first.size_bytes], ",.2f"),
                f"{min(result.load_seconds for result in own):.2f}",
                _mib([result.grown_bytes for result in own], ",.0f"),
                f"{max(result.largest_difference for result in own):.1e}",
                f"{min(result.equal_classes for result in own):.2%}",
                first.does,
            )
        )
    return [
        *aligned(rows, left=(0, 1, 10)),
        "  compile MiB: the largest process; memory: the peak that library, model and a prediction of all rows add",
    ]


def _mib(sizes: Sequence[int | None], form: str) -> str:
    there = [size for size in sizes if size is not None]
    return format(max(there) / MIB, form) if there else "-"


def _speeds(results: Sequence[CompiledResult]) -> list[str]:
    columns = list(dict.fromkeys(result.column for result in results))
    rows: list[Sequence[str]] = [("  times as fast", *columns)]
    for name in dict.fromkeys(result.name for result in results):
        cells = {result.column: _cell(result) for result in results if result.name == name}
        rows.append((f"  {name}", *(cells.get(column, "-") for column in columns)))
    return aligned(rows)


def _cell(result: CompiledResult) -> str:
    seconds = result.cpu_seconds if result.is_by_cpu else result.seconds
    return f"{format_seconds(seconds)}: {result.faster.value:.2f} ({result.faster.interval()})"


def _fastest(results: Sequence[CompiledResult]) -> list[str]:
    """For each column the compilers that are surely faster than LightGBM, the fastest first."""
    lines = []
    for column in dict.fromkeys(result.column for result in results):
        there = [result for result in results if result.column == column and result.name != REFERENCE]
        faster = [result for result in there if result.faster.above_one]
        faster.sort(key=lambda result: -result.faster.value)
        named = few([f"{result.name} ({result.faster.value:.2f})" for result in faster], most=9)
        lines.append(f"surely faster than LightGBM at {column}: {named or 'none'}")
    return lines
