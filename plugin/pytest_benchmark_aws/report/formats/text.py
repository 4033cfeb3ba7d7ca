"""The comparison as tables for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Literal

from pytest_benchmark_aws.report.columns import Section, titled
from pytest_benchmark_aws.report.formats.view import View
from pytest_benchmark_aws.report.text import aligned, printable

Paint = Literal["", "bold", "cyan", "yellow", "red", "green"]
"""By the names that pytest's terminal reporter has for them."""
_CODES = {"bold": "\x1b[1m", "cyan": "\x1b[36m", "yellow": "\x1b[33m", "red": "\x1b[31m", "green": "\x1b[32m"}
_OFF = "\x1b[0m"
_JUDGED: dict[str, Paint] = {"✗": "red", "✓": "green", "?": "yellow"}


def render(view: View, *, colour: bool, columns: int | None = None) -> str:
    """The lines as one text; ``columns`` is the terminal's width, None where there is none."""
    lines = [painted(line, paint if colour else "") for line, paint in lines_of(view, columns)]
    return "\n".join(lines).strip("\n") + "\n"


def lines_of(view: View, columns: int | None = None) -> Iterator[tuple[str, Paint]]:
    """The verdict, the tables, the answers, the gate and the notes; every colour has a glyph beside it."""
    if view.verdict:
        yield "", ""
        yield printable(view.verdict[0]), "bold"
    for line in view.verdict[1:]:
        yield printable(line), "cyan" if line.startswith("▸") else ""
    for section in view.sections:
        yield "", ""
        yield printable(section.title), "bold"
        table, accents = _table(view, section)
        yield table[0], ""
        yield "─" * min(max(map(len, table)), columns or sys.maxsize), ""  # a ruler that wraps rules nothing
        for line, accent in zip(table[1:], accents, strict=True):
            yield line, "cyan" if accent else ""
        for case in dict.fromkeys(row.case for row in section.rows):
            for line in view.answers.get(case, ()):
                yield f"  → {printable(line)}", "cyan"
    yield "", ""
    for line in view.gate:
        yield printable(line), _JUDGED.get(line.strip()[:1], "")
    for note in view.notes:
        yield f"  {printable(note)}", "yellow" if note.startswith("!") else ""


def _table(view: View, section: Section) -> tuple[list[str], list[bool]]:
    """The header and the rows, and which of the rows stand out."""
    header = tuple(titled(column, printable(section.unit), view.how) for column in view.columns)
    cells = [tuple(printable(column.shown(row)) for column in view.columns) for row in section.rows]
    left = {place for place, column in enumerate(view.columns) if column.left}
    accents = [row.is_best if view.accent is None else row.machine.name == view.accent for row in section.rows]
    marks = [" ", *("▸" if accent else " " for accent in accents)]
    lines = [f"{mark} {line}" for mark, line in zip(marks, aligned([header, *cells], left=left), strict=True)]
    return lines, accents


def warnings(view: View, *, colour: bool) -> Iterator[str]:
    """A line for each file that was refused."""
    for line in view.refused:
        yield painted(f"! left out: {line}", "yellow" if colour else "")


def painted(line: str, paint: Paint) -> str:
    """The line in its colour."""
    return f"{_CODES[paint]}{line}{_OFF}" if paint else line
