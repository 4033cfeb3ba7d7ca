"""A comparison as it is to be shown, whatever the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_benchmark_aws.report.columns import Column, Section


@dataclass(frozen=True, slots=True)
class View:
    """The sections with their columns, and what is said beside them."""

    sections: Sequence[Section]
    columns: Sequence[Column]
    how: str
    """``median``, ``mean`` or ``min``."""
    notes: Sequence[str]
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Case -> which machine to take within the limits asked for."""
    gate: Sequence[str] = ()
    """How the conditions were judged."""
    refused: Sequence[str] = ()
    """Files that are no results, with the reason."""
    verdict: Sequence[str] = ()
    """A title and lines that stand above the tables: the choice over all tests."""
    accent: str | None = None
    """The name of the machine whose rows stand out; where None, the fastest and the cheapest do."""
