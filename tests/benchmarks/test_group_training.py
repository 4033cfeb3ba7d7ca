"""Training on a group: how rows are dealt out, and a whole run on two machines of embedded AWS."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("numpy", reason="the benchmarks need the extra [bench]")

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.training_group import partitions
from tests.aws.tenant import needs_a_launch

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = ("cryptography", "dask", "distributed", "lightgbm", "moto", "pandas", "sklearn")


@given(st.lists(st.integers(0, 6), min_size=7, max_size=60), st.integers(1, 5))
def test_every_part_holds_every_class(labels: list[int], parts: int) -> None:
    """And all together weigh as much, class by class, as the rows that they are dealt of."""
    y = np.array([*range(7), *labels], dtype=np.int32)
    dealt = partitions(y, parts)
    assert len(dealt) == parts
    weights = np.zeros(7)
    for part in dealt:
        assert set(y[part.rows]) == set(range(7))
        assert len(set(part.rows)) == len(part.rows)
        np.add.at(weights, y[part.rows], part.weights)
    assert weights == pytest.approx(np.bincount(y))
    assert set(np.concatenate([part.rows for part in dealt])) == set(range(len(y)))


@given(st.lists(st.integers(0, 3), min_size=40, max_size=60), st.integers(1, 4))
def test_parts_are_as_large_as_each_other(labels: list[int], parts: int) -> None:
    """Up to a row a class."""
    y = np.array([*range(4), *labels], dtype=np.int32)
    sizes = [len(part.rows) for part in partitions(y, parts)]
    assert max(sizes) - min(sizes) <= 4


@needs_a_launch
def test_two_machines_train_as_good_a_model_as_one(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Log loss within 1 % of one process's at the same settings, all 401 classes, by two processes and TLS."""
    from tests.acceptance.test_suite import suite

    absent = [name for name in NEEDED if find_spec(name) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}; the extra [group]")
    words = ("benchmarks/test_train_group.py", "-k", "x2", "--scale=3000", "--aws", "--aws-target=embedded")
    storage = f"--benchmark-storage={tmp_path}"
    done = suite(request.config.rootpath, *words, storage, "--aws-time-limit=20m", "--benchmark-only")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 instances of this run are alive" in done.stdout
    (path,) = tmp_path.rglob("*.json")
    (bench,) = json.loads(path.read_text())["benchmarks"]
    extra = bench["extra_info"]
    assert (extra["workers"], extra["classes"], extra["count"]) == (2, 401, 2)
    assert extra["validation_log_loss"] == pytest.approx(extra["one_process_log_loss"], rel=0.01)
    assert extra["row_trees_per_second"] > 0
