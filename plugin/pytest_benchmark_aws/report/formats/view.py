"""A comparison as it is to be shown, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.report.columns import Column, Section


@dataclass(frozen=True, slots=True)
class View:
    """The sections with their columns, and what is said beside them."""

    sections: Sequence[Section]
    columns: Sequence[Column]
    how: str
    """``median``, ``mean`` or ``min``."""
    answers: Mapping[str, Sequence[str]]
    """Case -> which machine to take within the limits asked for."""
    gate: Sequence[str]
    """How the conditions were judged."""
    notes: Sequence[str]
    refused: Sequence[str]
    """Files that are no results, with the reason."""
