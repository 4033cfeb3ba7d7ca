"""The generator: the same bytes whatever the machine, the workers and the number of rows."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.datagen import CHUNK_ROWS, FEATURES, Partition, fill, generate

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Arrays = tuple["NDArray[np.float32]", "NDArray[np.int32]"]
PINNED = "ca32c994a61f0bd8c08e5dbf5cca8d99954431f2c069b6ad82ca45a8b0a17185"
PARTITIONS = st.sampled_from(["train", "validation"])
ROWS = st.integers(1, 3 * CHUNK_ROWS)


def make(rows: int, partition: Partition = "train", seed: int = 0, classes: int = 401) -> Arrays:
    x, y = np.empty((rows, FEATURES), np.float32), np.empty(rows, np.int32)
    fill(x, y, partition, seed=seed, classes=classes)
    return x, y


@settings(deadline=None, max_examples=20)
@given(ROWS, ROWS, PARTITIONS)
def test_a_prefix_does_not_change_when_rows_grow(first: int, second: int, partition: Partition) -> None:
    """The first rows are the same however many there are."""
    fewer, more = sorted((first, second))
    (x_few, y_few), (x_more, y_more) = make(fewer, partition), make(more, partition)
    np.testing.assert_array_equal(x_few, x_more[:fewer])
    np.testing.assert_array_equal(y_few, y_more[:fewer])


@settings(deadline=None, max_examples=15)
@given(ROWS, st.integers(1, 3), st.integers(0, 2**32))
def test_any_division_into_tasks_gives_the_same_rows(rows: int, step: int, seed: int) -> None:
    """Chunks filled apart, in reverse, are the same as all at once: workers do not matter."""
    x, y = make(rows, seed=seed)
    x_parts, y_parts = np.empty_like(x), np.empty_like(y)
    for first in reversed(range(0, -(-rows // CHUNK_ROWS), step)):
        part = slice(first * CHUNK_ROWS, min((first + step) * CHUNK_ROWS, rows))
        fill(x_parts[part], y_parts[part], "train", seed=seed, first_chunk=first)
    np.testing.assert_array_equal(x, x_parts)
    np.testing.assert_array_equal(y, y_parts)


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 4096), st.integers(1, 20_000), PARTITIONS)
def test_labels_are_classes(classes: int, rows: int, partition: Partition) -> None:
    """Every label is in range, every feature finite, and the first rows hold each class once."""
    x, y = make(rows, partition, classes=classes)
    assert y.min() >= 0
    assert y.max() < classes
    assert np.isfinite(x).all()
    every = min(classes, rows)
    np.testing.assert_array_equal(y[:every], np.arange(every))


def test_the_bytes_are_these() -> None:
    """The same bytes on every machine and every NumPy: a change raises GENERATOR_VERSION."""
    x, y = make(20_000)
    assert hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest() == PINNED


def test_partitions_and_seeds_differ() -> None:
    """Validation rows are not training rows, and another seed gives other data."""
    (x, _), (validation, _), (seeded, _) = make(1000), make(1000, "validation"), make(1000, seed=1)
    assert not np.array_equal(x, validation)
    assert not np.array_equal(x, seeded)


def test_classes_are_skewed_as_zipf_mandelbrot() -> None:
    """Class r comes in proportion to 1 / (r + 10), within sampling error, the label noise included."""
    rows = 20 * CHUNK_ROWS
    counts = np.bincount(make(rows)[1], minlength=401)
    shares = np.array([1 / (rank + 10) for rank in range(401)])
    expected = rows * shares / shares.sum()
    assert np.abs(counts - expected).max() < 6 * math.sqrt(expected.max())
    assert counts[0] > 25 * counts[400] > 0


def test_workers_write_the_same_files(tmp_path: Path) -> None:
    """Two processes and one leave the same files."""
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        generate(folder, 430_000, 80_000, workers=workers)
    for name in ("x_train", "y_train", "x_val", "y_val"):
        one, two = ((tmp_path / str(workers) / f"{name}.npy").read_bytes() for workers in (1, 2))
        assert hashlib.sha256(one).digest() == hashlib.sha256(two).digest()


def test_wrong_shapes_are_refused() -> None:
    """Arrays that do not belong together are refused before anything is written."""
    with pytest.raises(ValueError, match=r"\(3, 29\)"):
        fill(np.empty((3, 29), np.float32), np.empty(3, np.int32), "train")
