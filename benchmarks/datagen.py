"""Made-up data for the benchmarks: seeded, the same bytes on every machine, for every number of workers.

Chunks of 16,384 rows each have an SFC64 generator of their own, so a prefix of rows never changes when there are more.
Only raw 64-bit integers are drawn, and only single IEEE operations in a fixed order are made of them: no libm, no BLAS,
no ``Generator`` distributions, no reductions, all of which may differ between NumPy versions and machines.

Features: 12 numeric ones that tell of the class, 6 of low cardinality that do, 4 redundant (sums of numeric ones) and
8 of noise. Classes are Zipf-Mandelbrot, 1 / (rank + 10), and 5 % of labels are drawn anew.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmarks.workload import CLASSES, FEATURES, cpu_count

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Partition = Literal["train", "validation"]
GENERATOR_VERSION = 1
"""Part of the cache's key: raised whenever the bytes change."""
CHUNK_ROWS = 16_384
_FIRST_CHUNK: dict[Partition, int] = {"train": 0, "validation": 2**20}
_NUMERIC, _REDUNDANT, _NOISE = 12, 4, 8
_CARDINALITIES = (2, 4, 8, 16, 32, 64)
_LABEL_BITS = 16
_NOISE_SHARE = 3_277
"""Of 65,536 labels, those that are drawn anew: 5 %."""
_TELLING_SHARE = 45_875
"""Of 65,536 low-cardinality values, those that tell of the class: 70 %."""
_SPREAD = np.float32(1 / 37_837.2)
"""The sum of four 16-bit numbers has the standard deviation sqrt(4 * (2**32 - 1) / 12) = 37,837.2."""
_WITHIN = np.float32(0.55)
"""Standard deviation of a numeric feature within a class; between classes it is 1."""
_POOL_ROWS = 500_000
"""Fewer rows are made sooner than a process starts."""


def fill(
    x: NDArray[np.float32],
    y: NDArray[np.int32],
    partition: Partition,
    *,
    seed: int = 0,
    classes: int = CLASSES,
    first_chunk: int = 0,
) -> None:
    """Fills ``x`` (rows, 30) and ``y`` (rows,) in place with the rows from ``first_chunk`` x 16,384 on.

    Scratch memory is one chunk's, some 6 MB.

    Raises:
        ValueError: shapes do not match, or there are more classes than 16 bits tell apart well.
    """
    if x.shape != (len(y), FEATURES) or not 2 <= classes <= 4_096:
        raise ValueError(f"x {x.shape}, y {y.shape}, {classes} classes: x needs (rows, {FEATURES}), classes 2 to 4,096")
    for number, start in enumerate(range(0, len(y), CHUNK_ROWS), first_chunk):
        stop = min(start + CHUNK_ROWS, len(y))
        _fill_chunk(x[start:stop], y[start:stop], partition, seed, classes, number)


def generate(
    folder: Path,
    rows: int,
    validation_rows: int,
    *,
    seed: int = 0,
    classes: int = CLASSES,
    workers: int | None = None,
) -> None:
    """Writes ``x_train.npy``, ``y_train.npy``, ``x_val.npy`` and ``y_val.npy``, each filled in place, in parallel.

    Workers are processes that map the same files; they are spawned, as forking a process that runs OpenMP hangs it.
    """
    sizes: dict[Partition, int] = {"train": rows, "validation": validation_rows}
    for partition, size in sizes.items():
        x, y = _paths(folder, partition)
        np.lib.format.open_memmap(x, "w+", np.dtype(np.float32), (size, FEATURES))
        np.lib.format.open_memmap(y, "w+", np.dtype(np.int32), (size,))
    workers = workers or cpu_count()
    # Some eight tasks a worker, so that a slow one does not hold up the rest.
    step = max(1, -(-(rows + validation_rows) // (CHUNK_ROWS * 8 * workers)))
    tasks = [
        (folder, partition, seed, classes, first, first + step)
        for partition, size in sizes.items()
        for first in range(0, -(-size // CHUNK_ROWS), step)
    ]
    if workers == 1 or rows + validation_rows < _POOL_ROWS:
        for task in tasks:
            _fill_file(*task)
        return
    from multiprocessing import get_context

    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(_fill_file, *task) for task in tasks]:
            done.result()


def _paths(folder: Path, partition: Partition) -> tuple[Path, Path]:
    name = "train" if partition == "train" else "val"
    return folder / f"x_{name}.npy", folder / f"y_{name}.npy"


def _fill_file(folder: Path, partition: Partition, seed: int, classes: int, first: int, stop: int) -> None:
    x_path, y_path = _paths(folder, partition)
    x, y = np.load(x_path, mmap_mode="r+"), np.load(y_path, mmap_mode="r+")
    rows = slice(first * CHUNK_ROWS, min(stop * CHUNK_ROWS, len(y)))
    fill(x[rows], y[rows], partition, seed=seed, classes=classes, first_chunk=first)


def _fill_chunk(
    x: NDArray[np.float32], y: NDArray[np.int32], partition: Partition, seed: int, classes: int, number: int
) -> None:
    rows = len(y)
    sequence = np.random.SeedSequence(seed, spawn_key=(1, _FIRST_CHUNK[partition] + number))
    source = np.random.SFC64(sequence)

    def draw() -> NDArray[np.uint64]:
        """One number for each row of a whole chunk, so that a row's draws do not depend on how many rows there are."""
        words: NDArray[np.uint64] = source.random_raw(CHUNK_ROWS)
        return words[:rows]

    labels = _label_table(classes)
    centers, codes = _class_tables(seed, classes)
    # Three 16-bit fields of one draw: the class, whether its label is drawn anew, and that label.
    bits = np.ascontiguousarray(draw()).astype("<u8", copy=False).view("<u2").reshape(rows, 4)
    true = labels[bits[:, 0]]
    if number == 0:
        every = min(classes, rows)
        true[:every] = np.arange(every)
    y[:] = np.where(bits[:, 1] < _NOISE_SHARE, labels[bits[:, 2]], true)
    if number == 0:
        y[:every] = true[:every]
    for feature in range(_NUMERIC):
        value = _normal(draw())
        value *= _WITHIN
        value += centers[feature][true]
        x[:, feature] = value
    at = _NUMERIC
    for feature, cardinality in enumerate(_CARDINALITIES):
        bits = np.ascontiguousarray(draw()).astype("<u8", copy=False).view("<u2").reshape(rows, 4)
        x[:, at + feature] = np.where(bits[:, 0] < _TELLING_SHARE, codes[feature][true], bits[:, 1] % cardinality)
    at += len(_CARDINALITIES)
    for feature in range(_REDUNDANT):
        total = x[:, 3 * feature] + x[:, 3 * feature + 1]
        total -= x[:, 3 * feature + 2]
        x[:, at + feature] = total
    at += _REDUNDANT
    for feature in range(_NOISE):
        x[:, at + feature] = _normal(draw())


def _normal(words: NDArray[np.uint64]) -> NDArray[np.float32]:
    """Nearly normal numbers, mean 0, deviation 1: the sum of a word's four 16-bit fields, exact until scaled."""
    mask = np.uint64(0x0000_FFFF_0000_FFFF)
    pairs = words & mask
    pairs += (words >> np.uint64(16)) & mask
    pairs += pairs >> np.uint64(32)
    total = pairs.astype(np.uint32).astype(np.int32)
    total -= 131_070
    values = total.astype(np.float32)
    values *= _SPREAD
    return values


@lru_cache(maxsize=4)
def _label_table(classes: int) -> NDArray[np.int32]:
    """The class of each 16-bit number: class r has a share of 1 / (r + 10), rounded by exact fractions."""
    shares = [Fraction(1, rank + 10) for rank in range(classes)]
    total, size = sum(shares, Fraction(0)), 2**_LABEL_BITS
    table = np.empty(size, np.int32)
    running, start = Fraction(0), 0
    for rank, share in enumerate(shares):
        running += share
        stop = int(running * size / total)
        table[start:stop] = rank
        start = stop
    return table


@lru_cache(maxsize=4)
def _class_tables(seed: int, classes: int) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Each class's centre in each numeric feature, and its usual value in each low-cardinality one."""
    source = np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(0,)))
    centers = [_normal(source.random_raw(classes)) for _ in range(_NUMERIC)]
    codes = [(source.random_raw(classes) % np.uint64(size)).astype(np.float32) for size in _CARDINALITIES]
    return centers, codes
