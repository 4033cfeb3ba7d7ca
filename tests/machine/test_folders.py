"""Where the plugin keeps things on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_benchmark_aws.machine import folders

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The plugin's own variable comes before XDG's, which comes before the home folder."""
    monkeypatch.setenv("PYTEST_BENCHMARK_AWS_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert folders.cache_folder() == tmp_path / "own"
    monkeypatch.delenv("PYTEST_BENCHMARK_AWS_CACHE")
    assert folders.cache_folder() == tmp_path / "xdg" / "pytest-benchmark-aws"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert folders.cache_folder() == tmp_path / "home" / ".cache" / "pytest-benchmark-aws"
