"""A world for each test, as the fault table has it."""

from __future__ import annotations

from tests.faults.conftest import no_backoff, world

__all__ = ["no_backoff", "world"]
