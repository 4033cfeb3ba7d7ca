"""How much work: the published shape, the scaled ones, threads, and the memory each needs.

Scaling changes rows alone; the features, classes and boosting rounds are the published experiment's, and the
validation set keeps its published proportion.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

PUBLISHED_ROWS = 13_788_428
PUBLISHED_VALIDATION_ROWS = 2_433_253
FEATURES = 30
CLASSES = 401
BOOSTING_ROUNDS = 4
SCALES = {"smoke": 5_000, "laptop": 50_000, "full": PUBLISHED_ROWS}
DEFAULT_SCALE = "laptop"
THREADS = ("1", "socket", "cores", "vcpus")
"""One thread, one for each physical core of one socket, pinned there, one for each physical core, one for each vCPU;
named, so that a test's id is the same everywhere."""

_ROWS = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?([kM]?)")
_FACTORS = {"": 1, "k": 10**3, "M": 10**6}

PROCESS_BYTES = 160 * 2**20
"""Interpreter, pytest, NumPy, LightGBM with SciPy, and the trees and histograms: what small runs show, see
``tests/benchmarks/test_memory_model.py``."""
THREAD_BYTES = 64 * 2**10
"""Growth a thread, measured from 1 to 64 threads at 5,000 rows: 30 KiB."""
BINNED_BYTES_PER_ROW_AND_FEATURE = 1
BOOKKEEPING_BYTES_PER_ROW = 26
"""Labels and row indices, measured at most."""


class ScaleError(ValueError):
    """A scale is neither a name nor a number of rows that can be trained on."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The shape of one run."""

    name: str
    rows: int
    validation_rows: int
    features: int = FEATURES
    classes: int = CLASSES
    boosting_rounds: int = BOOSTING_ROUNDS
    itemsize: int = 4
    """Bytes of one feature's value."""

    @property
    def row_trees(self) -> int:
        """Units of work in one training: rows x rounds x classes, as LightGBM grows one tree a class a round."""
        return self.rows * self.boosting_rounds * self.classes

    @property
    def timed_rounds(self) -> int:
        """How often a benchmark repeats; where a round takes minutes, once."""
        return 3 if self.rows <= 100_000 else 1


_own_data: dict[str, Workload] = {}


def register(workload: Workload) -> None:
    """Makes a workload of the user's own data known by its name."""
    _own_data[workload.name] = workload


def parse_scale(text: str) -> Workload:
    """The workload of ``smoke``, ``laptop``, ``full``, of rows as in ``200000``, ``200k``, ``2.4M``, or of own data.

    Raises:
        ScaleError: neither, or fewer rows than give each class a validation row.
    """
    if text in _own_data:
        return _own_data[text]
    rows = SCALES.get(text)
    if rows is None:
        match = _ROWS.fullmatch(text.replace("_", "").replace(",", ""))
        if match is None:
            names = ", ".join(SCALES)
            raise ScaleError(f"--scale={text}: give {names}, or training rows as in 200000, 200k or 2.4M")
        fraction = match[2] or ""
        rows = int(match[1] + fraction) * _FACTORS[match[3]] // 10 ** len(fraction)
    validation_rows = _validation_rows(rows)
    if validation_rows < CLASSES:
        least = -(-(2 * CLASSES - 1) * PUBLISHED_ROWS // (2 * PUBLISHED_VALIDATION_ROWS))  # rounds up to CLASSES
        raise ScaleError(f"--scale={text}: {rows:,} rows are too few for {CLASSES} classes; give at least {least:,}")
    name = next((name for name, named in SCALES.items() if named == rows), str(rows))
    return Workload(name, rows, validation_rows)


def _validation_rows(rows: int) -> int:
    """Validation rows in the published proportion, 2,433,253 to 13,788,428, rounded to the nearest."""
    return (2 * rows * PUBLISHED_VALIDATION_ROWS + PUBLISHED_ROWS) // (2 * PUBLISHED_ROWS)


def training_bytes(workload: Workload, threads: int) -> int:
    """Peak resident memory of one training, in bytes.

    16·N·K for scores (double) and for gradients and hessians (float), 8·Nv·K for validation scores (LightGBM's
    ``score_updater.hpp`` and ``gbdt.cpp``), the raw arrays and the binned Dataset.
    """
    scores = 16 * workload.rows * workload.classes + 8 * workload.validation_rows * workload.classes
    return scores + dataset_bytes(workload, threads)


def dataset_bytes(workload: Workload, threads: int) -> int:
    """Peak resident memory of constructing the Datasets: the raw arrays, mapped or not, their bins, and labels."""
    values = (workload.rows + workload.validation_rows) * workload.features
    arrays = values * (workload.itemsize + BINNED_BYTES_PER_ROW_AND_FEATURE)
    return arrays + BOOKKEEPING_BYTES_PER_ROW * workload.rows + threads * THREAD_BYTES + PROCESS_BYTES


def training_memory(scale: str, threads: str) -> int:
    """Bytes that a training case needs, for ``requires(memory=...)``."""
    return training_bytes(parse_scale(scale), thread_count(threads))


def gpu_training_memory(scale: str) -> int:
    """Bytes of the machine's own memory that a training on its GPU needs: scores and gradients stay there."""
    return training_bytes(parse_scale(scale), thread_count("vcpus"))


def dataset_memory(scale: str, threads: str) -> int:
    """Bytes that constructing or loading a Dataset needs, for ``requires(memory=...)``."""
    return dataset_bytes(parse_scale(scale), thread_count(threads))


def thread_count(threads: str) -> int:
    """How many threads ``1``, ``socket``, ``cores`` or ``vcpus`` are on this machine."""
    from pytest_benchmark_aws.machine.hardware import read_facts, socket_cpus

    if threads == "1":
        return 1
    facts = read_facts()
    if threads == "socket":
        return min(len(socket_cpus()) or facts.cores, facts.cores)
    return facts.cores if threads == "cores" else facts.vcpus


def distinct_threads() -> list[str]:
    """The names of ``THREADS`` that differ on this machine; of equal ones the last stays, so vcpus always does."""
    seen: dict[int, str] = {}
    for name in reversed(THREADS):
        seen.setdefault(thread_count(name), name)
    return [name for name in THREADS if name in seen.values()]


def cpu_count() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
