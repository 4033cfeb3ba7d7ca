"""Folders of this machine that the plugin keeps things in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytest_benchmark_aws.core.errors import PlanError


def cache_folder() -> Path:
    """``$PYTEST_BENCHMARK_AWS_CACHE``, else ``pytest-benchmark-aws`` in the user's cache folder."""
    chosen = os.environ.get("PYTEST_BENCHMARK_AWS_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pytest-benchmark-aws"


def own_folder(path: Path, of: str = "what is run") -> Path:
    """A folder of the cache, made where it is missing, that this user alone may look into and write.

    What is run comes from there: wheels, the bundles of runs that go on; and what results are compared with.

    Raises:
        PlanError: it is another user's, or cannot be made or written.
    """
    remedy = "set PYTEST_BENCHMARK_AWS_CACHE to a folder of your own, with room"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = path.stat()
        if status.st_uid != os.geteuid():
            raise PlanError(f"{path} is another user's (id {status.st_uid}), who could change {of}: {remedy}")
        if status.st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise PlanError(f"{path} cannot be made or written ({error.strerror or error}): {remedy}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise PlanError(f"{path} cannot be written: {remedy}")
    return path


@contextmanager
def keeping(path: Path) -> Iterator[None]:
    """A context in which something is written below a folder of the cache.

    Raises:
        PlanError: it cannot be written, as where the disk is full.
    """
    try:
        yield
    except OSError as error:
        what = f"{error.filename or path} cannot be written ({error.strerror or error})"
        raise PlanError(f"{what}: set PYTEST_BENCHMARK_AWS_CACHE to a folder of your own, with room") from error


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
