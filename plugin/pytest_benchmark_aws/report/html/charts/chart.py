"""A chart and what is said beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.compare.tables import Table

EMBEDDED = "hollow: embedded AWS, not the instance types' times"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, ready to be drawn."""

    kind: str
    """Part of file names: ``time-money``."""
    title: str
    about: str
    """The test, harmless to print."""
    alt: str
    """What it shows, in words."""
    note: str
    """What was left out or stands for something else; empty where all is there."""
    spec: dict[str, Any]


def told(table: Table) -> str:
    """A table's test, harmless to print."""
    return told_of(table.case, table.full_scale)


def told_of(test: str, scale: str | None) -> str:
    """A test and its scale, harmless to print."""
    return printable(test if scale is None else f"{test}, {scale}")


def left_out(what: str, shown: int, total: int, which: str = "") -> str:
    """How many are shown, where these are not all."""
    return f"{shown:,} of {total:,} {what}{f', the {which}' if which else ''}" if shown < total else ""


def joined(*parts: str) -> str:
    """A note of those parts that say something."""
    return "; ".join(part for part in parts if part)


def sentence(*parts: str) -> str:
    """What a chart shows, of a length that can be listened to."""
    text = printable(": ".join(part for part in parts if part))
    return (text if len(text) <= 700 else text[:700] + " …") + "."
