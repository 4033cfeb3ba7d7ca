"""A run as it goes: a line for each job, redrawn on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from pytest_benchmark_aws.core.values.durations import format_duration
from pytest_benchmark_aws.core.values.plain_json import shortened
from pytest_benchmark_aws.report.text import aligned, printable

_WIDTH = 100
_LEFT_OUT = re.compile(r"\[\.\.\. ([\d,]{1,30}) lines are left out \.\.\.\]\n", re.ASCII)
"""What a guest writes before the end of a long log."""
_OVERLAP, _LOG_WIDTH = 200, 1_000
"""Characters by which the end of a log is found again, and of its lines that are shown."""
_PHASE_WIDTH, _DURATION_WIDTH = len("shutting-down"), len("59 min 59 s")
"""Of the longest, so that the lines of different times are in the same columns."""


@dataclass(slots=True)
class Progress:
    """How far a job is, for whoever watches."""

    name: str
    phase: str = "waiting"
    detail: str = ""
    seconds: float = 0.0
    spent_usd: Decimal = Decimal(0)
    log: str = ""


class Terminal(Protocol):
    """What of pytest's terminal reporter is used."""

    def write_line(self, line: str, **markup: bool) -> None: ...  # noqa: D102
    def write(self, content: str, *, flush: bool = False, **markup: bool) -> None: ...  # noqa: D102


class ProgressView:
    """Shows progress; ``stream_logs`` shows the guests' logs too, each line with its job's name."""

    def __init__(self, terminal: Terminal, *, live: bool, stream_logs: bool) -> None:
        self._terminal, self._live, self._stream = terminal, live, stream_logs
        self._drawn = 0
        self._phases: dict[str, tuple[str, str]] = {}
        self._logged: dict[str, str] = {}

    def show(self, jobs: Sequence[Progress]) -> None:
        """The state of all jobs now."""
        self._erase()
        if self._stream:
            for job in jobs:
                self._show_log(job)
        if self._live:
            lines = [*_lines(jobs), f"  spent so far ≈ {sum((job.spent_usd for job in jobs), Decimal(0)):.4f} USD"]
            for line in lines:
                self._terminal.write_line(line[:_WIDTH])
            self._drawn = len(lines)
            return
        for job, line in zip(jobs, _lines(jobs), strict=True):
            change = job.phase, job.detail if job.phase in {"waiting", "failed", "done"} else ""
            if self._phases.get(job.name) != change:
                self._phases[job.name] = change
                self._terminal.write_line(line)

    def above(self, line: str, **markup: bool) -> None:
        """Writes a line that stays; the jobs' lines are drawn below it at the next look."""
        self._erase()
        self._terminal.write_line(line, **markup)

    def _erase(self) -> None:
        if self._drawn:
            self._terminal.write(f"\x1b[{self._drawn}F\x1b[J", flush=True)
            self._drawn = 0

    def _show_log(self, job: Progress) -> None:
        before, now = self._logged.get(job.name, ""), job.log
        start = len(before) if now.startswith(before) else 0
        if start == 0 and before:  # of a long log a guest sends the end
            seen = _LEFT_OUT.sub("", before[-_OVERLAP:], count=1)
            start = now.rfind(seen) + len(seen) if seen in now else self._skip_gap(job)
        whole, _, _ = now[start:].rpartition("\n")
        if not whole:
            return
        self._logged[job.name] = f"{now[:start]}{whole}\n"
        for line in whole.split("\n"):
            self._terminal.write_line(f"  {job.name} | {printable(shortened(line.rstrip(), _LOG_WIDTH))}")

    def _skip_gap(self, job: Progress) -> int:
        """Where the rest of a log begins that grew by more than a guest sends, having said how much is missing."""
        before, now = _LEFT_OUT.match(self._logged[job.name]), _LEFT_OUT.match(job.log)
        if now is None:
            return 0  # another launch's
        shown = self._logged[job.name][before.end() if before else 0 :].count("\n")
        missing = _number(now) - (_number(before) if before else 0) - shown
        if missing > 0:
            self._terminal.write_line(f"  {job.name} | [... {missing:,} lines are left out ...]")
        ends = [now.end(), *(match.end() for match in re.compile("\n").finditer(job.log, now.end()))]
        return ends[max(0, -missing)] if -missing < len(ends) else 0


def _number(left_out: re.Match[str]) -> int:
    return int(left_out[1].replace(",", ""))


def _lines(jobs: Sequence[Progress]) -> list[str]:
    rows = [
        (
            f"{_glyph(job)} {job.name}",
            printable(job.phase).ljust(_PHASE_WIDTH),
            format_duration(job.seconds).rjust(_DURATION_WIDTH),
            f"{job.spent_usd:.4f} USD",
            printable(job.detail),
        )
        for job in jobs
    ]
    return aligned(rows, left=(0, 1, 4)) if rows else []


def _glyph(job: Progress) -> str:
    """A tick only where every test passed."""
    if job.phase not in {"done", "failed"}:
        return "▸"
    return "✓" if (job.phase, job.detail) == ("done", "passed") else "✗"
