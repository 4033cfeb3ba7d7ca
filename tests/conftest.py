"""Runs pytest itself, with the plugin of this checkout and nothing else of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def root() -> Path:
    """The repository's top level."""
    return ROOT
