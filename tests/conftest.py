"""Runs pytest itself, with the plugin of this checkout and nothing else of the repository."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parents[1]
# A time is measured in benchmarks/, never asserted: how long an example takes says how busy the machine is.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


@pytest.fixture
def root() -> Path:
    """The repository's top level."""
    return ROOT


@pytest.fixture(autouse=True)
def not_under_xdist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pytest that a test starts is a run of its own: in a worker's environment pytest-benchmark would turn off."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
