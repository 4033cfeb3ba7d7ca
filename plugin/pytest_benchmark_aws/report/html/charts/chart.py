"""A chart, and the sentences that stand beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_benchmark_aws.report.text import printable

EMBEDDED = "hollow: embedded AWS, not the instance types' times"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, ready to be drawn."""

    kind: str
    """As in ``time-money``; a part of file names."""
    title: str
    about: str
    """The test that it is of, harmless to print."""
    alt: str
    """What it shows, in words."""
    note: str
    """What was left out or stands for something else; empty where all is there."""
    spec: dict[str, Any]


def named(test: str, scale: str | None) -> str:
    """A test and its scale, harmless to print."""
    return printable(test if scale is None else f"{test}, {scale}")


def left_out(what: str, shown: int, total: int, which: str = "") -> str:
    """As in ``24 of 30 machines, the newest``; empty where all are shown."""
    return f"{shown:,} of {total:,} {what}{f', the {which}' if which else ''}" if shown < total else ""


def joined(*parts: str) -> str:
    """A note of the parts that are not empty."""
    return "; ".join(part for part in parts if part)


def sentence(*parts: str) -> str:
    """A sentence of the parts that are not empty, cut off where it is too long to be listened to."""
    text = printable(": ".join(part for part in parts if part))
    return (text if len(text) <= 700 else text[:700] + " …") + "."
