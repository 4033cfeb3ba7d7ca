"""The comparison as tables for a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_benchmark_aws.report.columns import titled
from pytest_benchmark_aws.report.text import aligned, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark_aws.report.columns import Section
    from pytest_benchmark_aws.report.formats.view import View

_BOLD, _CYAN, _YELLOW, _RED, _GREEN, _OFF = "\x1b[1m", "\x1b[36m", "\x1b[33m", "\x1b[31m", "\x1b[32m", "\x1b[0m"


def render(view: View, *, colour: bool, columns: int | None = None) -> str:
    """The tables, the answers, the gate and the notes; every colour has a glyph beside it.

    ``columns`` is the terminal's width; None where there is none.
    """

    def painted(line: str, paint: str) -> str:
        return f"{paint}{line}{_OFF}" if colour and paint else line

    lines: list[str] = []
    for section in view.sections:
        lines += ["", painted(printable(section.title), _BOLD)]
        table, chosen = _table(view, section)
        width = min(max(map(len, table)), columns or sys.maxsize)  # a ruler that wraps rules nothing
        lines += [table[0], "─" * width]
        lines += [painted(line, _CYAN if best else "") for line, best in zip(table[1:], chosen, strict=True)]
        cases = dict.fromkeys(row.case for row in section.rows)
        lines += [painted(f"  → {printable(line)}", _CYAN) for case in cases for line in view.answers.get(case, ())]
    lines.append("")
    for line in view.gate:
        glyph = line.strip()[:1]
        lines.append(painted(printable(line), {"✗": _RED, "✓": _GREEN, "?": _YELLOW}.get(glyph, "")))
    lines += [f"  {printable(note)}" for note in view.notes]
    return "\n".join(lines).strip("\n") + "\n"


def _table(view: View, section: Section) -> tuple[list[str], list[bool]]:
    """The header and the rows, and which of the rows are chosen."""
    header = tuple(titled(column, printable(section.unit), view.how) for column in view.columns)
    cells = [tuple(printable(column.shown(row)) for column in view.columns) for row in section.rows]
    left = {place for place, column in enumerate(view.columns) if column.left}
    chosen = [bool(set(row.choice) & {"fastest", "cheapest"}) for row in section.rows]
    marks = [" ", *("▸" if best else " " for best in chosen)]
    lines = [f"{mark} {line}" for mark, line in zip(marks, aligned([header, *cells], left=left), strict=True)]
    return lines, chosen


def warnings(view: View, *, colour: bool) -> Iterator[str]:
    """A line for each file that was refused."""
    for line in view.refused:
        yield f"{_YELLOW}! left out: {line}{_OFF}" if colour else f"! left out: {line}"
