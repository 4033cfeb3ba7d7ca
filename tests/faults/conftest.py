"""A world for each test, and an AWS client that does not wait between its retries."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.world import World


@pytest.fixture
def world(tmp_path: Path, no_backoff: list[float]) -> Iterator[World]:
    """A fresh embedded AWS with short delays, and a machine that works on it."""
    pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")
    from tests.faults.world import opened

    with opened(tmp_path) as made:
        yield made


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Botocore's own retries happen as always, but at once; the list is what it would have waited."""
    endpoint = pytest.importorskip("botocore.endpoint")
    waits: list[float] = []
    quick = SimpleNamespace(sleep=waits.append, time=time.time, monotonic=time.monotonic)
    monkeypatch.setattr(endpoint, "time", quick)
    return waits
