"""Runs pytest itself, with the plugin of this checkout and nothing else of the repository."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
try:
    from hypothesis import HealthCheck, settings
except ImportError:
    pass  # The extra ``bench`` alone is installed: pytest loads this file even where only benchmarks are asked for.
else:
    # How long an example takes says how busy this machine is, and nothing of the code. A gate tries the same examples
    # each time, so that a change fails by what it did; pytest by hand tries others each time, and finds more.
    settings.register_profile(
        "busy",
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize="TOX_ENV_NAME" in os.environ,
    )
    settings.load_profile("busy")


@pytest.fixture
def root() -> Path:
    """The repository's top level."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def own_pytest() -> Iterator[None]:
    """A pytest that a test starts is a run of its own.

    In the environment of a worker of xdist pytest-benchmark would turn off. Half of a start here would be Hypothesis,
    which none of them uses, and each guest would install it.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
            patch.delenv(name, raising=False)
        patch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
        yield
