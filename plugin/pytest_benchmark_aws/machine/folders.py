"""Folders of this machine that the plugin keeps things in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


def cache_folder() -> Path:
    """``$PYTEST_BENCHMARK_AWS_CACHE``, else ``pytest-benchmark-aws`` in the user's cache folder."""
    chosen = os.environ.get("PYTEST_BENCHMARK_AWS_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pytest-benchmark-aws"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a session keeps and stores things."""

    cache: Path
    """The plugin's own; what is below it can be made again, but for ``runs``."""
    results: Path
    """pytest-benchmark's storage: ``<instance type>/NNNN_name.json`` below it."""

    @property
    def runs(self) -> Path:
        """A folder for each run, named by its id, with its journal and logs."""
        return self.cache / "runs"

    @property
    def wheels(self) -> Path:
        """Archives of wheels, each in a folder named by what was asked for."""
        return self.cache / "wheels"

    def prices(self, *, embedded: bool) -> Path:
        """Prices by instance type; those of embedded AWS are never kept where real ones are."""
        return self.cache / ("prices-embedded" if embedded else "prices")
