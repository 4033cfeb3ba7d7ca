"""Generated data on disk: keyed by what made it, written atomically, mapped when read, bounded in size."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import datagen
from benchmarks.problem import Problem
from benchmarks.workload import CLASSES, FEATURES
from pytest_benchmark_aws.machine.folders import cache_folder

ENVIRONMENT = "PYTEST_BENCHMARK_AWS_CACHE"
LIMIT_BYTES = 4 * 2**30
"""Twice the published size."""
_STALE_S = 24 * 3600
"""A folder that was never finished and is older than this was left by a killed run."""
_SPARE_BYTES = 256 * 2**20
"""Disk that is left for others."""


class DataCacheError(RuntimeError):
    """The data cannot be kept."""


def default_folder() -> Path:
    """The plugin's own cache folder: ``$PYTEST_BENCHMARK_AWS_CACHE``, else one in the user's cache folder."""
    return cache_folder()


def load(
    rows: int,
    validation_rows: int,
    *,
    seed: int = 0,
    classes: int = CLASSES,
    folder: Path | None = None,
    limit_bytes: int = LIMIT_BYTES,
    workers: int | None = None,
) -> Problem:
    """The made-up problem of that shape, read-only and memory-mapped; made and kept where it is not there yet.

    The least recently used others are removed until it fits ``limit_bytes``; one that is larger is kept alone. A
    damaged entry is made anew.

    Raises:
        DataCacheError: the disk has no room, or the folder cannot be written.
    """
    root = folder or default_folder()
    made_by = (datagen.GENERATOR_VERSION, seed, rows, validation_rows, FEATURES, classes)
    entry = root / f"data-{hashlib.sha256(repr(made_by).encode()).hexdigest()[:16]}"
    problem = _read(entry, rows, validation_rows, classes)
    if problem is not None:
        return problem
    size = (rows + validation_rows) * (FEATURES * 4 + 4)
    try:
        root.mkdir(parents=True, exist_ok=True)
        if entry.exists():
            shutil.rmtree(entry)
        _make_room(root, max(0, limit_bytes - size))
        free = shutil.disk_usage(root).free
        if free < size + _SPARE_BYTES:
            raise DataCacheError(
                f"{rows:,} rows take {size / 2**30:.2f} GiB on disk, {root} has {free / 2**30:.2f} GiB free: "
                f"free some, name another folder by {ENVIRONMENT}, or take a smaller --scale"
            )
        new = Path(tempfile.mkdtemp(prefix="new-", dir=root))
        try:
            datagen.generate(new, rows, validation_rows, seed=seed, classes=classes, workers=workers)
            if not entry.exists():  # else another process was first, with the same bytes
                new.rename(entry)
        except OSError:
            if not entry.exists():
                raise
        finally:
            shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise DataCacheError(f"{root}: {error}; name another folder by {ENVIRONMENT}") from error
    problem = _read(entry, rows, validation_rows, classes)
    if problem is None:
        raise DataCacheError(f"{entry}: what was written there cannot be read back; look at the disk")
    return problem


def _read(entry: Path, rows: int, validation_rows: int, classes: int) -> Problem | None:
    """The entry's arrays, or None where one is missing or not of its size."""
    shapes = {
        "x_train": ((rows, FEATURES), np.float32),
        "y_train": ((rows,), np.int32),
        "x_val": ((validation_rows, FEATURES), np.float32),
        "y_val": ((validation_rows,), np.int32),
    }
    arrays = {}
    for name, (shape, dtype) in shapes.items():
        try:
            array = np.load(entry / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        if array.shape != shape or array.dtype != dtype:
            return None
        arrays[name] = array
    os.utime(entry)  # used now: the last to be removed
    return Problem(**arrays, classes=classes)


def _make_room(root: Path, allowed: int) -> None:
    """Removes left-overs, and the least recently used entries until what stays is within ``allowed`` bytes."""
    for left in root.glob("new-*"):
        if time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)
    entries = sorted(root.glob("data-*"), key=lambda path: path.stat().st_mtime)
    sizes = {path: sum(file.stat().st_size for file in path.iterdir()) for path in entries}
    total = sum(sizes.values())
    for path in entries:
        if total <= allowed:
            return
        shutil.rmtree(path, ignore_errors=True)
        total -= sizes[path]
